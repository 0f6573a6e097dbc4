/**
 * What an auditor gets of a drill: a page to read and a manifest to check by. Both come from results
 * alone, so the same drill makes the same bytes; the only date in them is one that somebody gave.
 */
import { type Duration, roughly, showMoment } from '../base/time.ts';
import {
  expectationsOf,
  type RunResult,
  tally,
  type Unplayed,
  type Verdict,
  verdictOfRun,
  type WatchedFlow,
} from '../trace/result.ts';
import { showJson } from './json.ts';
import { blocks, code, table, words } from './markdown.ts';
import { count } from './terminal.ts';
import { hopInWords, nameOfRun, notCheckedOf, type Trouble, troublesOf } from './troubles.ts';

/** Something that the outcome rests on. */
export interface Assumption {
  /** As in the scenario: `timings.boot_windows`. */
  readonly name: string;
  readonly value: string;
  /** Whether the scenario says so, or Standin where the scenario says nothing. */
  readonly by: 'scenario' | 'Standin';
}

export interface EvidenceRun {
  readonly result: RunResult;
  /** Within the pack: `runs/01-partial-static`. */
  readonly folder: string;
  readonly assumptions: readonly Assumption[];
  /** VMs that have a replica. */
  readonly replicated: readonly string[];
}

/** A file of the pack. */
export interface EvidenceFile {
  /** Within the pack, with `/` between its parts. */
  readonly path: string;
  readonly bytes: number;
  /** 64 hexadecimal digits. */
  readonly sha256: string;
  /** What the user calls it, for what was read. */
  readonly from?: string;
}

export interface EvidenceOptions {
  readonly version: string;
  /** Of Node: `v20.19.0`. */
  readonly node: string;
  readonly backend: string;
  /** When the drill was held, as somebody said. */
  readonly heldAt?: string | undefined;
  readonly unplayed: readonly Unplayed[];
  /** Cases of the same files that nobody asked for, and those left when a session stopped at a failure. */
  readonly unchosen: number;
  readonly left: number;
}

/** Raised when a field of the manifest goes or changes its meaning. */
const manifestSchema = 1;

export function evidenceManifest(
  runs: readonly EvidenceRun[],
  files: readonly EvidenceFile[],
  { version, node, backend, heldAt, unplayed }: EvidenceOptions,
): string {
  return showJson({
    schema: manifestSchema,
    kind: 'standin-evidence',
    standin: version,
    node,
    backend,
    ...(heldAt !== undefined && { heldAt }),
    runs: runs.map(({ result, folder }) => ({
      file: result.file,
      name: result.name,
      case: result.case,
      seed: result.seed,
      verdict: verdictOfRun(result),
      folder,
    })),
    unplayed: unplayed.length,
    files,
  });
}

/** What a manifest lists; undefined where it is none. */
export function readManifest(text: string): readonly EvidenceFile[] | undefined {
  try {
    const { schema, kind, files } = JSON.parse(text) as Record<string, unknown>;
    const isManifest = schema === manifestSchema && kind === 'standin-evidence';
    return isManifest && Array.isArray(files) && files.every(isFile) ? files : undefined;
  } catch {
    return undefined;
  }
}

function isFile(value: unknown): value is EvidenceFile {
  if (typeof value !== 'object' || value === null) return false;
  const { path, bytes, sha256 } = value as Partial<Record<string, unknown>>;
  return (
    typeof path === 'string' &&
    Number.isSafeInteger(bytes) &&
    typeof sha256 === 'string' &&
    /^[0-9a-f]{64}$/.test(sha256)
  );
}

const verdictWords: Record<Verdict, string> = {
  met: 'passed',
  broken: 'FAILED',
  'not-checked': 'not fully checked',
};

export function evidenceIndex(
  runs: readonly EvidenceRun[],
  files: readonly EvidenceFile[],
  options: EvidenceOptions,
): string {
  return blocks([
    '# Evidence of a rehearsal',
    about(runs, options),
    `## Verdicts\n\n${verdicts(runs)}`,
    `## Recovery times\n\n${recovery(runs)}`,
    `## Operations\n\n${operations(runs)}`,
    `## What failed\n\n${failures(runs)}`,
    `## What was not checked\n\n${unchecked(runs, options)}`,
    `## Assumptions\n\n${assumptions(runs)}`,
    `## Files\n\n${fileTable(files)}`,
  ]);
}

