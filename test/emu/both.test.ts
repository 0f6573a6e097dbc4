/**
 * Scenarios played on kernels and in the simulation, and compared. A run that the computer made late is
 * no evidence either way, and is played again by itself.
 */
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { missing, needsSandbox, required } from '../needs.ts';

const bin = join(import.meta.dirname, '..', '..', 'bin', 'standin.js');
/** Of files with many cases the first of each stands for the others; `npm run soak` plays them all. */
const all = process.env['STANDIN_SOAK'] !== undefined;
/** On a computer that has nothing else to do it is less than half of that. */
const tooLate = 100e6;

interface Run {
  readonly file: string;
  readonly case: string;
  readonly verdict: string;
  readonly platform: { readonly kernel: string; readonly latest: number };
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

function play(words: readonly string[]): Run[] {
  const { stdout, stderr } = spawnSync(
    process.execPath,
    [bin, 'run', ...words, '--backend', 'both', '--json', '--pcap', 'off'],
    { encoding: 'utf8', maxBuffer: 1 << 28 },
  );
  try {
    return JSON.parse(stdout).runs as Run[];
  } catch {
    throw new Error(`${words.join(' ')}: ${stderr}`);
  }
}

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
  return [`${run.file} ${run.case}, ${run.platform.latest / 1e6} ms late`, ...broken, first].join(
    '\n',
  );
}

test('P7: the flagship scenario says the same on kernels and in the simulation', (t) => {
  if (!needsSandbox(t)) return;
  t.timeout(900_000);
  let [run] = play(['scenarios/01-partial-static.yaml']);
  if (hasFailed(run!) && run!.platform.latest > tooLate)
    [run] = play(['scenarios/01-partial-static.yaml']);
  t.false(hasFailed(run!), story(run!));
  t.true(run!.expectations.total >= 30);
  t.regex(run!.platform.kernel, /^Linux \d/);
  t.log(`checked against ${run!.platform.kernel}`);
});

test('P7: the gallery says the same on kernels and in the simulation', (t) => {
  if (!required && !all) {
    missing(t, 'it takes minutes; STANDIN_REQUIRE=all or STANDIN_SOAK=1 plays it');
    return;
  }
  if (!needsSandbox(t)) return;
  t.timeout(3_600_000);
  // Its clocks go on for twelve minutes.
  const long = all ? [] : ['14-clock-step.yaml'];
  const files = readdirSync('scenarios').filter(
    (file) => file.endsWith('.yaml') && !long.includes(file),
  );
  const runs = play([
    ...files.map((file) => `scenarios/${file}`),
    '--labs',
    '24',
    ...(all ? [] : ['--first']),
  ]);
  const settled = runs.map((run) => {
    for (let tries = 0; tries < 2 && hasFailed(run); tries += 1) {
      if (run.platform.latest < tooLate) break;
      const again = play([run.file, ...(run.case === '' ? [] : ['--grep', run.case])]);
      run = again.find((one) => one.case === run.case) ?? run;
    }
    return run;
  });
  for (const run of settled) t.false(hasFailed(run), story(run));
  const sum = (size: (run: Run) => number): number =>
    settled.reduce((total, run) => total + size(run), 0);
  t.log(
    `P7 ${settled.length} cases, ${sum((run) => run.expectations.total)} expectations: ${settled.filter((run) => !hasFailed(run)).length} with the same verdicts on ${settled[0]!.platform.kernel}`,
  );
});
