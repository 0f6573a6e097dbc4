/** The part of the format that happens: the steps of a scenario. */
import { choice, verb } from './choice.ts';
import { fault, faults } from './format-faults.ts';
import { planOperation } from './format-plans.ts';
import { plainProbes, probe, titled } from './format-probes.ts';
import { boolean, duration, integer, selection, text, word } from './scalars.ts';
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

const step = choice({
  noun: 'step',
  verbs: {
    failover: verb(
      'Partial site failover: replicas take over while the rest of the site keeps running.',
      object({
        vms: required(list(selection, 1), 'Which VMs: by name, by pattern such as web*, or all.'),
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
      object({
        vms: required(list(selection, 1), 'Which VMs: by name, by pattern such as web*, or all.'),
      }),
      {},
    ),
    plan: verb('Something is done with a cloud failover plan.', planOperation, {}),
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
  later: ['failback', 'commit_failback', 'undo_failback', 'permanent', 'reconnect', 'set'],
  elsewhere: {
    ...hints(plainProbes, 'it goes into the list under "expect"'),
    ...hints(faults, 'it goes under "fault"'),
  },
});

export const stepShape = named('step', step);
export type RawStep = ValueOf<typeof step>;
