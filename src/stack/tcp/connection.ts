/**
 * One connection: the state machine of RFC 9293 section 3.3.2, with the answers of section 3.10
 * and the protection against blind attacks of RFC 5961. Bytes and timers of either direction are
 * in `send.ts` and `receive.ts`, what goes out is put together in `transmitter.ts`.
 *
 * Text and FIN that come with a SYN are not taken: they are sent again, once the connection is
 * open. Urgent data is data.
 */
import type { Sequence } from '../../base/sequence.ts';
import { after, type Duration, earliest, type Instant } from '../../base/time.ts';
import type { Reason } from '../../trace/reasons.ts';
import { type TcpSegment, tcpFlag } from '../../wire/tcp.ts';
import type { Result, TcpState } from './messages.ts';
import { Receiver } from './receive.ts';
import { resetFor, segmentLength } from './reset.ts';
import { type Acknowledgment, defaultSegment, Sender } from './send.ts';
import { type ConnectionSetup, headers, Transmitter, type Turn } from './transmitter.ts';

export class Connection {
  readonly setup: ConnectionSetup;
  readonly #send: Sender;
  readonly #receive = new Receiver();
  readonly #transmitter: Transmitter;
  #state: TcpState = 'CLOSED';
  #mtu: number;
  #theirSegment = defaultSegment;
  /** When SYN or SYN-ACK goes again, and how often it has gone. */
  #handshakeAt: Instant | undefined;
  #attempts = 0;
  #synAt: Instant | undefined;
  #synLost = false;
  /** The end of TIME-WAIT, or of waiting for a FIN that may never come. */
  #lingerAt: Instant | undefined;
  #closeWhenOpen = false;
  /** What ICMP said last, in case nothing better is learned. */
  #rumour: Reason | undefined;

  constructor(setup: ConnectionSetup) {
    this.setup = setup;
    this.#mtu = setup.mtu;
    this.#send = new Sender(setup.first, setup.application.outgoing, setup.profile.tcp);
    this.#transmitter = new Transmitter(setup, this.#send, this.#receive);
  }

  get state(): TcpState {
    return this.#state;
  }

