/** What goes wrong inside a machine that runs: its processes, its lease, its clock. */
import type { Duration } from '../base/time.ts';
import type { AddressKeeper } from '../device/address-keeper.ts';
import type { Fabric } from './fabric.ts';
import type { Machines } from './machines.ts';

export type Daemon = 'vpn' | 'proxy_arp' | 'dhcp';

export class Ailments {
  readonly #fabric: Fabric;
  readonly #machines: Machines;

  constructor(fabric: Fabric, machines: Machines) {
    this.#fabric = fabric;
    this.#machines = machines;
  }

  /**
   * A process of a machine hangs, or goes on.
   *
   * @param network Of an appliance with several tunnels, the one that it is for; all without it.
   * @returns Whether it runs.
   */
  hang(name: string, daemon: Daemon, network: string | undefined, hung: boolean): boolean {
    if (this.#machines.powerOf(name) !== 'on') return false;
    if (daemon === 'dhcp') {
      const services = this.#machines.dhcpServers(name);
      for (const service of services) service.hang(hung, this.#fabric);
      return services.length > 0;
    }
    const extensions = [...(this.#machines.appliances.get(name)?.life.extensions ?? [])];
    const meant = extensions.filter(([of]) => network === undefined || network === of);
    return meant.map(([, one]) => one.hang(daemon, hung, this.#fabric)).includes(true);
  }

  /**
   * Whoever gave it gives the address to nobody else for a while either, so another follows, if any.
   *
   * @returns Whether there was one.
   */
  loseLease(name: string): boolean {
    const keeper = this.#keeper(name);
    const ip = keeper?.lease?.ip;
    if (keeper === undefined || ip === undefined) return false;
    const { now } = this.#fabric;
    const { mac } = keeper;
    for (const server of [...this.#machines.guests.keys(), ...this.#machines.dhcp.keys()])
      for (const service of this.#machines.dhcpServers(server))
        service.revoke(ip, mac, now, this.#fabric);
    keeper.loseLease(now, this.#fabric);
    return true;
  }

  /** @param by Back, if it is negative. */
  stepClock(name: string, by: Duration): void {
    this.#keeper(name)?.stepClock(by, this.#fabric.now, this.#fabric);
    for (const service of this.#machines.dhcpServers(name))
      service.stepClock(by, this.#fabric.now, this.#fabric);
    const extensions = this.#machines.appliances.get(name)?.life.extensions.values() ?? [];
    for (const extension of extensions) extension.stepClock(Math.round(by / 1e9));
  }

  #keeper(name: string): AddressKeeper | undefined {
    return (
      this.#machines.guests.get(name)?.life.keeper ??
      this.#machines.appliances.get(name)?.life.keeper
    );
  }
}
