/** The provider's appliance on one host is switched on for these VMs, unless it runs. */
import type { CloudHost } from './configuration.ts';
import type { Work } from './decision.ts';
import type { Lane } from './phase.ts';
import type { Site } from './site.ts';

/** Joining all networks is where too many of them break the operation, related to it or not. */
export function powerOnProvider(site: Site, on: CloudHost, concerns: readonly string[]): Lane[] {
  if (site.ledger.get(`provider appliance ${on.host}`) === 'on') return [];
  const work: Work[] = [{ kind: 'power-on-provider-appliance', ...on }];
  const impossible = site.adapterLimit(on, concerns);
  return [{ concerns, work, ...(impossible && { impossible }) }];
}
