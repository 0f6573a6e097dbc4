/**
 * Scenarios played on kernels and in the simulation, and compared. A run that the computer made late is
 * no evidence either way, and is played again by itself.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { missing, needsSandbox, required } from '../needs.ts';

const bin = join(import.meta.dirname, '..', '..', 'bin', 'standin.js');
/** Of files with many cases the first of each stands for the others; `npm run soak` plays them all, five times. */
const all = process.env['STANDIN_SOAK'] !== undefined;
const repetitions = all ? 5 : 1;
/** Most of a run is waiting. */
const labs = all ? 32 : 12;
/** On a computer that has nothing else to do it is less than half of that. */
const tooLate = 100e6;

/** What `npm run soak` plays and this does not. */
const leftOut: Readonly<Record<string, string>> = {
  '11-many-tenants.yaml': 'a hundred machines are late on a small computer',
  '14-clock-step.yaml': 'its clocks go on for seven minutes',
  '15-gateway-failover-and-pool.yaml': 'it takes six minutes',
  '15-gateway-list.yaml': 'it takes seven minutes',
};

interface Run {
  readonly file: string;
  readonly case: string;
  readonly verdict: string;
  readonly platform: { readonly kernel: string; readonly latest: number; readonly stood?: number };
  readonly expectations: { readonly total: number };
  readonly comparison: {
    readonly compared: Record<string, number>;
    readonly differences: readonly { readonly layer: string; readonly legitimate?: string }[];
    readonly first?: object;
  };
  readonly steps: readonly {
    readonly expectations: readonly { text: string; verdict: string; detail: string }[];
  }[];
}

/** Not at once: a test that blocks its process could not say how long it may take. */
async function play(words: readonly string[]): Promise<Run[]> {
  const all = [bin, 'run', ...words, '--backend', 'both', '--json', '--pcap', 'off'];
  const child = spawn(process.execPath, all, { stdio: ['ignore', 'pipe', 'pipe'] });
  let [said, complained] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => (said += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (complained += text));
  await once(child, 'close');
  try {
    return JSON.parse(said).runs as Run[];
  } catch {
    throw new Error(`${words.join(' ')}: ${complained}`);
  }
}

const wasLate = ({ platform: { latest, stood = 0 } }: Run): boolean =>
  latest > tooLate || stood > tooLate;

const hasFailed = ({ verdict, comparison }: Run): boolean =>
  verdict !== 'met' || comparison.differences.some(isVerdict);
const isVerdict = (one: { layer: string; legitimate?: string }): boolean =>
  one.layer === 'verdicts' && one.legitimate === undefined;

function story(run: Run): string {
  const broken = run.steps
    .flatMap(({ expectations }) => expectations)
    .filter(({ verdict }) => verdict !== 'met')
    .map(({ text, detail }) => `  ${text}: ${detail}`);
  const first = JSON.stringify(run.comparison.first, undefined, 1);
  return [
    `${run.file} ${run.case}, ${run.platform.latest / 1e6} ms late, stood still for ${(run.platform.stood ?? 0) / 1e6} ms`,
    ...broken,
    first,
  ].join('\n');
}

test.serial(
  'P7: the flagship scenario says the same on kernels and in the simulation',
  async (t) => {
    if (!needsSandbox(t)) return;
    t.timeout(900_000);
    let [run] = await play(['scenarios/01-partial-static.yaml']);
    run = await settle(run!);
    t.false(hasFailed(run), story(run));
    t.true(run.expectations.total >= 30);
    t.regex(run.platform.kernel, /^Linux \d/);
    t.log(`checked against ${run.platform.kernel}`);
  },
);

test.serial('P7: the gallery says the same on kernels and in the simulation', async (t) => {
  if (!required && !all) {
    missing(t, 'it takes minutes; STANDIN_REQUIRE=all or STANDIN_SOAK=1 plays it');
    return;
  }
  if (!needsSandbox(t)) return;
  t.timeout(3_600_000);
  const files = readdirSync('scenarios').filter((file) => file.endsWith('.yaml'));
  const left = all ? {} : leftOut;
  for (const [file, because] of Object.entries(left)) t.log(`not checked: ${file}: ${because}`);
  const played = files.filter((file) => !(file in left));
  for (let repetition = 1; repetition <= repetitions; repetition += 1) {
    const runs = await play([
      ...played.map((file) => `scenarios/${file}`),
      '--labs',
      String(labs),
      ...(all ? [] : ['--first']),
    ]);
    const settled: Run[] = [];
    for (const run of runs) settled.push(await settle(run));
    for (const run of settled) t.false(hasFailed(run), story(run));
    t.log(row(repetition, settled));
  }
});

/** A run that the computer made late says nothing: it is played again by itself, twice at most. */
async function settle(first: Run): Promise<Run> {
  let run = first;
  for (let tries = 0; tries < 2 && hasFailed(run) && wasLate(run); tries += 1) {
    const again = await play([run.file, ...(run.case === '' ? [] : ['--grep', run.case])]);
    run = again.find((one) => one.case === run.case) ?? run;
  }
  return run;
}

function row(repetition: number, runs: readonly Run[]): string {
  const sum = (size: (run: Run) => number): number =>
    runs.reduce((total, run) => total + size(run), 0);
  const expectations = sum((run) => run.expectations.total);
  const same = runs.filter((run) => !hasFailed(run)).length;
  const agree = runs.filter(({ comparison }) => comparison.first === undefined).length;
  const stood = sum(({ platform }) => platform.stood ?? 0) / 1e9;
  return (
    `P7 ${repetition} of ${repetitions}: ${runs.length} cases, ${expectations} expectations: ${same} with the same ` +
    `verdicts on ${runs[0]!.platform.kernel}, ${agree} the same in every layer; ` +
    `labs stood still for ${stood.toFixed(1)} s in all`
  );
}
