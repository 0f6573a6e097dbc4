/**
 * The JSON Schema of what programs read: the document of `--json`, and each line of NDJSON. It says
 * what is always there; fields may be added, and the number `schema` is raised when one goes or
 * changes its meaning.
 */
import { jsonSchemaNumber } from './json.ts';

/** As much of a schema as is written here. */
export type Schema = { readonly [key: string]: unknown };

const ref = (name: string): Schema => ({ $ref: `#/definitions/${name}` });
const text = (description: string): Schema => ({ type: 'string', description });
const whole = (description: string, minimum = 0): Schema => ({
  type: 'integer',
  minimum,
  description,
});
const nanoseconds = (description: string): Schema => whole(`${description}, in nanoseconds`);
const listOf = (items: Schema, description: string): Schema => ({
  type: 'array',
  items,
  description,
});
const oneOf = (words: readonly string[], description: string): Schema => ({
  type: 'string',
  enum: words,
  description,
});
const always = (word: string): Schema => oneOf([word], 'which kind of line this is');

/** Names that end with `?` may be missing. */
function object(description: string, fields: { readonly [name: string]: Schema }): Schema {
  const names = Object.keys(fields);
  const plainName = (name: string): string => name.replace('?', '');
  return {
    type: 'object',
    description,
    required: names.filter((name) => !name.endsWith('?')),
    properties: Object.fromEntries(names.map((name) => [plainName(name), fields[name]])),
  };
}

const schema: Schema = {
  type: 'integer',
  enum: [jsonSchemaNumber],
  description: 'the number of this form',
};
const code: Schema = {
  type: 'string',
  pattern: '^[A-Z][A-Z0-9_]*$',
  description: 'a reason code, as `standin reasons` explains it',
};
const verdict = oneOf(
  ['met', 'broken', 'not-checked'],
  'what was not looked at is not-checked, and has not passed',
);

const tally = object('how many expectations ended how', {
  total: whole('all of them'),
  met: whole('those that are so'),
  broken: whole('those that are not'),
  notChecked: whole('those that were not looked at'),
  reproduced: whole('limitations that showed themselves, among those that are met'),
});

const totals = object('over all runs', {
  runs: whole('how many were played'),
  met: whole('runs that passed'),
  broken: whole('runs that failed'),
  notChecked: whole('runs that did not check everything'),
  expectations: ref('tally'),
  'realNanoseconds?': nanoseconds('how long it took by the real clock'),
});

const place = {
  file: text('a scenario file, as the user named it'),
  line: whole('from 1', 1),
  column: whole('from 1, in UTF-16 units', 1),
};

const change = object('what in the scenario would turn the verdict', {
  text: text('in words of the scenario'),
  ...place,
});

const fault = object('a fault of the scenario that is behind it', {
  text: text('what it is, and where'),
  line: place.line,
});

const also = object('a further cause of a failure', {
  code: ref('code'),
  text: text('in one sentence'),
  'fault?': ref('fault'),
});

const hop = object('one place that a packet came through', {
  where: text('the device'),
  in: text('the port it came in by; empty where it began'),
  out: text('the port it left by; empty where it ended'),
  what: text('what the device decided, and from what'),
  at: nanoseconds('when'),
  'event?': whole('the event in the log'),
  'dropped?': { type: 'boolean', description: 'it ended there, badly' },
});

const expectation = {
  text: text('as in the scenario'),
  line: place.line,
  column: place.column,
  'file?': text('where it stands, if that is a file that the scenario extends'),
  verdict: ref('verdict'),
  detail: text('what was seen; may be empty'),
  at: nanoseconds('when it was decided'),
  'code?': ref('code'),
  'fails?': {
    anyOf: [ref('code'), { type: 'string', enum: ['any'] }],
    description: 'what it had to fail with',
  },
  'hops?': listOf(ref('hop'), 'the way of the deciding packet'),
  'why?': text('what the reason means here'),
  'remedy?': text('what would help'),
  'fault?': ref('fault'),
  'also?': listOf(ref('also'), 'what would still be in the way once that is mended'),
  'change?': ref('change'),
  'healsAt?': nanoseconds('when it would heal by itself'),
  'event?': whole('the event that decided'),
  'probe?': whole('the number under which the log has what was sent for it'),
};

const happening = object('something that a step brought about', {
  kind: oneOf(['note', 'success', 'failed', 'warning'], 'success and failed are of operations'),
  text: text('in words'),
  'code?': ref('code'),
});

const step = {
  number: whole('its position in the file', 1),
  title: text('its name, or what it does'),
  line: place.line,
  at: nanoseconds('when it began'),
  happened: listOf(ref('happening'), 'what it brought about'),
};

const finding = {
  invariant: text('the name that switches it'),
  text: text('one sentence'),
  'code?': ref('code'),
  at: nanoseconds('for the first time'),
  count: whole('how often', 1),
  step: whole('the step in which it was first seen; 0 before the first'),
  events: listOf(whole('an event of the log'), 'those that show it'),
  verdict: oneOf(['broken', 'expected', 'warned'], 'broken: the run has not passed'),
};