  get nextWake(): Instant | undefined {
    const timers = [this.#handshakeAt, this.#lingerAt, this.#transmitter.nextWake];
    return earliest(...timers, this.#isHandshaking ? undefined : this.#send.nextWake);
  }

  /** Active OPEN. */
  open(turn: Turn): void {
    this.#enter(turn, 'SYN-SENT');
    this.#sendSyn(turn);
  }

  /** A SYN has come to a port that listens (RFC 9293 section 3.10.7.2, third). */
  accept(syn: TcpSegment, turn: Turn): void {
    this.#learn(syn);
    this.#enter(turn, 'SYN-RECEIVED');
    this.#sendSyn(turn);
  }

  segment(segment: TcpSegment, turn: Turn): void {
    if (this.#state === 'SYN-SENT') this.#inSynSent(segment, turn);
    else this.#inOtherStates(segment, turn);
    this.#flush(turn);
  }

  wake(turn: Turn): void {
    const { now } = turn;
    if (isDue(this.#handshakeAt, now)) this.#handshakeOverdue(turn);
    else if (isDue(this.#lingerAt, now))
      this.#end(turn, this.#state === 'TIME-WAIT' ? undefined : 'TCP_TIMEOUT', 'timeout');
    else if (!this.#isHandshaking && isDue(this.#send.nextWake, now)) {
      const chunks = this.#send.wake(now);
      if (chunks === 'give-up') this.#giveUp(turn);
      else this.#transmitter.chunks(turn, chunks);
    }
    this.#flush(turn);
  }

  /** RFC 9293 section 3.10.4, but that a close in SYN-RECEIVED always waits for ESTABLISHED. */
  close(turn: Turn): void {
    if (this.#state === 'SYN-SENT') this.#end(turn, 'TCP_ABORTED', 'reset');
    else if (this.#state === 'SYN-RECEIVED') this.#closeWhenOpen = true;
    else this.#closeOurHalf(turn);
    this.#flush(turn);
  }

  /** RFC 9293 section 3.10.5. */
  abort(turn: Turn, because: Reason = 'TCP_ABORTED'): void {
    const silent = ['SYN-SENT', 'CLOSING', 'LAST-ACK', 'TIME-WAIT'].includes(this.#state);
    if (!silent) this.#transmitter.reset(turn);
    this.#end(turn, because, 'reset');
  }

  /** The application writes, and waits for, more. */
  transfer(send: number, expect: number, turn: Turn): void {
    this.setup.application.begin(send, expect);
    if (this.#isOpen) this.#progress(turn);
    this.#flush(turn);
  }

  pause(paused: boolean, turn: Turn): void {
    this.setup.application.pause(paused);
    if (!paused && !this.#isHandshaking && this.#transmitter.openWindow())
      this.#transmitter.owes = true;
    this.#flush(turn);
  }

  /** How much of what was sent has been acknowledged, SYN and FIN counted in. */
  get arrived(): number {
    return this.#send.arrived;
  }

  /** Of what ICMP quotes: could we have sent it, and is it still on the way? */
  isOnTheWay(quoted: Sequence): boolean {
    const place = this.#send.place(quoted);
    return place >= this.#send.arrived && place < this.#send.sent;
  }

  /**
   * ICMP unreachable. Once the connection is open even a hard error only counts if nothing better
   * is heard (RFC 1122 section 4.2.3.9; RFC 5927 section 5.2), as a forger can send one.
   */
  unreachable(hard: boolean, because: Reason, turn: Turn): void {
    const { softErrorsEndConnecting } = this.setup.profile.tcp;
    if (this.#isHandshaking && (hard || softErrorsEndConnecting))
      this.#end(turn, because, 'unreachable');
    else this.#rumour = because;
  }

  /** The path carries less than was thought; never more (RFC 1191 section 3). */
  pathMtu(mtu: number, turn: Turn): void {
    const least = this.setup.profile.pathMtuLeast;
    if (mtu < least) this.#transmitter.dontFragment = false;
    this.#mtu = Math.min(this.#mtu, Math.max(mtu, least));
    if (!this.#isHandshaking) this.#send.resize(this.#mtu - headers);
    this.#flush(turn);
  }

  // Section 3.10.7.3
  #inSynSent(segment: TcpSegment, turn: Turn): void {
    const { flags } = segment;
    const acks = (flags & tcpFlag.ack) !== 0;
    const upTo = this.#send.place(segment.acknowledgment);
    if (acks && (upTo <= 0 || upTo > this.#send.sent)) this.#refuse(segment, turn);
    else if (flags & tcpFlag.rst && acks) this.#end(turn, 'TCP_REFUSED', 'refused');
    else if (flags & tcpFlag.rst || !(flags & tcpFlag.syn))
      this.#drop(turn, 'TCP_UNEXPECTED', segment);
    else if (acks) {
      this.#learn(segment);
      this.#transmitter.owes = true;
      this.#establish(this.#said(segment, 0), turn);
      this.#text(segment, 1, turn);
    } else {
      // Both ends opened at once (section 3.5, figure 8).
      this.#learn(segment);
      this.#enter(turn, 'SYN-RECEIVED');
      this.#attempts = 0;
      this.#sendSyn(turn);
    }
  }

  // Section 3.10.7.4
  #inOtherStates(segment: TcpSegment, turn: Turn): void {
    const { flags } = segment;
    const from = this.#receive.place(segment.sequence);
    const reset = (flags & tcpFlag.rst) !== 0;
    if (this.#isTheirSynAck(segment, from)) this.#establish(this.#said(segment, from), turn);
    else if (!this.#receive.acceptable(from, reset ? 0 : segmentLength(segment)))
      this.#unacceptable(segment, from, turn);
    else if (reset) this.#reset(segment, from, turn);
    else if (flags & tcpFlag.syn) this.#synAgain(segment, turn);
    else if ((flags & tcpFlag.ack) === 0) this.#drop(turn, 'TCP_UNEXPECTED', segment);
    else if (this.#acknowledged(segment, from, turn)) this.#text(segment, from, turn);
  }

  /** In SYN-RECEIVED after a simultaneous open, figure 8 takes a SYN-ACK for the ACK it holds. */
  #isTheirSynAck(segment: TcpSegment, from: number): boolean {
    const both = tcpFlag.syn | tcpFlag.ack;
    return (
      this.#state === 'SYN-RECEIVED' &&
      !this.setup.passive &&
      from === 0 &&
      (segment.flags & (both | tcpFlag.rst)) === both &&
      this.#send.place(segment.acknowledgment) === this.#send.sent
    );
  }

  // First: outside the window.
  #unacceptable(segment: TcpSegment, from: number, turn: Turn): void {
    this.#drop(turn, 'TCP_OUT_OF_WINDOW', segment);
    const { flags } = segment;
    if (flags & tcpFlag.rst) return;
    const syn = (flags & tcpFlag.syn) !== 0;
    if (this.#state === 'TIME-WAIT' && flags & tcpFlag.fin) this.#linger(turn);
    // "If the RCV.WND is zero, … special allowance should be made to accept valid ACKs"
    const probes = this.#receive.window === 0 && from === this.#receive.next && !syn;
    if (probes && flags & tcpFlag.ack && !this.#acknowledged(segment, from, turn)) return;
    // An answer to a bare ACK or to a SYN could go back and forth for ever (RFC 5961 section 7).
    if (syn || segmentLength(segment) === 0) this.#transmitter.challenge(turn);
    else this.#transmitter.owes = true;
  }

  // Second: only a reset in the very place counts (RFC 5961 section 3.2).
  #reset(segment: TcpSegment, from: number, turn: Turn): void {
    if (from !== this.#receive.next) {
      this.#transmitter.challenge(turn);
      this.#drop(turn, 'TCP_OUT_OF_WINDOW', segment);
    } else if (this.#state === 'SYN-RECEIVED' && !this.setup.passive)
      this.#end(turn, 'TCP_REFUSED', 'refused');
    else this.#end(turn, 'TCP_RESET', 'reset');
  }

  // Fourth: a SYN on what is no longer closed (RFC 5961 section 4.2).
  #synAgain(segment: TcpSegment, turn: Turn): void {
    this.#drop(turn, 'TCP_UNEXPECTED', segment);
    if (this.#state === 'SYN-RECEIVED' && this.setup.passive)
      this.#end(turn, 'TCP_UNEXPECTED', 'reset');
    else this.#transmitter.challenge(turn);
  }

  // Fifth: the ACK field. Returns whether the rest of the segment is to be looked at.
  #acknowledged(segment: TcpSegment, from: number, turn: Turn): boolean {
    const said = this.#said(segment, from);
    const send = this.#send;
    if (this.#state === 'SYN-RECEIVED') {
      if (said.upTo <= 0 || said.upTo > send.sent) {
        this.#refuse(segment, turn);
        return false;
      }
      this.#establish(said, turn);
    } else if (said.upTo > send.sent || said.upTo < send.arrived - send.windowMost) {
      this.#transmitter.challenge(turn);
      this.#drop(turn, 'TCP_BAD_ACK', segment);
      return false;
    }
    const moved = said.upTo > send.arrived;
    const again = send.acknowledge(said, turn.now);
    if (again !== undefined) this.#transmitter.chunks(turn, [again]);
    if (moved) {
      this.#rumour = undefined;
      this.#progress(turn);
      if (this.#transmitter.openWindow()) this.#transmitter.owes = true; // an echo has left
    }
    if (send.finArrived) this.#finArrived(turn);
    return this.#state !== 'CLOSED' && this.#state !== 'CLOSING';
  }

  #finArrived(turn: Turn): void {
    if (this.#state === 'FIN-WAIT-1') {
      this.#enter(turn, 'FIN-WAIT-2');
      this.#linger(turn);
    } else if (this.#state === 'CLOSING') {
      this.#enter(turn, 'TIME-WAIT');
      this.#linger(turn);
    } else if (this.#state === 'LAST-ACK') this.#end(turn, undefined, 'completed');
  }

  // Seventh and eighth: text and FIN. `from` is where the text begins.
  #text(segment: TcpSegment, from: number, turn: Turn): void {
    const { payload } = segment;
    const fin = (segment.flags & tcpFlag.fin) !== 0;
    if (payload.length === 0 && !fin) return;
    if (this.#receive.finished) {
      // Nothing can follow a FIN. Text is ignored, another FIN acknowledged like the first.
      if (fin) this.#transmitter.owes = true;
      if (fin && this.#state === 'TIME-WAIT') this.#linger(turn);
      return;
    }
    const inOrder = from === this.#receive.next && this.#receive.waiting === 0;
    const ready = this.#receive.accept(from, payload, fin);
    if (ready === undefined) this.#drop(turn, 'TCP_QUEUE_FULL', segment);
    else if (ready.length > 0) this.#deliver(ready, turn);
    if (inOrder && !this.#receive.finished) this.#transmitter.owesSoon(turn.now);
    else this.#transmitter.owes = true;
    if (this.#receive.finished) this.#finReceived(turn);
  }

  #deliver(ready: readonly Uint8Array[], turn: Turn): void {
    let bytes = 0;
    let intact = true;
    for (const part of ready) {
      bytes += part.length;
      if (!this.setup.application.take(part)) intact = false;
    }
    turn.out.push({ kind: 'delivered', connection: this.setup.number, bytes, intact });
    if (this.#state === 'FIN-WAIT-2') this.#linger(turn);
    this.#progress(turn);
  }

  #finReceived(turn: Turn): void {
    const { application } = this.setup;
    if (this.#state === 'ESTABLISHED') {
      this.#enter(turn, 'CLOSE-WAIT');
      if (application.pending && !application.satisfied)
        this.#done(turn, 'reset', 'TCP_CLOSED_EARLY');
      if (application.closesAfterPeer) this.#closeOurHalf(turn);
    } else if (this.#state === 'FIN-WAIT-1') {
      this.#enter(turn, 'CLOSING');
    } else if (this.#state === 'FIN-WAIT-2') {
      this.#enter(turn, 'TIME-WAIT');
      this.#linger(turn);
    }
  }

  #establish(said: Acknowledgment, turn: Turn): void {
    this.#handshakeAt = undefined;
    const segment = Math.min(this.#theirSegment, this.#mtu - headers);
    this.#send.start(segment, said, this.#synAt ?? turn.now, turn.now, this.#synLost);
    this.#enter(turn, 'ESTABLISHED');
    this.#progress(turn);
    if (this.#closeWhenOpen) this.#closeOurHalf(turn);
  }

  /** Looks whether the application has what it waited for, or has said all it had to say. */
  #progress(turn: Turn): void {
    const { application } = this.setup;
    if (application.pending && application.satisfied && this.#send.allArrived)
      this.#done(turn, 'completed');
    if (application.finishedWriting) this.#closeOurHalf(turn);
  }

  /** A FIN follows what there is to send. */
  #closeOurHalf(turn: Turn): void {
    if (!this.#isOpen) return;
    this.#send.closing = true;
    this.#enter(turn, this.#state === 'ESTABLISHED' ? 'FIN-WAIT-1' : 'LAST-ACK');
  }

  get #isHandshaking(): boolean {
    return this.#handshakeAt !== undefined;
  }

  get #isOpen(): boolean {
    return this.#state === 'ESTABLISHED' || this.#state === 'CLOSE-WAIT';
  }

  #handshakeOverdue(turn: Turn): void {
    this.#synLost = true;
    if (this.#attempts < this.#waits.length) this.#sendSyn(turn);
    else this.#giveUp(turn);
  }

  get #waits(): readonly Duration[] {
    const { synWaits, synAckWaits } = this.setup.profile.tcp;
    return this.#state === 'SYN-SENT' ? synWaits : synAckWaits;
  }

  #sendSyn(turn: Turn): void {
    this.#synAt ??= turn.now;
    this.#send.sent = 1;
    this.#send.next = 1;
    this.#handshakeAt = after(turn.now, this.#waits[this.#attempts]!);
    this.#attempts += 1;
    this.#transmitter.syn(turn, this.#state === 'SYN-RECEIVED');
  }

  #giveUp(turn: Turn): void {
    const rumour = this.#rumour;
    this.#end(turn, rumour ?? 'TCP_TIMEOUT', rumour === undefined ? 'timeout' : 'unreachable');
  }

  #linger(turn: Turn): void {
    this.#lingerAt = after(turn.now, this.setup.profile.tcp.timeWait);
  }

  #enter(turn: Turn, state: TcpState, because?: Reason): void {
    this.#state = state;
    if (state === 'TIME-WAIT') this.#send.stop();
    const { number, local, remote } = this.setup;
    const what = { kind: 'state', connection: number, local, remote, state } as const;
    turn.out.push(because === undefined ? what : { ...what, because });
  }

  /** CLOSED: the layer forgets the connection after this turn. */
  #end(turn: Turn, because: Reason | undefined, result: Result): void {
    if (this.setup.application.pending) this.#done(turn, result, because);
    this.#send.stop();
    this.#transmitter.owesNothing();
    this.#handshakeAt = undefined;
    this.#lingerAt = undefined;
    this.#enter(turn, 'CLOSED', because);
  }

  #done(turn: Turn, result: Result, because?: Reason): void {
    const counts = this.setup.application.end(this.#send.arrived - 1);
    const what = { kind: 'done', connection: this.setup.number, result, ...counts } as const;
    turn.out.push(because === undefined ? what : { ...what, because });
  }

  #drop(turn: Turn, reason: Reason, segment: TcpSegment): void {
    const { number, local, remote } = this.setup;
    const length = segment.payload.length;
    const [source, destination] = [remote.address, local.address];
    turn.out.push({ kind: 'dropped', reason, source, destination, length, connection: number });
  }

  /** `<SEQ=SEG.ACK><CTL=RST>`, unless it is a reset itself: the ACK is of something else. */
  #refuse(segment: TcpSegment, turn: Turn): void {
    const reset = resetFor(segment);
    if (reset !== undefined) this.#transmitter.write(turn, reset);
    this.#drop(turn, 'TCP_BAD_ACK', segment);
  }

  #said(segment: TcpSegment, from: number): Acknowledgment {
    return {
      from,
      upTo: this.#send.place(segment.acknowledgment),
      window: this.#transmitter.windowIn(segment),
      bare: segmentLength(segment) === 0,
    };
  }

  /** Takes from the other end's SYN what holds for the whole connection. */
  #learn(syn: TcpSegment): void {
    this.#receive.start(syn.sequence);
    for (const option of syn.options) {
      if (option.kind === 'mss') this.#theirSegment = option.mss;
      else if (option.kind === 'window-scale') this.#transmitter.scale(option.shift);
    }
  }

  /** Sends what may go, and an acknowledgment if one is still owed after that. */
  #flush(turn: Turn): void {
    if (this.#state === 'CLOSED') return;
    const maySend = this.#isOpen || (this.#send.closing && this.#state !== 'TIME-WAIT');
    if (!this.#isHandshaking && maySend) this.#transmitter.chunks(turn, this.#send.due(turn.now));
    this.#transmitter.settle(turn);
  }
}

const isDue = (moment: Instant | undefined, now: Instant): boolean =>
  moment !== undefined && moment <= now;
