/** What the switch of a network does beyond switching: the rights of virtual adapters, and keeping track of machines. */
import { boolean, duration, word } from './scalars.ts';
import { named, object, optional, type ValueOf } from './shape.ts';

const acceptance = word('accept', 'reject');

const portSecurity = named(
  'port_security',
  object({
    promiscuous: optional(acceptance, 'Adapters get frames that are for others.'),
    forged_transmits: optional(
      acceptance,
      'Adapters send frames from other addresses than their own.',
    ),
    mac_changes: optional(acceptance, 'Guests give their adapters other addresses.'),
    mac_learning: optional(
      boolean,
      'The switch learns who is behind an adapter, and sends it what is for them; false by default.',
    ),
  }),
);

const deviceTracking = named(
  'ip_device_tracking',
  object({
    delay: optional(
      duration,
      'How long after a link came up the switch asks who is there; 0s by default.',
    ),
    interval: optional(duration, 'How often it asks whether they still are; 30s by default.'),
  }),
);

/** Fields that networks of both sides have. */
export const portGroupFields = {
  switch: optional(
    word('standard', 'distributed'),
    'The virtual switch of its host: a standard one rejects promiscuous mode, a distributed one ' +
      'forged transmits and MAC changes too. Without it, a plain switch that asks nobody.',
  ),
  port_security: optional(
    portSecurity,
    'What adapters of virtual machines may do, where that is not as the switch has it by default.',
  ),
  ip_device_tracking: optional(
    deviceTracking,
    'The switch sends ARP probes to the machines that it knows, as access switches do.',
  ),
};

const portGroup = object(portGroupFields);
export type RawPortGroup = ValueOf<typeof portGroup>;
