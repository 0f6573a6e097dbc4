/** Who has the provider's appliance as default gateway, after full site failover, and what it does for them. */
import type { CloudHost } from './configuration.ts';
import type { GatewayDuty } from './decision.ts';
import type { FailoverPlan } from './failover-plan.ts';
import type { Site } from './site.ts';

export class Gateways {
  readonly #site: Site;
  /** VMs whose replicas have one, and the plan that they are in. */
  readonly #guests = new Map<string, FailoverPlan>();

  constructor(site: Site) {
    this.#site = site;
  }

  join(vms: readonly string[], plan: FailoverPlan): void {
    for (const vm of vms) this.#guests.set(vm, plan);
  }

  leave(vms: readonly string[]): void {
    for (const vm of vms) this.#guests.delete(vm);
  }

  guests(host: CloudHost): readonly string[] {
    return [...this.#guests.keys()].filter((vm) => this.#site.hostOf(vm) === host);
  }

  /** What the appliance of a host does for all replicas there, whichever plan they are in. */
  duty(host: CloudHost): GatewayDuty {
    const gateways = new Map<string, string>();
    const plans = new Set<FailoverPlan>();
    for (const vm of this.guests(host)) {
      const plan = this.#guests.get(vm)!;
      plans.add(plan);
      const { vm: original, providerNetwork } = this.#site.replica(vm);
      const { network } = original;
      const { networks } = this.#site.configuration;
      const learned = networks.find(({ name }) => name === network)?.gateway;
      const address = plan.gateways[network] ?? learned;
      if (address !== undefined && providerNetwork !== undefined)
        gateways.set(providerNetwork, address);
    }
    return {
      gateways: [...gateways].map(([providerNetwork, address]) => ({ providerNetwork, address })),
      routing: [...plans].some(({ routing }) => routing),
      rules: [...plans].flatMap(({ rules }) =>
        rules.filter(({ to }) => this.#site.hostOf(to.vm) === host),
      ),
    };
  }
}
