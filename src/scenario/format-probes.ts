/** The part of the format that looks: the probes that expectations are made of. */
import { isReason, reasonList } from '../trace/reasons.ts';
import { choice, verb } from './choice.ts';
import { parseFilter } from './filter.ts';
import { invariantName } from './format-invariants.ts';
import { didYouMean } from './problem.ts';
import {
  address,
  boolean,
  duration,
  flow,
  integer,
  machine,
  name,
  portFlow,
  reference,
  scalar,
  stop,
  text,
  whereabouts,
  word,
} from './scalars.ts';
import {
  type At,
  list,
  mapOfWords,
  named,
  object,
  optional,
  required,
  type Shape,
  type ValueOf,
} from './shape.ts';
import {
  durationPattern,
  machinePattern,
  parseDuration,
  quote,
  referencePattern,
  Wrong,
} from './units.ts';
import { type Comparison, comparisonPattern, operators, parseWhen, whenPattern } from './when.ts';

const reasonOr = <const W extends string>(...words: W[]) =>
  scalar({
    noun: 'a reason code',
    parse: (code) => {
      if (isReason(code)) return code;
      const special = words.find((known) => known === code);
      if (special !== undefined) return special;
      const hint = didYouMean(code, [...reasonList, ...words]) ?? 'see "standin reasons"';
      return new Wrong('E212', `unknown reason code ${quote(code)}`, hint);
    },
    schema: { enum: [...words, ...reasonList] },
  });
const reason = reasonOr<never>();

const when = scalar({
  noun: 'a comparison',
  parse: parseWhen,
  schema: { pattern: `^(${whenPattern})$` },
});

/** How many: a number, or a comparison such as ">= 3". */
const amountText = scalar<Comparison>({
  noun: 'a number or a comparison',
  parse: (text) => {
    const match = new RegExp(`^(${operators.join('|')}) ?(\\d{1,9})$`).exec(text);
    if (match !== null)
      return { operator: match[1] as Comparison['operator'], count: Number(match[2]) };
    return new Wrong('E206', `${quote(text)} is not a number`, 'write 3, or ">= 3"');
  },
  schema: { pattern: `^(${comparisonPattern})$` },
});
const exactly = integer(0, 1_000_000_000);
const amount: Shape<At<Comparison>> = {
  read(node, what, findings) {
    if (node.kind === 'scalar' && typeof node.value === 'string' && !/^\d+$/.test(node.value)) {
      return amountText.read(node, what, findings);
    }
    const count = exactly.read(node, what, findings);
    return count && { value: { operator: '==', count: count.value }, spot: count.spot };
  },
  schema: (to) => ({ anyOf: [exactly.schema(to, true), amountText.schema(to, true)] }),
};

/** How long something takes, compared: "<= 50ms". */
const comparedDuration = scalar<Comparison>({
  noun: 'a comparison with a duration',
  parse: (text) => {
    const [, operator, rest] = /^(<=|>=|<|>) ?(.+)$/.exec(text) ?? [];
    const hint = 'write it like "<= 50ms"';
    if (rest === undefined)
      return new Wrong('E204', `${quote(text)} is not a comparison with a duration`, hint);
    const duration = parseDuration(rest);
    if (duration instanceof Wrong) return new Wrong(duration.code, duration.message, hint);
    return { operator: operator as Comparison['operator'], count: duration };
  },
  schema: { pattern: `^(<=|>=|<|>) ?${durationPattern}$` },
});

const filter = scalar({
  noun: 'a capture filter',
  parse: (text) => {
    const filter = parseFilter(text);
    return filter instanceof Wrong ? filter : { filter, text };
  },
  schema: { minLength: 1, maxLength: 500 },
});

const within = optional(duration, 'How long it may take until it comes true.');
const reachability = {
  within,
  via: optional(
    list(stop, 1),
    'Networks, machines and tunnels that the traffic passes, in this order.',
  ),
  fails: optional(reasonOr('any'), 'It must fail, and for this reason.'),
  last_hop: optional(machine, 'Where it must end when it fails.'),
  count: optional(integer(1, 10_000), 'How many answers it takes; 1 unless said otherwise.'),
};

export const replicaStates = [
  'ready',
  'normal',
  'processing',
  'failover',
  'failed_failover',
  'ready_to_switch',
  'failback',
  'permanent_failover',
] as const;
const tunnelStates = ['starting', 'connecting', 'up', 'failed', 'down'] as const;
const powerStates = ['running', 'booting', 'stopped'] as const;
export const planStates = [
  'ready',
  'in_progress',
  'completed',
  'failed',
  'undo_in_progress',
  'undo_failed',
] as const;

const connectivities = ['none', 'up', 'failed', 'down'] as const;

const states = mapOfWords<
  At<
    | (typeof replicaStates)[number]
    | (typeof tunnelStates)[number]
    | (typeof powerStates)[number]
    | (typeof planStates)[number]
    | (typeof connectivities)[number]
    | Comparison
  >
