/**
 * The port of a simulated network that leads to a real one: frames go to one VXLAN end point and come
 * from it (RFC 7348), and nowhere else. What is on the other side is not ours, and neither is what it
 * sends: nothing that it says changes where we send to, and no frame passes through us from one real
 * network to another.
 */
import type { Frame } from '../base/frame.ts';
import { type Instant, nanoseconds } from '../base/time.ts';
import type { Fabric } from '../lab/fabric.ts';
import type { LabNetwork } from '../lab/network.ts';
import type { AttachmentPlan } from '../lab/topology.ts';
import { type Device, Port, type Sink } from '../stack/device.ts';
import type { Reason } from '../trace/reasons.ts';
import { type Ipv4, type Mac, showIpv4 } from '../wire/address.ts';
import { decodeEthernet, encodeEthernet } from '../wire/ethernet.ts';
import { Malformed } from '../wire/malformed.ts';
import { decodeVxlan, encodeVxlan, vniFlag } from '../wire/vxlan.ts';
import { allowancesFor } from './attachment-filter.ts';
import { finishChecksum } from './finish-checksum.ts';
import type { UdpAddress } from './udp.ts';

/** Frames for everybody, or for nobody whom we know: so many a second pass in each direction. */
const floodedMost = 1000;

/** Of each reason, as many drops of what came from outside are written into the log; the rest is counted. */
const writtenMost = 100;

const headerSize = 14;

/** What a port to the outside has seen. */
export interface AttachmentCounts {
  readonly in: number;
  readonly out: number;
  readonly dropped: ReadonlyMap<Reason, number>;
}

/** Puts a datagram on its way. */
export type SendTo = (datagram: Uint8Array, port: number, address: string) => void;

/** Drops, counted; of what a stranger can make as often as he likes not all are written. */
class Drops {
  readonly counts = new Map<Reason, number>();

  note(reason: Reason): number {
    const count = (this.counts.get(reason) ?? 0) + 1;
    this.counts.set(reason, count);
    return count;
  }

  foreign(reason: Reason, bytes: Uint8Array, port: Port, sink: Sink): void {
    if (this.note(reason) <= writtenMost) sink.drop(port, sink.frames.from(bytes), reason);
  }
}

/** The machines of a lab, as far as somebody outside could be deceived by them. */
class Inhabitants {
  readonly #network: LabNetwork;
  /** By MAC address: the machines that have it, or had it, or will. */
  readonly #names = new Map<Mac, string[]>();

  constructor(network: LabNetwork) {
    this.#network = network;
    for (const { node, mac } of network.adapters) this.#add(mac, node);
    for (const { node, mac } of network.topology.nodes.flatMap(configured)) this.#add(mac, node);
    for (const { name, portGroups } of network.topology.switches)
      for (const { tracking } of portGroups) if (tracking) this.#add(tracking.mac, name);
  }

  has(mac: Mac): boolean {
    return this.#names.has(mac);
  }

  readonly owns = (mac: Mac, ip: Ipv4): boolean =>
    (this.#names.get(mac) ?? []).some((name) =>
      this.#network
        .stack(name)
        ?.interfaces.some(
          (one) => one.mac === mac && one.addresses.some(({ address }) => address === ip),
        ),
    );

  #add(mac: Mac, name: string): void {
    const names = this.#names.get(mac) ?? [];
    this.#names.set(mac, names.includes(name) ? names : [...names, name]);
  }
}

/** The address that an adapter was given, where its guest has given it another. */
const configured = (
  plan: LabNetwork['topology']['nodes'][number],
): { readonly node: string; readonly mac: Mac }[] =>
  plan.kind === 'guest' ? [{ node: plan.name, mac: plan.adapter.mac }] : [];

/** So many at once, and as many a second. */
class Allotment {
  #left = floodedMost;
  #at = 0;

  take(now: Instant): boolean {
    this.#left = Math.min(floodedMost, this.#left + ((now - this.#at) * floodedMost) / 1e9);
    this.#at = now;
    if (this.#left < 1) return false;
    this.#left -= 1;
    return true;
  }
}

class Attachment implements Device {
  readonly name = 'attachment';
  readonly port: Port;
  readonly plan: AttachmentPlan;
  readonly drops = new Drops();
  readonly #inhabitants: Inhabitants;
  readonly #send: SendTo;
  readonly #floods = { in: new Allotment(), out: new Allotment() };
  in = 0;
  out = 0;

  constructor(plan: AttachmentPlan, inhabitants: Inhabitants, send: SendTo) {
    this.plan = plan;
    this.port = new Port(this, 0, plan.network);
    this.#inhabitants = inhabitants;
    this.#send = send;
  }

  /** A frame of the lab's is to leave. */
  receive(port: Port, frame: Frame, now: Instant, sink: Sink): void {
    const bytes = untagged(frame.bytes());
    const reason = this.#keepsIn(bytes, now);
    if (reason !== undefined) {
      this.drops.note(reason);
      sink.drop(port, frame, reason);
      return;
    }
    this.out += 1;
    const { ip, port: there, vni } = this.plan.to;
    this.#send(encodeVxlan({ flags: vniFlag, vni, payload: bytes }), there, showIpv4(ip));
  }

  wake(): void {}
  carrier(): void {}

