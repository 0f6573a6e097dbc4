/** Who has the provider's appliance as default gateway, after full site failover, and what it does for them. */
import type { CloudHost } from './configuration.ts';
import type { GatewayDuty, Work } from './decision.ts';
import type { FailoverPlan } from './failover-plan.ts';
import type { Site } from './site.ts';

export class Gateways {
  readonly #site: Site;
  /** VMs that a plan has failed over, also while production has taken over again and may be undone. */
  readonly #plans = new Map<string, FailoverPlan>();
  /** Those whose replicas have one. */
  readonly #guests = new Set<string>();

  constructor(site: Site) {
    this.#site = site;
  }

  failOver(vms: readonly string[], plan: FailoverPlan): void {
    for (const vm of vms) this.#plans.set(vm, plan);
    this.join(vms);
  }

  join(vms: readonly string[]): void {
    for (const vm of vms) this.#guests.add(vm);
  }

  leave(vms: readonly string[]): void {
    for (const vm of vms) this.#guests.delete(vm);
  }

  /** In the order of the file. */
  guests(host: CloudHost): readonly string[] {
    const { replicas } = this.#site;
    return [...replicas.keys()].filter(
      (vm) => this.#guests.has(vm) && this.#site.hostOf(vm) === host,
    );
  }

  /** What it takes to make the appliance of a host serve its guests. */
  work(host: CloudHost): Work[] {
    const duty = this.duty(host);
    if (this.#site.ledger.serves(host.host, duty)) return [];
    return [{ kind: 'configure-gateway', host: host.host, ...duty }];
  }

  /** What the appliance of a host does for all replicas there, whichever plan they are in. */
  duty(host: CloudHost): GatewayDuty {
    const gateways = new Map<string, string>();
    const plans = new Set<FailoverPlan>();
    for (const vm of this.guests(host)) {
      const plan = this.#plans.get(vm)!;
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
