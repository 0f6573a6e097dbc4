/**
 * `npm run bench`: the workloads W1 to W5, a provider with many tenants, a controller's journal, an explanation and a page, one process each, peers in the same round, medians of
 * the per-round ratios. `NS3` names a folder with ns-3's programs for the same workloads (w1 to w4);
 * `PEER` a script that takes the same arguments as ours, such as a naive implementation.
 *
 * Every process prints one line of JSON with `run_s`, `hops_s` or `events_s`, `peakMiB`, `lastRx`.
 * Machines are shared and noisy: only ratios within one run are worth quoting.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

interface Sample {
  readonly run_s: number;
  readonly wall: number;
  readonly hops_s?: number;
  readonly events_s?: number;
  readonly ns_hop?: number;
  readonly peakMiB?: number;
  readonly lastRx?: number;
  readonly gc_share?: number;
  readonly compactions?: number;
  readonly gone_s?: number;
  readonly worst_s?: number;
  readonly again_s?: number;
  readonly cpu_s?: number;
  readonly bytes?: number;
  readonly bytes_event?: number;
  readonly first_s?: number;
  readonly steps_s?: number;
  readonly drags_s?: number;
}
type Contender = readonly [program: string, ...args: string[]];

const rounds = Number(process.env['ROUNDS'] ?? 3);
const only = process.argv[2];
const { NS3, PEER } = process.env;
const node = process.execPath;
const script = join(import.meta.dirname, 'workload.js');
const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[values.length >> 1]!;

const ours = (...args: string[]): Contender => [node, script, ...args];
const ns3 = (workload: string, ...args: string[]): Record<string, Contender> =>
  NS3 !== undefined && existsSync(join(NS3, workload))
    ? { 'ns-3': [join(NS3, workload), ...args] }
    : {};
const peer = (...args: string[]): Record<string, Contender> =>
  PEER === undefined ? {} : { peer: [node, PEER, ...args] };
const both = (workload: string, ...args: string[]): Record<string, Contender> => ({
  standin: ours(workload, ...args),
  ...ns3(workload, ...args),
  ...peer(workload, ...args),
});

function measure(contenders: Record<string, Contender>): Record<string, Sample[]> {
  const samples: Record<string, Sample[]> = {};
  for (let round = 0; round < rounds; round += 1) {
    for (const [name, [program, ...args]] of Object.entries(contenders)) {
      const began = process.hrtime.bigint();
      const { status, stdout, stderr } = spawnSync(program!, args, {
        encoding: 'utf8',
        maxBuffer: 1 << 26,
      });
      const wall = Number(process.hrtime.bigint() - began) / 1e9;
      if (status !== 0 && status !== 1) throw new Error(`${name}: ${stderr}`);
      const last = stdout.trim().split('\n').at(-1) ?? '';
      const result = last.startsWith('{') ? (JSON.parse(last) as Sample) : { run_s: wall };
      if (round === 0 && name === 'standin' && last.startsWith('{')) console.log(last);
      samples[name] ??= [];
      samples[name]!.push({ ...result, wall });
    }
  }
  return samples;
}

/** How many times as long the other takes: the median over the rounds. */
function ratio(
  samples: Record<string, Sample[]>,
  slower: string,
  faster: string,
  of: 'run_s' | 'wall' = 'run_s',
): number | undefined {
  const a = samples[slower];
  const b = samples[faster];
  return a && b ? median(a.map((sample, i) => sample[of] / b[i]![of])) : undefined;
}

const rows: string[] = [];
function row(target: string, what: string, value: number | undefined, wanted: string): void {
  const shown = value === undefined ? 'not measured: no peer' : value.toFixed(2);
  rows.push(`${target.padEnd(4)} ${what.padEnd(58)} ${shown.padStart(10)}   wanted ${wanted}`);
}

