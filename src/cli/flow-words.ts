/**
 * Flows on the command line: `'web01 -> sql01:1433'` in quotes or as three words, or `web01 sql01:1433`,
 * which needs no quotes.
 */

/** What a flow asks, in the words of scenario files. */
export interface FlowWords {
  readonly probe: 'ping' | 'tcp' | 'udp';
  /** `web01 -> sql01:1433`; whether there is such a machine is for the scenario to say. */
  readonly flow: string;
}

const arrow = '->';

/** The words of a command line with every flow in one word: an arrow of its own looks like an option. */
export function withFlows(words: readonly string[]): string[] {
  const joined: string[] = [];
  for (let i = 0; i < words.length; i += 1) {
    const isBetween = words[i] === arrow && joined.length > 0 && i + 1 < words.length;
    if (isBetween) joined.push(`${joined.pop()} ${arrow} ${words[(i += 1)]}`);
    else joined.push(words[i]!);
  }
  return joined;
}

/** @returns What is wrong with it, in one sentence, or what it asks. */
export function readFlow(words: readonly string[]): FlowWords | string {
  const text = (words.length === 2 ? words.join(` ${arrow} `) : words.join(' ')).trim();
  const [, flow = '', port, protocol] = /^(.+?)(:[^:/]*)?(?:\/(tcp|udp))?$/.exec(text) ?? [];
  if (!text.includes(arrow) || words.at(-1) === '-')
    return `"${words.join(' ')}" is no flow: write 'web01 -> sql01:1433' in quotes, for > has a meaning of its own to a shell, or web01 sql01:1433`;
  if (port === undefined && protocol !== undefined)
    return `"${text}" says no port: write 'web01 -> sql01:53/udp'`;
  if (port === undefined) return { probe: 'ping', flow };
  return { probe: protocol === 'udp' ? 'udp' : 'tcp', flow: `${flow}${port}` };
}

/** The step of a scenario that asks it. */
export const askingStep = ({ probe, flow }: FlowWords): string =>
  `expect: [{ ${probe}: ${JSON.stringify(flow)} }]`;
