/** The part of the format that breaks things, and mends them. */
import { choice, verb } from './choice.ts';
import { titled } from './format-probes.ts';
import {
  closable,
  duration,
  integer,
  machine,
  name,
  percent,
  rate,
  whereabouts,
  word,
} from './scalars.ts';
import {
  either,
  type Fields,
  list,
  named,
  object,
  optional,
  required,
  type ValueOf,
} from './shape.ts';

const block = either(
  closable,
  object({
    at: required(machine, 'At which machine.'),
    ports: required(list(closable, 1), 'Which ports: [udp/6180], [tcp/22, icmp].'),
    direction: optional(
      word('in', 'out', 'both'),
      'What comes to it, what leaves it, or both; in unless said otherwise.',
    ),
  }),
);

const somewhere = {
  at: required(
    whereabouts,
    'A network, also on one host alone (esx1.plan10), a machine, internet, the line of a site or ' +
      'gateway (hq.internet), or a tunnel (tunnel.lan10): its own packets, as its site sees them.',
  ),
  direction: optional(
    word('in', 'out', 'both'),
    'What comes into it, what leaves it, or both; both unless said otherwise.',
  ),
};

/** Something that cables do to frames. */
const line = <F extends Fields>(about: string, fields: F) =>
  verb(about, object({ ...somewhere, ...fields }), {});

const share = required(percent, 'Which share of the frames: 30%; 0% ends it.');

/** What happens to cables and lines. */
export const lineFaults = {
  drop: line('Frames get lost.', { loss: share }),
  black_hole: line('All frames vanish, and every carrier stays.', {}),
  delay: line('Frames take longer.', {
    latency: required(duration, 'One way; in a tunnel, besides that of its line.'),
  }),
  jitter: line('Each frame takes longer by another amount.', {
    by: required(duration, 'By up to this much; 0s ends it.'),
  }),
  duplicate: line('Frames come twice.', { share }),
  reorder: line('Some frames are held back, so that others overtake them.', {
    share,
    by: required(duration, 'How long they are held back.'),
  }),
  corrupt: line('A bit of a frame is turned.', { share }),
  rate: line('There is less bandwidth.', { rate: required(rate, 'What is left: 10Mbit.') }),
  mtu: line('Only smaller packets get through.', {
    mtu: required(integer(68, 9216), 'The largest IP packet.'),
  }),
};

const process = object({
  at: required(machine, 'On which machine.'),
  daemon: required(word('vpn', 'proxy_arp', 'dhcp'), 'Which process.'),
  network: optional(name, 'Of an appliance with several tunnels, the one that it serves.'),
});

export const faults = {
  power_off: verb(
    'A machine, the switch of a network, or all that a site or host has, loses power.',
    whereabouts,
    {},
  ),
  power_on: verb('It is switched on.', whereabouts, {}),
  link_down: verb('Cables are pulled: of a machine, or its internet line.', whereabouts, {}),
  link_up: verb('They are plugged in again.', whereabouts, {}),
  port_off: verb(
    'The switch turns off the ports of a machine, which loses its carrier.',
    whereabouts,
    {},
  ),
  port_on: verb('The switch turns them on again.', whereabouts, {}),
  interface_down: verb(
    'A machine turns off its own adapters; the switch keeps its carrier.',
    whereabouts,
    {},
  ),
  interface_up: verb('It turns them on again.', whereabouts, {}),
  block: verb('A firewall closes a port: udp/6180 at all cloud gateways.', block, {}),
  unblock: verb('A firewall opens a port again.', block, {}),
  ...lineFaults,
  hang: verb('A process answers nobody, while its machine runs.', process, {}),
  resume: verb('It goes on.', process, {}),
  lose_lease: verb('A machine loses the address that it has by DHCP.', machine, {}),
  nea_password: verb(
    'The password of an appliance is changed: nobody can configure it.',
    machine,
    {},
  ),
  redeploy: verb('An appliance is deployed anew, and is switched off.', machine, {}),
  clock_step: verb(
    'The wall clock of a machine jumps.',
    object({
      at: required(machine, 'Of which machine.'),
      by: required(duration, 'How far.'),
      direction: required(word('back', 'forward'), 'Which way.'),
    }),
    {},
  ),
  mend: verb(
    'All that faults have done to cables, ports, lines and processes there is undone.',
    whereabouts,
    {},
  ),
};

export const fault = named('fault', choice({ noun: 'fault', verbs: faults, common: {} }));

/** One of those that happen while a step goes on. */
const timed = named(
  'timed_fault',
  choice({
    noun: 'fault meanwhile',
    verbs: {
      fault: verb('Something breaks, or is mended.', fault, {
        at_step: optional(
          integer(1, 99),
          'As the operation comes to this of its documented steps; of a failover, 2 to 8.',
        ),
        after: optional(
          duration,
          'So long after that; without at_step, so long after all of this began.',
        ),
      }),
    },
    common: { when: titled.when },
    elsewhere: Object.fromEntries(
      Object.keys(faults).map((word) => [word, 'it goes under "fault"']),
    ),
  }),
);

/** What may stand beside a step that takes time. */
export const meanwhile = optional(
  list(timed, 1),
  'Faults while this goes on: [{ fault: { power_off: nea-hq }, at_step: 6 }], or after: 3s.',
);

export type RawMeanwhile = ValueOf<typeof timed>;
export type RawFault = ValueOf<typeof fault>;
