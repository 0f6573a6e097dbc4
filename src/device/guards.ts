/** What a device does to packets besides sending them on: blocks, translates, clamps. One after another. */
import type { Frame } from '../base/frame.ts';
import type { Instant } from '../base/time.ts';
import type { Sink } from '../stack/device.ts';
import type { Interface } from '../stack/interface.ts';
import type { Guard } from '../stack/ip-stack.ts';
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

export interface PortRule {
  /** IP protocol number: 6 or 17. */
  readonly protocol: number;
  readonly port: number;
}

/** Ends packets to blocked ports, wherever they come in. */
export class Firewall implements Guard {
  #rules: readonly PortRule[];

  constructor(rules: readonly PortRule[]) {
    this.#rules = rules;
  }

  block(rule: PortRule): void {
    this.unblock(rule); // blocked is blocked, however often
    this.#rules = [...this.#rules, rule];
  }

  unblock(rule: PortRule): void {
    this.#rules = this.#rules.filter(
      ({ protocol, port }) => protocol !== rule.protocol || port !== rule.port,
    );
  }

  arriving(frame: Frame): Frame | Reason {
    return this.#blocks(frame) ? 'FIREWALL_BLOCKED' : frame;
  }

  leaving(frame: Frame): Frame | Reason {
    return frame;
  }

  #blocks(frame: Frame): boolean {
    const at = transportAt(frame);
    if (this.#rules.length === 0 || at + 4 > frame.length) return false;
    // Ports are in the first fragment, and without that the rest comes to nothing (RFC 1858 section 3).
    if ((frame.words.getUint16(frame.start + 20) & 0x1fff) !== 0) return false;
    const protocol = protocolOf(frame);
    const port = frame.words.getUint16(frame.start + at + 2);
    return this.#rules.some((rule) => rule.protocol === protocol && rule.port === port);
  }
}
