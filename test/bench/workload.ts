/** One workload in one process, as one line of JSON: `node dist/test/bench/workload.js w2 --m=200000 --size=64`. */

import { constants, PerformanceObserver } from 'node:perf_hooks';
import type { Frame } from '../../src/base/frame.ts';
import type { Instant } from '../../src/base/time.ts';
import { capture } from '../../src/report/capture.ts';
import type { Port } from '../../src/stack/device.ts';
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
  const log = new EventLog(level);
  let digest = 0x811c9dc5;
  let tapped = 0;
  /** What is asked of every hop, from nothing to a fingerprint over time, port and length. */
  const taps: Record<string, (at: Instant, port: Port, frame: Frame) => void> = {
    count: (_at, _port, frame) => {
      tapped += frame.length;
    },
    digest: (at, port, frame) => {
      let hash = Math.imul(digest ^ (at | 0), 0x01000193);
      hash = Math.imul(hash ^ port.id, 0x01000193);
      digest = Math.imul(hash ^ frame.length, 0x01000193);
    },
  };
  const tap = taps[given['tap'] ?? ''];
  let collections = 0;
  let compactions = 0;
  let collecting = 0;
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) {
      collections += 1;
      collecting += entry.duration;
      if (
        (entry as unknown as { detail: { kind: number } }).detail.kind ===
        constants.NODE_PERFORMANCE_GC_MAJOR
      )
        compactions += 1;
    }
  }).observe({ entryTypes: ['gc'] });
  const options = {
    log,
    ...(tap === undefined ? {} : { tap }),
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
  const captured = given['pcap'] === '1' ? captureOf(log) : 0;
  const run = Number(process.hrtime.bigint() - built) / 1e9;
  await new Promise((done) => setTimeout(done, 5)); // the observer reports late
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
    gc_ms: Number(collecting.toFixed(2)),
    gc_share: Number((collecting / 1000 / run).toFixed(4)),
    collections,
    compactions,
    digest: (digest >>> 0).toString(16),
    ...(tapped > 0 ? { tapped } : {}),
    ...(captured > 0 ? { captured } : {}),
    topoMiB: Number(((heapBuilt - heapBefore) / 2 ** 20).toFixed(2)),
  });
}

function print(result: Record<string, unknown>): void {
  const peakMiB = Number((process.resourceUsage().maxRSS / 1024).toFixed(1));
  console.log(JSON.stringify({ impl: 'standin', ...result, peakMiB, total_s: process.uptime() }));
}

/** Everything at every adapter, as a capture in memory: its length. */
function captureOf(log: EventLog): number {
  const labels = new Set<string>();
  for (const event of log.events(Math.max(0, log.length - 1000))) {
    if (event.kind === 'frame') labels.add(event.from).add(event.to);
  }
  const adapters = [...labels].map((label) => ({ label, description: label, mac: 0 as never }));
  return capture(log, adapters, { application: 'bench' }).bytes.length;
}
