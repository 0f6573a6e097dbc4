/** The part of the format that happens: steps, faults, and the probes that expectations are made of. */
import { isReason, reasonList } from '../trace/reasons.ts';
import { choice, verb } from './choice.ts';
import { parseFilter } from './filter.ts';
import { didYouMean } from './problem.ts';
import {
  address,
  boolean,
  duration,
  flow,
  integer,
  machine,
  name,
  percent,
  portFlow,
  scalar,
  servicePort,
  text,
  word,
} from './scalars.ts';
import {
  type At,
  either,
  list,
  mapOfWords,
  named,
  object,
  optional,
  required,
  type Shape,
  type ValueOf,
} from './shape.ts';
import { namePattern, quote, Wrong } from './units.ts';
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

const filter = scalar({
  noun: 'a capture filter',
  parse: (text) => {
    const filter = parseFilter(text);
    return filter instanceof Wrong ? filter : { filter, text };
  },
  schema: { minLength: 1, maxLength: 500 },
});

/** Where frames can be watched or harmed: a network, a machine, `internet`, `tunnel.lan10`. */
const watchPattern = `(tunnel\\.)?${namePattern}`;
const spotOnNetwork = scalar({
  noun: 'a network, a machine, internet or a tunnel',
  parse: (text) =>
    new RegExp(`^(?:${watchPattern})$`).test(text)
      ? text
      : new Wrong('E207', `${quote(text)} names no place`, 'a network, a machine, or tunnel.lan10'),
  schema: { pattern: `^(${watchPattern})$` },
});

// Probes

const within = optional(duration, 'How long it may take until it comes true.');
const reachability = {
  within,
  via: optional(list(machine, 1), 'Networks and machines that the traffic passes, in this order.'),
  fails: optional(reasonOr('any'), 'It must fail, and for this reason.'),
  last_hop: optional(machine, 'Where it must end when it fails.'),
  count: optional(integer(1, 10_000), 'How many answers it takes; 1 unless said otherwise.'),
};

