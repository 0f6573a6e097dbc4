/** The choices that a file makes where the documents leave something open; defaults as the guide has it. */
import type { RawPolicies } from './format-policies.ts';
import type { Policies } from './scenario.ts';

export const buildPolicies = (raw: RawPolicies | undefined): Policies => ({
  onConcurrent: raw?.on_concurrent?.value ?? 'prompt',
  reservedPort: raw?.reserved_port?.value ?? 'public',
});
