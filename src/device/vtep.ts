/**
 * A VXLAN tunnel end point (RFC 7348 section 4): puts frames into datagrams and takes them out. An
 * appliance has one, whatever number of networks it extends: their VNIs tell them apart.
 */
import type { Frame } from '../base/frame.ts';
import type { Instant } from '../base/time.ts';
import type { Sink } from '../stack/device.ts';
import type { Interface } from '../stack/interface.ts';
import type { IpStack } from '../stack/ip-stack.ts';
import { Payload } from '../stack/packet.ts';
import type { Datagram, UdpListener } from '../stack/udp.ts';
import type { Ipv4 } from '../wire/address.ts';
import { Malformed } from '../wire/malformed.ts';
import { decodeVxlan, encodeVxlan, vniFlag, vxlanPort, vxlanSourcePort } from '../wire/vxlan.ts';

/** IPv4, UDP and VXLAN: what the network below has to carry besides the frame. */
export const vxlanOverhead = 20 + 8 + 8;

/** One network that is carried. */
export interface Overlay {
  /** The interface that its datagrams come in by: a tunnel whose other end is known for sure. */
  readonly under: Interface;
  /** Where they go. */
  readonly far: Ipv4;
  frameFromFar(frame: Frame, now: Instant, sink: Sink): void;
}

export class Vtep implements UdpListener {
  readonly #stack: IpStack;
  readonly #overlays = new Map<number, Overlay>();

  constructor(stack: IpStack) {
    this.#stack = stack;
  }

  /** The one that a machine has. */
  static of(stack: IpStack): Vtep {
    const known = stack.udp.listeners.get(vxlanPort);
    if (known instanceof Vtep) return known;
    const made = new Vtep(stack);
    stack.udp.listeners.set(vxlanPort, made);
    return made;
  }

  join(vni: number, overlay: Overlay): void {
    this.#overlays.set(vni, overlay);
  }

  leave(vni: number): void {
    this.#overlays.delete(vni);
    if (this.#overlays.size === 0) this.#stack.udp.listeners.delete(vxlanPort);
  }

  /** The caller sees to it that the frame fits: what carries VXLAN must not be fragmented (section 4.3). */
  send(vni: number, frame: Frame, now: Instant, sink: Sink): void {
    const { far } = this.#overlays.get(vni)!;
    const bytes = frame.bytes();
    const payload = new Payload(encodeVxlan({ flags: vniFlag, vni, payload: bytes }));
    const port = vxlanSourcePort(bytes);
    this.#stack.udp.send(far, port, vxlanPort, payload, now, sink, frame.cause);
  }

  datagram(datagram: Datagram, now: Instant, sink: Sink): void {
    const { frame: carrier, from } = datagram;
    const vxlan = decodeVxlan(datagram.payload);
    if (vxlan instanceof Malformed || (vxlan.flags & vniFlag) === 0) {
      this.#stack.ends(carrier, 'MALFORMED', from, sink);
      return;
    }
    const overlay = this.#overlays.get(vxlan.vni);
    if (overlay === undefined || overlay.under !== from) {
      this.#stack.ends(carrier, 'MARTIAN', from, sink); // from nobody who carries this network
      return;
    }
    const frame = sink.frames.from(vxlan.payload);
    frame.cause = carrier.cause;
    overlay.frameFromFar(frame, now, sink);
  }
}
