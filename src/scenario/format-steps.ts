/** The part of the format that happens: the steps of a scenario. */
import { choice, verb } from './choice.ts';
import { fault, faults, meanwhile } from './format-faults.ts';
import { planOperation } from './format-plans.ts';
import { plainProbes, probe, titled } from './format-probes.ts';
import {
  address,
  boolean,
  duration,
  durationOr,
  integer,
  reference,
  selection,
  text,
  word,
} from './scalars.ts';
import {
  type At,
  list,
  named,
  object,
  optional,
  required,
  type Shape,
  type ValueOf,
} from './shape.ts';

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

const vms = required(list(selection, 1), 'Which VMs: by name, by pattern such as web*, or all.');
const someVms = object({ vms });
const by = optional(
  word('tenant', 'provider'),
  'Who starts it; the tenant unless said otherwise, for the provider may not.',
);
const someVmsBy = object({ vms, by });

const step = choice({
  noun: 'step',
  verbs: {
    failover: verb(
      'Partial site failover: replicas take over while the rest of the site keeps running.',
      object({
        vms,
        restore_point: optional(
          restorePoint,
          'latest, or 1 for the newest, 2 for the one before …',
        ),
        reason: optional(text(200, 'one line'), 'Why, for the record.'),
        planned: optional(boolean, 'Replicate once more and shut the original down first.'),
      }),
      { meanwhile },
    ),
    undo: verb(
      'Undo failover: the replicas are switched off and what they wrote is discarded.',
      someVms,
      { meanwhile },
    ),
    plan: verb('Something is done with a cloud failover plan.', planOperation, {
      meanwhile,
    }),
    failback: verb(
      'Production gets what the replicas wrote, and takes over again.',
      object({
        vms,
        switch: optional(
          durationOr('auto', 'manual'),
          'When production takes over: auto as soon as it can, manual on a switch step, or after a while; auto by default.',
        ),
        power_on: optional(boolean, 'Whether production is powered on then; true by default.'),
        by,
      }),
      { meanwhile },
    ),
    switch: verb('Production takes over from replicas that are ready for it.', someVmsBy, {
      meanwhile,
    }),
    commit_failback: verb('Production stays, and replication resumes.', someVmsBy, {
      meanwhile,
    }),
    undo_failback: verb('Production is powered off, and the replicas run again.', someVmsBy, {
      meanwhile,
    }),
    permanent: verb('The replicas become production for good.', someVms, { meanwhile }),
    reconnect: verb('The VPN of both appliances is started anew.', someVms, { meanwhile }),
    replicate: verb('A run of the replication jobs of these VMs, beside their schedule.', someVms, {
      meanwhile,
    }),
    set: verb(
      'Somebody changes the settings of a VM, at once if it runs.',
      object({
        vm: required(reference, 'Which VM: one with a static address.'),
        ip: required(address, 'Its address from now on.'),
      }),
      {},
    ),
    fault: verb('Something breaks, or is mended.', fault, {}),
    wait: verb('Time passes.', duration, { meanwhile }),
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
    expect: verb('What must be so now.', list(probe, 1), { meanwhile }),
  },
  common: titled,
  elsewhere: {
    ...hints(plainProbes, 'it goes into the list under "expect"'),
    ...hints(faults, 'it goes under "fault"'),
  },
});

export const stepShape = named('step', step);
export type RawStep = ValueOf<typeof step>;