const groups: Record<string, () => void> = {
  emulation() {
    const { standin: labs = [] } = measure({
      standin: [node, join(import.meta.dirname, 'emulation.js')],
    });
    row('', 'a lab of 50 namespaces stands after, s', median(labs.map((lab) => lab.run_s)), '<= 2');
    row('', 'and is gone after, s', median(labs.map((lab) => lab.gone_s ?? 0)), '<= 1');
  },
  w2() {
    const small = measure({
      ...both('w2', '--m=2000000'),
      digest: ours('w2', '--m=2000000', '--tap=digest'),
      tap: ours('w2', '--m=2000000', '--tap=count'),
    });
    row('1', 'W2 64 B, times as fast as ns-3', ratio(small, 'ns-3', 'standin'), '>= 30');
    row('1', 'W2 64 B, times as fast as the peer', ratio(small, 'peer', 'standin'), '>= 30');
    row('15', 'W2 with a tap on every hop / without', ratio(small, 'tap', 'standin'), '<= 1.1');
    row(
      '15',
      'W2 with a digest of time, port, length / without',
      ratio(small, 'digest', 'standin'),
      '<= 1.25',
    );
    row(
      '16',
      'W2 share of garbage collection',
      median(small['standin']!.map(({ gc_share }) => gc_share ?? 0)),
      '<= 0.05',
    );
    row(
      '16',
      'W2 mark-compacts in 2 M packets',
      median(small['standin']!.map(({ compactions }) => compactions ?? 0)),
      '0',
    );
    const large = measure({
      ...both('w2', '--m=200000', '--size=1400'),
      strict: ours('w2', '--m=200000', '--size=1400', '--strict=1'),
      small: ours('w2', '--m=200000'),
      log: ours('w2', '--m=200000', '--log=decisions'),
      full: ours('w2', '--m=200000', '--log=full'),
    });
    row('2', 'W2 1400 B, times as fast as ns-3', ratio(large, 'ns-3', 'standin'), '>= 40');
    row('2', 'W2 1400 B strict, times as fast as ns-3', ratio(large, 'ns-3', 'strict'), '>= 20');
    row('2', 'W2 1400 B / 64 B', ratio(large, 'standin', 'small'), '<= 1.5');
    row('15', 'W2 64 B with a record per hop / without', ratio(large, 'log', 'small'), '<= 1.3');
    row(
      '15',
      'W2 64 B with a record and the bytes per hop / without',
      ratio(large, 'full', 'small'),
      '<= 2.2',
    );
  },
  w1() {
    const hundred = measure({ ...both('w1', '--n=100'), empty: [node, '-e', '0'] });
    row('3', 'W1 100 hosts, times as fast as ns-3', ratio(hundred, 'ns-3', 'standin'), '>= 30');
    row('3', 'W1 100 hosts, times as fast as the peer', ratio(hundred, 'peer', 'standin'), '>= 30');
    row(
      '3',
      'W1 100 hosts, whole process / empty Node',
      ratio(hundred, 'standin', 'empty', 'wall'),
      '<= 3',
    );
    const more = measure({ standin: ours('w1', '--n=300'), ...ns3('w1', '--n=300') });
    row('4', 'W1 300 hosts, times as fast as ns-3', ratio(more, 'ns-3', 'standin'), '>= 100');
    row(
      '4',
      'W1 300 hosts, whole process in seconds',
      median(more['standin']!.map(({ wall }) => wall)),
      '< 1',
    );
  },
  w3() {
    const samples = measure({
      standin: ours('w3', '--n=1000', '--b=10000'),
      ...ns3('w3', '--n=1000', '--b=10000'),
      single: ours('w3', '--n=1000', '--b=10000', '--batch=0'),
    });
    row('7', 'W3 1000 ports, times as fast as ns-3', ratio(samples, 'ns-3', 'standin'), '>= 100');
    row(
      '7',
      'W3 1000 ports, ns per copy',
      median(samples['standin']!.map(({ ns_hop }) => ns_hop ?? 0)),
      '<= 15',
    );
    row(
      '7',
      'W3 1000 ports, one event per copy / one per flood',
      ratio(samples, 'single', 'standin'),
      '>= 3',
    );
  },
  w4() {
    for (const pending of ['10', '1000', '100000']) {
      for (const distribution of ['0', '1', '2']) {
        const args = [`--p=${pending}`, `--dist=${distribution}`];
        const samples = measure({ standin: ours('w4', ...args), ...ns3('w4', ...args) });
        const rate = (name: string): number[] | undefined =>
          samples[name]?.map(({ events_s }) => events_s ?? 0);
        const [mine, theirs] = [rate('standin')!, rate('ns-3')];
        const times = theirs && median(mine.map((value, i) => value / theirs[i]!));
        const wanted = pending === '100000' ? '>= 0.8' : '>= 1.0';
        row(
          '8',
          `W4 ${pending} pending, distribution ${distribution}, times as fast as ns-3`,
          times,
          wanted,
        );
      }
    }
  },
  w5() {
    const samples = measure({
      standin: ours('w5', '--n=10000', '--gap=100000'),
      ...ns3('w5', '--n=10000', '--gap=100000'),
    });
    row('', 'W5 10000 hosts, times as fast as ns-3', ratio(samples, 'ns-3', 'standin'), '(60)');
  },
  tenants() {
    const program = join(import.meta.dirname, 'tenants.js');
    const samples = measure({ standin: [node, program], tenth: [node, program, '104', '10'] });
    const all = samples['standin']!;
    row('', '1000 tenants of 10 VMs fail over, seconds', median(all.map((s) => s.run_s)), '');
    row('', 'the same, MiB', median(all.map(({ peakMiB }) => peakMiB ?? 0)), '');
    row('', 'the same / 104 tenants', ratio(samples, 'standin', 'tenth'), '');
  },
  journal() {
    const samples = measure({ standin: [node, join(import.meta.dirname, 'journal.js')] });
    const all = samples['standin']!;
    row(
      'P5',
      'a journal of 100000 records taken up, seconds',
      median(all.map((s) => s.run_s)),
      '<= 2',
    );
  },
  watch() {
    const samples = measure({ standin: [node, join(import.meta.dirname, 'watch.js')] });
    const all = samples['standin']!;
    const slowest = Math.max(...all.map(({ worst_s }) => worst_s ?? 0));
    row(
      '',
      'a saved file of the gallery, to its verdict, s',
      median(all.map((s) => s.run_s)),
      '<= 0.2',
    );
    row('', 'the same, the slowest save, s', slowest, '');
  },
  explain() {
    const samples = measure({ standin: [node, join(import.meta.dirname, 'explain.js')] });
    const all = samples['standin']!;
    row('', 'a flow explained in 1 M events, seconds', median(all.map((s) => s.run_s)), '<= 1');
    row('', 'the same, processor seconds', median(all.map((s) => s.cpu_s ?? 0)), '<= 1');
    row('', 'the next one, seconds', median(all.map((s) => s.again_s ?? 0)), '');
  },
  page() {
    const samples = measure({ standin: [node, join(import.meta.dirname, 'page.js')] });
    const all = samples['standin']!;
    row('', 'a page of 100000 events, MB', median(all.map((s) => s.bytes! / 1e6)), '<= 6');
    row('', 'the same, bytes per event', median(all.map((s) => s.bytes_event!)), '');
    if (all.some((s) => s.first_s === undefined)) return;
    row('', 'the same in Chromium, first picture, s', median(all.map((s) => s.first_s!)), '<= 1.5');
    row('', 'pictures a second, event by event', median(all.map((s) => s.steps_s!)), '>= 50');
    row('', 'pictures a second, time dragged', median(all.map((s) => s.drags_s!)), '>= 50');
  },
  start() {
    const bin = join(import.meta.dirname, '..', '..', 'bin', 'standin.js');
    const file = tenHosts();
    const samples = measure({
      standin: [node, bin, 'run', file, '--pcap', 'off'],
      version: [node, bin, '--version'],
      help: [node, bin, '--help'],
      empty: [node, '-e', '0'],
    });
    row(
      '11',
      'run of 10 hosts and 90 pings / empty Node',
      ratio(samples, 'standin', 'empty', 'wall'),
      '<= 1.5',
    );
    row('11', '--version / empty Node', ratio(samples, 'version', 'empty', 'wall'), '<= 1.2');
    row('11', '--help / empty Node', ratio(samples, 'help', 'empty', 'wall'), '<= 1.2');
  },
};

