/** Our WireGuard on a real socket and the real clock, with something behind it that pings and answers. */
import { Random } from '../../src/base/random.ts';
import { nodeCrypto } from '../../src/crypto/node.ts';
import type { Timekeeper } from '../../src/emu/timekeeper.ts';
import { openUdp, type UdpSocket } from '../../src/emu/udp.ts';
import type { PeerOptions } from '../../src/stack/wireguard/peer.ts';
import { peerId } from '../../src/stack/wireguard/peer.ts';
import { WireGuard } from '../../src/stack/wireguard/tunnel.ts';
import type { WireGuardInput, WireGuardOutput } from '../../src/stack/wireguard/tunnel-io.ts';
import { type Ipv4, ipv4, showIpv4 } from '../../src/wire/address.ts';
import { decodeIcmp, encodeIcmp } from '../../src/wire/icmp.ts';
import { decodeIpv4, encodeIpv4 } from '../../src/wire/ipv4.ts';
import { Malformed } from '../../src/wire/malformed.ts';

export interface TunnelOptions {
  readonly timekeeper: Timekeeper;
  readonly privateKey: Uint8Array;
  readonly peer: PeerOptions;
  /** Outside. */
  readonly address: string;
  readonly port: number;
  /** Inside, ours and the one that is pinged. */
  readonly own: string;
  readonly other: string;
}

export class TunnelOnSockets {
  readonly #options: TunnelOptions;
  readonly #wireguard: WireGuard;
  #socket: UdpSocket | undefined;
  #callOff = (): void => {};
  readonly #handshakes = new Set<number>();
  /** Echo requests by the one behind us, and what came back. */
  asked = 0;
  answered = 0;
  /** Why anything was dropped here. */
  readonly drops = new Map<string, number>();

  constructor(options: TunnelOptions) {
    const { timekeeper, privateKey, peer } = options;
    this.#options = options;
    this.#wireguard = new WireGuard(
      {
        privateKey,
        crypto: nodeCrypto,
        random: new Random(`${options.own} ${Date.now()}`),
        epoch: Math.floor(Date.now() / 1000),
        peers: [peer],
      },
      timekeeper.now(),
    );
  }

  async open(): Promise<void> {
    await this.#listen(this.#options.port);
  }

  /** From now on everything comes from another port. */
  async moveTo(port: number): Promise<void> {
    const left = this.#socket;
    await this.#listen(port);
    await left?.close();
  }

  async close(): Promise<void> {
    this.#callOff();
    await this.#socket?.close();
  }

  get handshakes(): number {
    return this.#handshakes.size;
  }

  /** Where the other end is, as far as we know. */
  get endpoint(): string {
    const { endpoint } = this.#wireguard.status(this.#id, this.#options.timekeeper.now());
    return endpoint ? `${showIpv4(endpoint.ip)}:${endpoint.port}` : '';
  }

  connect(): void {
    this.#tell({ kind: 'connect', peer: this.#id });
  }

  ping(): void {
    this.asked += 1;
    const echo = {
      kind: 'echo-request',
      code: 0,
      identifier: 7,
      sequence: this.asked & 0xffff,
    } as const;
    const packet = encodeIcmp({ ...echo, data: new Uint8Array(56) });
    this.#tell({ kind: 'packet', bytes: this.#packet(packet, ipv4(this.#options.other)) });
  }

  get #id(): string {
    return peerId(this.#options.peer.publicKey);
  }

  async #listen(port: number): Promise<void> {
    this.#socket = await openUdp({ address: this.#options.address, port }, (bytes, from) =>
      this.#tell({ kind: 'datagram', bytes, from: { ip: ipv4(from.address), port: from.port } }),
    );
  }

  #tell(input: WireGuardInput): void {
    this.#carryOut(this.#wireguard.handle(input, this.#options.timekeeper.now()));
  }

  #carryOut(outputs: readonly WireGuardOutput[]): void {
    const { timekeeper } = this.#options;
    for (const output of outputs) {
      if (output.kind === 'datagram')
        this.#socket?.send(output.bytes, output.to.port, showIpv4(output.to.ip));
      else if (output.kind === 'packet') this.#received(output.bytes);
      else if (output.kind === 'dropped')
        this.drops.set(output.reason, (this.drops.get(output.reason) ?? 0) + 1);
    }
    const last = this.#wireguard.lastHandshake(this.#id);
    if (last !== undefined) this.#handshakes.add(last);
    this.#callOff();
    const next = this.#wireguard.nextWake();
    if (next === undefined) return;
    this.#callOff = timekeeper.at(next, () =>
      this.#carryOut(this.#wireguard.wake(timekeeper.now())),
    );
  }

  #received(bytes: Uint8Array): void {
    const packet = decodeIpv4(bytes);
    if (packet instanceof Malformed) throw packet;
    const icmp = decodeIcmp(packet.payload);
    if (icmp instanceof Malformed) throw icmp;
    if (icmp.kind === 'echo-reply') this.answered += 1;
    if (icmp.kind !== 'echo-request') return;
    const reply = encodeIcmp({ ...icmp, kind: 'echo-reply' });
    this.#tell({ kind: 'packet', bytes: this.#packet(reply, packet.source) });
  }

  #packet(payload: Uint8Array, destination: Ipv4): Uint8Array {
    return encodeIpv4({
      tos: 0,
      identification: 0,
      dontFragment: true,
      moreFragments: false,
      fragmentOffset: 0,
      ttl: 64,
      protocol: 1,
      source: ipv4(this.#options.own),
      destination,
      options: [],
      payload,
    });
  }
}
