/**
 * The end of a tunnel that is WireGuard as others wrote it: the kernel's, where there is one, else
 * `wireguard-go` on a TUN device. It is told what it needs to know by `wg`, as text that
 * `wireguard-config.ts` writes.
 *
 * What goes into it and comes out of it is shown by taps, which the kernel copies it to. What it
 * sends is encrypted, and nobody but itself has the keys: which packet is in which datagram is told
 * by their order and their lengths. Whether it stands is asked of it whenever a datagram may have
 * changed that; how long it has tried in vain shows in what it sends.
 */
import type { ChildProcess } from 'node:child_process';
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { Frame } from '../base/frame.ts';
import { after, earliest, type Instant, labStart } from '../base/time.ts';
import type { Tunnel, TunnelKeys, TunnelOptions } from '../device/tunnel.ts';
import type { Sink } from '../stack/device.ts';
import type { Part } from '../stack/ip-stack.ts';
import { destinationOf, packetFrom, transportAt } from '../stack/packet.ts';
import { attemptFor, paddingMultiple, rejectAfter } from '../stack/wireguard/constants.ts';
import type { PeerOptions, PeerState } from '../stack/wireguard/peer.ts';
import { contains } from '../wire/address.ts';
import { etherType } from '../wire/ethernet.ts';
import { finishChecksum } from './finish-checksum.ts';
import type { KernelStack } from './kernel-stack.ts';
import { runFolder } from './sandbox.ts';
import { environment, tool } from './tools.ts';
import { noProcess, oneClock, Unsupported } from './unsupported.ts';
import { renderWireguardConfig } from './wireguard-config.ts';

const initiation = 1;
const response = 2;
const data = 4;
/** Header, counter and tag of transport data. */
const overhead = 32;
/** Packets between which and their datagrams nothing was lost: more than these do not wait for each other. */
const matchedMost = 512;
/** How long `wireguard-go` may take until it can be spoken to, and how often it is looked for. */
const patience = 10_000;
const glance = 2;
/** How soon and how often an end is asked for a handshake that must have come about. */
const askEvery = 10;
const askMost = 50;
/** What WireGuard counts keepalives in. */
const longestKeepalive = 65_535e9;

/** A packet whose way goes on inside a datagram, or a datagram with a packet inside. */
interface Crossing {
  readonly frame: Frame;
  /** Of the datagram's payload. */
  readonly size: number;
}

export class KernelTunnel implements Tunnel, Part {
  readonly port: number;
  /** Nobody is told those of `wireguard-go`. */
  readonly keys: readonly TunnelKeys[] = [];
  readonly #options: TunnelOptions;
  readonly #stack: KernelStack;
  readonly #device: string;
  #peer: PeerOptions;
  #process: ChildProcess | undefined;
  #state: PeerState = 'down';
  #stopped = false;
  #hung = false;
  #asking = false;
  /** When it last came to a handshake, in its own seconds. */
  #handshake = 0;
  #upUntil: Instant | undefined;
  #endpoint = '';
  /** Since when it has sent initiations in vain. */
  #tryingSince: Instant | undefined;
  #owesAnswer = -1;
  #startedBy = -1;
  readonly #inside: Crossing[] = [];
  readonly #arrived: Crossing[] = [];
  heardAt: Instant = labStart;

  constructor(options: TunnelOptions, stack: KernelStack) {
    this.port = options.port;
    this.#options = options;
    this.#stack = stack;
    this.#peer = options.peer;
    this.#device = stack.deviceOf(options.inner);
    this.#make();
  }

  get state(): PeerState {
    return this.#state;
  }

