/** One workload in one process, as one line of JSON: `node dist/test/bench/workload.js w2 --m=200000 --size=64`. */

import { linux } from '../../src/stack/profile.ts';
import { EventLog } from '../../src/trace/log.ts';
import { comparable, hold, workloads } from './workloads.ts';

const [name = 'w2', ...words] = process.argv.slice(2);
const given = Object.fromEntries(
  words.map((word) => /^--(\w+)=(.*)$/.exec(word)?.slice(1) as [string, string]),
);
const number = (key: string, otherwise: number): number => Number(given[key] ?? otherwise);

if (name === 'w4') print(hold(number('p', 1000), number('dist', 0), number('events', 3_000_000)));
else {
  const sizes = {
    n: number('n', 100),
    k: number('k', 0),
    m: number('m', 100_000),
    size: number('size', 64),
    b: number('b', 1000),
    gap: number('gap', 0),
  };
  const level = given['log'] === 'decisions' || given['log'] === 'full' ? given['log'] : 'verdicts';
  const options = {
    log: new EventLog(level),
    strict: given['strict'] === '1',
    batching: given['batch'] !== '0',
  };
  const heapBefore = process.memoryUsage().heapUsed;
  const begun = process.hrtime.bigint();
  const workload = workloads[name]!(
    sizes,
    options,
    given['profile'] === 'linux' ? linux : comparable,
  );
  const built = process.hrtime.bigint();
  const heapBuilt = process.memoryUsage().heapUsed;
  workload.simulation.run();
  const run = Number(process.hrtime.bigint() - built) / 1e9;
  const { hops, events } = workload.simulation;
  print({
    w: name.toUpperCase(),
    ...workload.result(),
    events,
    hops,
    build_s: Number(built - begun) / 1e9,
    run_s: run,
    hops_s: Math.round(hops / run),
    events_s: Math.round(events / run),
    ns_hop: Number(((run / hops) * 1e9).toFixed(1)),
    topoMiB: Number(((heapBuilt - heapBefore) / 2 ** 20).toFixed(2)),
  });
}

function print(result: Record<string, unknown>): void {
  const peakMiB = Number((process.resourceUsage().maxRSS / 1024).toFixed(1));
  console.log(JSON.stringify({ impl: 'standin', ...result, peakMiB, total_s: process.uptime() }));
}
