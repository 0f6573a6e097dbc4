/**
 * A DHCP server for one network (RFC 2131 section 4.3). It is told of messages and says what to send
 * and how to address it; it owns no adapter, and what it knows can be taken out and put back.
 *
 * Requests with `giaddr` are answered through the relay agent if it stands in the network that is
 * served, and option 82 comes back as it came (RFC 3046 section 2.2). The server itself may stand in
 * another network: it is silent to clients there.
 */

import { showHex } from '../base/bytes.ts';
import type { Machine } from '../base/machine.ts';
import { after, type Duration, earliest, type Instant, labEnd, seconds } from '../base/time.ts';
import {
  anyIpv4,
  broadcastOf,
  contains,
  type Ipv4,
  type Mac,
  maskOf,
  networkOf,
  type Prefix,
} from '../wire/address.ts';
import {
  type Dhcp,
  type DhcpOptions,
  type DhcpType,
  listOptions,
  macOf,
  optionCode,
  readOptions,
} from '../wire/dhcp.ts';
import { type Binding, Bindings } from './dhcp-bindings.ts';
import { isUsable } from './dhcp-lease.ts';

export interface DhcpServerConfig {
  readonly address: Ipv4;
  readonly subnet: Prefix;
  /** First and last address to give, both included. */
  readonly from: Ipv4;
  readonly to: Ipv4;
  readonly router: Ipv4 | undefined;
  readonly lease: Duration;
  /** Need not lie between `from` and `to`. */
  readonly reservations?: ReadonlyMap<Mac, Ipv4>;
  /** Pings an address before it offers it (section 3.1 step 2, SHOULD). */
  readonly pingCheck?: boolean;
}

export type DhcpServerInput =
  /** Came to port 67 from this IP address. */
  | { readonly kind: 'message'; readonly message: Dhcp; readonly from: Ipv4 }
  /** Somebody answered the `ping` that was asked for. */
  | { readonly kind: 'pinged'; readonly ip: Ipv4 }
  /** The address is taken from the client that has it, and kept from everybody for a while. */
  | { readonly kind: 'revoke'; readonly ip: Ipv4; readonly mac: Mac }
  /** The wall clock, by which leases end, has jumped; back, if it is negative. */
  | { readonly kind: 'clock'; readonly by: Duration };

/** Where a reply goes (section 4.1). All but `relay` go to port 68. */
export type ReplyTo =
  | { readonly kind: 'relay'; readonly ip: Ipv4 } // port 67
  | { readonly kind: 'client'; readonly ip: Ipv4 }
  | { readonly kind: 'broadcast' }
  /** To an address that its owner cannot answer ARP for yet: the frame goes straight to the MAC. */
  | { readonly kind: 'hardware'; readonly ip: Ipv4; readonly mac: Mac };

export type DhcpServerOutput =
  | { readonly kind: 'send'; readonly message: Dhcp; readonly to: ReplyTo }
  | { readonly kind: 'ping'; readonly ip: Ipv4 }
  | {
      readonly kind: 'lease';
      readonly change: LeaseChange;
      readonly ip: Ipv4;
      readonly mac: Mac;
      readonly until: Instant;
    }
  /** There is no address left for this client. */
  | { readonly kind: 'exhausted'; readonly mac: Mac };

/** `withdrawn`: an offer that was not taken up. `declined`: somebody who was not asked uses it. */
export type LeaseChange =
  | 'offered'
  | 'leased'
  | 'renewed'
  | 'withdrawn'
  | 'expired'
  | 'released'
  | 'declined'
  | 'readmitted';

/** Ours: as long as a client may go on asking (section 3.1 step 5 speaks of 60 s). */
const offerTime = seconds(120);
/** Ours: how long an address rests that somebody uses without having asked. */
const quarantineTime = seconds(3600);
/** Measured of dnsmasq: its first OFFER comes 3.0 s after the DISCOVER. */
const pingTime = seconds(3);
const hopsMost = 16; // RFC 1542 section 4.1.1

