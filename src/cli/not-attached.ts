/** What is said of scenarios with networks that could be joined to real ones, where they are not. */
import type { Scenario } from '../scenario/scenario.ts';
import { say } from './one-case.ts';

/** Only `attach` touches a real network, whatever a file says. */
export function sayNotAttached(cases: readonly Scenario[]): void {
  const networks = cases.flatMap(({ tenants }) =>
    tenants.flatMap(({ sites }) => sites.flatMap((site) => site.networks)),
  );
  const names = new Set(networks.filter(({ attach }) => attach).map(({ name }) => name));
  if (names.size > 0)
    say(`${[...names].join(', ')}: not attached, which is for "standin attach" alone`);
}
