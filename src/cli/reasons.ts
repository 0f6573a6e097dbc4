/** `standin reasons`: the catalogue. */
import { catalogueText, reasonText } from '../report/catalogue.ts';
import { showJson } from '../report/json.ts';
import { safe } from '../report/terminal.ts';
import { didYouMean } from '../scenario/problem.ts';
import { isReason, reasonList, reasons } from '../trace/reasons.ts';
import { exitCodes } from './exit-codes.ts';
import { styleFor } from './style.ts';

export function showReasons(
  code: string | undefined,
  options: { readonly json?: boolean },
): number {
  const wanted = code?.toUpperCase();
  if (wanted !== undefined && !isReason(wanted)) {
    const hint = didYouMean(wanted, reasonList);
    process.stderr.write(`standin: there is no reason ${safe(wanted)}${hint ? `: ${hint}` : ''}\n`);
    return exitCodes.invalid;
  }
  if (options.json) {
    const entries = wanted === undefined ? reasons : { [wanted]: reasons[wanted] };
    process.stdout.write(showJson({ schema: 1, reasons: entries }));
    return exitCodes.asExpected;
  }
  const style = styleFor(process.stdout);
  const width = process.stdout.columns ?? 100;
  const text =
    wanted === undefined ? catalogueText({ style, width }) : reasonText(wanted, { style, width });
  process.stdout.write(text);
  return exitCodes.asExpected;
}
