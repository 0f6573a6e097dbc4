/**
 * The data plane `l2-bridge`: the two appliances are one bridge with a port on each side (IEEE
 * 802.1D-2004 section 7). Frames cross as they are, broadcasts, DHCP and MAC addresses with them;
 * nobody answers for anybody. WireGuard carries IP packets only, so a frame travels in VXLAN.
 *
 * What comes from the other side goes out on this one and never back, so two such ends cannot loop.
 * The appliance itself is on its own side: its address is not reached through the tunnel.
 */
import type { Frame } from '../base/frame.ts';
import { type Instant, seconds } from '../base/time.ts';
import type { Sink } from '../stack/device.ts';
import type { FrameTap } from '../stack/interface.ts';
import { type Mac, type Prefix, readMac, showMac } from '../wire/address.ts';
import { type DataPlane, farAddress, type PlaneOptions } from './data-plane.ts';
import { MacTable } from './mac-table.ts';
import { type Overlay, Vtep, vxlanOverhead } from './vtep.ts';

const ageing = seconds(300); // IEEE 802.1D-2004 table 7-5
const here = 0;
const far = 1;
/** 01-80-C2-00-00-00 to -0F: no bridge forwards them (table 7-10). */
const reservedGroup = 0x0180_c200_0000;

export class BridgePlane implements DataPlane, FrameTap {
  readonly allowedIps: readonly Prefix[] = [];
  readonly #options: PlaneOptions;
  readonly #vni: number;
  readonly #table = new MacTable();
  #vtep: Vtep | undefined;

  constructor(options: PlaneOptions) {
    this.#options = options;
    this.#vni = options.index + 1;
  }

  begin(now: Instant, sink: Sink, cause: number): void {
    const { stack, segment, inner } = this.#options;
    this.#vtep = Vtep.of(stack);
    const overlay: Overlay = {
      under: inner,
      far: farAddress(this.#options),
      frameFromFar: (frame, when, to) => this.#fromFar(frame, when, to),
    };
    this.#vtep.join(this.#vni, overlay);
    segment.tap(this);
    this.#tell('on', now, sink, cause);
  }

  end(now: Instant, sink: Sink, cause: number): void {
    if (this.#vtep === undefined) return;
    this.#vtep.leave(this.#vni);
    this.#vtep = undefined;
    this.#options.segment.untap(this);
    this.#table.forget(() => true);
    this.#tell('off', now, sink, cause);
  }

  tunnelStarted(): void {}
  /** A kernel bridges, not a process. */
  hang(): boolean {
    return false;
  }
  /** A bridge knows no IP addresses. */
  adopt(): void {}
  release(): void {}

  /** From the segment. What is for the appliance too goes on to its stack. */
  frame(frame: Frame, now: Instant, sink: Sink): boolean {
    const { segment, inner, stack } = this.#options;
    const { words, start } = frame;
    const target = readMac(words, start);
    const isGroup = (frame.memory[start]! & 1) !== 0;
    this.#learn(frame, here, now, sink);
    if (target === segment.mac) return false;
    if (isReserved(target)) return false;
    if (this.#find(target, now) === here) return false; // the stack says that it is not for it
    if (frame.length > inner.mtu - vxlanOverhead) sink.drop(segment.port!, frame, 'FRAME_TOO_LONG');
    else if (this.#options.far() === 'down') stack.ends(frame, 'TUNNEL_DOWN', segment, sink);
    else this.#vtep!.send(this.#vni, frame, now, sink);
    return !isGroup;
  }

  #fromFar(frame: Frame, now: Instant, sink: Sink): void {
    const { segment, stack } = this.#options;
    if (frame.length < 14) {
      stack.ends(frame, 'MALFORMED', segment, sink);
      return;
    }
    this.#learn(frame, far, now, sink);
    if (this.#find(readMac(frame.words, frame.start), now) === far)
      stack.ends(frame, 'SAME_PORT', segment, sink);
    else sink.send(segment.port!, frame);
  }

  #learn({ words, start, cause }: Frame, side: number, now: Instant, sink: Sink): void {
    const [high, low] = [words.getUint16(start + 6), words.getInt32(start + 8)];
    const was = this.#table.learn(high, low, side, now, now - ageing);
    if (was === side || was === -2 || !sink.log.detailed) return;
    const { stack, network } = this.#options;
    sink.log.tell(now, stack.name, cause, {
      kind: 'bridge-entry',
      network,
      mac: showMac(readMac(words, start + 6)),
      side: side === here ? 'local' : 'far',
      change: was < 0 ? 'learned' : 'moved',
    });
  }

  #find(mac: Mac, now: Instant): number {
    return this.#table.find(Math.floor(mac / 2 ** 32), (mac % 2 ** 32) | 0, now - ageing);
  }

  #tell(state: 'on' | 'off', now: Instant, sink: Sink, cause: number): void {
    const { stack, network } = this.#options;
    sink.log.tell(now, stack.name, cause, { kind: 'bridge', network, state });
  }
}

const isReserved = (mac: Mac): boolean => mac >= reservedGroup && mac <= reservedGroup + 15;