/** All-pairs ping of ten machines, as a scenario. */
function tenHosts(): string {
  const names = Array.from({ length: 10 }, (_, i) => `h${i}`);
  const vms = names.map(
    (name, i) => `        ${name}: { network: lan, ip: 10.0.0.${i + 1}, os: linux }`,
  );
  const pings = names.flatMap((from) =>
    names.filter((to) => to !== from).map((to) => `      - ping: ${from} -> ${to}`),
  );
  const lines = [
    'name: ten hosts',
    'about: Every machine pings every other. It is there to be timed.',
    'tenant:',
    '  sites:',
    '    hq:',
    '      networks: { lan: { subnet: 10.0.0.0/24 } }',
    '      vms:',
    ...vms,
    'steps:',
    '  - expect:',
    ...pings,
  ];
  mkdirSync('dist/bench', { recursive: true });
  writeFileSync('dist/bench/ten-hosts.yaml', `${lines.join('\n')}\n`);
  return 'dist/bench/ten-hosts.yaml';
}

for (const [name, group] of Object.entries(groups))
  if (only === undefined || only === name) group();
console.log(`\nmedians of ${rounds} rounds${NS3 ? `, ns-3 in ${NS3}` : ', no ns-3 (set NS3)'}`);
console.log(rows.join('\n'));
