/** The JSON Schema for editors, written by the same shapes that validate. */
import { scenarioShape } from './format.ts';
import { type JsonObject, SchemaWriter } from './json.ts';

/**
 * Draft-07. What a file with `extends` leaves out stands in the file that it extends, so nothing is
 * required there; what the schema cannot know, such as whether a name exists, only `check` knows.
 */
export function scenarioSchema(): JsonObject {
  const to = new SchemaWriter();
  const whole = scenarioShape.schema(to, true);
  const partial = scenarioShape.schema(to, false);
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    title: 'Standin scenario',
    description:
      'A partial site failover to rehearse: who is there, what happens, what must be so.',
    allOf: [partial],
    if: { type: 'object', required: ['extends'] },
    else: whole,
    definitions: to.definitions,
  };
}