  get #isInKernel(): boolean {
    return this.#stack.ground.kernel.hasWireguard;
  }

  start(connect: boolean, now: Instant, sink: Sink, cause: number): void {
    this.heardAt = now;
    this.#startedBy = cause;
    this.#stack.attach(this);
    this.#stack.tunnels.set(this.port, this);
    // Set to send keepalives, it sends the first at once, and a handshake before it.
    const every = connect ? (this.#peer.persistentKeepalive ?? longestKeepalive) : undefined;
    const calling = { ...this.#peer, ...(every && { persistentKeepalive: every }) } as PeerOptions;
    this.#tell(calling, 'setconf');
    if (connect && this.#peer.persistentKeepalive === undefined) this.#tell(this.#peer, 'syncconf');
    this.#stack.arm(sink);
  }

  stop(now: Instant, sink: Sink, cause: number): void {
    this.#stopped = true;
    this.#stack.detach(this);
    this.#stack.tunnels.delete(this.port);
    const device = this.#device;
    this.#stack.space.afterwards(async () => {
      const child = this.#process;
      if (child === undefined) return;
      const gone = new Promise((resolve) => child.once('exit', resolve));
      if (child.exitCode === null && child.signalCode === null && child.kill('SIGKILL')) await gone;
      rmSync(socketOf(device), { force: true });
    });
    if (this.#isInKernel) this.#stack.space.ip(`link del ${device}`, { lax: true });
    this.#stack.commanded();
    this.#giveUp(sink);
    this.#become('down', '', cause, now, sink);
  }

  configure(peer: PeerOptions): void {
    this.#peer = { ...peer, ...(this.#peer.endpoint && { endpoint: this.#peer.endpoint }) };
    // Where the other end has been heard of last is for the tunnel to know.
    this.#tell(peer, 'syncconf');
  }

  hang(hung: boolean): void {
    if (this.#isInKernel) {
      if (hung) throw new Unsupported(noProcess);
      return; // it never hung
    }
    this.#hung = hung;
    this.#process?.kill(hung ? 'SIGSTOP' : 'SIGCONT');
  }

  stepClock(): void {
    throw new Unsupported(oneClock);
  }

  carry(): void {
    throw new Error(`a packet for ${this.#device} that is not the kernel's`);
  }

  wake(now: Instant, sink: Sink): void {
    if (this.#tryingSince !== undefined && after(this.#tryingSince, attemptFor) <= now) {
      this.#tryingSince = undefined;
      this.#giveUp(sink);
      this.#become('failed', '', -1, now, sink);
    }
    if (this.#upUntil !== undefined && this.#upUntil <= now) {
      this.#upUntil = undefined;
      if (this.#state !== 'up') return;
      this.#become(this.#tryingSince === undefined ? 'down' : 'connecting', '', -1, now, sink);
    }
  }

  nextWake(): Instant | undefined {
    const since = this.#tryingSince;
    const fails = since === undefined ? undefined : after(since, attemptFor);
    return earliest(fails, this.#upUntil);
  }

  /** The machine has sent a datagram from the tunnel's port. Returns the event that led to it. */
  left(frame: Frame, now: Instant, sink: Sink): number {
    const { kind, size } = messageIn(frame);
    if (kind === data) return size > overhead ? take(this.#inside, size) : -1;
    if (kind === response) return this.#owesAnswer;
    if (kind !== initiation) return -1;
    const cause = this.#inside[0]?.frame.cause ?? this.#startedBy;
    if (this.#tryingSince === undefined) {
      this.#tryingSince = now;
      if (this.#state !== 'up') this.#become('connecting', '', cause, now, sink);
      this.#stack.arm(sink);
    }
    return cause;
  }

  /** A datagram to the tunnel's port goes into the machine. */
  came(frame: Frame, now: Instant): void {
    const { kind, size } = messageIn(frame);
    if (kind === initiation) this.#owesAnswer = frame.cause;
    if (kind !== response && kind !== data) return;
    this.heardAt = now;
    if (kind === data && size > overhead) put(this.#arrived, { frame: frame.share(), size });
    const waits = this.#tryingSince !== undefined || this.#owesAnswer >= 0;
    if (waits) void this.#ask(frame.cause);
  }

  #make(): void {
    const { inner, mtu } = this.#options;
    const { space } = this.#stack;
    const device = this.#device;
    // The machine goes on with the taps while the process begins.
    const begun = this.#isInKernel ? undefined : this.#startProcess();
    this.#stack.layTaps(inner, (packet, direction) => this.#seen(packet, direction));
    if (begun === undefined) space.ip(`link add name ${device} type wireguard`);
    else space.afterwards(() => begun());
    space.ip(`link set ${device} mtu ${mtu} gso_max_segs 1 up`);
    this.#stack.deviceIsBack(inner);
    this.#stack.openTaps(inner);
  }

  /** In the foreground, or it would be nobody's child; told to be so by an option, never by its environment. */
  #startProcess(): () => Promise<void> {
    const { space, ground } = this.#stack;
    const device = this.#device;
    let ended: Error | undefined;
    space.afterwards(async () => {
      const child = space.start(tool('wireguard-go'), ['-f', device], {
        stdio: ['ignore', 'ignore', 'pipe'],
        env: { ...environment, LOG_LEVEL: 'error' },
      });
      this.#process = child;
      let said = '';
      child.stderr!.setEncoding('utf8').on('data', (text: string) => (said += text));
      child.once('error', (error) => (ended = error));
      child.once('exit', () => {
        const complaints = said.split('\n').filter(isComplaint).join('; ');
        ended ??= new Error(`wireguard-go ended: ${complaints}`);
        if (!this.#stopped && this.#stack.running) ground.kernel.fail(ended);
      });
    });
    return async () => {
      const began = Date.now();
      while (!existsSync(socketOf(device))) {
        if (ended !== undefined) throw ended;
        if (Date.now() - began > patience) throw new Error('wireguard-go does not begin');
        await pause(glance);
      }
    };
  }

  #tell(peer: PeerOptions, how: 'setconf' | 'syncconf'): void {
    const { privateKey, port } = this.#options;
    const { space } = this.#stack;
    const text = renderWireguardConfig({ privateKey, listenPort: port, peers: [peer] });
    space.afterwards(async () => {
      // Its standard input would be a socket, which has no path to be opened by.
      const file = join(runFolder, `${this.#device}.conf`);
      writeFileSync(file, text, { mode: 0o600 });
      await space.run(tool('wg'), [how, this.#device, file]);
    });
    this.#stack.commanded();
  }

  /** Asks it for a handshake newer than that which is known. */
  async #ask(cause: number): Promise<void> {
    if (this.#asking) return;
    this.#asking = true;
    const { space, ground } = this.#stack;
    try {
      for (let asked = 0; asked < askMost && !this.#stopped; asked += 1) {
        const said = await space.run(tool('wg'), ['show', this.#device, 'dump']);
        const [, , endpoint, , handshake] = said.split('\n')[1]?.split('\t') ?? [];
        if (Number(handshake) > this.#handshake && !this.#stopped) {
          this.#handshake = Number(handshake);
          this.#shake(endpoint!, cause, ground.catchUp(), ground.sink);
          ground.stir();
          break;
        }
        await pause(askEvery);
      }
    } catch (error) {
      if (!this.#stopped && this.#stack.running) ground.kernel.fail(error as Error);
    }
    this.#asking = false;
  }

  #shake(endpoint: string, cause: number, now: Instant, sink: Sink): void {
    this.#tryingSince = undefined;
    this.#owesAnswer = -1;
    this.#upUntil = after(now, rejectAfter);
    const known = this.#state === 'up' && endpoint === this.#endpoint;
    this.#endpoint = endpoint;
    if (!known) this.#become('up', endpoint, cause, now, sink);
    this.#stack.arm(sink);
  }

  /** By the taps: a packet goes into the tunnel, or has come out. */
  #seen(packet: Uint8Array, direction: 'in' | 'out'): void {
    const stack = this.#stack;
    const { sink, catchUp, stir } = stack.ground;
    const { inner, mtu } = this.#options;
    const now = catchUp();
    if (!stack.running || packet.length < 20) return;
    const frame = packetFrom(sink.frames, packet);
    frame.words.setUint16(frame.start + 12, etherType.ipv4);
    finishChecksum(frame.bytes());
    const size = sizeInside(packet.length, mtu);
    if (direction === 'out') {
      frame.cause = take(this.#arrived, size);
      frame.cause = sink.log.packet(now, stack.name, inner.name, 'out', frame);
      const ended = stack.witness.takes(inner, frame, now);
      if (ended !== undefined) stack.ends(frame, ended, undefined, sink);
    } else {
      frame.cause = stack.witness.sends(inner, frame, now, sink);
      if (this.#hung) stack.ends(frame, 'DAEMON_HUNG', undefined, sink);
      else {
        frame.cause = sink.log.packet(now, stack.name, inner.name, 'in', frame);
        const to = destinationOf(frame);
        const goes = this.#peer.allowedIps.some((prefix) => contains(prefix, to));
        if (goes) put(this.#inside, { frame, size });
        else stack.ends(frame, 'WG_NO_PEER', undefined, sink);
      }
    }
    stir();
  }

  /** What waited for a session waits no more. */
  #giveUp(sink: Sink): void {
    for (const { frame } of this.#inside.splice(0))
      this.#stack.ends(frame, 'WG_NO_SESSION', undefined, sink);
  }

  #become(state: PeerState, endpoint: string, cause: number, now: Instant, sink: Sink): void {
    this.#state = state;
    const { network, onState } = this.#options;
    const fact = { kind: 'tunnel', tunnel: network, state, endpoint } as const;
    sink.log.tell(now, this.#stack.name, cause, fact);
    onState(state, now);
  }
}

const socketOf = (device: string): string => join(runFolder, 'wireguard', `${device}.sock`);

/** It opens with a banner, in a box. */
const isComplaint = (line: string): boolean => line !== '' && !/^[┌│└]/.test(line);

function messageIn(frame: Frame): { readonly kind: number; readonly size: number } {
  const at = frame.start + transportAt(frame);
  const size = frame.words.getUint16(at + 4) - 8;
  return { kind: size > 0 ? frame.memory[at + 8]! : 0, size };
}

/** A packet is filled up to a multiple of 16 bytes, but not beyond the largest (whitepaper section 5.4.6). */
function sizeInside(length: number, mtu: number): number {
  const padded = Math.ceil(length / paddingMultiple) * paddingMultiple;
  return overhead + Math.max(length, Math.min(padded, mtu));
}

function put(crossings: Crossing[], crossing: Crossing): void {
  crossings.push(crossing);
  if (crossings.length > matchedMost) crossings.shift();
}

/** The oldest of that size; those before it have been lost. */
function take(crossings: Crossing[], size: number): number {
  const place = crossings.findIndex((one) => one.size === size);
  if (place < 0) return -1;
  return crossings.splice(0, place + 1).at(-1)!.frame.cause;
}