const outage = object('how long nobody answered', {
  lostAt: nanoseconds('the last answer before it'),
  'restoredAt?': nanoseconds('the first answer after it; missing: there was none'),
  length: nanoseconds('how long'),
  lost: whole('questions without an answer'),
});

const watched = object('a flow that was pinged all the time', {
  flow: text('as in the scenario'),
  vm: text('the VM that it leads to, or empty'),
  sent: whole('questions'),
  answered: whole('answers'),
  outages: listOf(ref('outage'), 'in order of time'),
});

const attachment = object('a real network that was joined', {
  network: text('of the scenario; empty for strangers'),
  to: text('where it is'),
  in: whole('frames'),
  out: whole('frames'),
  dropped: listOf(
    object('frames that were dropped', { code: ref('code'), count: whole('how many') }),
    'by reason',
  ),
});

const platform = object('the kernels that it was played on', {
  kernel: text('name and version'),
  latest: nanoseconds('how late something happened at worst'),
  'stood?': nanoseconds(
    'for how long the time of the lab stood still in all, because the computer was busy elsewhere',
  ),
});

const identity = {
  file: place.file,
  name: text('of the scenario'),
  about: text('what it is about'),
  case: text('which case of its matrix; empty without one'),
  seed: { type: 'integer', description: 'the seed it was played with' },
};

const outcome = {
  verdict: ref('verdict'),
  expectations: ref('tally'),
  simulatedNanoseconds: nanoseconds('how far the clock of the lab went'),
  'realNanoseconds?': nanoseconds('how long it took by the real clock'),
  events: whole('how many the log has'),
  'watched?': listOf(ref('watched'), 'flows whose outages were measured'),
  'brokenOff?': ref('code'),
  'brokenOffBy?': text('what kept the run from its end'),
  'platform?': ref('platform'),
  'attachments?': listOf(ref('attachment'), 'real networks'),
  'capture?': text('the file with the capture'),
  'comparison?': { type: 'object', description: 'with the other backend' },
};

const obstacle = object('why something was not played', {
  because: text('in words'),
  'check?': { type: 'object', description: 'what is missing here, and what mends it' },
});

const unplayed = {
  file: place.file,
  case: identity.case,
  obstacles: listOf(ref('obstacle'), 'why'),
};

const problem = object('something wrong with a scenario file', {
  code: text('never changes'),
  severity: oneOf(['error', 'warning'], 'errors keep it from being played'),
  message: text('in words'),
  ...place,
});

const run: Schema = { type: 'integer', minimum: 1, description: 'counts the runs of the stream' };

const lines = {
  'run-start': { run, standin: text('the version'), ...identity },
  step: { run, ...step },
  expectation: { run, step: whole('the number of its step', 1), ...expectation },
  finding: { run, ...finding },
  'run-end': { run, ...outcome },
  unplayed,
  end: { standin: text('the version'), totals: ref('totals') },
};

const lineNames = Object.keys(lines) as (keyof typeof lines)[];

const definitionOf = (line: string): string => `line_${line.replaceAll('-', '_')}`;

/** Draft-07. */
export function resultSchema(): Schema {
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    title: 'Results of Standin',
    description:
      'The document of `standin run --json`, also where scenarios are refused, and each line of ' +
      '`standin run --reporter ndjson`.',
    anyOf: [ref('document'), ref('refusal'), ...lineNames.map((name) => ref(definitionOf(name)))],
    definitions: {
      ...Object.fromEntries(
        lineNames.map((name) => [
          definitionOf(name),
          object(`a line of NDJSON: ${name}`, { schema, kind: always(name), ...lines[name] }),
        ]),
      ),
      also,
      attachment,
      change,
      code,
      document: object('all runs in one document', {
        schema,
        standin: text('the version'),
        totals: ref('totals'),
        runs: listOf(ref('run'), 'in the order in which they were played'),
        'unsupported?': listOf(object('a case that was not played', unplayed), 'not played'),
        'lock?': { type: 'object', description: 'how the runs differ from what is locked' },
      }),
      expectation: object('something that the scenario expects', expectation),
      fault,
      finding: object('an invariant was broken', finding),
      happening,
      hop,
      obstacle,
      outage,
      platform,
      problem,
      refusal: object('scenarios that are wrong, so that nothing was played', {
        schema,
        standin: text('the version'),
        files: whole('how many were read'),
        problems: listOf(ref('problem'), 'what is wrong with them'),
      }),
      run: object('one case of one scenario', {
        ...identity,
        ...outcome,
        findings: listOf(ref('finding'), 'what invariants noticed'),
        steps: listOf(
          object('a step', {
            ...step,
            expectations: listOf(ref('expectation'), 'what it expects'),
          }),
          'in order',
        ),
      }),
      tally,
      totals,
      verdict,
      watched,
    },
  };
}
