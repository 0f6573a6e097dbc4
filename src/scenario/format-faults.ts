/** The part of the format that breaks things, and mends them. */
import { choice, verb } from './choice.ts';
import { duration, integer, machine, percent, servicePort, whereabouts } from './scalars.ts';
import { either, list, named, object, required, type ValueOf } from './shape.ts';

const block = either(
  servicePort,
  object({
    at: required(machine, 'At which gateway or router.'),
    ports: required(list(servicePort, 1), 'Which ports: [udp/6180].'),
  }),
);

export const faults = {
  power_off: verb('A machine loses power.', machine, {}),
  power_on: verb('A machine is switched on.', machine, {}),
  link_down: verb('The cable of a machine is pulled.', machine, {}),
  link_up: verb('The cable of a machine is plugged in again.', machine, {}),
  block: verb('A firewall closes a port: udp/6180 at all cloud gateways.', block, {}),
  unblock: verb('A firewall opens a port again.', block, {}),
  drop: verb(
    'A network or line loses frames.',
    object({
      at: required(whereabouts, 'A network, a machine, or internet.'),
      loss: required(percent, 'Which share: 30%; 0% ends it.'),
    }),
    {},
  ),
  delay: verb(
    'A network or line becomes slower.',
    object({
      at: required(whereabouts, 'A network, a machine, or internet.'),
      latency: required(duration, 'One way.'),
    }),
    {},
  ),
  mtu: verb(
    'A network or line carries smaller packets only.',
    object({
      at: required(whereabouts, 'A network, a machine, or internet.'),
      mtu: required(integer(68, 9216), 'The largest IP packet.'),
    }),
    {},
  ),
};

export const fault = named(
  'fault',
  choice({ noun: 'fault', verbs: faults, common: {}, later: ['nea_password', 'clock_skew'] }),
);

export type RawFault = ValueOf<typeof fault>;
