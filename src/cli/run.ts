/** `standin run`: plays scenarios one after another and reports. */
import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { nanoseconds } from '../base/time.ts';
import { nodeCrypto } from '../crypto/node.ts';
import { safe } from '../report/terminal.ts';
import { runsText, runText, type TextOptions } from '../report/text.ts';
import { type Played, play } from '../scenario/play.ts';
import { renderProblem, renderSummary } from '../scenario/problem.ts';
import type { Scenario } from '../scenario/scenario.ts';
import { SimBackend } from '../sim/backend.ts';
import { EventLog } from '../trace/log.ts';
import { expectationsOf, type TimedResult, verdictOf } from '../trace/result.ts';
import { readAll } from './check.ts';
import { exitCodes } from './exit-codes.ts';
import { loaderFor } from './files.ts';
import { styleFor } from './style.ts';
import { version } from './version.ts';

export interface RunOptions {
  readonly grep?: string;
  readonly tag?: string;
  readonly seed?: number;
  readonly json?: boolean;
  readonly junit?: string;
  readonly log?: string;
  readonly pcap?: 'all' | 'on-failure' | 'off';
  readonly out: string;
  readonly strict?: boolean;
  readonly verbose?: boolean;
  readonly bail?: boolean;
  readonly allowEmpty?: boolean;
}

export async function run(paths: readonly string[], options: RunOptions): Promise<number> {
  const began = process.hrtime.bigint();
  const read = readAll(paths, options.strict === true);
  if (read === undefined) return exitCodes.invalid;
  const problems = read.flatMap((one) => one.problems);
  if (problems.some(({ severity }) => severity === 'error')) {
    for (const problem of problems) process.stderr.write(`${renderProblem(problem)}\n`);
    process.stderr.write(`${renderSummary(problems, read.length, exitCodes.invalid)}\n`);
    return exitCodes.invalid;
  }
  const cases = read.flatMap((one) => one.cases ?? []).filter((one) => isWanted(one, options));
  if (cases.length === 0) {
    process.stderr.write('standin: nothing matches, so nothing was checked\n');
    return options.allowEmpty ? exitCodes.asExpected : exitCodes.nothingMatched;
  }
  // One run is looked at closely; of many, those that failed.
  const pcap = options.pcap ?? (cases.length === 1 ? 'all' : 'on-failure');
  const results: TimedResult[] = [];
  if (options.log !== undefined) {
    mkdirSync(dirname(options.log), { recursive: true });
    writeFileSync(options.log, '');
  }
  for (const scenario of cases) {
    const timed = await playOne(scenario, options, pcap);
    results.push(timed);
    if (options.bail && verdictOf(expectationsOf(timed.result)) !== 'met') break;
  }
  const realTime = nanoseconds(Number(process.hrtime.bigint() - began));
  await report(results, realTime, options);
  const verdicts = results.map(({ result }) => verdictOf(expectationsOf(result)));
  if (verdicts.includes('broken')) return exitCodes.expectationFailed;
  return verdicts.every((verdict) => verdict === 'met')
    ? exitCodes.asExpected
    : exitCodes.incomplete;
}

async function playOne(
  scenario: Scenario,
  options: RunOptions,
  pcap: 'all' | 'on-failure' | 'off',
): Promise<TimedResult> {
  const began = process.hrtime.bigint();
  const log = new EventLog('full');
  const backend = new SimBackend({ crypto: nodeCrypto, strict: options.strict === true });
  const seeded = options.seed === undefined ? scenario : { ...scenario, seed: options.seed };
  const played = await play(seeded, backend, log);
  if (options.log !== undefined) await appendLog(log, options.log);
  const failed = verdictOf(expectationsOf(played.result)) !== 'met';
  const wanted = pcap === 'all' || (pcap === 'on-failure' && failed);
  const result = wanted
    ? { ...played.result, capture: await writeCapture(played, scenario, options.out) }
    : played.result;
  return { result, realTime: nanoseconds(Number(process.hrtime.bigint() - began)) };
}

async function appendLog(log: EventLog, path: string): Promise<void> {
  const { jsonLines } = await import('../trace/json-lines.ts');
  let waiting = '';
  for (const line of jsonLines(log)) {
    waiting += `${line}\n`;
    if (waiting.length < 1 << 20) continue;
    appendFileSync(path, waiting);
    waiting = '';
  }
  appendFileSync(path, waiting);
}

async function writeCapture(played: Played, scenario: Scenario, folder: string): Promise<string> {
  const { capture } = await import('../report/capture.ts');
  const { network, log } = played.lab;
  const adapters = network.adapters.map(({ label, mac, node, ip }) => ({
    label,
    mac,
    description: node,
    ...(ip === undefined ? {} : { ip }),
  }));
  const keys = network.keys.map((handshake) => ({
    localStaticPrivate: handshake.localStaticPrivate,
    remoteStaticPublic: handshake.remoteStaticPublic,
    localEphemeralPrivate: handshake.localEphemeralPrivate,
    preshared: handshake.presharedKey,
  }));
  const { bytes } = capture(log, adapters, { application: `standin ${version}`, keys });
  const path = join(folder, `${fileName(scenario)}.pcapng`);
  mkdirSync(folder, { recursive: true });
  // Not for everybody to read: it carries the keys of the tunnels, made from the seed as they are.
  writeFileSync(path, bytes, { mode: 0o600 });
  return path;
}

/** A name of ours: nothing of it comes from the inside of a file. */
function fileName(scenario: Scenario): string {
  const file = basename(scenario.file).replace(/\.ya?ml$/, '');
  const whole = scenario.case === '' ? file : `${file} ${scenario.case}`;
  return whole.replace(/[^A-Za-z0-9._=-]+/g, '-').slice(0, 100);
}

async function report(
  results: readonly TimedResult[],
  realTime: ReturnType<typeof nanoseconds>,
  options: RunOptions,
): Promise<void> {
  if (options.junit !== undefined) {
    const { runsJunit } = await import('../report/junit.ts');
    mkdirSync(dirname(options.junit), { recursive: true });
    writeFileSync(options.junit, runsJunit(results, { version, realTime }));
  }
  if (options.json) {
    const { runsJson } = await import('../report/json.ts');
    process.stdout.write(runsJson(results, { version, realTime }));
    return;
  }
  const text: TextOptions = {
    version,
    realTime,
    style: styleFor(process.stdout),
    width: Math.min(process.stdout.columns ?? 100, 140),
    source: (file) => {
      const source = loaderFor(file)(file);
      return typeof source === 'string' ? source.split('\n') : undefined;
    },
    rerun: ({ file, case: name, seed }) =>
      `standin run ${safe(file)}${name === '' ? '' : ` --grep '${safe(name)}'`} --seed ${seed}`,
  };
  const inFull = results.length === 1 || options.verbose;
  process.stdout.write(
    inFull
      ? results
          .map((timed) => runText(timed.result, { ...text, realTime: timed.realTime }))
          .join('\n')
      : runsText(results, text),
  );
}

function isWanted(scenario: Scenario, { grep, tag }: RunOptions): boolean {
  if (tag !== undefined && !scenario.tags.includes(tag)) return false;
  return grep === undefined || `${scenario.file} ${scenario.name} ${scenario.case}`.includes(grep);
}
