/** What a device does to packets besides sending them on: blocks, translates, clamps. One after another. */
import type { Frame } from '../base/frame.ts';
import type { Instant } from '../base/time.ts';
import type { Sink } from '../stack/device.ts';
import type { Interface } from '../stack/interface.ts';
import type { Guard, IpStack } from '../stack/ip-stack.ts';
import { protocolOf, transportAt } from '../stack/packet.ts';
import type { Reason } from '../trace/reasons.ts';

/** Several guards in a row; the first that ends a packet has the last word. */
export class Guards implements Guard {
  readonly #members: Guard[];

  constructor(...members: Guard[]) {
    this.#members = members;
  }

  add(guard: Guard): void {
    this.#members.push(guard);
  }

  remove(guard: Guard): void {
    const place = this.#members.indexOf(guard);
    if (place >= 0) this.#members.splice(place, 1);
  }

  arriving(frame: Frame, from: Interface, now: Instant, sink: Sink): Frame | Reason {
    let packet = frame;
    for (const guard of this.#members) {
      const passed = guard.arriving(packet, from, now, sink);
      if (typeof passed === 'string') return passed;
      packet = passed;
    }
    return packet;
  }

  leaving(
    frame: Frame,
    to: Interface,
    forwarded: boolean,
    now: Instant,
    sink: Sink,
  ): Frame | Reason {
    let packet = frame;
    for (const guard of this.#members) {
      const passed = guard.leaving(packet, to, forwarded, now, sink);
      if (typeof passed === 'string') return passed;
      packet = passed;
    }
    return packet;
  }
}

/** Adds to what a machine does to packets already. */
export function addGuard(stack: IpStack, guard: Guard): void {
  if (stack.guard instanceof Guards) stack.guard.add(guard);
  else stack.guard = stack.guard === undefined ? new Guards(guard) : new Guards(stack.guard, guard);
}

export interface PortRule {
  /** IP protocol number: 1, 6 or 17. */
  readonly protocol: number;
  /** Undefined: all of the protocol. */
  readonly port: number | undefined;
}

/** What comes to the machine or passes it, or what leaves it. */
export type Side = 'in' | 'out';

/** Ends packets to blocked ports, wherever they come in or go out. */
export class Firewall implements Guard {
  readonly #rules: Record<Side, readonly PortRule[]>;

  constructor(rules: readonly PortRule[] = []) {
    this.#rules = { in: rules, out: [] };
  }

  block(rule: PortRule, side: Side = 'in'): void {
    this.unblock(rule, side); // blocked is blocked, however often
    this.#rules[side] = [...this.#rules[side], rule];
  }

  unblock(rule: PortRule, side: Side = 'in'): void {
    this.#rules[side] = this.#rules[side].filter(
      ({ protocol, port }) => protocol !== rule.protocol || port !== rule.port,
    );
  }

  blocks(rule: PortRule, side: Side): boolean {
    return this.#rules[side].some(
      ({ protocol, port }) =>
        protocol === rule.protocol && (port === undefined || port === rule.port),
    );
  }

  arriving(frame: Frame): Frame | Reason {
    return this.#ends(frame, 'in') ? 'FIREWALL_BLOCKED' : frame;
  }

  leaving(frame: Frame): Frame | Reason {
    return this.#ends(frame, 'out') ? 'FIREWALL_BLOCKED' : frame;
  }

  #ends(frame: Frame, side: Side): boolean {
    if (this.#rules[side].length === 0) return false;
    const at = transportAt(frame);
    if (at + 4 > frame.length) return false;
    // Ports are in the first fragment, and without that the rest comes to nothing (RFC 1858 section 3).
    if ((frame.words.getUint16(frame.start + 20) & 0x1fff) !== 0) return false;
    const protocol = protocolOf(frame);
    const port = frame.words.getUint16(frame.start + at + 2);
    return this.blocks({ protocol, port }, side);
  }
}