/** Whom a message is from. */
interface Asker {
  readonly message: Dhcp;
  readonly options: DhcpOptions;
  readonly client: string;
  readonly mac: Mac;
}

export class DhcpServer implements Machine<DhcpServerInput, DhcpServerOutput> {
  readonly #config: DhcpServerConfig;
  readonly #bindings: Bindings;
  /** Offers that wait for their ping to stay unanswered. At most one for each address. */
  readonly #pinging = new Map<Ipv4, { readonly asker: Asker; readonly until: Instant }>();

  /** @param remembered What `table` of an earlier server returned. */
  constructor(config: DhcpServerConfig, remembered: readonly Binding[] = []) {
    const { address, subnet, from, to, router, reservations = new Map<Mac, Ipv4>() } = config;
    if (!contains(subnet, from) || !contains(subnet, to))
      throw new RangeError('the pool lies outside of the network');
    const without = [address, router, networkOf(subnet), broadcastOf(subnet)].filter(isSome);
    this.#config = config;
    this.#bindings = new Bindings({ from, to, without, reservations }, remembered);
  }

  /** All that must survive a restart. */
  table(): Binding[] {
    return this.#bindings.table();
  }

  handle(input: DhcpServerInput, now: Instant): DhcpServerOutput[] {
    if (input.kind === 'clock') {
      this.#bindings.hasten(input.by);
      return this.wake(now);
    }
    const ended = this.wake(now); // so that nothing below need ask whether a row is still in force
    if (input.kind === 'pinged') return [...ended, ...this.#pinged(input.ip, now)];
    if (input.kind === 'revoke') return [...ended, ...this.#revoke(input.ip, input.mac, now)];
    const asker = this.#recognise(input.message);
    return asker === undefined ? ended : [...ended, ...this.#answer(asker, now)];
  }

  wake(now: Instant): DhcpServerOutput[] {
    const outputs = this.#bindings.end(now).map((row) => change(endings[row.state], row));
    for (const [ip, { asker, until }] of this.#pinging) {
      if (until > now) continue;
      this.#pinging.delete(ip);
      const row = this.#bindings.at(ip);
      if (row?.state === 'offered' && row.client === asker.client)
        outputs.push(this.#grant('offer', asker, ip));
    }
    return outputs;
  }

  nextWake(): Instant | undefined {
    const pings = [...this.#pinging.values()].map(({ until }) => until);
    const next = earliest(this.#bindings.nextEnd(), ...pings);
    return next === labEnd ? undefined : next;
  }

  /** What is not for us, or cannot be answered, ends here and changes nothing. */
  #recognise(message: Dhcp): Asker | undefined {
    const mac = macOf(message);
    if (message.op !== 'request' || mac === undefined || message.hops > hopsMost) return undefined;
    if (message.giaddr !== anyIpv4) {
      if (!isUsable(message.giaddr) || !this.#serves(message.giaddr)) return undefined;
    } else if (![this.#config.address, message.ciaddr].some((ip) => this.#serves(ip)))
      return undefined; // a neighbour of ours, whose network is not the one that we serve
    const options = readOptions(message.options);
    const client = options.clientId ? `id ${showHex(options.clientId)}` : `mac ${mac}`;
    return { message, options, client, mac };
  }

  #serves(ip: Ipv4): boolean {
    return contains(this.#config.subnet, ip);
  }

  #answer(asker: Asker, now: Instant): DhcpServerOutput[] {
    switch (asker.options.type) {
      case 'discover':
        return this.#discover(asker, now);
      case 'request':
        return this.#request(asker, now);
      case 'decline':
        return this.#decline(asker, now);
      case 'release':
        return this.#release(asker);
      case 'inform':
        return this.#inform(asker);
      default:
        return [];
    }
  }

  // Section 4.3.1

  #discover(asker: Asker, now: Instant): DhcpServerOutput[] {
    const { client, mac, options } = asker;
    const own = this.#bindings.of(client);
    const ip = this.#bindings.choose(client, mac, options.requestedIp);
    if (ip === undefined) return [{ kind: 'exhausted', mac }];
    if (own?.ip === ip && own.state === 'leased') {
      const until = Math.max(own.until, after(now, offerTime)) as Instant; // not to be taken from it meanwhile
      this.#bindings.set({ ...own, until });
      return [this.#grant('offer', asker, ip)];
    }
    const known = own?.ip === ip && own.state === 'offered';
    const pending = this.#pinging.get(ip);
    const row: Binding = { ip, client, mac, state: 'offered', until: after(now, offerTime) };
    this.#bindings.set(row);
    if (pending?.asker.client === client) {
      this.#pinging.set(ip, { asker, until: pending.until }); // the newest question is answered
      return [];
    }
    const offered = known ? [] : [change('offered', row)];
    if (this.#config.pingCheck !== true || known)
      return [...offered, this.#grant('offer', asker, ip)];
    this.#pinging.set(ip, { asker, until: after(now, pingTime) });
    return [...offered, { kind: 'ping', ip }];
  }

  #pinged(ip: Ipv4, now: Instant): DhcpServerOutput[] {
    const pending = this.#pinging.get(ip);
    const row = this.#bindings.at(ip);
    if (pending === undefined || row?.state !== 'offered') return [];
    this.#pinging.delete(ip);
    return [...this.#isolate(row, now), ...this.#discover(pending.asker, now)];
  }

  // Section 4.3.2: what a REQUEST means is told by which of its fields are filled

  #request(asker: Asker, now: Instant): DhcpServerOutput[] {
    const { serverId, requestedIp } = asker.options;
    const { ciaddr } = asker.message;
    if (serverId !== undefined) {
      if (serverId !== this.#config.address) return this.#withdraw(asker);
      if (requestedIp === undefined || ciaddr !== anyIpv4) return [];
      return this.#lease(asker, requestedIp, now);
    }
    const claimed = requestedIp ?? ciaddr; // INIT-REBOOT; or RENEWING and REBINDING
    if (claimed === anyIpv4) return [];
    if (!this.#serves(claimed)) return [this.#refuse(asker, 'that address is of another network')];
    if (!this.#knows(asker) && this.#bindings.at(claimed)?.state !== 'leased') return [];
    return this.#lease(asker, claimed, now);
  }

  #lease(asker: Asker, ip: Ipv4, now: Instant): DhcpServerOutput[] {
    const { client, mac } = asker;
    const own = this.#bindings.of(client);
    if ((own !== undefined && own.ip !== ip) || !this.#bindings.isOpenTo(client, mac, ip))
      return [this.#refuse(asker, 'that address is not yours')];
    const before = this.#bindings.at(ip);
    const renewed = before?.client === client && before.state === 'leased';
    const until = Math.min(now + this.#config.lease, labEnd) as Instant;
    const row: Binding = { ip, client, mac, state: 'leased', until };
    this.#pinging.delete(ip);
    this.#bindings.set(row);
    return [change(renewed ? 'renewed' : 'leased', row), this.#grant('ack', asker, ip)];
  }

  #knows({ client, mac }: Asker): boolean {
    return this.#bindings.of(client) !== undefined || this.#bindings.reservedFor(mac) !== undefined;
  }

  /** The client has chosen another server. */
  #withdraw({ client }: Asker): DhcpServerOutput[] {
    const row = this.#bindings.of(client);
    if (row?.state !== 'offered') return [];
    this.#pinging.delete(row.ip);
    this.#bindings.free(row);
    return [change('withdrawn', row)];
  }

  // Sections 4.3.3, 4.3.4 and 4.3.5

  #decline({ client, options }: Asker, now: Instant): DhcpServerOutput[] {
    const row = this.#bindings.of(client);
    const isOurs = options.serverId === this.#config.address && options.requestedIp === row?.ip;
    return row !== undefined && isOurs ? this.#isolate(row, now) : [];
  }

  #revoke(ip: Ipv4, mac: Mac, now: Instant): DhcpServerOutput[] {
    const row = this.#bindings.at(ip);
    return row?.mac === mac ? this.#isolate(row, now) : [];
  }

  #isolate(row: Binding, now: Instant): DhcpServerOutput[] {
    const until = after(now, quarantineTime);
    this.#bindings.quarantine(row, until);
    return [change('declined', { ...row, until })];
  }

  #release({ client, message, options }: Asker): DhcpServerOutput[] {
    const row = this.#bindings.of(client);
    if (row?.state !== 'leased' || row.ip !== message.ciaddr) return [];
    if (options.serverId !== this.#config.address) return [];
    this.#bindings.free(row);
    return [change('released', row)];
  }

  /** The client has an address already: everything but an address and times. */
  #inform(asker: Asker): DhcpServerOutput[] {
    if (!isUsable(asker.message.ciaddr)) return [];
    return [this.#send(asker, 'ack', anyIpv4, this.#network())];
  }

  // Replies: table 3 and section 4.1

  #grant(type: 'offer' | 'ack', asker: Asker, ip: Ipv4): DhcpServerOutput {
    const leaseSeconds = Math.floor(this.#config.lease / seconds(1));
    const times = {
      leaseSeconds,
      renewSeconds: Math.floor(leaseSeconds * 0.5),
      rebindSeconds: Math.floor(leaseSeconds * 0.875),
    };
    return this.#send(asker, type, ip, { ...times, ...this.#network() });
  }

  #refuse(asker: Asker, message: string): DhcpServerOutput {
    return this.#send(asker, 'nak', anyIpv4, { message });
  }

  #network(): DhcpOptions {
    const { router, subnet } = this.#config;
    const subnetMask = maskOf(subnet.length) as Ipv4;
    return router === undefined ? { subnetMask } : { subnetMask, routers: [router] };
  }

  #send(asker: Asker, type: DhcpType, yiaddr: Ipv4, fields: DhcpOptions): DhcpServerOutput {
    const { message: request, mac } = asker;
    const { xid, htype, chaddr, giaddr, ciaddr } = request;
    const isNak = type === 'nak';
    const to = replyTo(request, isNak, yiaddr, mac);
    const message: Dhcp = {
      op: 'reply',
      htype,
      hops: 0,
      xid,
      secs: 0,
      // Through a relay, so that it reaches a client without a right address (section 4.3.2).
      broadcast: request.broadcast || (isNak && giaddr !== anyIpv4),
      ciaddr: type === 'ack' ? ciaddr : anyIpv4,
      yiaddr,
      siaddr: anyIpv4,
      giaddr,
      chaddr,
      sname: nothing,
      file: nothing,
      options: [
        ...listOptions({ ...fields, type, serverId: this.#config.address }),
        ...request.options.filter(({ code }) => code === optionCode.clientId), // RFC 6842
        ...request.options.filter(({ code }) => code === optionCode.relayAgent),
      ],
    };
    return { kind: 'send', message, to };
  }
}

/** Section 4.1: the relay; else a NAK to everybody; else the address in use; else what the client can hear. */
function replyTo(request: Dhcp, isNak: boolean, ip: Ipv4, mac: Mac): ReplyTo {
  if (request.giaddr !== anyIpv4) return { kind: 'relay', ip: request.giaddr };
  if (isNak) return { kind: 'broadcast' };
  if (request.ciaddr !== anyIpv4) return { kind: 'client', ip: request.ciaddr };
  return request.broadcast ? { kind: 'broadcast' } : { kind: 'hardware', ip, mac };
}

const endings = {
  offered: 'withdrawn',
  leased: 'expired',
  declined: 'readmitted',
  free: 'readmitted',
} as const;

const change = (what: LeaseChange, { ip, mac, until }: Binding): DhcpServerOutput => ({
  kind: 'lease',
  change: what,
  ip,
  mac,
  until,
});

const isSome = <T>(value: T | undefined): value is T => value !== undefined;
const nothing = new Uint8Array(0);
