/**
 * An IPsec gateway: ESP in tunnel mode with AES-GCM (RFC 4301, RFC 4303, RFC 4106), in UDP where a
 * NAT is on the way (RFC 3948). It reads no clock and touches no socket.
 *
 * Its keys are given. There is no IKE (RFC 7296): nobody negotiates, renews or withdraws a key, and
 * no tunnel is ever "down" at an end that has its keys. RFC 4106 section 2 forbids a real gateway to
 * use AES-GCM in this way, because one that restarts may use nonces twice; gateways in the lab go on
 * counting when they restart, and every run has keys of its own.
 *
 * What IKE would also have told is learned from authentic packets: the address of a peer behind a
 * NAT. Such a peer says so by a dummy packet when it starts, and keeps its mapping alive.
 */
import type { Machine } from '../../base/machine.ts';
import { after, type Duration, earliest, type Instant, seconds } from '../../base/time.ts';
import type { Reason } from '../../trace/reasons.ts';
import type { Ipv4 } from '../../wire/address.ts';
import { decodeEsp, espNext, natKeepalive } from '../../wire/esp.ts';
import { Malformed } from '../../wire/malformed.ts';
import {
  InboundAssociation,
  OutboundAssociation,
  type SecurityAssociation,
} from './association.ts';
import type { EspCrypto } from './crypto.ts';
import { isSelected, type Selector } from './selectors.ts';
import { type DontFragment, type OuterFields, outerFields } from './tunnel-mode.ts';

/** RFC 3948 section 4: 20 seconds unless something else is configured. */
const keepaliveEvery: Duration = seconds(20);
const leastIpv4 = 20;

/** Where a peer is reached: by ESP in IP, or in UDP at this port. */
export interface EspEndpoint {
  readonly ip: Ipv4;
  readonly port: number | undefined;
}

export interface IpsecTunnel {
  readonly name: string;
  /** Undefined for a peer behind a NAT, until it has sent something. */
  readonly endpoint: EspEndpoint | undefined;
  /** Whether this end is the one behind a NAT. */
  readonly keepsMapping: boolean;
  readonly outbound: SecurityAssociation;
  readonly inbound: SecurityAssociation;
  readonly selectors: readonly Selector[];
  readonly dontFragment: DontFragment;
  /** Sequence numbers that have been used before: none, for a gateway in its first life. */
  readonly used?: number;
}

export type IpsecInput =
  | { readonly kind: 'start' }
  /** An inner packet to send. */
  | { readonly kind: 'packet'; readonly tunnel: string; readonly bytes: Uint8Array }
  /** ESP, out of IP or UDP. */
  | { readonly kind: 'esp'; readonly from: EspEndpoint; readonly bytes: Uint8Array };

export type IpsecOutput =
  | {
      readonly kind: 'esp';
      readonly to: EspEndpoint;
      readonly bytes: Uint8Array;
      readonly fields: OuterFields;
    }
  /** An inner packet, authentic, and such as the tunnel is for. */
  | { readonly kind: 'packet'; readonly tunnel: string; readonly bytes: Uint8Array }
  | { readonly kind: 'dropped'; readonly reason: Reason }
  | { readonly kind: 'peer-moved'; readonly tunnel: string; readonly endpoint: EspEndpoint };

/** A tunnel with its state: an entry of the policy and of the security association database. */
interface Entry {
  readonly tunnel: IpsecTunnel;
  readonly outbound: OutboundAssociation;
  readonly inbound: InboundAssociation;
  endpoint: EspEndpoint | undefined;
  keepaliveAt: Instant | undefined;
}

export class Ipsec implements Machine<IpsecInput, IpsecOutput> {
  readonly #tunnels = new Map<string, Entry>();
  readonly #bySpi = new Map<number, Entry>();

  constructor(crypto: EspCrypto, tunnels: readonly IpsecTunnel[]) {
    for (const tunnel of tunnels) {
      const entry: Entry = {
        tunnel,
        outbound: new OutboundAssociation(tunnel.outbound, crypto, tunnel.used),
        inbound: new InboundAssociation(tunnel.inbound, crypto),
        endpoint: tunnel.endpoint,
        keepaliveAt: undefined,
      };
      this.#tunnels.set(tunnel.name, entry);
      this.#bySpi.set(tunnel.inbound.spi, entry);
    }
  }

