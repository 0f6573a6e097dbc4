/**
 * Which ports of a switch carry which VLANs (IEEE 802.1Q-2018 section 8.8.10). Kept by VLAN as well as
 * by port: a host may have thousands of ports in as many VLANs, and what happens to one of them is no
 * business of the others.
 */
import type { Port } from '../stack/device.ts';

/** What a port carries: one VLAN untagged, or several tagged (and one of them untagged, if `native`). */
export type PortMode =
  | { readonly kind: 'access'; readonly vlan: number }
  | { readonly kind: 'trunk'; readonly vlans: readonly number[]; readonly native?: number };

export class VlanMembers {
  /** By port, the VLAN of its untagged frames; 0 for none. */
  readonly untagged: number[] = [];
  readonly #modes: PortMode[] = [];
  readonly #vlans: ReadonlySet<number>[] = [];
  /** By VLAN, in the order of the ports. */
  readonly #ports = new Map<number, Port[]>();

  modeOf(port: Port): PortMode {
    return this.#modes[port.index]!;
  }

  carries(port: Port, vlan: number): boolean {
    return this.#vlans[port.index]!.has(vlan);
  }

  vlansOf(port: Port): Iterable<number> {
    return this.#vlans[port.index] ?? [];
  }

  /** The ports that carry a VLAN. */
  of(vlan: number): readonly Port[] {
    return this.#ports.get(vlan) ?? [];
  }

  set(port: Port, mode: PortMode): void {
    for (const vlan of this.vlansOf(port)) {
      const others = this.of(vlan).filter((other) => other !== port);
      this.#ports.set(vlan, others);
    }
    this.#modes[port.index] = mode;
    this.untagged[port.index] = mode.kind === 'access' ? mode.vlan : (mode.native ?? 0);
    this.#vlans[port.index] = vlansIn(mode);
    for (const vlan of this.vlansOf(port)) this.#insert(vlan, port);
  }

  #insert(vlan: number, port: Port): void {
    const ports = this.#ports.get(vlan);
    if (ports === undefined) {
      this.#ports.set(vlan, [port]);
      return;
    }
    const last = ports.at(-1);
    ports.push(port);
    if (last !== undefined && last.index > port.index) ports.sort((a, b) => a.index - b.index);
  }
}

function vlansIn(mode: PortMode): ReadonlySet<number> {
  if (mode.kind === 'access') return new Set([mode.vlan]);
  return new Set(mode.native === undefined ? mode.vlans : [...mode.vlans, mode.native]);
}
