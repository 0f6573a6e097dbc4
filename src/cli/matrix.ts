/** `standin matrix`: who reaches whom over time. */
import { setImmediate } from 'node:timers/promises';
import { nanoseconds } from '../base/time.ts';
import { nodeCrypto } from '../crypto/node.ts';
import { matrixJson, matrixText } from '../report/matrix.ts';
import { pairPattern } from '../scenario/pairs.ts';
import { reachability } from '../scenario/reach.ts';
import { SimBackend } from '../sim/backend.ts';
import type { Reachability } from '../trace/reachability.ts';
import { exitCodes } from './exit-codes.ts';
import { say, theCase } from './one-case.ts';
import { styleFor } from './style.ts';
import { version } from './version.ts';

export interface MatrixFlags {
  readonly case?: string;
  readonly seed?: number;
  readonly pairs?: string;
  readonly services: 'on' | 'off';
  readonly observe?: boolean;
  readonly apart?: boolean;
  readonly all?: boolean;
  readonly json?: boolean;
  readonly eventsMax: number;
}

export async function matrix(file: string, flags: MatrixFlags): Promise<number> {
  const began = process.hrtime.bigint();
  const { seed, pairs, services, observe = false, apart = false, eventsMax } = flags;
  const pattern = pairs === undefined ? undefined : pairPattern(pairs);
  if (pairs !== undefined && pattern === undefined) {
    say(`--pairs must be like 'web01 -> *' or '* -> sql01:1433', not '${pairs}'`);
    return exitCodes.invalid;
  }
  const scenario = theCase(file, flags);
  if (scenario === undefined) return exitCodes.invalid;
  const shown = { ...scenario, file, ...(seed !== undefined && { seed }) };
  const breathe = (): Promise<void> => setImmediate(); // let signals through
  const backend = new SimBackend({ crypto: nodeCrypto, eventsMax, breathe });
  const options = { services: services === 'on', observe, apart, ...(pattern && { pattern }) };
  const found = await reachability(shown, backend, options);
  if (found === undefined) {
    say('no such pair, so nothing was asked');
    return exitCodes.nothingMatched;
  }
  const realTime = nanoseconds(Number(process.hrtime.bigint() - began));
  const looks = {
    version,
    realTime,
    style: styleFor(process.stdout),
    width: Math.min(process.stdout.columns ?? 100, 160),
    all: flags.all === true,
  };
  process.stdout.write(flags.json ? matrixJson(found, looks) : matrixText(found, looks));
  return codeOf(found);
}

function codeOf({ claims, expectations, brokenOff }: Reachability): number {
  const contradicted = claims.some(({ verdict }) => verdict === 'contradicts');
  if (contradicted || expectations.broken > 0) return exitCodes.expectationFailed;
  const isWhole = brokenOff === undefined && expectations.notChecked === 0;
  return isWhole ? exitCodes.asExpected : exitCodes.incomplete;
}
