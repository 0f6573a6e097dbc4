/**
 * What is wrong with a scenario file, and the characters to blame. All problems of a file are
 * collected before anything is said; a code never changes, its wording may improve.
 */
import { type Place, placeOf, type Spot } from './place.ts';

/** E1: how the file is built. E2: single values. E3: what they mean together. W: worth a look. */
export const problemCodes = {
  E100: 'the file cannot be read',
  E101: 'the file is larger or deeper than a scenario may be',
  E102: 'not YAML',
  E103: 'unknown key',
  E104: 'unknown step, fault or probe',
  E106: 'missing key',
  E107: 'another kind of value is wanted here',
  E108: 'a key twice',
  E109: 'YAML that scenario files do not use',
  E110: '`extends` cannot be followed',
  E111: '`matrix` makes no sense',
  E112: 'an unknown or unfinished variable',
  E113: 'a range of keys makes no sense',
  E114: '`when` makes no sense',
  E119: 'more problems than are shown',
  E201: 'not an IPv4 address',
  E202: 'not an IPv4 network',
  E203: 'not a MAC address',
  E204: 'not a duration',
  E205: 'not a rate',
  E206: 'a number out of its range',
  E207: 'not a name',
  E208: 'not a flow',
  E209: 'not a port',
  E210: 'none of the words that may stand here',
  E211: 'not a capture filter',
  E212: 'unknown reason code',
  E213: 'not a pool of addresses',
  E214: 'not a share in percent',
  E215: 'text is wanted, so it needs quotes',
  E216: 'text that cannot be shown safely',
  E217: 'not a path to a scenario file',
  E218: 'not a range of VLANs',
  E219: 'not the end of a VXLAN',
  E301: 'unknown network',
  E302: 'unknown VM',
  E303: 'unknown machine',
  E304: 'subnets overlap',
  E305: 'an address outside its subnet',
  E306: 'an address in use twice',
  E307: 'a MAC address in use twice',
  E308: 'the address of the gateway is in use',
  E309: 'a name in use twice',
  E310: 'two things that exclude each other',
  E311: 'a network without a gateway',
  E312: 'unknown network at the provider',
  E313: 'a VLAN in use twice',
  E314: 'two appliances in one network',
  E315: 'a VM in two replication jobs',
  E316: 'an answer that is not among the choices',
  E317: '`fails: any` says nothing about the reason',
  E318: 'two ends of a flow are the same',
  E319: 'unknown hardware plan or gateway pool',
  E320: 'VLAN ranges overlap',
  E321: 'no VLAN is left',
  E322: 'a name that several tenants have',
  E323: 'unknown tenant',
  E324: 'a VXLAN that two networks are attached to',
  E330: 'unknown failover plan',
  E331: 'a fault at something that is not there',
  W310: 'a network without an appliance',
  W311: 'a network that nothing uses',
  W313: 'a step that never happens',
  W314: 'nothing is checked',
  W315: 'a replica whose network is not mapped',
  W316: 'a variable that nothing uses',
  W317: 'a static address inside a DHCP pool',
  W318: 'an entry that has no effect',
  W319: 'a VM without a replica',
  W320: 'nobody leases addresses',
  W321: 'one VLAN for several tenants',
  W322: 'a machine that answers for the address of another',
  W323: 'a network that no edge gateway leads to',
  W324: 'a network whose packets do not fit into the VXLAN that it is attached to',
} as const;

export type ProblemCode = keyof typeof problemCodes;

export interface Problem extends Place {
  readonly code: ProblemCode;
  readonly severity: 'error' | 'warning';
  readonly message: string;
  /** What to write instead, in a few words. */
  readonly hint: string | undefined;
  /** The line to blame and what stands before it. Empty where a file could not be read at all. */
  readonly excerpt: readonly ExcerptLine[];
  /** Where the file was extended, from the nearest to the one that was asked for. */
  readonly includedFrom: readonly Place[];
  /** The first case of the matrix that has it; undefined if all have. */
  readonly inCase: string | undefined;
}

