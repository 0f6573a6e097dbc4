/** A log that was written as lines is read back as it was, and nothing else is taken for one. */
import test from 'ava';
import fc from 'fast-check';
import { nodeCrypto } from '../../src/crypto/node.ts';
import { check } from '../../src/scenario/check.ts';
import { play } from '../../src/scenario/play.ts';
import { SimBackend } from '../../src/sim/backend.ts';
import { jsonLines } from '../../src/trace/json-lines.ts';
import { EventLog } from '../../src/trace/log.ts';
import { BadLine, LogReader } from '../../src/trace/read-json-lines.ts';
import { recordedResult } from '../../src/trace/recorded.ts';
import { expectationsOf } from '../../src/trace/result.ts';
import { flagship } from '../support/cli.ts';

const log = new EventLog('full');
const [scenario] = check('01.yaml', () => flagship).cases!;
const { result } = await play(scenario!, new SimBackend({ crypto: nodeCrypto }), log);
const lines = [...jsonLines(log)];

test('every event of a run comes back as it was', (t) => {
  const reader = new LogReader();
  for (const line of lines) reader.take(line);
  t.is(reader.events.length, log.length);
  const kinds = new Set(reader.events.map(({ kind }) => kind));
  t.true(kinds.size > 15);
  for (const [id, event] of reader.events.entries()) t.deepEqual(event, log.read(id));
});

test('verdicts and steps of the result are in the log too', (t) => {
  const recorded = recordedResult([...log.events()], '01.yaml');
  const told = (one: typeof result) =>
    expectationsOf(one).map(({ text, verdict, line, at }) => ({ text, verdict, line, at }));
  t.deepEqual(told(recorded), told(result));
  const steps = (one: typeof result) =>
    one.steps.map(({ number, title, at }) => [number, title, at]);
  t.deepEqual(steps(recorded), steps(result));
});

/** The same line with one thing changed. */
const withField = (line: string, name: string, value: unknown): string =>
  JSON.stringify({ ...JSON.parse(line), [name]: value });

test('an event that could not have been written is refused', (t) => {
  const of = (kind: string): number => lines.findIndex((line) => line.includes(`"kind":"${kind}"`));
  const cases: [number, string, unknown, RegExp][] = [
    [0, 'id', 1, /the id 1, not 0/],
    [5, 'id', 0, /another run begins here/],
    [5, 'at', -1, /nanoseconds are wanted/],
    [5, 'at', 1.5, /nanoseconds are wanted/],
    [of('frame') + 1, 'at', 0, /time goes back/],
    [5, 'node', 7, /a name is wanted/],
    [5, 'cause', 5, /an earlier event is wanted/],
    [5, 'cause', -2, /an earlier event is wanted/],
    [5, 'kind', 'frmae', /no kind of event "frmae"/],
    [5, 'kind', '__proto__', /no kind of event/],
    [of('frame'), 'bytes', 'abc', /"bytes" is "abc"/],
    [of('frame'), 'bytes', 'zz', /"bytes" is "zz"/],
    [of('frame'), 'length', null, /"length" is null/],
    [of('frame'), 'more', 1, /"frame" has no field "more"/],
    [of('flood'), 'to', 'x', /"to" is "x"/],
    [of('drop'), 'reason', 'NO_SUCH', /"reason" is "NO_SUCH"/],
    [of('verdict'), 'verdict', 'good', /"verdict" is "good"/],
    [of('step'), 'title', undefined, /"title" is missing/],
  ];
  for (const [at, name, value, said] of cases) {
    const reader = new LogReader();
    for (const line of lines.slice(0, at)) reader.take(line);
    const error = t.throws(() => reader.take(withField(lines[at]!, name, value)), {
      instanceOf: BadLine,
      message: said,
    });
    t.is(error?.line, at + 1);
  }
});

test('whatever the line, it is read or refused', (t) => {
  const anything = fc.oneof(
    fc.string(),
    fc.json(),
    fc
      .tuple(fc.nat(lines.length - 1), fc.nat(400), fc.string({ maxLength: 4 }))
      .map(([at, cut, put]) => lines[at]!.slice(0, cut) + put + lines[at]!.slice(cut + put.length)),
  );
  const property = fc.property(anything, (line) => {
    try {
      new LogReader().take(line);
    } catch (error) {
      if (!(error instanceof BadLine)) throw error;
    }
  });
  t.notThrows(() => fc.assert(property, { seed: 7, numRuns: 1000 }));
});
