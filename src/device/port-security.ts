/**
 * What a virtual switch of a host knows and lets its virtual machines do (vSphere Networking,
 * "Securing vSphere Standard Switches", "Security Policy" and "MAC Learning Policy"). It does not
 * learn where a machine is: it was told the address of every adapter when that was made. So an
 * adapter that is to stand for others, as that of a bridge is, needs permission for it.
 */
import type { Port } from '../stack/device.ts';
import type { Reason } from '../trace/reasons.ts';
import type { Mac } from '../wire/address.ts';

/** What the port of one adapter may do beyond being itself. */
export interface PortRights {
  /** Gets every frame of its network, whomever it is for. */
  readonly promiscuous: boolean;
  /** Sends frames with another source than its own address. */
  readonly forgedTransmits: boolean;
  /** Goes on working when the guest gives its adapter another address. */
  readonly macChanges: boolean;
  /** The switch learns who is behind it, and sends it what is for them and for nobody known. */
  readonly macLearning: boolean;
}

/** One adapter as the host knows it. */
export interface SecuredPort extends PortRights {
  /** The address in the configuration of the virtual machine. */
  readonly configured: Mac;
  /** The address that the guest has given it. */
  readonly mac: Mac;
}

/** The adapters of a switch. A port that is not among them is an uplink, and free. */
export class PortSecurity {
  readonly #ports = new Map<Port, SecuredPort>();
  readonly #owners = new Map<Mac, Port[]>();

  secure(port: Port, secured: SecuredPort): void {
    this.#ports.set(port, secured);
    this.#owners.set(secured.mac, [...this.owners(secured.mac), port]);
  }

  /** The ports of the adapters that have this address. */
  owners(mac: Mac): readonly Port[] {
    return this.#owners.get(mac) ?? [];
  }

  /** Whether nothing may pass the port, in either direction. */
  blocks(port: Port): boolean {
    const secured = this.#ports.get(port);
    return secured !== undefined && !secured.macChanges && secured.mac !== secured.configured;
  }

  /** Why a frame from this source may not come in here. */
  refuses(port: Port, source: Mac): Reason | undefined {
    if (this.blocks(port)) return 'MAC_CHANGE_REJECTED';
    const secured = this.#ports.get(port);
    const forged = secured !== undefined && source !== secured.mac;
    return forged && !secured.forgedTransmits ? 'FORGED_TRANSMIT' : undefined;
  }

  /** Whether the switch notes who is behind the port. */
  learns(port: Port): boolean {
    return this.#ports.get(port)?.macLearning ?? true;
  }

  /** Whether the port gets what is for an address that nobody is known to have. */
  takesUnknown(port: Port): boolean {
    const secured = this.#ports.get(port);
    return secured === undefined || secured.promiscuous || secured.macLearning;
  }

  /** Whether the port gets what is for another one. */
  overhears(port: Port): boolean {
    return this.#ports.get(port)?.promiscuous ?? false;
  }
}