function about(runs: readonly EvidenceRun[], options: EvidenceOptions): string {
  const { version, node, backend, heldAt } = options;
  const of = (verdict: Verdict): number =>
    runs.filter(({ result }) => verdictOfRun(result) === verdict).length;
  const seeds = [...new Set(runs.map(({ result }) => result.seed))];
  const where =
    backend === 'sim'
      ? 'in a simulation, packet by packet, in virtual time'
      : 'on Linux kernels in namespaces of their own, in real time';
  return [
    `- ${count(runs.length, 'run')}: ${of('met')} passed, ${of('broken')} failed, ${of('not-checked')} not fully checked`,
    `- played ${where}; no system of the sites or of the provider took part`,
    `- Standin ${version}, Node ${words(node)}, ${seeds.length === 1 ? 'seed' : 'seeds'} ${seeds.slice(0, 20).join(', ')}`,
    ...(heldAt === undefined ? [] : [`- held at ${words(heldAt)}, as was said when it was played`]),
    '- the same files, seed and version give the same verdicts again; `standin evidence verify FOLDER` says whether a file of this pack was changed',
  ].join('\n');
}

function verdicts(runs: readonly EvidenceRun[]): string {
  const rows = runs.map(({ result, folder }) => {
    const { met, broken, notChecked, reproduced } = tally(expectationsOf(result));
    return [
      verdictWords[verdictOfRun(result)],
      words(nameOfRun(result)),
      code(result.file),
      String(result.seed),
      `${met} met, ${broken} broken, ${notChecked} not checked, ${count(reproduced, 'limitation')} reproduced`,
      roughly(result.simulatedTime as number as Duration),
      code(folder),
    ];
  });
  const head = ['Verdict', 'Scenario', 'File', 'Seed', 'Expectations', 'Simulated', 'Folder'];
  return table(head, rows);
}

/** By VM: what was measured of how long it was out of reach, and where nothing was. */
function recovery(runs: readonly EvidenceRun[]): string {
  const rows = runs.flatMap(({ result, replicated }) => {
    const { watched = [] } = result;
    const others = watched.filter(({ vm }) => !replicated.includes(vm));
    const ofVms = replicated.flatMap((vm) => {
      const flows = watched.filter((flow) => flow.vm === vm);
      return flows.length === 0 ? [[words(vm), '', 'not measured', '', '']] : flows.map(rowOf);
    });
    return [...ofVms, ...others.map(rowOf)].map((row) => [words(nameOfRun(result)), ...row]);
  });
  if (rows.length === 0) return 'No VM has a replica, and no outage was asked for.';
  const head = ['Scenario', 'VM', 'Flow', 'Longest outage', 'In all', 'From – to'];
  const what =
    'A flow whose `outage` the scenario asks for is pinged twice a second, from before the first step to the end.';
  return `${what}\n\n${table(head, rows)}`;
}

function rowOf({ vm, flow, answered, outages }: WatchedFlow): string[] {
  const name = [words(vm), words(flow)];
  if (answered === 0) return [...name, 'never answered', '', ''];
  if (outages.length === 0) return [...name, 'none', '0 s', ''];
  const lengths = outages.map(({ length }) => length);
  const total = lengths.reduce((sum: number, length) => sum + length, 0) as Duration;
  const open = outages.some(({ restoredAt }) => restoredAt === undefined);
  const longest = roughly(Math.max(...lengths) as Duration);
  const spans = outages.map(
    ({ lostAt, restoredAt }) =>
      `${showMoment(lostAt)} – ${restoredAt === undefined ? 'the end' : showMoment(restoredAt)}`,
  );
  const ended = open ? ', not restored by the end' : '';
  return [...name, `${longest}${ended}`, roughly(total), spans.join('<br>')];
}