export interface ExcerptLine {
  readonly line: number;
  readonly text: string;
}

/** Beyond so many, more would not help. */
export const problemsMax = 200;

/** Collects problems. The same one, met again in another case of the matrix, counts once. */
export class Findings {
  /** The case being looked at; empty while the file as a whole is. */
  case = '';
  #cases = 0;
  readonly #found = new Map<string, { problem: Problem; cases: Set<string>; order: number }>();

  get full(): boolean {
    return this.#found.size >= problemsMax;
  }

  get errors(): number {
    let count = 0;
    for (const { problem } of this.#found.values()) if (problem.severity === 'error') count += 1;
    return count;
  }

  startCase(name: string): void {
    this.case = name;
    if (name !== '') this.#cases += 1;
  }

  add(code: ProblemCode, spot: Spot, message: string, hint?: string): void {
    if (this.full) return;
    if (this.#found.size === problemsMax - 1) {
      [code, message, hint] = ['E119', `more than ${problemsMax} problems`, 'mend these first'];
    }
    const place = placeOf(spot);
    const severity = code.startsWith('W') ? 'warning' : 'error';
    const key = `${place.file}:${place.line}:${place.column}:${code}:${message}`;
    const known = this.#found.get(key);
    if (known !== undefined) return void known.cases.add(this.case);
    const excerpt = excerptOf(spot, place);
    const includedFrom = spot.source.includedFrom;
    const inCase = undefined;
    const problem = {
      ...place,
      code,
      severity,
      message,
      hint,
      excerpt,
      includedFrom,
      inCase,
    } as const;
    this.#found.set(key, { problem, cases: new Set([this.case]), order: spot.source.order });
  }

  /** Every problem, in the order of the files and their lines. */
  list(): Problem[] {
    const byPlace = [...this.#found.values()].sort(
      (a, b) =>
        a.order - b.order || a.problem.line - b.problem.line || a.problem.column - b.problem.column,
    );
    return byPlace.map(({ problem, cases }) => {
      const everywhere = cases.has('') || cases.size >= this.#cases;
      return everywhere ? problem : { ...problem, inCase: [...cases][0] };
    });
  }
}

function excerptOf(spot: Spot, place: Place): ExcerptLine[] {
  const { source } = spot;
  if (source.text === '') return [];
  const lines: ExcerptLine[] = [];
  const before = place.line > 1 ? source.line(place.line - 1) : '';
  if (before.trim() !== '') lines.push({ line: place.line - 1, text: before });
  lines.push({ line: place.line, text: source.line(place.line) });
  return lines;
}

const width = 84;
const windowMax = 100;

/**
 * One problem as `standin check` shows it.
 *
 *      scenarios/07.yaml:11:7  error  unknown step "failovr"                        [E104]
 *          10 |   - wait: 5s
 *        > 11 |   - failovr: { vms: [sql01] }
 *             |     ^^^^^^^ did you mean "failover"?
 */
export function renderProblem(problem: Problem): string {
  const { file, line, column, severity, message, code } = problem;
  const where = line > 0 ? `${file}:${line}:${column}` : file;
  const lines = wrap(` ${printable(where)}  ${severity}  `, printable(message), `[${code}]`);
  lines.push(...renderExcerpt(problem));
  const indent = ' '.repeat(8);
  if (problem.inCase !== undefined) lines.push(`${indent}in the case ${printable(problem.inCase)}`);
  for (const from of problem.includedFrom) {
    lines.push(`${indent}included from ${printable(from.file)}:${from.line}`);
  }
  return lines.join('\n');
}

/** `2 errors, 1 warning in 1 file` with the exit status that follows from it. */
export function renderSummary(problems: readonly Problem[], files: number, exit: number): string {
  const errors = problems.filter((problem) => problem.severity === 'error').length;
  const warnings = problems.length - errors;
  const parts: string[] = [];
  if (errors > 0 || warnings === 0) parts.push(count(errors, 'error'));
  if (warnings > 0) parts.push(count(warnings, 'warning'));
  const text = ` ${parts.join(', ')} in ${count(files, 'file')}`;
  return `${text.padEnd(width - 5)}exit ${exit}`;
}

const count = (n: number, what: string): string => `${n} ${what}${n === 1 ? '' : 's'}`;

/** The message over as many lines as it takes, with the code at the right edge of the last. */
function wrap(start: string, message: string, code: string): string[] {
  const lines: string[] = [];
  let line = start;
  let room = width;
  for (const word of message.split(' ')) {
    if (line.length + word.length > room && line.trim() !== '' && line !== start) {
      lines.push(line.trimEnd());
      line = ' '.repeat(8);
      room = width - 8;
    }
    line += `${word} `;
  }
  const last = line.trimEnd();
  const fitting = width - code.length - 1;
  if (last.length <= fitting) return [...lines, last.padEnd(width - code.length) + code];
  // The code goes where the message ends, so its last word moves down with it.
  const at = last.lastIndexOf(' ');
  if (at <= start.length) return [...lines, last, code.padStart(width)];
  const moved = `${' '.repeat(8)}${last.slice(at + 1)}`;
  return [...lines, last.slice(0, at).trimEnd(), moved.padEnd(width - code.length) + code];
}

function renderExcerpt(problem: Problem): string[] {
  const blamed = problem.excerpt.at(-1);
  if (blamed === undefined) return problem.hint ? [`        ${printable(problem.hint)}`] : [];
  // A long line is shown around the place to blame.
  const from = problem.column > windowMax - 20 ? problem.column - 40 : 0;
  const cut = (text: string): string => text.slice(from, from + windowMax);
  const digits = Math.max(2, String(blamed.line).length);
  const lines = problem.excerpt.map(({ line, text }) => {
    const gutter = `   ${line === blamed.line ? '>' : ' '} ${String(line).padStart(digits)} |`;
    return `${gutter} ${printable(cut(text))}`.trimEnd();
  });
  const shown = [...printable(blamed.text.slice(from, problem.column - 1))].length;
  const end = Math.min(problem.column - 1 + problem.length, from + windowMax, blamed.text.length);
  const marked = [...blamed.text.slice(problem.column - 1, end)].length;
  const gap = ' '.repeat(6 + digits);
  const hint = problem.hint === undefined ? '' : ` ${printable(problem.hint)}`;
  lines.push(`${gap}| ${' '.repeat(shown)}${'^'.repeat(Math.max(1, marked))}${hint}`);
  return lines;
}

/** Characters that steer a terminal or turn the direction of writing, as one replacement each. */
export const printable = (text: string): string =>
  text.replace(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu, '\ufffd');

/** The nearest of `known` to a word that is not among them, as a hint. */
export function didYouMean(word: string, known: Iterable<string>): string | undefined {
  const found = nearest(word, known);
  return found === undefined ? undefined : `did you mean "${found}"?`;
}

export function nearest(word: string, known: Iterable<string>): string | undefined {
  if (word.length === 0 || word.length > 64) return undefined;
  let best: string | undefined;
  let least = Math.max(1, Math.floor(word.length / 3)) + 1;
  let looked = 0;
  for (const candidate of known) {
    if ((looked += 1) > 1000) break;
    if (candidate.length > 64 || Math.abs(candidate.length - word.length) >= least) continue;
    const steps = distance(word.toLowerCase(), candidate.toLowerCase());
    if (steps < least) [best, least] = [candidate, steps];
  }
  return best;
}

/** How many letters to insert, delete, change or swap with the next (optimal string alignment). */
function distance(a: string, b: string): number {
  let before: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i += 1) {
    const row = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const change = last[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      let cost = Math.min(change, last[j]! + 1, row[j - 1]! + 1);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        cost = Math.min(cost, before[j - 2]! + 1);
      }
      row.push(cost);
    }
    before = last;
    last = row;
  }
  return last[b.length]!;
}
