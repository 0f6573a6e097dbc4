import test from 'ava';
import type { RunResult } from '../../src/trace/result.ts';
import { countsOf, overviewOf, stateOf } from '../../src/view/overview.ts';
import { played, scenarios } from '../playing.ts';

const resultOf = async (file: string, place = 0, overlay?: string): Promise<RunResult> =>
  (await played(scenarios(file, overlay)[place]!)).result;

test('failures come first, then what was not checked, then limitations; the cases of a file stand together', async (t) => {
  const passed = await resultOf('07-stale-arp-no-garp.yaml', 1);
  const limit = await resultOf('07-stale-arp-no-garp.yaml', 0);
  const steps = 'steps: [{ expect: [{ ping: web01 -> sql01, fails: any }] }]';
  const failed = await resultOf('01-partial-static.yaml', 0, steps);
  const good = { ...passed, file: 'good.yaml' };
  const brokenOff: RunResult = { ...good, file: 'off.yaml', brokenOff: 'POWERED_OFF' };
  const results = [good, passed, limit, brokenOff, failed];
  t.deepEqual(results.map(stateOf), ['passed', 'passed', 'limit', 'broken-off', 'failed']);
  const rows = overviewOf(results);
  t.deepEqual(
    rows.map(({ cells }) => cells.map(({ run, state }) => `${run} ${state}`)),
    [['4 failed'], ['3 broken-off'], ['2 limit', '1 passed'], ['0 passed']],
  );
  t.regex(rows[0]!.cells[0]!.because, /ping web01 -> sql01/);
  t.is(rows[2]!.cells[0]!.because, 'STALE_ARP');
  t.deepEqual(
    countsOf(results).map(({ state, count }) => `${count} ${state}`),
    ['1 failed', '1 broken-off', '1 limit', '2 passed'],
  );
});

test('a filter keeps what has all its words; the place of a run stays', async (t) => {
  const results = [
    await resultOf('07-stale-arp-no-garp.yaml', 0),
    await resultOf('07-stale-arp-no-garp.yaml', 1),
  ];
  const places = (filter: string): number[] =>
    overviewOf(results, filter).flatMap(({ cells }) => cells.map(({ run }) => run));
  t.deepEqual(places('  '), [0, 1]);
  t.deepEqual(places('Announces=BOTH 07-'), [1]);
  t.deepEqual(places('stale_arp limit'), [0]);
  t.deepEqual(places('nothing of the kind'), []);
});
