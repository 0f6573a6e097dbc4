/** UDP of a daemon of ours on a machine whose packets a kernel handles: its sockets are in the namespace. */
import { showHex } from '../base/bytes.ts';
import type { Instant } from '../base/time.ts';
import type { Sink } from '../stack/device.ts';
import {
  destinationOf,
  type Payload,
  protocolUdp,
  sourceOf,
  transportAt,
} from '../stack/packet.ts';
import { Datagram, Udp, type UdpListener } from '../stack/udp.ts';
import { type Ipv4, parseIpv4, showIpv4 } from '../wire/address.ts';
import type { Answer } from './agent-words.ts';
import type { KernelStack } from './kernel-stack.ts';

export class KernelUdp extends Udp {
  readonly #stack: KernelStack;
  #hears = false;

  constructor(stack: KernelStack) {
    super(stack);
    this.#stack = stack;
  }

  override listen(port: number, listener: UdpListener): void {
    super.listen(port, listener);
    const { agent } = this.#stack;
    if (!this.#hears) agent.listen((answer) => this.#hear(answer));
    this.#hears = true;
    agent.ask({ ask: 'listen', port });
  }

  override leave(port: number): void {
    super.leave(port);
    this.#stack.agent.ask({ ask: 'leave', port });
  }

  override send(
    to: Ipv4,
    from: number,
    port: number,
    payload: Payload,
    at: Instant,
    _sink: Sink,
    cause = -1,
  ): undefined {
    this.#stack.witness.intend({ at, cause, protocol: protocolUdp, to, mark: port });
    const hex = showHex(payload.bytes);
    this.#stack.agent.ask({ ask: 'send', from, to: showIpv4(to), port, hex });
  }

  #hear(answer: Answer): void {
    if (answer.what !== 'datagram') return;
    const { sink, catchUp } = this.#stack.ground;
    const listener = this.listeners.get(answer.port);
    const source = parseIpv4(answer.from);
    // It is the newest that fits of what went into the kernel.
    const taken = this.#stack.witness.find(({ protocol, frame }) => {
      const at = frame.start + transportAt(frame);
      return (
        protocol === protocolUdp &&
        sourceOf(frame) === source &&
        this.#stack.isOurs(destinationOf(frame)) &&
        frame.words.getUint16(at) === answer.fromPort &&
        frame.words.getUint16(at + 2) === answer.port &&
        showHex(new Datagram(frame, this.#stack.interfaces[0]!, at).payload) === answer.hex
      );
    });
    if (listener === undefined || taken === undefined) return;
    const { frame, from } = taken;
    frame.cause = taken.cause;
    listener.datagram(new Datagram(frame, from, frame.start + transportAt(frame)), catchUp(), sink);
  }
}
