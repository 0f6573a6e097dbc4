/** Finding a network of the provider by its name. */
import type { Plan, PlanNetwork, Scenario } from './scenario.ts';

export interface PlanNetworkFound {
  readonly plan: Plan;
  readonly network: PlanNetwork;
}

export function planNetworkOf({ tenants }: Scenario, name: string): PlanNetworkFound | undefined {
  for (const { plans } of tenants) {
    for (const plan of plans) {
      const network = plan.networks.find((one) => one.name === name);
      if (network !== undefined) return { plan, network };
    }
  }
  return undefined;
}
