/** How a connection speaks: everything that it puts into segments, and when it owes an ACK. */
import { type Sequence, sequence } from '../../base/sequence.ts';
import { after, type Instant, milliseconds } from '../../base/time.ts';
import { encodeTcp, type TcpOption, type TcpSegment, tcpFlag } from '../../wire/tcp.ts';
import type { Profile } from '../profile.ts';
import type { Application } from './application.ts';
import type { Endpoint, TcpOutput } from './messages.ts';
import { type Receiver, receiveBuffer } from './receive.ts';
import type { Chunk, Sender } from './send.ts';

export const headers = 40; // IPv4 and TCP without options (RFC 9293 section 3.7.1)
const ourShift = 2; // enough for `receiveBuffer`
const shiftMost = 14; // RFC 7323 section 2.3
/** RFC 9293 section 3.8.6.3 allows 0.5 s; the shortest that Linux uses. */
const acknowledgeWithin = milliseconds(40);
/** Between two acknowledgments that a forger can ask for; Linux's tcp_invalid_ratelimit. */
const challengeEvery = milliseconds(500);

/** One call from outside: when it is, and where what follows from it is collected. */
export interface Turn {
  readonly now: Instant;
  readonly out: TcpOutput[];
}

export interface ConnectionSetup {
  readonly number: number;
  readonly local: Endpoint;
  readonly remote: Endpoint;
  /** It came from LISTEN. */
  readonly passive: boolean;
  readonly application: Application;
  readonly first: Sequence;
  readonly profile: Profile;
  readonly mtu: number;
}

export class Transmitter {
  readonly #setup: ConnectionSetup;
  readonly #send: Sender;
  readonly #receive: Receiver;
  dontFragment = true;
  /** Something has come that must be acknowledged in this turn, or by then. */
  owes = false;
  #owesAt: Instant | undefined;
  #unanswered = 0;
  #challengedAt: Instant | undefined;
  /** Window scaling, once both ends have offered it (RFC 7323 section 2.2). */
  #scaled = false;
  #theirShift = 0;

  constructor(setup: ConnectionSetup, send: Sender, receive: Receiver) {
    this.#setup = setup;
    this.#send = send;
    this.#receive = receive;
  }

  get nextWake(): Instant | undefined {
    return this.#owesAt;
  }

  /** The other end's SYN offers window scaling. */
  scale(shift: number): void {
    this.#scaled = true;
    this.#theirShift = Math.min(shiftMost, shift);
  }

  /** Windows on a SYN are never scaled (RFC 7323 section 2.2). */
  windowIn(segment: TcpSegment): number {
    const plain = !this.#scaled || (segment.flags & tcpFlag.syn) !== 0;
    return plain ? segment.window : segment.window * 2 ** this.#theirShift;
  }

  syn(turn: Turn, answer: boolean): void {
    const options: TcpOption[] = [{ kind: 'mss', mss: Math.max(0, this.#setup.mtu - headers) }];
    if (!answer || this.#scaled)
      options.push({ kind: 'nop' }, { kind: 'window-scale', shift: ourShift });
    this.#emit(turn, answer ? tcpFlag.syn | tcpFlag.ack : tcpFlag.syn, 0, options);
  }

  chunks(turn: Turn, chunks: readonly Chunk[]): void {
    for (const { from, payload, fin, push } of chunks) {
      const flags = tcpFlag.ack | (push ? tcpFlag.psh : 0) | (fin ? tcpFlag.fin : 0);
      this.#emit(turn, flags, from, [], payload);
    }
  }

  /** `<SEQ=SND.NXT><CTL=RST>` */
  reset(turn: Turn): void {
    this.#emit(turn, tcpFlag.rst, this.#send.sent);
  }

  /** Sends the acknowledgment that is owed, if no other segment has carried it. */
  settle(turn: Turn): void {
    if (this.#owesAt !== undefined && this.#owesAt <= turn.now) this.owes = true;
    if (this.owes) this.#acknowledge(turn);
  }

  /**
   * A segment with text has come in order: every second one is acknowledged at once, one alone
   * after a while (RFC 5681 section 4.2).
   */
  owesSoon(now: Instant): void {
    this.#unanswered += 1;
    if (this.#unanswered >= 2) this.owes = true;
    else this.#owesAt ??= after(now, acknowledgeWithin);
  }

  owesNothing(): void {
    this.owes = false;
    this.#owesAt = undefined;
  }

  /** `<SEQ=SND.NXT><ACK=RCV.NXT><CTL=ACK>`, but not too often (RFC 5961 section 7). */
  challenge(turn: Turn): void {
    if (this.#challengedAt !== undefined && turn.now - this.#challengedAt < challengeEvery) return;
    this.#challengedAt = turn.now;
    this.#acknowledge(turn);
  }

  /** Offers what room there is. Returns whether that is news worth telling. */
  openWindow(): boolean {
    const room = Math.max(0, receiveBuffer - this.#setup.application.held);
    return this.#receive.open(room, this.#send.segment);
  }

  write(turn: Turn, segment: TcpSegment): void {
    const source = this.#setup.local.address;
    const destination = this.#setup.remote.address;
    const bytes = encodeTcp(segment, source, destination);
    turn.out.push({
      kind: 'segment',
      source,
      destination,
      bytes,
      dontFragment: this.dontFragment,
    });
  }

  #acknowledge(turn: Turn): void {
    this.#emit(turn, tcpFlag.ack, this.#send.sent);
  }

  #emit(
    turn: Turn,
    flags: number,
    place: number,
    options: readonly TcpOption[] = [],
    payload: Uint8Array = nothing,
  ): void {
    const { local, remote } = this.#setup;
    const acks = (flags & tcpFlag.ack) !== 0;
    const syn = (flags & tcpFlag.syn) !== 0;
    if (acks) {
      this.openWindow();
      this.owesNothing();
      this.#unanswered = 0;
    }
    const room = syn && !acks ? receiveBuffer : this.#receive.window;
    const shift = this.#scaled && !syn ? ourShift : 0;
    this.write(turn, {
      sourcePort: local.port,
      destinationPort: remote.port,
      sequence: this.#send.sequenceAt(place),
      acknowledgment: acks ? this.#receive.nextSequence : sequence(0),
      flags,
      window: flags & tcpFlag.rst ? 0 : Math.min(0xffff, room >> shift),
      urgent: 0,
      options,
      payload,
    });
  }
}

const nothing = new Uint8Array(0);