  /** A frame has come from the end point. */
  arrives(bytes: Uint8Array, now: Instant, sink: Sink): void {
    const reason = this.#keepsOut(bytes, now);
    if (reason !== undefined) {
      this.drops.foreign(reason, bytes, this.port, sink);
      return;
    }
    this.in += 1;
    const frame = sink.frames.from(bytes);
    // A kernel at the other end leaves sums to hardware that nobody has who sends by UDP.
    finishChecksum(frame.bytes());
    sink.send(this.port, frame);
  }

  #keepsIn(bytes: Uint8Array, now: Instant): Reason | undefined {
    const ethernet = decodeEthernet(bytes);
    if (ethernet instanceof Malformed) return 'MALFORMED';
    if (ethernet.tag !== undefined) return 'VLAN_MISMATCH'; // it had two
    if (!this.#inhabitants.has(ethernet.source)) return 'ATTACHMENT_TRANSIT';
    if (this.#isTooLong(bytes)) return 'FRAME_TOO_LONG';
    if (isGroup(ethernet.target) && !this.#floods.out.take(now)) return 'ATTACHMENT_STORM';
    const needed = allowancesFor(ethernet, this.#inhabitants.owns);
    const isAllowed = needed?.every((one) => this.plan.allows.includes(one));
    return isAllowed === true ? undefined : 'ATTACHMENT_NOT_ALLOWED';
  }

  #keepsOut(bytes: Uint8Array, now: Instant): Reason | undefined {
    const ethernet = decodeEthernet(bytes);
    if (ethernet instanceof Malformed) return 'MALFORMED';
    const { source, target, tag } = ethernet;
    if (tag !== undefined) return 'VLAN_MISMATCH'; // RFC 7348 section 6.1
    if (isGroup(source) || source === 0) return 'BAD_SOURCE_MAC';
    if (this.#inhabitants.has(source)) return 'ATTACHMENT_LOOP';
    if (Math.floor(target / 16) === reservedGroup) return 'RESERVED_GROUP';
    if (this.#isTooLong(bytes)) return 'FRAME_TOO_LONG';
    const isFlooded = isGroup(target) || !this.#inhabitants.has(target);
    return isFlooded && !this.#floods.in.take(now) ? 'ATTACHMENT_STORM' : undefined;
  }

  #isTooLong(bytes: Uint8Array): boolean {
    return bytes.length > this.plan.mtu + headerSize;
  }
}

/** 01-80-C2-00-00-00 to -0F without the last digit: what no bridge passes on (IEEE 802.1D-2004 table 7-10). */
const reservedGroup = 0x0180_c200_000;

const isGroup = (mac: Mac): boolean => Math.floor(mac / 2 ** 40) % 2 === 1;

/** Without its tag, which means nothing on the other side (RFC 7348 section 6.1). */
function untagged(bytes: Uint8Array): Uint8Array {
  const ethernet = decodeEthernet(bytes);
  if (ethernet instanceof Malformed || ethernet.tag === undefined) return bytes.slice();
  const { tag: _, ...plain } = ethernet;
  return encodeEthernet(plain);
}

/** All attachments of a lab, behind one socket. */
export class Attachments implements Device {
  readonly name = 'attachment';
  /** Where what belongs to none of them ends: no network has this name. */
  readonly #outside = new Port(this, 0, 'none');
  readonly #drops = new Drops();
  readonly #all: readonly Attachment[];
  readonly #fabric: Fabric;

  constructor(network: LabNetwork, fabric: Fabric, send: SendTo) {
    const inhabitants = new Inhabitants(network);
    this.#fabric = fabric;
    this.#all = network.topology.attachments.map((plan) => new Attachment(plan, inhabitants, send));
    const link = { latency: nanoseconds(0), rate: Number.POSITIVE_INFINITY };
    for (const { port, plan } of this.#all) network.cables.join(port, plan.network, link);
  }

  /**
   * Somebody has sent us a datagram. Its source port says nothing: senders choose it from what is
   * inside (RFC 7348 section 5).
   */
  datagram(bytes: Uint8Array, from: UdpAddress): void {
    const { now } = this.#fabric;
    // Other bits of its flags are reserved, and ignored (RFC 7348 section 5).
    const vxlan = decodeVxlan(bytes);
    const inner = vxlan instanceof Malformed ? bytes : vxlan.payload;
    const known = this.#all.filter(({ plan }) => showIpv4(plan.to.ip) === from.address);
    const vni = vxlan instanceof Malformed || (vxlan.flags & vniFlag) === 0 ? undefined : vxlan.vni;
    const meant = known.find(({ plan }) => plan.to.vni === vni);
    if (meant !== undefined) meant.arrives(inner, now, this.#fabric);
    else if (known.length === 0) this.#refuse('ATTACHMENT_UNLISTED', inner);
    else this.#refuse(vni === undefined ? 'MALFORMED' : 'ATTACHMENT_OTHER_VNI', inner);
  }

  /** By network; what came from strangers stands under no name. */
  get counts(): ReadonlyMap<string, AttachmentCounts> {
    const counts = this.#all.map(({ plan, in: came, out, drops }): [string, AttachmentCounts] => [
      plan.network,
      { in: came, out, dropped: drops.counts },
    ]);
    return new Map([...counts, ['', { in: 0, out: 0, dropped: this.#drops.counts }]]);
  }

  receive(): void {}
  wake(): void {}
  carrier(): void {}

  #refuse(reason: Reason, bytes: Uint8Array): void {
    this.#drops.foreign(reason, bytes, this.#outside, this.#fabric);
  }
}
