/** The choices that a file makes where the documents leave something open; the rest is the controller's. */
import type { RawPolicies } from './format-policies.ts';
import type { Policies } from './scenario.ts';

export function buildPolicies(raw: RawPolicies | undefined): Policies {
  const said: { readonly [P in keyof Policies]: Policies[P] | undefined } = {
    onConcurrent: raw?.on_concurrent?.value,
    reservedPort: raw?.reserved_port?.value,
    missingAppliance: raw?.missing_nea?.value,
    appliancesAfterUndo: hyphened(raw?.appliances_after_undo?.value),
    withdrawal: hyphened(raw?.withdrawal?.value),
    permanentAfterPartial: raw?.permanent_after_partial?.value,
    noStaticIpWarning: raw?.no_static_ip_warning?.value,
    shutdown: raw?.shutdown?.value,
  };
  return Object.fromEntries(Object.entries(said).filter(([, choice]) => choice !== undefined));
}

type Hyphened<W extends string> = W extends `${infer A}_${infer B}` ? `${A}-${Hyphened<B>}` : W;

const hyphened = <W extends string>(word: W | undefined): Hyphened<W> | undefined =>
  word?.replaceAll('_', '-') as Hyphened<W> | undefined;
