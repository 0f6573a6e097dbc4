/**
 * Cables between kernels and us. An adapter of a machine is a VXLAN device whose other end is a UDP
 * socket of ours: every frame passes through here, which is where it is delayed, lost, counted and
 * captured. The VNI tells the cables apart (RFC 7348 section 5).
 *
 * The devices send from a namespace of their own: one whose far end is in its own namespace would
 * deliver to itself without any datagram.
 */

import { Malformed } from '../wire/malformed.ts';
import { decodeVxlan, encodeVxlan, vniFlag } from '../wire/vxlan.ts';
import { finishChecksum } from './finish-checksum.ts';
import { type Kernel, type Namespace, underlay } from './kernel.ts';
import { freeLink, type LinkRange } from './subnets.ts';
import { openUdp, type UdpSocket } from './udp.ts';

const port = 40_001;
const firstVni = 100;
/** Of adapters: no other namespace has one of that number, so that it says which adapter is meant. */
const firstIndex = 1000;
/** As large as a veth takes, for frames of any size that an adapter may have. */
const underlayMtu = 65_535;

/** Takes what a kernel sends by one of its adapters. */
export type Receiver = (frame: Uint8Array) => void;

/** An adapter with its cable. */
export interface Plugged {
  /** The kernel's number of the adapter. */
  readonly index: number;
  send(frame: Uint8Array): void;
}

export class Cables {
  readonly #receivers: Receiver[] = [];
  readonly #duct: LinkRange;
  #socket: UdpSocket | undefined;

  /** @param duct The addresses of the two ends of the duct that they lie in. */
  constructor(duct: LinkRange = freeLink([])) {
    this.#duct = duct;
  }

  async open(kernel: Kernel): Promise<void> {
    const { here, there, length } = this.#duct;
    await kernel.ip([
      `netns add ${underlay}`,
      `link add c0 type veth peer name c1 netns ${underlay}`,
      `addr add ${here}/${length} dev c0`,
      `link set c0 mtu ${underlayMtu} up`,
    ]);
    const far = [`addr add ${there}/${length} dev c1`, `link set c1 mtu ${underlayMtu} up`];
    await kernel.ip(far, underlay);
    this.#socket = await openUdp({ address: here, port }, (datagram, from) => {
      if (from.address === there) this.#receive(datagram);
    });
  }

  /** Gives a namespace an adapter. It is down until it is set up. */
  plug(
    into: Namespace,
    adapter: { readonly name: string; readonly mac: string; readonly mtu: number },
    receiver: Receiver,
  ): Plugged {
    const { name, mac, mtu } = adapter;
    const vni = this.#lay(into, name, (frame) => {
      finishChecksum(frame);
      receiver(frame);
    });
    // One packet at a time: what a kernel leaves for hardware to cut would arrive here in one piece.
    into.ip(`link set ${name} address ${mac} mtu ${mtu} gso_max_segs 1`);
    const send = (frame: Uint8Array): void => {
      this.#socket?.send(
        encodeVxlan({ flags: vniFlag, vni, payload: frame }),
        port,
        this.#duct.there,
      );
    };
    return { index: firstIndex + vni, send };
  }

  /** Gives a namespace a device to copy packets to: they arrive as they are, without a frame around them. */
  tap(into: Namespace, name: string, receiver: Receiver): void {
    this.#lay(into, name, receiver);
  }

  close(): void {
    void this.#socket?.close();
  }

  #lay(into: Namespace, name: string, receiver: Receiver): number {
    const vni = firstVni + this.#receivers.push(receiver) - 1;
    const end = `remote ${this.#duct.here} dstport ${port} srcport ${port - 1} ${port} nolearning noudpcsum`;
    const what = `v${vni} index ${firstIndex + vni} type vxlan id ${vni}`;
    into.ip(`link add ${what} ${end}`, { at: underlay });
    into.ip(`link set v${vni} netns ${into.name} name ${name}`, { at: underlay });
    return vni;
  }

  #receive(datagram: Uint8Array): void {
    const vxlan = decodeVxlan(datagram);
    if (vxlan instanceof Malformed) return;
    this.#receivers[vxlan.vni - firstVni]?.(vxlan.payload.slice());
  }
}
