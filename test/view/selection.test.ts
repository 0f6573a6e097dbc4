/** Everything is one selection: what is pointed at leads to all that belongs to it. */
import test from 'ava';
import { focusOn } from '../../src/view/selection.ts';
import { stepAt, stretchOf } from '../../src/view/stretch.ts';
import { played, scenarios } from '../playing.ts';

const run = async () => played(scenarios('01-partial-static.yaml')[0]!);

test('a step leads to the event with which it begins, though others begin at the same instant', async (t) => {
  const { log, result } = await run();
  for (const { number, line } of result.steps) {
    const { event, step, line: shown } = focusOn(log, result, {}, { kind: 'step', step: number });
    const begins = log.read(event!);
    t.is(begins.kind === 'step' && begins.number, number);
    t.deepEqual([step, shown], [number, line]);
    t.is(stepAt(log, event!), number);
    const there = focusOn(log, result, {}, { kind: 'event', event: event! });
    t.is(there.step, number, 'and its event to the step');
  }
});

test('the stretches of the steps follow one another without a gap, to the end', async (t) => {
  const { log, result } = await run();
  let end = stretchOf(log, 1).from;
  for (const { number } of result.steps) {
    const { from, to } = stretchOf(log, number);
    t.is(from, end);
    end = to;
  }
  t.is(end, log.length);
  t.deepEqual(stretchOf(log, 99), { from: log.length, to: log.length });
  t.is(stepAt(log, 0), 0);
});

test('an expectation, its line and its event lead to each other', async (t) => {
  const { log, result } = await run();
  let checked = 0;
  for (const { number, expectations } of result.steps)
    for (const [index, { line, event }] of expectations.entries()) {
      const focus = focusOn(log, result, {}, { kind: 'expectation', step: number, index });
      t.like(focus, { step: number, expectation: index, line });
      if (event === undefined) continue;
      t.is(focus.event, event);
      const { node } = log.read(event);
      if (node !== 'lab') t.is(focus.device, node);
      const byLine = focusOn(log, result, {}, { kind: 'line', line });
      t.is(byLine.line, line);
      t.is(byLine.step, number);
      checked += 1;
    }
  t.true(checked > 5);
});

test('a device keeps the packet, and gives up the row of another', async (t) => {
  const { log, result } = await run();
  const old = { event: 5, device: 'sql01', row: { table: 'routes', key: 'a' } };
  const focus = focusOn(log, result, old, { kind: 'device', device: 'web01' });
  t.deepEqual(focus, { event: 5, device: 'web01' });
});
