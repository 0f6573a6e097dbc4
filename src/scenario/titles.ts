/** What steps and probes are called where they have no name of their own: one line, as a person would say it. */
import type { MapNode, Node } from './source.ts';

const lengthMax = 200;

/** `failover: sql01 to its latest restore point; meanwhile nea-hq loses power at step 6`. */
export function stepTitle(
  verb: string,
  node: MapNode,
  meanwhile: readonly { readonly text: string }[] = [],
): string {
  const faults = meanwhile.map(({ text }) => text).join(', ');
  return cut(plainTitle(verb, node) + around(faults, '; meanwhile '));
}

function plainTitle(verb: string, node: MapNode): string {
  const value = node.entries.get(verb)?.value;
  const say = (key: string): string => said(value, key);
  switch (verb) {
    case 'failover': {
      const many = itemsOf(value, 'vms') > 1;
      const point = say('restore_point');
      const latest = point === '' || point === 'latest';
      const which = latest
        ? `${many ? 'their' : 'its'} latest restore point`
        : `restore point ${point}`;
      const points = latest && many ? `${which}s` : which;
      const planned = say('planned') === 'true' ? 'planned ' : '';
      return `${planned}failover: ${say('vms')} to ${points}`;
    }
    case 'undo':
      return `undo failover: ${say('vms')}`;
    case 'plan': {
      const [operation] = value?.kind === 'map' ? [...value.entries.values()] : [];
      return `failover plan: ${operation?.key} ${planOf(operation?.value)}`;
    }
    case 'failback':
    case 'switch':
    case 'commit_failback':
    case 'undo_failback': {
      const what = verb === 'switch' ? 'switch to production' : verb.replace('_', ' ');
      const when = say('switch');
      const then =
        when === '' || when === 'auto'
          ? ''
          : `, switching ${when === 'manual' ? 'later' : `after ${when}`}`;
      const by = say('by') === 'provider' ? ', by the provider' : '';
      return `${what}: ${say('vms')}${then}${by}`;
    }
    case 'permanent':
      return `permanent failover: ${say('vms')}`;
    case 'set':
      return `set: ${say('vm')} has the address ${say('ip')}`;
    case 'reconnect':
    case 'replicate':
      return `${verb}: ${say('vms')}`;
    case 'fault':
      return `fault: ${faultTitle(value)}`;
    case 'predict':
      return `predict: ${say('ask').replace(/\s+/g, ' ').trim()}`;
    case 'expect':
      return 'expect';
    default:
      return `${verb} ${flat(value)}`;
  }
}

/** ` at step 6`, ` after 3s`, ` 3s after step 6 begins`. */
export function timeTitle(meanwhile: MapNode): string {
  const step = around(said(meanwhile, 'at_step'), ' step ');
  const after = said(meanwhile, 'after');
  if (step === '') return around(after, ' after ');
  return after === '' ? ` at${step}` : ` ${after} after${step} begins`;
}

/** `plan1`, `plan1 to 10m`. */
function planOf(value: Node | undefined): string {
  if (value?.kind !== 'map') return flat(value);
  return said(value, 'plan') + around(said(value, 'to'), ' to ');
}

/** `sql01 loses power`: what the only entry of a fault says. */
export function faultTitle(fault: Node | undefined): string {
  const entry = fault?.kind === 'map' ? [...fault.entries.values()][0] : undefined;
  if (entry === undefined) return flat(fault);
  const { key, value } = entry;
  const say = (inner: string): string => said(value, inner);
  switch (key) {
    case 'power_off':
      return `${flat(value)} loses power`;
    case 'power_on':
      return `${flat(value)} is switched on`;
    case 'link_down':
      return `the cable of ${flat(value)} is pulled`;
    case 'link_up':
      return `the cable of ${flat(value)} is plugged in again`;
    case 'port_off':
      return `the switch port of ${flat(value)} is turned off`;
    case 'port_on':
      return `the switch port of ${flat(value)} is turned on again`;
    case 'interface_down':
      return `${flat(value)} turns its own adapter off`;
    case 'interface_up':
      return `${flat(value)} turns its own adapter on again`;
    case 'hang':
    case 'resume': {
      const of = around(say('network'), ' for ');
      return `${daemons[say('daemon')] ?? ''} of ${say('at')}${of} ${key === 'hang' ? 'hangs' : 'goes on'}`;
    }
    case 'nea_password':
      return `the password of ${flat(value)} is changed`;
    case 'redeploy':
      return `${flat(value)} is deployed anew`;
    case 'lose_lease':
      return `${flat(value)} loses its lease`;
    case 'clock_step':
      return `the clock of ${say('at')} jumps ${say('direction')} by ${say('by')}`;
    case 'mend':
      return `all is mended at ${flat(value)}`;
    case 'block':
    case 'unblock': {
      const done = key === 'block' ? 'blocked' : 'open again';
      const what = value.kind === 'scalar' ? flat(value) : say('ports');
      const where = value.kind === 'scalar' ? 'all cloud gateways' : say('at');
      const many = itemsOf(value, 'ports') > 1;
      return `${what} ${many ? 'are' : 'is'} ${done} at ${where}${directed(say('direction'))}`;
    }
    default:
      return `${lineTitle(key, say) ?? `${key} ${flat(value)}`}${directed(say('direction'))}`;
  }
}

const daemons: Readonly<Record<string, string>> = {
  vpn: 'the VPN daemon',
  proxy_arp: 'the proxy-ARP daemon',
  dhcp: 'the DHCP server',
};

