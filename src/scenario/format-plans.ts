/** The part of the format for full site failover: cloud failover plans, and who is on the internet. */
import type { Duration } from '../base/time.ts';
import { choice, verb } from './choice.ts';
import { address, boolean, duration, integer, name, reference, servicePort } from './scalars.ts';
import {
  type At,
  either,
  list,
  mapOfNamed,
  named,
  object,
  optional,
  required,
  type Shape,
  type ValueOf,
} from './shape.ts';

const port = integer(1, 65_535);

export const publicIpRule = named(
  'public_ip_rule',
  object({
    public_ip: required(address, 'The address that the internet knows.'),
    port: required(port, 'The port there, of TCP and UDP alike.'),
    to: required(name, 'The VM whose replica it leads to.'),
    to_port: optional(port, 'The port of the replica; the same unless said otherwise.'),
  }),
);

export const failoverPlan = named(
  'failover_plan',
  object({
    vms: required(
      list(
        either(
          name,
          object({
            vm: required(name, 'Which VM.'),
            delay: optional(
              duration,
              'How long the next VM is kept waiting; 60s unless said otherwise, 0s for none.',
            ),
          }),
        ),
        1,
      ),
      'The VMs in the order in which they start.',
    ),
    routing: optional(
      boolean,
      'Whether the appliance routes between the networks of the replicas; false by default.',
    ),
    public_ip_rules: optional(
      list(publicIpRule),
      'What the internet reaches, with and without internet access.',
    ),
    default_gateways: optional(
      mapOfNamed('network', address),
      'Gateways that somebody has edited, by production network, instead of what was learned.',
    ),
  }),
);

/** A restore point by its place in the chain, or the closest prior to a moment so long ago. */
const restorePoint: Shape<At<number | { readonly ago: Duration }>> = {
  read(node, what, findings) {
    if (node.kind !== 'scalar' || typeof node.value !== 'string' || /^\d+$/.test(node.value))
      return integer(1, 28).read(node, what, findings);
    const ago = duration.read(node, what, findings);
    return ago && { value: { ago: ago.value }, spot: ago.spot };
  },
  schema: (to) => ({ anyOf: [integer(1, 28).schema(to, true), duration.schema(to, true)] }),
};

export const planOperation = named(
  'plan_operation',
  choice({
    noun: 'plan operation',
    verbs: {
      start: verb(
        'Full site failover: the VMs of the plan fail over in its order.',
        either(
          reference,
          object({
            plan: required(reference, 'Which failover plan.'),
            to: optional(
              restorePoint,
              '1 for the newest restore point, 2 for the one before …, or "10m" for the closest prior to ten minutes ago.',
            ),
          }),
        ),
        {},
      ),
      undo: verb('All VMs that the plan failed over are switched back.', reference, {}),
      retry: verb('Those that failed are tried again.', reference, {}),
      test: verb('Replicas boot, are pinged by the provider and are rolled back.', reference, {}),
    },
    common: {},
  }),
);

const client = named(
  'client',
  object({
    ip: required(address, 'Its address on the internet.'),
    listen: optional(list(servicePort), 'The ports that answer: [tcp/443].'),
  }),
);

export const internetShape = object({
  clients: optional(mapOfNamed('client', client), 'Machines somewhere on the internet, by name.'),
});

export type RawPublicIpRule = ValueOf<typeof publicIpRule>;
export type RawFailoverPlan = ValueOf<typeof failoverPlan>;
export type RawInternet = ValueOf<typeof internetShape>;
export type RawPlanOperation = ValueOf<typeof planOperation>;
