/** The part of the format for what the documents leave open or contradict: each a choice of what they say. */
import { word } from './scalars.ts';
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
});

export type RawPolicies = ValueOf<typeof policiesShape>;
