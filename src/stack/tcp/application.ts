/** What sits on top of a connection: a service behind a port, or a transfer that was asked for. */
import { EchoSource, isPattern, type Outgoing, PatternSource } from './data.ts';
import type { Service } from './messages.ts';

export class Application {
  readonly outgoing: Outgoing;
  /** Reads no more for now: what comes stays in the receive buffer. */
  paused = false;
  /** Half of a transfer that is not over yet. */
  #expected = 0;
  #receivedBefore = 0;
  #sentBefore = 0;
  #pending = false;
  readonly #hold: boolean;
  readonly #service: Service | undefined;
  readonly #pattern = new PatternSource();
  readonly #echo = new EchoSource();
  #received = 0;
  #unread = 0;

  /** @param service What listens, or `undefined` for a connection that was opened here. */
  constructor(service: Service | undefined, hold: boolean) {
    this.#service = service;
    this.#hold = hold;
    this.outgoing = service?.kind === 'echo' ? this.#echo : this.#pattern;
    if (service?.kind === 'send') this.#pattern.extend(service.bytes);
  }

  /** Bytes that stand in the way of more: not read, or read and not yet echoed. */
  get held(): number {
    return this.#unread + this.outgoing.held;
  }

  get pending(): boolean {
    return this.#pending;
  }

  /** Everything that is waited for has come. */
  get satisfied(): boolean {
    return this.#received >= this.#expected;
  }

  /** Nothing more will be written, so our half can be closed after what is written. */
  get finishedWriting(): boolean {
    if (this.#service !== undefined) return this.#service.kind === 'send';
    return !this.#hold && this.satisfied;
  }

  /** Closes its half as soon as the other end has closed its own. */
  get closesAfterPeer(): boolean {
    return this.#service !== undefined || !this.#hold;
  }

  begin(send: number, expect: number): void {
    if (this.#service !== undefined) return;
    this.#sentBefore = this.outgoing.length;
    this.#receivedBefore = this.#received;
    this.#expected = Math.max(this.#expected, this.#received) + expect;
    this.#pattern.extend(send);
    this.#pending = true;
  }

  /** Ends the transfer: how much of it arrived here, and there, where the first `arrived` did. */
  end(arrived: number): { received: number; acknowledged: number } {
    this.#pending = false;
    return {
      received: this.#received - this.#receivedBefore,
      acknowledged: Math.max(0, Math.min(arrived, this.outgoing.length) - this.#sentBefore),
    };
  }

  /** Takes the next bytes of the stream. Returns whether they are the pattern's. */
  take(bytes: Uint8Array): boolean {
    const intact = isPattern(bytes, this.#received);
    this.#received += bytes.length;
    if (this.#service?.kind === 'echo') this.#echo.append(bytes);
    if (this.paused) this.#unread += bytes.length;
    return intact;
  }

  pause(paused: boolean): void {
    this.paused = paused;
    if (!paused) this.#unread = 0;
  }
}
