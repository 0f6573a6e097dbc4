/** One question explained, for a terminal: the verdict, both ways, the first wrong decision, what would turn it. */
import { showMoment } from '../base/time.ts';
import type { Explained, Proposal } from '../trace/explained.ts';
import { hopTable, sourceExcerpt } from './failure.ts';
import { showJson } from './json.ts';
import { pad, type Style, safe, wrap } from './terminal.ts';
import { ladderLines } from './text-ladder.ts';

export interface ExplanationOptions {
  readonly version: string;
  readonly style: Style;
  readonly width: number;
  /** The lines of a scenario file, where the caller has them. */
  readonly source: (file: string) => readonly string[] | undefined;
  readonly ladder: boolean;
  /** Commands that show more. */
  readonly see: readonly string[];
}

export function explanationText(explained: Explained, options: ExplanationOptions): string {
  const { style, width } = options;
  const { answered, question, place, asked, step } = explained;
  const of = explained.case === '' ? '' : ` · ${safe(explained.case)}`;
  const isGood = answered && explained.detail === undefined;
  const mark = isGood ? style('good', '✓') : style('bad', '✗');
  const source = explained.putIn ? 'put in' : `${safe(place.file)}:${place.line}`;
  const where = `${source}, step ${step}, at ${showMoment(asked)}`;
  const lines = [
    ` ${style('title', `standin ${options.version}`)} · ${safe(explained.file)}${of} · seed ${explained.seed}`,
    '',
    ` ${mark} ${style('title', safe(question))}  ${style('faint', `(${where})`)}`,
    ...wrap(safe(verdictOf(explained)), width - 3).map((line) => `   ${line}`),
  ];
  lines.push(...ways(explained, options));
  const told = particulars(explained, options);
  if (told.length > 0) lines.push('', ...told);
  for (const [i, one] of explained.changes.entries())
    lines.push('', ...proposal(one, explained.changes[i - 1], explained, options));
  if (options.ladder) lines.push('', ...ladderLines(explained.arrows ?? [], style, width));
  if (options.see.length > 0) lines.push('');
  for (const [i, command] of options.see.entries())
    lines.push(`   ${style('faint', pad(i === 0 ? 'see' : '', nameWidth))}  ${safe(command)}`);
  return `${lines.map((line) => line.trimEnd()).join('\n')}\n`;
}

/** Raised when a field goes or changes its meaning; new fields do not count. */
const schema = 1;

/** @param explained As it is; the ladder's arrows only where they were asked for. */
export function explanationJson(
  { arrows, ...explained }: Explained,
  { version, ladder }: Pick<ExplanationOptions, 'version' | 'ladder'>,
): string {
  const document = { schema, standin: version, ...explained };
  return showJson(ladder ? { ...document, arrows: arrows ?? [] } : document);
}

const verdictOf = ({ code, sentence, detail }: Explained): string =>
  [
    code === undefined ? sentence : `${code}: ${sentence}`,
    ...(detail === undefined ? [] : [detail]),
  ].join('. ');

function ways({ hops }: Explained, { style, width }: ExplanationOptions): string[] {
  const there = hops.filter(({ direction }) => direction === 'there');
  const back = hops.filter(({ direction }) => direction === 'back');
  const lines: string[] = [];
  if (there.length > 0)
    lines.push('', `   ${style('title', 'there')}`, ...hopTable(there, style, width));
  if (back.length > 0)
    lines.push('', `   ${style('title', 'back')}`, ...hopTable(back, style, width, there));
  return lines;
}

function particulars(explained: Explained, options: ExplanationOptions): string[] {
  const { decision, healsAt, remedy, changes, noChange } = explained;
  const first = decision && `${decision.what} (event ${decision.event})`;
  const heals = healsAt === undefined ? undefined : `by itself by ${showMoment(healsAt)}`;
  return [
    ...part('first', first, options),
    ...part('heals', heals, options),
    ...(changes.length === 0 ? part('try', remedy, options) : []),
    ...part('change', noChange, options),
  ];
}

const nameWidth = 6;

function part(
  name: string,
  text: string | undefined,
  { style, width }: ExplanationOptions,
): string[] {
  if (text === undefined) return [];
  return wrap(safe(text), width - nameWidth - 5).map(
    (line, i) => `   ${style('faint', pad(i === 0 ? name : '', nameWidth))}  ${line}`,
  );
}

function proposal(
  one: Proposal,
  before: Proposal | undefined,
  { question }: Explained,
  options: ExplanationOptions,
): string[] {
  const { style, width } = options;
  const { text, file, line, turned, seen } = one;
  const lines = part('change', `${text}  (${file}:${line})`, options);
  if (before?.file !== file || before.line !== line || before.column !== one.column)
    lines.push(...sourceExcerpt(one, options.source(file), style, width));
  if (turned === undefined) return lines;
  const said = turned
    ? `verified: with this change in line ${line}, ${question} is answered: ${seen}`
    : `did not turn: with this change in line ${line}, ${question}: ${seen}`;
  const kind = turned ? 'good' : 'warning';
  return [...lines, ...wrap(safe(said), width - 3).map((piece) => `   ${style(kind, piece)}`)];
}