const replicaStates = [
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

const states = mapOfWords<
  At<(typeof replicaStates)[number] | (typeof tunnelStates)[number] | (typeof powerStates)[number]>
>([
  { pattern: `tunnel\\.${namePattern}`, shape: word(...tunnelStates) },
  { pattern: `power\\.${namePattern}`, shape: word(...powerStates) },
  { pattern: namePattern, shape: word(...replicaStates) },
]);

const plainProbes = {
  ping: verb('An echo request and its reply: web01 -> sql01.', flow, {
    ...reachability,
    size: optional(integer(0, 65_507), 'Bytes of payload; 56 unless said otherwise.'),
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
  lease: verb(
    'A VM has a lease.',
    object({
      vm: required(name, 'Which VM.'),
      from: optional(machine, 'Who gave it.'),
    }),
    { within },
  ),
  state: verb('What something is in: { sql01: failover, tunnel.lan10: up }.', states, { within }),
  operation: verb('How the last operation ended.', word('success', 'failed'), {
    because: optional(reason, 'Why it failed.'),
  }),
  warning: verb('The last operation gave this warning.', reason, {}),
  capture: verb(
    'How many frames that fit a filter have passed since the last step other than expect began.',
    object({
      at: required(spotOnNetwork, 'A network, a machine, internet, or tunnel.lan10.'),
      filter: required(filter, 'As in tcpdump: udp port 67 or udp port 68.'),
      packets: required(amount, 'How many: a number, or a comparison such as ">= 1".'),
    }),
    {},
  ),
  outage: verb('How long a flow was interrupted: web01 -> sql01.', flow, {
    at_most: required(duration, 'The longest interruption.'),
  }),
};

const titled = {
  name: optional(text(200, 'one line'), 'A title.'),
  when: optional(when, 'Only in cases where this holds: org_networks <= 9.'),
};

const plainProbe = named(
  'plain_probe',
  choice({ noun: 'probe', verbs: plainProbes, common: {}, later: [] }),
);

const probe = named(
  'probe',
  choice({
    noun: 'probe',
    verbs: { ...plainProbes, not: verb('This must not come true.', plainProbe, {}) },
    common: titled,
    later: ['path_symmetric'],
  }),
);

// Faults

const block = either(
  servicePort,
  object({
    at: required(machine, 'At which gateway or router.'),
    ports: required(list(servicePort, 1), 'Which ports: [udp/6180].'),
  }),
);

const faults = {
  power_off: verb('A machine loses power.', machine, {}),
  power_on: verb('A machine is switched on.', machine, {}),
  link_down: verb('The cable of a machine is pulled.', machine, {}),
  link_up: verb('The cable of a machine is plugged in again.', machine, {}),
  block: verb('A firewall closes a port: udp/6180 at all cloud gateways.', block, {}),
  unblock: verb('A firewall opens a port again.', block, {}),
  drop: verb(
    'A network or line loses frames.',
    object({
      at: required(spotOnNetwork, 'A network, a machine, or internet.'),
      loss: required(percent, 'Which share: 30%; 0% ends it.'),
    }),
    {},
  ),
  delay: verb(
    'A network or line becomes slower.',
    object({
      at: required(spotOnNetwork, 'A network, a machine, or internet.'),
      latency: required(duration, 'One way.'),
    }),
    {},
  ),
  mtu: verb(
    'A network or line carries smaller packets only.',
    object({
      at: required(spotOnNetwork, 'A network, a machine, or internet.'),
      mtu: required(integer(68, 9216), 'The largest IP packet.'),
    }),
    {},
  ),
};

const fault = named(
  'fault',
  choice({ noun: 'fault', verbs: faults, common: {}, later: ['nea_password', 'clock_skew'] }),
);

// Steps

const hints = (words: object, hint: string) =>
  Object.fromEntries(Object.keys(words).map((known) => [known, hint]));

const restorePoint: Shape<At<'latest' | number>> = {
  read: (node, what, findings) =>
    node.kind === 'scalar' && typeof node.value === 'string' && !node.filled
      ? word('latest').read(node, what, findings)
      : node.kind === 'scalar' && node.value === 'latest'
        ? { value: 'latest', spot: node.spot }
        : integer(1, 28).read(node, what, findings),
  schema: (to) => ({
    anyOf: [word('latest').schema(to, true), integer(1, 28).schema(to, true)],
  }),
};

const step = choice({
  noun: 'step',
  verbs: {
    failover: verb(
      'Partial site failover: replicas take over while the rest of the site keeps running.',
      object({
        vms: required(list(name, 1), 'Which VMs.'),
        restore_point: optional(
          restorePoint,
          'latest, or 1 for the newest, 2 for the one before …',
        ),
        reason: optional(text(200, 'one line'), 'Why, for the record.'),
        planned: optional(boolean, 'Replicate once more and shut the original down first.'),
      }),
      {},
    ),
    undo: verb(
      'Undo failover: the replicas are switched off and what they wrote is discarded.',
      object({ vms: required(list(name, 1), 'Which VMs.') }),
      {},
    ),
    fault: verb('Something breaks, or is mended.', fault, {}),
    wait: verb('Time passes.', duration, {}),
    predict: verb(
      'A question to the reader, asked before the answer is seen.',
      object({
        ask: required(text(500, 'lines'), 'The question.'),
        choices: required(list(text(100, 'one line'), 2), 'The answers to choose from.'),
        answer: required(text(100, 'one line'), 'The right one.'),
        hint: optional(text(500, 'lines'), 'Something to think of.'),
      }),
      {},
    ),
    expect: verb('What must be so now.', list(probe, 1), {}),
  },
  common: titled,
  later: ['failback', 'commit_failback', 'undo_failback', 'permanent', 'plan', 'reconnect', 'set'],
  elsewhere: {
    ...hints(plainProbes, 'it goes into the list under "expect"'),
    ...hints(faults, 'it goes under "fault"'),
  },
});

export const stepShape = named('step', step);
export type RawStep = ValueOf<typeof step>;
export type RawProbe = ValueOf<typeof probe>;
export type RawPlainProbe = ValueOf<typeof plainProbe>;
export type RawFault = ValueOf<typeof fault>;