>([
  { pattern: `tunnel\\.${referencePattern}`, shape: word(...tunnelStates) },
  { pattern: `power\\.${machinePattern}`, shape: word(...powerStates) },
  { pattern: `connectivity\\.${referencePattern}`, shape: word(...connectivities) },
  { pattern: `(delta|restore_points)\\.${referencePattern}`, shape: amount },
  { pattern: referencePattern, shape: word(...new Set([...replicaStates, ...planStates])) },
]);

const someTenants = list(name, 1);
const allTenants = word('all');
const allOrSome: Shape<At<readonly At<string>[]>> = {
  read(node, what, findings) {
    if (node.kind === 'list') {
      const some = someTenants.read(node, what, findings);
      return some && { value: some.items, spot: some.spot };
    }
    const all = allTenants.read(node, what, findings);
    return all && { value: [], spot: all.spot };
  },
  schema: (to, whole) => ({ anyOf: [allTenants.schema(to, whole), someTenants.schema(to, whole)] }),
};

export const plainProbes = {
  ping: verb('An echo request and its reply: web01 -> sql01.', flow, {
    ...reachability,
    size: optional(integer(0, 65_507), 'Bytes of payload; 56 unless said otherwise.'),
    df: optional(boolean, 'Whether it must not be cut, not even here; false by default.'),
    ttl: optional(amount, 'The time to live that the answer arrives with.'),
    rtt: optional(comparedDuration, 'How long it takes there and back: "<= 50ms".'),
  }),
  tcp: verb('A connection is made: web01 -> sql01:1433.', portFlow, {
    ...reachability,
    bytes: optional(integer(1, 100_000_000), 'How much to transfer there and back.'),
  }),
  udp: verb('A datagram and its answer: web01 -> sql01:53.', portFlow, reachability),
  arp: verb(
    'Who answers for an address.',
    object({
      at: required(machine, 'Who asks.'),
      ip: required(address, 'For which address.'),
      answered_by: optional(machine, 'Whose MAC address the answer has.'),
      replies: optional(amount, 'How many answers come.'),
    }),
    { within },
  ),
  neighbour: verb(
    'What a machine believes of an address: the entry in its ARP table.',
    object({
      at: required(machine, 'Whose ARP table.'),
      ip: required(address, 'Which address.'),
      mac_of: optional(machine, 'Whose MAC address the entry has.'),
    }),
    { within },
  ),
  path_symmetric: verb('The answer to a ping takes the way of its question, back.', flow, {
    within,
    except: optional(list(stop, 1), 'What only one of the two ways passes.'),
  }),
  lease: verb(
    'A VM has a lease.',
    object({
      vm: required(reference, 'Which VM.'),
      from: optional(machine, 'Who gave it.'),
    }),
    { within },
  ),
  state: verb(
    'What something is in: { sql01: failover, plan1: completed, tunnel.lan10: up }. Also connectivity.sql01, ' +
      'power.sql01, restore_points.sql01, and delta.sql01: the bytes that its replica wrote since.',
    states,
    { within },
  ),
  operation: verb('How the last operation ended.', word('success', 'failed'), {
    because: optional(reason, 'Why it failed.'),
    took: optional(comparedDuration, 'How long it took from its start to its end: ">= 30s".'),
  }),
  warning: verb('The last operation gave this warning.', reason, {}),
  capture: verb(
    'How many frames that fit a filter have passed since the last step other than expect began.',
    object({
      at: required(whereabouts, 'A network, a machine, internet, or tunnel.lan10.'),
      filter: required(filter, 'As in tcpdump: udp port 67 or udp port 68.'),
      direction: optional(
        word('in', 'out'),
        'Only what comes into the machine or tunnel, or only what leaves it; both by default.',
      ),
      packets: required(amount, 'How many: a number, or a comparison such as ">= 1".'),
    }),
    {},
  ),
  isolated: verb(
    'No machine of a tenant ever received a frame of another tenant: all, or [acme, beta].',
    allOrSome,
    {},
  ),
  finding: verb(
    'An invariant has been broken by now: two_answers. Then it does not count against the run.',
    invariantName,
    { within },
  ),
  outage: verb('How long a flow was interrupted: web01 -> sql01.', flow, {
    at_most: required(duration, 'The longest interruption.'),
  }),
};

/** What may stand beside a step or a probe of any kind. */
export const titled = {
  name: optional(text(200, 'one line'), 'A title.'),
  when: optional(when, 'Only in cases where this holds: org_networks <= 9.'),
};

const plainProbe = named('plain_probe', choice({ noun: 'probe', verbs: plainProbes, common: {} }));

export const probe = named(
  'probe',
  choice({
    noun: 'probe',
    verbs: { ...plainProbes, not: verb('This must not come true.', plainProbe, {}) },
    common: titled,
  }),
);

export type RawProbe = ValueOf<typeof probe>;
export type RawPlainProbe = ValueOf<typeof plainProbe>;
