/** What a session says in text: its runs, and on kernels what could not be played and how the simulation compares. */
import { runsText, runText, type TextOptions } from '../report/text.ts';
import { loaderFor } from './files.ts';
import type { EndedSession } from './reporting.ts';
import { styleFor } from './style.ts';
import { version } from './version.ts';

export interface SessionTextOptions {
  readonly backend: 'sim' | 'linux' | 'both';
  /** Every run in full, not one line each. */
  readonly verbose: boolean;
  /** A line for each scenario even where there is only one. */
  readonly isBrief: boolean;
  /** It goes where standard output does, with its width and colours. */
  readonly isTerminal: boolean;
}

export async function sessionText(
  session: EndedSession,
  options: SessionTextOptions,
): Promise<string> {
  const runs = session.results.length > 0 ? ofRuns(session, options) : '';
  return options.backend === 'sim' ? runs : runs + (await ofKernels(session, options));
}

const looksOf = ({
  isTerminal,
}: SessionTextOptions): Required<Pick<TextOptions, 'style' | 'width'>> =>
  isTerminal
    ? { style: styleFor(process.stdout), width: Math.min(process.stdout.columns ?? 100, 140) }
    : { style: (_kind, text) => text, width: 100 };

function ofRuns({ results, realTime }: EndedSession, options: SessionTextOptions): string {
  const whole: TextOptions = {
    version,
    realTime,
    ...looksOf(options),
    source: (file) => {
      const source = loaderFor(file)(file);
      return typeof source === 'string' ? source.split('\n') : undefined;
    },
  };
  const isBrief = results.length > 1 || options.isBrief;
  if (isBrief && !options.verbose) return runsText(results, whole);
  return results
    .map((timed) => runText(timed.result, { ...whole, realTime: timed.realTime }))
    .join('\n');
}

async function ofKernels(
  { results, comparisons, unplayed }: EndedSession,
  options: SessionTextOptions,
): Promise<string> {
  const { unplayedLines } = await import('../report/doctor.ts');
  const { comparisonText, comparisonsText } = await import('../report/comparison.ts');
  const { style, width } = looksOf(options);
  const lines = unplayedLines(unplayed, style).map((line) => `${line}\n`);
  const kernel = results[0]?.result.platform?.kernel ?? '';
  const all = [...comparisons].map(([{ file, case: of }, comparison]) => ({
    name: of === '' ? file : `${file} ${of}`,
    comparison,
  }));
  const [only] = all;
  if (only === undefined) return lines.join('');
  const compared =
    all.length === 1
      ? comparisonText(only.comparison, { kernel, style, width })
      : comparisonsText(all, { kernel, style, width });
  return `${lines.join('')}${compared}`;
}
