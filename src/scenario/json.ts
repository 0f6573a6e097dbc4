/** JSON Schema draft-07, as far as the shapes need it. */
export type Json =
  | string
  | number
  | boolean
  | null
  | readonly Json[]
  | { readonly [key: string]: Json };
export type JsonObject = { readonly [key: string]: Json };

/**
 * Collects the definitions of a schema while its shapes are written. Each may come twice: whole,
 * and partial for files with `extends`, where what is missing stands in the file they extend.
 */
export class SchemaWriter {
  readonly #definitions = new Map<string, JsonObject>();

  define(name: string, whole: boolean, write: () => JsonObject): JsonObject {
    const key = whole ? name : `partial_${name}`;
    if (!this.#definitions.has(key)) {
      this.#definitions.set(key, {}); // holds the place while the definition refers to itself
      this.#definitions.set(key, write());
    }
    return { $ref: `#/definitions/${key}` };
  }

  get definitions(): JsonObject {
    return Object.fromEntries([...this.#definitions].sort(([a], [b]) => (a < b ? -1 : 1)));
  }
}

/** Where a value may stand, so may a variable that becomes one: `${lease}`. */
export function orVariable(to: SchemaWriter, schema: JsonObject): JsonObject {
  const variable = to.define('variable', true, () => ({
    type: 'string',
    pattern: '\\$\\{|\\{\\d+\\.\\.\\d+\\}',
    description:
      `A value from the matrix: \${name}, or \${name:-what to use without it}; ` +
      'or one for each name of a range: 10.0.10.{11..20}.',
  }));
  return { anyOf: [schema, variable] };
}

/** A schema with a description; beside `$ref`, draft-07 ignores everything. */
export const described = (schema: JsonObject, description: string): JsonObject =>
  '$ref' in schema ? { allOf: [schema], description } : { ...schema, description };
