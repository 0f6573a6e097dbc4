/** The choices that a file makes where the documents leave something open; defaults as the guide has it. */
import { seconds } from '../base/time.ts';
import type { RawPolicies } from './format-policies.ts';
import type { Policies } from './scenario.ts';

export const buildPolicies = (raw: RawPolicies | undefined): Policies => ({
  onConcurrent: raw?.on_concurrent?.value ?? 'prompt',
  reservedPort: raw?.reserved_port?.value ?? 'public',
  missingAppliance: raw?.missing_nea?.value ?? 'warn',
  appliancesAfterUndo: raw?.appliances_after_undo?.value === 'leave_on' ? 'leave-on' : 'power-off',
  withdrawal: raw?.withdrawal?.value === 'after_power_off' ? 'after-power-off' : 'before-power-off',
  permanentAfterPartial: raw?.permanent_after_partial?.value ?? 'refuse',
  noStaticIpWarning: raw?.no_static_ip_warning?.value ?? 'show',
  shutdown: raw?.shutdown?.value ?? seconds(15 * 60),
});
