/** Playing scenarios in tests: from files of the gallery, or from changes to them. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { nodeCrypto } from '../src/crypto/node.ts';
import { check } from '../src/scenario/check.ts';
import { type Played, play } from '../src/scenario/play.ts';
import type { Scenario } from '../src/scenario/scenario.ts';
import { SimBackend, type SimBackendOptions } from '../src/sim/backend.ts';
import { jsonLines } from '../src/trace/json-lines.ts';
import { EventLog, type LogLevel } from '../src/trace/log.ts';
import { type ExpectationResult, expectationsOf } from '../src/trace/result.ts';

/** The cases of a scenario of the gallery, changed by what `overlay` merges over it. */
export function scenarios(file: string, overlay?: string): readonly Scenario[] {
  const root = overlay === undefined ? `scenarios/${file}` : 'scenarios/overlay.yaml';
  const text = `name: overlay\nextends: ./${file}\n${overlay}`;
  const { problems, cases } = check(root, (path) =>
    path === 'scenarios/overlay.yaml' ? text : readFileSync(path, 'utf8'),
  );
  const errors = problems.filter(({ severity }) => severity === 'error');
  if (cases === undefined || errors.length > 0)
    throw new Error(errors.map(({ line, message }) => `${line}: ${message}`).join('\n'));
  return cases;
}

export async function played(
  scenario: Scenario,
  options: Partial<SimBackendOptions> & { readonly level?: LogLevel } = {},
): Promise<Played & { readonly log: EventLog }> {
  const log = new EventLog(options.level ?? 'full');
  const backend = new SimBackend({ crypto: nodeCrypto, ...options });
  return { ...(await play(scenario, backend, log)), log };
}

/** Everything that happened, in 64 digits. */
export function digest(log: EventLog): string {
  const sum = createHash('sha256');
  for (const line of jsonLines(log)) sum.update(line).update('\n');
  return sum.digest('hex');
}

export const inWords = ({ line, text, verdict, detail, code }: ExpectationResult): string =>
  `${line}: ${text}: ${verdict}${code ? ` ${code}` : ''}: ${detail}`;

export const expectations = ({ result }: Played): readonly ExpectationResult[] =>
  expectationsOf(result);
