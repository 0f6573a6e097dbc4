/** The part of the format for what is watched without being asked: what becomes of an invariant that is broken. */
import { invariantNames } from '../trace/invariants.ts';
import { duration, word } from './scalars.ts';
import { either, type Fields, named, object, optional, type ValueOf } from './shape.ts';

/** `ignore`, and not `off`, which YAML 1.1 reads as false. */
const severity = word('fail', 'warn', 'ignore');

const plain = optional(
  severity,
  'What becomes of the run when it is broken: fail, which is the default, only warn, or ignore.',
);

const fields = {
  two_answers: plain,
  proxy_for_own_side: plain,
  two_lives: plain,
  no_announcement: optional(
    either(
      severity,
      object({
        within: optional(
          duration,
          'How long after an address has moved it may be announced; 5s unless said otherwise.',
        ),
        broken: plain,
      }),
    ),
    'fail, warn or ignore; or how long it may take: { within: 2s, broken: warn }.',
  ),
  loop: plain,
  storm: plain,
  foreign_tenant: plain,
  silent_large_loss: plain,
  drop_without_reason: plain,
} satisfies Fields & Record<(typeof invariantNames)[number], unknown>;

export const invariantsShape = named('invariants', object(fields));
export type RawInvariants = ValueOf<typeof invariantsShape>;

export const invariantName = word(...invariantNames);
