/** What `--reporter` and its relatives ask for: which reports, and where each goes. */
import { didYouMean } from '../scenario/problem.ts';
import { quote } from '../scenario/units.ts';

export const reporterNames = [
  'text',
  'json',
  'ndjson',
  'junit',
  'tap',
  'sarif',
  'github',
  'html',
  'evidence',
] as const;

export type ReporterName = (typeof reporterNames)[number];

export interface Wanted {
  readonly name: ReporterName;
  /** The file, or the folder of an evidence pack; undefined for standard output. */
  readonly file: string | undefined;
}

export interface ReporterFlags {
  readonly reporter?: string;
  readonly json?: boolean;
  readonly junit?: string;
  readonly html?: string;
}

/** A list that cannot be, in words for whoever wrote it. */
export class WrongList extends Error {
  override readonly name = 'WrongList';
}

/**
 * @param annotates Annotations and a job summary are wanted unless a list says what is.
 * @throws WrongList
 */
export function reportersFor(
  { reporter, json, junit, html }: ReporterFlags,
  annotates = false,
): readonly Wanted[] {
  const listed = reporter === undefined ? [] : parse(reporter);
  const wanted: Wanted[] = [
    ...listed,
    ...(json ? [{ name: 'json', file: undefined } as const] : []),
    ...(junit === undefined ? [] : [{ name: 'junit', file: junit } as const]),
    ...(html === undefined ? [] : [{ name: 'html', file: html } as const]),
  ];
  if (reporter === undefined) {
    if (!json) wanted.unshift({ name: 'text', file: undefined });
    if (annotates) wanted.push({ name: 'github', file: undefined });
  }
  refuseClashes(wanted);
  return wanted;
}

function parse(list: string): Wanted[] {
  return list.split(',').map((item): Wanted => {
    const at = item.indexOf('=');
    const name = at < 0 ? item : item.slice(0, at);
    const file = at < 0 ? undefined : item.slice(at + 1);
    if (!isReporter(name)) {
      const hint = didYouMean(name, reporterNames) ?? `there are ${reporterNames.join(', ')}`;
      throw new WrongList(`there is no reporter ${quote(name)}: ${hint}`);
    }
    if (file === '') throw new WrongList(`${name}= needs the name of a file`);
    if (name === 'evidence' && file === undefined)
      throw new WrongList('evidence needs a folder: evidence=FOLDER');
    return { name, file };
  });
}

const isReporter = (name: string): name is ReporterName =>
  (reporterNames as readonly string[]).includes(name);

function refuseClashes(wanted: readonly Wanted[]): void {
  // Annotations are lines among others; whatever else has standard output has it alone.
  const spoken = wanted.filter(({ name, file }) => file === undefined && name !== 'github');
  if (spoken.length > 1) {
    const names = spoken.map(({ name }) => name).join(' and ');
    const [, second] = spoken;
    throw new WrongList(
      `${names} would share standard output: give all but one a file, as in ${second!.name}=FILE`,
    );
  }
  const files = wanted.map(({ file }) => file).filter((file) => file !== undefined);
  const twice = files.find((file, i) => files.indexOf(file) !== i);
  if (twice !== undefined) throw new WrongList(`two reports would go to ${quote(twice)}`);
  if (wanted.filter(({ name }) => name === 'github').length > 1)
    throw new WrongList('github is there twice');
}
