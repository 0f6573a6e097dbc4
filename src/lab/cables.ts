/** The cables of a lab: laid once, then pulled, plugged in again and made worse. */
import type { Port } from '../stack/device.ts';
import type { IpStack } from '../stack/ip-stack.ts';
import type { Fabric, LinkOptions } from './fabric.ts';
import type { Machines } from './machines.ts';
import type { CablePlan } from './topology.ts';

export class Cables {
  readonly #fabric: Fabric;
  readonly #machines: Machines;
  readonly #plans = new Map<string, CablePlan>();
  /** What faults have made of cables. */
  readonly #impaired = new Map<CablePlan, LinkOptions>();
  /** Machines whose cables somebody has pulled: they stay so, whether the machine runs or not. */
  readonly #pulled = new Set<string>();

  constructor(fabric: Fabric, machines: Machines) {
    this.#fabric = fabric;
    this.#machines = machines;
  }

  lay(cable: CablePlan): void {
    const stack = this.#machines.stack(cable.node)!;
    const { port } = stack.interface(cable.adapter);
    this.#plans.set(`${cable.node}.${cable.adapter}`, cable);
    const { to } = cable;
    if (to.kind === 'nothing') return;
    if (to.kind === 'adapter') {
      const far = this.#machines.stack(to.node)!.interface(to.adapter);
      this.#fabric.connect(port!, far.port!, cable.link);
      return;
    }
    const bridge = this.#machines.switches.get(to.name)!;
    // A machine with several adapters here needs a port for each, and each port a name of its own.
    const taken = bridge.ports.some(({ label }) => label === `${to.name}.${cable.node}`);
    const name = taken ? `${cable.node}-${cable.adapter}` : cable.node;
    const socket = bridge.addPort({ kind: 'access', vlan: to.vlan }, name);
    this.#fabric.connect(port!, socket, cable.link);
  }

  /** The cables of a machine's last life become those of its next. */
  replug(from: IpStack, to: IpStack): void {
    from.ports.forEach((port, i) => {
      if (this.#fabric.peerOf(port)) this.#fabric.replug(port, to.ports[i]!);
    });
  }

  /** Carrier comes and goes with the power of a machine, unless its cables are pulled. */
  power(name: string, stack: IpStack, on: boolean): void {
    const up = on && !this.#pulled.has(name);
    for (const port of stack.ports) if (this.#fabric.peerOf(port)) this.#fabric.setLink(port, up);
  }

  /** Somebody pulls all cables of a machine, or plugs them in again. */
  setLink(name: string, up: boolean): void {
    if (up) this.#pulled.delete(name);
    else this.#pulled.add(name);
    const stack = this.#machines.stack(name);
    if (stack) this.power(name, stack, up && this.#machines.powerOf(name) !== 'off');
  }

  /**
   * Changes all cables of a machine or switch, in both directions; of a switch only those in one
   * VLAN, if that is given. What was changed before stays changed.
   */
  impair(name: string, change: (options: LinkOptions) => LinkOptions, vlan?: number): void {
    const bridge = this.#machines.switches.get(name);
    const ports = bridge?.ports ?? this.#machines.stack(name)?.ports ?? [];
    for (const port of ports) {
      if (vlan !== undefined && bridge !== undefined) {
        const mode = bridge.modeOf(port);
        if (mode.kind !== 'access' || mode.vlan !== vlan) continue;
      }
      const peer = this.#fabric.peerOf(port);
      const cable = this.#at(port) ?? (peer && this.#at(peer));
      if (peer === undefined || cable === undefined) continue;
      const options = change(this.#impaired.get(cable) ?? cable.link);
      this.#impaired.set(cable, options);
      this.#fabric.impair(port, options);
      this.#fabric.impair(peer, options);
    }
  }

  #at(port: Port): CablePlan | undefined {
    return this.#plans.get(port.label);
  }
}
