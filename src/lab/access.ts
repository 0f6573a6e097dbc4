/**
 * Whether the backup servers get at an appliance to configure it: by SSH, from outside of the lab.
 * The provider's also ask by ICMP whether it is there (Veeam Cloud Connect guide, Ports).
 */
import type { Failure } from '../failover/failure.ts';
import type { Cables } from './cables.ts';
import type { Machines } from './machines.ts';
import type { Power } from './power.ts';

const ssh = { protocol: 6, port: 22 };
const icmp = { protocol: 1, port: undefined };

export class Access {
  readonly #machines: Machines;
  readonly #cables: Cables;
  readonly #power: Power;
  /** Appliances whose password is another than they were deployed with. */
  readonly #estranged = new Set<string>();

  constructor(machines: Machines, cables: Cables, power: Power) {
    this.#machines = machines;
    this.#cables = cables;
    this.#power = power;
  }

  changePassword(name: string): void {
    this.#estranged.add(name);
  }

  /** Puts a new appliance in the place of the old one: switched off, with nothing that was done to that. */
  redeploy(name: string): void {
    this.#power.applianceOff(name, -1);
    this.#estranged.delete(name);
    this.#machines.firewalls.delete(name);
  }

  /** Why an appliance cannot be told anything; undefined where nothing is in the way, or it does not run. */
  refusal(name: string): Failure | undefined {
    const slot = this.#machines.appliances.get(name);
    if (slot?.power !== 'on') return undefined;
    const firewall = this.#machines.firewalls.get(name);
    const needed = slot.plan.kind === 'tenant-appliance' ? [ssh] : [ssh, icmp];
    const unreachable = (text: string): Failure => ({ because: 'APPLIANCE_UNREACHABLE', text });
    if (needed.some((rule) => firewall?.blocks(rule, 'in') || firewall?.blocks(rule, 'out')))
      return unreachable(`${name} is blocked to its backup server`);
    if (this.#cables.isCutOff(name)) return unreachable(`${name} has no network`);
    if (slot.life.stack.interfaces[0]!.ip === 0) return unreachable(`${name} has no address`);
    if (!this.#estranged.has(name)) return undefined;
    const text = `${name} refuses the password: it is inoperative until redeployed`;
    return { because: 'APPLIANCE_PASSWORD', text };
  }
}
