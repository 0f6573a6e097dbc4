/** What can be typed into the shell: the words of a line as a command, or what is wrong with them. */
import type { Duration } from '../base/time.ts';
import { nearest } from '../scenario/problem.ts';
import { parseDuration, Wrong } from '../scenario/units.ts';
import { askingStep, readFlow } from './flow-words.ts';

export type ShellCommand =
  | { readonly kind: 'nothing' | 'where' | 'machines' | 'back' | 'help' | 'quit' }
  | { readonly kind: 'step' | 'event' | 'log'; readonly count: number }
  | { readonly kind: 'run' | 'until'; readonly time: Duration }
  | { readonly kind: 'show'; readonly machine: string }
  | { readonly kind: 'pcap'; readonly file: string }
  /** What failed last. */
  | { readonly kind: 'why' }
  /** A question, as a step; `full` with the way of its packet. */
  | { readonly kind: 'ask'; readonly step: string; readonly full: boolean }
  /** A step as in a file. */
  | { readonly kind: 'do'; readonly step: string };

/** What each command takes and does, for `help`; the names are those of completion too. */
export const shellCommands: Readonly<Record<string, readonly [takes: string, does: string]>> = {
  step: ['[n]', 'the next step of the scenario, or the next n'],
  run: ['3s', 'let that much time pass'],
  until: ['12s', 'let time pass until then'],
  event: ['[n]', 'to the next event, or the next n'],
  where: ['', 'the time, and which step comes next'],
  machines: ['', 'every machine and switch, and how it is'],
  show: ['web01', 'all that a machine knows: addresses, neighbours, routes, leases, tunnels …'],
  ping: ['a -> b', 'ask; also tcp a -> b:1433, udp a -> b:53'],
  tcp: ['a -> b:1433', 'ask whether a connection is made'],
  udp: ['a -> b:53', 'ask whether a datagram is answered'],
  arp: ['a 10.0.10.20', 'ask who has an address'],
  why: ['[a -> b]', 'why the last question was not answered, or whether this one is'],
  failover: ['sql01', 'an order, as are undo, failback, switch, permanent …'],
  undo: ['sql01', 'undo failover'],
  failback: ['sql01', 'back to production'],
  switch: ['sql01', 'production takes over'],
  commit_failback: ['sql01', 'production stays'],
  undo_failback: ['sql01', 'the replica runs again'],
  permanent: ['sql01', 'the replica becomes production'],
  reconnect: ['sql01', 'the tunnel is started anew'],
  replicate: ['sql01', 'a run of its replication job'],
  'fault:': ['{ power_off: sql01 }', 'any step of a scenario file'],
  'expect:': ['ping: a -> b', 'any probe of a scenario file, or a list of them'],
  log: ['[n]', 'the last events, 20 unless said otherwise'],
  pcap: ['FILE', 'write a capture of all that was on the wire so far'],
  back: ['', 'to before the last command that did something'],
  help: ['', 'this'],
  quit: ['', 'leave'],
};

const orders: ReadonlySet<string> = new Set([
  'failover',
  'undo',
  'failback',
  'switch',
  'commit_failback',
  'undo_failback',
  'permanent',
  'reconnect',
  'replicate',
]);
const lineMax = 10_000;
const countMax = 100_000;

/** @returns A command, or what is wrong in one sentence. */
export function readShellLine(text: string): ShellCommand | string {
  const line = text.trim();
  if (line.length > lineMax) return `a line has at most ${lineMax} characters`;
  if (line === '' || line.startsWith('#')) return { kind: 'nothing' };
  if (/^[a-z_]+:(\s|$)/.test(line)) return { kind: 'do', step: asStep(line) };
  const [name = '', ...words] = line.split(/\s+/);
  if (orders.has(name)) return order(name, words);
  switch (name) {
    case 'where':
    case 'machines':
    case 'back':
    case 'help':
    case 'quit':
      return words.length === 0 ? { kind: name } : `"${name}" stands alone`;
    case 'exit':
      return { kind: 'quit' };
    case 'step':
    case 'event':
      return counted(name, words, 1);
    case 'log':
      return counted(name, words, 20);
    case 'run':
    case 'until':
      return timed(name, words);
    case 'show':
      return words.length === 1
        ? { kind: 'show', machine: words[0]! }
        : 'show which machine? "machines" lists them';
    case 'pcap':
      return words.length === 0
        ? 'write it where? pcap FILE'
        : { kind: 'pcap', file: line.slice(5).trim() };
    case 'ping':
    case 'tcp':
    case 'udp':
      return asked(name, words);
    case 'arp':
      return words.length === 2
        ? { kind: 'ask', step: arpStep(words[0]!, words[1]!), full: false }
        : 'who asks for which address? arp web01 10.0.10.20';
    case 'why':
      return words.length === 0 ? { kind: 'why' } : why(words);
    default: {
      const near = nearest(name, Object.keys(shellCommands));
      return `there is no command "${name}": ${near ? `did you mean "${near}"?` : '"help" lists them'}`;
    }
  }
}

/** The list under `expect` may be left out where it is one probe. */
const asStep = (line: string): string => {
  const probe = /^expect:\s*([^[\s].*)$/.exec(line)?.[1];
  return probe === undefined ? line : `expect:\n  - ${probe}`;
};

function order(name: string, words: readonly string[]): ShellCommand | string {
  if (words.length === 0) return `${name} of which VMs? ${name} sql01`;
  return { kind: 'do', step: `${name}: { vms: ${JSON.stringify(words)} }` };
}

function counted(
  kind: 'step' | 'event' | 'log',
  [word, ...rest]: readonly string[],
  usual: number,
): ShellCommand | string {
  if (word === undefined) return { kind, count: usual };
  const count = /^\d{1,6}$/.test(word) ? Number(word) : 0;
  if (rest.length > 0 || count < 1 || count > countMax)
    return `how often? ${kind} takes a number from 1 to ${countMax}`;
  return { kind, count };
}

function timed(kind: 'run' | 'until', [word, ...rest]: readonly string[]): ShellCommand | string {
  if (word === undefined || rest.length > 0) return `${kind} takes one time: ${kind} 12s`;
  const time = parseDuration(word);
  if (time instanceof Wrong) return time.hint ? `${time.message}: ${time.hint}` : time.message;
  return { kind, time };
}

function asked(probe: 'ping' | 'tcp' | 'udp', words: readonly string[]): ShellCommand | string {
  const text = words.join(' ');
  if (!text.includes('->')) return `${probe} takes a flow: ${probe} web01 -> sql01`;
  return { kind: 'ask', step: askingStep({ probe, flow: text }), full: false };
}

function why(words: readonly string[]): ShellCommand | string {
  const flow = readFlow(words);
  return typeof flow === 'string' ? flow : { kind: 'ask', step: askingStep(flow), full: true };
}

const arpStep = (at: string, ip: string): string =>
  `expect: [{ arp: { at: ${JSON.stringify(at)}, ip: ${JSON.stringify(ip)} } }]`;