function operations(runs: readonly EvidenceRun[]): string {
  const rows = runs.flatMap(({ result }) =>
    result.steps.flatMap(({ number, happened }) =>
      happened
        .filter(({ kind }) => kind === 'success' || kind === 'failed')
        .map(({ kind, text, code: reason }) => [
          words(nameOfRun(result)),
          String(number),
          kind === 'success' ? 'succeeded' : 'failed',
          words(text),
          reason ?? '',
        ]),
    ),
  );
  if (rows.length === 0) return 'There were none.';
  return table(['Scenario', 'Step', 'Outcome', 'Operation', 'Reason'], rows);
}

function failures(runs: readonly EvidenceRun[]): string {
  const all = runs.flatMap(({ result }) =>
    troublesOf(result).map((trouble) => failure(result, trouble)),
  );
  return all.length === 0 ? 'Nothing.' : all.join('\n\n');
}

function failure(result: RunResult, trouble: Trouble): string {
  const { title, file, line, severity, detail, code: reason, why, remedy, hops, at } = trouble;
  const lines = [
    `### ${severity === 'error' ? 'Failed' : 'Warning'}: ${code(title)}`,
    '',
    `- in ${words(nameOfRun(result))}, ${code(`${file}:${line}`)}, ${showMoment(at)} after the start`,
    ...(detail === '' ? [] : [`- seen: ${words(detail)}`]),
    ...(why === undefined ? [] : [`- why: ${words(reason ? `${reason}: ${why}` : why)}`]),
    ...(remedy === undefined ? [] : [`- try: ${words(remedy)}`]),
    ...hops.map((hop, i) => `- ${words(hopInWords(hop, i))}`),
  ];
  return lines.join('\n');
}

function unchecked(
  runs: readonly EvidenceRun[],
  { unplayed, unchosen, left }: EvidenceOptions,
): string {
  const lines = [
    ...(unchosen > 0 ? [`- ${count(unchosen, 'case')} of these files that nobody asked for`] : []),
    ...(left > 0 ? [`- ${count(left, 'case')} left when it stopped at the first failure`] : []),
    ...runs.flatMap(({ result }) =>
      notCheckedOf(result).map((what) => `- in ${words(nameOfRun(result))}: ${words(what)}`),
    ),
    ...unplayed.map(({ file, case: of, obstacles }) => {
      const why = obstacles.map(({ because }) => because).join('; ');
      return `- not played at all: ${code(of === '' ? file : `${file} ${of}`)}: ${words(why)}`;
    }),
    ...unmeasured(runs),
    '- whatever the scenarios expect nothing of: applications, users, data, licences, people',
    '- the real equipment: its firmware, its configuration, its load',
  ];
  return lines.join('\n');
}

function unmeasured(runs: readonly EvidenceRun[]): string[] {
  const vms = runs.flatMap(({ result: { watched = [] }, replicated }) =>
    replicated.filter((vm) => !watched.some((flow) => flow.vm === vm)),
  );
  const names = [...new Set(vms)];
  if (names.length === 0) return [];
  const more = names.length > 20 ? ` and ${names.length - 20} more` : '';
  return [
    `- how long these are out of reach, at least in one run: ${words(names.slice(0, 20).join(', '))}${more}`,
  ];
}

/** Rows that are the same in all runs stand there once. */
function assumptions(runs: readonly EvidenceRun[]): string {
  const groups = new Map<string, { readonly one: Assumption; readonly of: string[] }>();
  for (const { result, assumptions: all } of runs)
    for (const one of all) {
      const key = JSON.stringify([one.name, one.value, one.by]);
      const group = groups.get(key);
      if (group === undefined) groups.set(key, { one, of: [nameOfRun(result)] });
      else group.of.push(nameOfRun(result));
    }
  const rows = [...groups.values()].map(({ one: { name, value, by }, of }) => [
    code(name),
    words(value),
    by === 'scenario' ? 'the scenario' : 'Standin: the scenario says nothing',
    of.length === runs.length ? 'all' : words(of.join(', ')),
  ]);
  return table(['What', 'Taken as', 'By', 'In'], rows);
}

function fileTable(files: readonly EvidenceFile[]): string {
  const rows = files.map(({ path, bytes, sha256, from }) => [
    code(path),
    from === undefined ? '' : code(from),
    String(bytes),
    code(sha256),
  ]);
  return table(['File', 'Read from', 'Bytes', 'SHA-256'], rows);
}
