/** The part of the format for what the documents leave open or contradict: each a choice of what they say. */
import { duration, word } from './scalars.ts';
import { object, optional, type ValueOf } from './shape.ts';

export const policiesShape = object({
  on_concurrent: optional(
    word('prompt', 'force', 'reject'),
    'A failover plan is started during partial failover: prompt asks, which a run answers with no; ' +
      'force stops the partial failover without asking; reject refuses. prompt by default.',
  ),
  reserved_port: optional(
    word('public', 'target'),
    'Which port of a public-IP rule may not be 22, as the guide (public, the default) or the ' +
      'PowerShell reference (target) has it; of the other one there is a warning.',
  ),
  missing_nea: optional(
    word('warn', 'fail'),
    'A VM in a network without an appliance: failed over unconnected, or not at all; warn by default.',
  ),
  appliances_after_undo: optional(
    word('power_off', 'leave_on'),
    'What becomes of appliances that nobody needs any more; power_off by default.',
  ),
  withdrawal: optional(
    word('before_power_off', 'after_power_off'),
    'When the tenant appliance lets go of an address: before its replica is off, which is the default, or after.',
  ),
  permanent_after_partial: optional(
    word('refuse', 'allow'),
    'Whether permanent failover may end a partial one; refuse by default, as the menu does.',
  ),
  gateway_list: optional(
    word('cycle', 'once'),
    'What an appliance does at the end of its list of cloud gateways: cycle begins again, as automatic failover to the next one has it ' +
      'and by default; once stays with the last, as with a list that is fetched at the start of an operation and never again.',
  ),
  no_static_ip_warning: optional(
    word('show', 'silence'),
    'Whether a job says that it found no static address; show unless the registry silences it.',
  ),
  shutdown: optional(
    duration,
    'How long a guest has to shut down before it is powered off; 15m by default.',
  ),
});

export type RawPolicies = ValueOf<typeof policiesShape>;