/** What happens to frames somewhere. */
function lineTitle(kind: string, say: (key: string) => string): string | undefined {
  const at = say('at');
  const ends = Number.parseFloat(say('loss') || say('share')) === 0;
  switch (kind) {
    case 'drop':
      return ends ? `${at} loses no frames any more` : `${at} loses ${say('loss')} of all frames`;
    case 'black_hole':
      return `${at} swallows all frames`;
    case 'delay':
      return `${at} has a latency of ${say('latency')}`;
    case 'jitter':
      return `${at} has a jitter of ${say('by')}`;
    case 'duplicate':
      return ends
        ? `${at} doubles no frames any more`
        : `${at} doubles ${say('share')} of all frames`;
    case 'reorder':
      return ends
        ? `${at} holds no frames back any more`
        : `${at} holds ${say('share')} of all frames back for ${say('by')}`;
    case 'corrupt':
      return ends
        ? `${at} spoils no frames any more`
        : `${at} spoils ${say('share')} of all frames`;
    case 'rate':
      return `${at} carries ${say('rate')} a second`;
    case 'mtu':
      return `${at} carries packets of at most ${say('mtu')} bytes`;
    default:
      return undefined;
  }
}

const directed = (direction: string): string =>
  direction === '' || direction === 'both' ? '' : `, ${direction}bound`;

/** `ping web01 -> sql01 via nea-hq, gw1 within 3s`. */
export function probeTitle(verb: string, node: MapNode): string {
  return cut(titleOf(verb, node));
}

function titleOf(verb: string, node: MapNode): string {
  const value = node.entries.get(verb)?.value;
  const beside = (key: string, ...words: [before: string, after?: string]): string =>
    around(said(node, key), ...words);
  const inside = (key: string, ...words: [before: string, after?: string]): string =>
    around(said(value, key), ...words);
  const within = beside('within', ' within ');
  switch (verb) {
    case 'ping':
    case 'tcp':
    case 'udp': {
      const amounts =
        beside('size', ' of ', ' bytes') +
        (said(node, 'df') === 'true' ? ' in one piece' : '') +
        beside('bytes', ' with ', ' bytes') +
        beside('count', ' ', ' times');
      const failure = beside('fails', ' fails with ').replace('fails with any', 'fails');
      const way = beside('via', ' via ') + failure + beside('last_hop', ' at ');
      const measured = beside('ttl', ' with TTL ') + beside('rtt', ' in ');
      return `${verb} ${flat(value)}${amounts}${way}${measured}${within}`;
    }
    case 'arp': {
      const replies = inside('replies', ' with ');
      const word = /^ with (== ?)?1$/.test(replies) ? ' reply' : ' replies';
      const count = replies === '' ? '' : replies + word;
      const by = inside('answered_by', ' answered by ');
      return `arp at ${said(value, 'at')}: ${said(value, 'ip')}${by}${count}${within}`;
    }
    case 'neighbour': {
      const mac = inside('mac_of', ' has the MAC address of ');
      return `neighbour of ${said(value, 'at')}: ${said(value, 'ip')}${mac}${within}`;
    }
    case 'path_symmetric':
      return `symmetric path ${flat(value)}${beside('except', ' except ')}${within}`;
    case 'lease':
      return `lease of ${said(value, 'vm')}${inside('from', ' from ')}${within}`;
    case 'state': {
      const claims = value?.kind === 'map' ? [...value.entries.values()] : [];
      const all = claims
        .map((claim) => `${claim.key.replace(/^power\./, '')} is ${flat(claim.value)}`)
        .join(', ');
      return `state: ${all}${within}`;
    }
    case 'operation':
      return `operation: ${flat(value)}${beside('because', ' because of ')}${beside('took', ', took ')}`;
    case 'warning':
      return `warning: ${flat(value)}`;
    case 'capture': {
      const packets = said(value, 'packets');
      const word = packets === '1' ? 'packet' : 'packets';
      const where = said(value, 'at') + inside('direction', ', ');
      return `capture at ${where}: ${packets} ${word} of "${said(value, 'filter')}"`;
    }
    case 'isolated':
      return `isolated: ${flat(value)}`;
    case 'finding':
      return `finding: ${flat(value)}${within}`;
    case 'outage':
      return `outage ${flat(value)}${beside('at_most', ' at most ')}`;
    case 'not': {
      const inner = value?.kind === 'map' ? [...value.entries.values()][0] : undefined;
      return inner === undefined || value?.kind !== 'map'
        ? `not ${flat(value)}`
        : `not: ${titleOf(inner.key, value)}`;
    }
    default:
      return `${verb} ${flat(value)}`;
  }
}

const around = (text: string, before: string, after = ''): string =>
  text === '' ? '' : before + text + after;

const said = (node: Node | undefined, key: string): string =>
  node?.kind === 'map' ? flat(node.entries.get(key)?.value) : '';

function itemsOf(node: Node | undefined, key: string): number {
  const list = node?.kind === 'map' ? node.entries.get(key)?.value : undefined;
  return list?.kind === 'list' ? list.items.length : 0;
}

function flat(node: Node | undefined): string {
  if (node === undefined) return '';
  if (node.kind === 'scalar') return String(node.value);
  if (node.kind === 'list') return node.items.slice(0, 20).map(flat).join(', ');
  return [...node.entries.values()].map(({ key, value }) => `${key} ${flat(value)}`).join(' ');
}

const cut = (text: string): string =>
  text.length > lengthMax ? `${text.slice(0, lengthMax - 1)}…` : text;
