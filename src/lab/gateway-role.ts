/** The provider's appliance as the default gateway of replicas: from what the controller says to a device. */
import { GatewayRole } from '../device/gateway-role.ts';
import type { GatewayDuty } from '../failover/decision.ts';
import { prefix as addressWithMask, ipv4 } from '../wire/address.ts';
import type { Fabric } from './fabric.ts';
import type { Machines } from './machines.ts';

export class GatewayRoles {
  readonly #fabric: Fabric;
  readonly #machines: Machines;

  constructor(fabric: Fabric, machines: Machines) {
    this.#fabric = fabric;
    this.#machines = machines;
  }

  /** @returns Whether it could be: not on an appliance that does not run, or has no way to the internet. */
  assume(name: string, duty: GatewayDuty, cause: number): boolean {
    const slot = this.#machines.appliances.get(name);
    if (slot?.power !== 'on' || slot.plan.kind !== 'provider-appliance') return false;
    const { plan, life, lives } = slot;
    if (plan.router === undefined) return false;
    this.resign(name, cause);
    const { stack } = life;
    life.gateway = new GatewayRole({
      stack,
      outside: stack.interface(plan.external.adapter.name),
      via: plan.router,
      networks: plan.inside.flatMap(({ adapter, network, internet }) => {
        const gateway = duty.gateways.find(({ providerNetwork }) => providerNetwork === network);
        if (gateway === undefined) return [];
        const segment = stack.interface(adapter.name);
        return [{ segment, prefix: addressWithMask(gateway.address), internet }];
      }),
      routing: duty.routing,
      rules: duty.rules.map(({ publicIp, port, to }) => ({
        publicIp: ipv4(publicIp),
        port,
        to: { ip: ipv4(to.ip), port: to.port },
      })),
      random: this.#fabric.random.child(`${name} life ${lives} gateway`),
    });
    life.gateway.assume(this.#fabric.now, this.#fabric, cause);
    return true;
  }

  resign(name: string, cause: number): void {
    const life = this.#machines.appliances.get(name)?.life;
    life?.gateway?.resign(this.#fabric.now, this.#fabric, cause);
    if (life !== undefined) life.gateway = undefined;
  }
}