  /** Where the other end of a tunnel is, as far as this one knows. */
  endpointOf(tunnel: string): EspEndpoint | undefined {
    return this.#tunnels.get(tunnel)!.endpoint;
  }

  handle(input: IpsecInput, now: Instant): IpsecOutput[] {
    switch (input.kind) {
      case 'start':
        return [...this.#tunnels.values()].flatMap((entry) => start(entry, now));
      case 'packet':
        return this.#send(this.#tunnels.get(input.tunnel)!, input.bytes, now);
      case 'esp':
        return this.#receive(input.from, input.bytes);
    }
  }

  wake(now: Instant): IpsecOutput[] {
    const outputs: IpsecOutput[] = [];
    for (const entry of this.#tunnels.values()) {
      if (entry.keepaliveAt === undefined || entry.keepaliveAt > now) continue;
      entry.keepaliveAt = after(now, keepaliveEvery);
      outputs.push({ kind: 'esp', to: entry.endpoint!, bytes: natKeepalive, fields: plainFields });
    }
    return outputs;
  }

  nextWake(): Instant | undefined {
    return earliest(...[...this.#tunnels.values()].map(({ keepaliveAt }) => keepaliveAt));
  }

  #send(entry: Entry, bytes: Uint8Array, now: Instant): IpsecOutput[] {
    const { tunnel, endpoint } = entry;
    if (!isSelected(tunnel.selectors, bytes, 'from')) return dropped('IPSEC_NOT_SELECTED');
    if (endpoint === undefined) return dropped('IPSEC_NO_ENDPOINT');
    const sealed = entry.outbound.seal(bytes, espNext.ipv4);
    if (sealed === undefined) return dropped('ESP_SEQUENCE_OVER');
    if (entry.keepaliveAt !== undefined) entry.keepaliveAt = after(now, keepaliveEvery);
    const fields = outerFields(bytes, tunnel.dontFragment);
    return [{ kind: 'esp', to: endpoint, bytes: sealed, fields }];
  }

  #receive(from: EspEndpoint, bytes: Uint8Array): IpsecOutput[] {
    const esp = decodeEsp(bytes);
    if (esp instanceof Malformed) return dropped('MALFORMED');
    const entry = this.#bySpi.get(esp.spi);
    if (entry === undefined) return dropped('ESP_NO_SA');
    const content = entry.inbound.open(esp);
    if (typeof content === 'string') return dropped(content);
    const { tunnel, endpoint } = entry;
    const moved: IpsecOutput[] = [];
    // Whoever can be answered at a fixed address stays there.
    if (tunnel.endpoint === undefined && !isSame(endpoint, from)) {
      entry.endpoint = from;
      moved.push({ kind: 'peer-moved', tunnel: tunnel.name, endpoint: from });
    }
    const { next, payload } = content;
    if (next === espNext.nothing) return moved;
    if (next !== espNext.ipv4 || !isIpv4(payload)) return [...moved, ...dropped('ESP_CONTENT')];
    if (!isSelected(tunnel.selectors, payload, 'to'))
      return [...moved, ...dropped('IPSEC_NOT_SELECTED')];
    return [...moved, { kind: 'packet', tunnel: tunnel.name, bytes: payload }];
  }
}

const plainFields: OuterFields = { tos: 0, dontFragment: false };

/** Who is behind a NAT has to call first. */
function start(entry: Entry, now: Instant): IpsecOutput[] {
  const { tunnel, endpoint, outbound } = entry;
  if (!tunnel.keepsMapping || endpoint === undefined) return [];
  entry.keepaliveAt = after(now, keepaliveEvery);
  const bytes = outbound.seal(new Uint8Array(0), espNext.nothing)!;
  return [{ kind: 'esp', to: endpoint, bytes, fields: plainFields }];
}

const dropped = (reason: Reason): IpsecOutput[] => [{ kind: 'dropped', reason }];
const isSame = (known: EspEndpoint | undefined, from: EspEndpoint): boolean =>
  known?.ip === from.ip && known.port === from.port;
const isIpv4 = (packet: Uint8Array): boolean =>
  packet.length >= leastIpv4 && packet[0]! >>> 4 === 4;
