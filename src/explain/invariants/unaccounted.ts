/**
 * A frame that came to a device, and nothing came of it: no drop, nothing sent on or answered, and it
 * was not for the device to keep. The log owes a reason for every end, so this is a fault of
 * Standin. What a machine rightly keeps in silence, as an acknowledgement, is none.
 */
import { type Instant, seconds } from '../../base/time.ts';
import type { FrameSent, PacketTunnelled } from '../../trace/event.ts';
import type { EventLog } from '../../trace/log.ts';
import { broadcastIpv4, type Ipv4, isMulticastIpv4, showIpv4 } from '../../wire/address.ts';
import { describeFrame, describePacket } from '../../wire/describe.ts';
import { packetAlone } from '../carried.ts';
import { worldOf } from '../world.ts';
import { isIpv4Frame, isToMany, portAt, wordAt } from './frames.ts';
import { type Breach, Breaches, type Invariant } from './invariant.ts';

/** So long a packet may wait: until its neighbour answers, or until its tunnel is up. */
const patience = seconds(15);

const protocolAt = 23;
const udp = 17;
const destinationAt = 30;
const dhcpClient = 68;

export class Unaccounted implements Invariant {
  readonly #log: EventLog;
  readonly #breaches = new Breaches();
  /** Per event, whether anything came of it. That somebody learned from it is no end of a frame. */
  #caused = new Uint8Array(1024);
  /** How far events have been looked at as causes, and as effects. */
  #judged = 0;
  #read = 0;

  constructor(log: EventLog) {
    this.#log = log;
  }

  judge(now: Instant): readonly Breach[] {
    const log = this.#log;
    const { length } = log;
    if (length > this.#caused.length) {
      const larger = new Uint8Array(length * 2);
      larger.set(this.#caused);
      this.#caused = larger;
    }
    for (; this.#read < length; this.#read += 1) {
      const cause = log.causeOf(this.#read);
      if (cause >= 0 && log.sortOf(this.#read) !== 'fact') this.#caused[cause] = 1;
    }
    for (; this.#judged < length; this.#judged += 1) {
      const id = this.#judged;
      if (log.timeOf(id) + patience > now) break;
      if (this.#caused[id] === 1) continue;
      const sort = log.sortOf(id);
      if (sort === 'frame') this.#judgeFrame(id);
      else if (sort === 'packet') this.#judgePacket(id);
    }
    return this.#breaches.all;
  }

  #judgeFrame(id: number): void {
    const { peer } = this.#log.crossings(id)[0]!;
    if (this.#isKept(id, peer.device.name)) return;
    this.#breaches.add(peer.label, () => {
      const { arrives, bytes } = this.#log.read(id) as FrameSent;
      const text = `a frame came to ${peer.label} and nothing came of it: ${describeFrame(bytes)}`;
      return { text, at: arrives, events: [id] };
    });
  }

  /** What goes into a tunnel may wait there, and leaves with its handshake. */
  #judgePacket(id: number): void {
    const packet = this.#log.read(id) as PacketTunnelled;
    const { direction, node, at, bytes, interface: tunnel } = packet;
    const ip = packetAlone(packet)?.destination;
    if (direction === 'in' || ip === undefined || this.#isFor(node, ip, at)) return;
    this.#breaches.add(tunnel, () => {
      const text = `a packet came out of ${tunnel} and nothing came of it: ${describePacket(bytes)}`;
      return { text, at, events: [id] };
    });
  }

  /** A switch keeps nothing but what other switches say to it; a machine what is for itself. */
  #isKept(id: number, node: string): boolean {
    const log = this.#log;
    const world = worldOf(log);
    if (isToMany(log, id)) return true;
    if (world.isSwitch(node)) return false;
    if (!isIpv4Frame(log, id)) return true;
    const to = wordAt(log, id, destinationAt) as Ipv4;
    if (log.byteOf(id, protocolAt) === udp && portAt(log, id) === dhcpClient) return true;
    return this.#isFor(node, to, (log.read(id) as FrameSent).arrives);
  }

  #isFor(node: string, ip: Ipv4, at: Instant): boolean {
    const world = worldOf(this.#log);
    if (isMulticastIpv4(ip) || ip === broadcastIpv4) return true;
    return world.holders(showIpv4(ip), at, node).some((one) => one.node === node);
  }
}
