/**
 * The client of DHCP (RFC 2131 section 4.4, figure 5). It says what to send and which address to
 * check, and is told what has come; it owns neither adapter nor address.
 *
 * Whoever drives it answers `check` with `checked`, from conflict detection, and adds and removes
 * the address on `bound` and `unbound`.
 */
import type { Machine } from '../base/machine.ts';
import type { Random } from '../base/random.ts';
import {
  after,
  between,
  type Duration,
  earliest,
  type Instant,
  labEnd,
  labStart,
  nanoseconds,
  seconds,
} from '../base/time.ts';
import { anyIpv4, type Ipv4, type Mac } from '../wire/address.ts';
import {
  chaddrOf,
  type Dhcp,
  type DhcpOptions,
  type DhcpType,
  ethernetHtype,
  listOptions,
  macOf,
  optionCode,
  readOptions,
} from '../wire/dhcp.ts';
import { isUsable, type Lease, leaseFrom } from './dhcp-lease.ts';
import type { Profile } from './profile.ts';

/** The eight states of figure 5, and `off` before `start` and after `stop`. */
export type DhcpState =
  | 'off'
  | 'init'
  | 'selecting'
  | 'requesting'
  | 'bound'
  | 'renewing'
  | 'rebinding'
  | 'init-reboot'
  | 'rebooting';

export type DhcpClientInput =
  /** With a lease that has not expired, it asks for that one again (section 3.2). */
  | { readonly kind: 'start'; readonly remembered?: Lease }
  /** Came to port 68. Whether it is meant for us is decided here, by `xid` and `chaddr`. */
  | { readonly kind: 'message'; readonly message: Dhcp; readonly from: Ipv4 }
  /** The answer to `check`. Unasked, a conflict takes away the address that is bound. */
  | { readonly kind: 'checked'; readonly ip: Ipv4; readonly conflict: boolean }
  | { readonly kind: 'stop'; readonly release: boolean }
  /** The wall clock, by which leases end, has jumped; back, if it is negative. */
  | { readonly kind: 'clock'; readonly by: Duration };

export type DhcpClientOutput =
  | {
      readonly kind: 'send';
      readonly message: Dhcp;
      readonly to: 'broadcast' | Ipv4;
      readonly source: Ipv4;
    }
  | { readonly kind: 'check'; readonly ip: Ipv4 }
  /** Also when a lease is extended. */
  | { readonly kind: 'bound'; readonly lease: Lease }
  | { readonly kind: 'unbound'; readonly ip: Ipv4; readonly because: UnboundBecause }
  | { readonly kind: 'state'; readonly state: DhcpState; readonly was: DhcpState }
  /** No server answered: the caller may take a link-local address, or `bound` with the old lease follows. */
  | { readonly kind: 'gave-up'; readonly fallback: 'link-local' | 'lease' | 'nothing' };

export type UnboundBecause = 'expired' | 'refused' | 'conflict' | 'released' | 'stopped';

export interface DhcpClientConfig {
  readonly mac: Mac;
  readonly profile: Profile['dhcp'];
  readonly random: Random;
}

/** Section 3.1 step 5: at least this long after a DECLINE. */
const afterDecline = seconds(10);
/** Ours: the RFC has no pause, and a server that offers and refuses would keep us busy for ever. */
const afterNak = seconds(1);
/** Section 4.4.5: renewals are never asked for more often than this. */
const renewLeast = seconds(60);
const parameters = [optionCode.subnetMask, optionCode.routers];

export class DhcpClient implements Machine<DhcpClientInput, DhcpClientOutput> {
  readonly #mac: Mac;
  readonly #profile: Profile['dhcp'];
  readonly #random: Random;
  #state: DhcpState = 'off';
  /** Next thing to do on our own account; leases have times of their own. */
  #next: Instant | undefined;
  #sent = 0;
  #xid = 0;
  /** What `secs` counts from, and what it said last. */
  #since: Instant = labStart;
  #secs = 0;
  /** The lease counts from when it was asked for (section 4.4.1). */
  #askedAt: Instant = labStart;
  /** Until when a link-local address can wait. */
  #linkLocalAt: Instant | undefined;
  #offer: { readonly ip: Ipv4; readonly server: Ipv4 } | undefined;
  /** What is bound, or what is remembered and asked for again. */
  #lease: Lease | undefined;
  /** Granted, and being checked for conflicts. */
  #unchecked: Lease | undefined;

  constructor({ mac, profile, random }: DhcpClientConfig) {
    this.#mac = mac;
    this.#profile = profile;
    this.#random = random;
  }

  get state(): DhcpState {
    return this.#state;
  }

  /** The lease that is in force; what to remember when the machine is switched off. */
  get lease(): Lease | undefined {
    return this.#isBound() ? this.#lease : undefined;
  }

  handle(input: DhcpClientInput, now: Instant): DhcpClientOutput[] {
    switch (input.kind) {
      case 'start':
        return [...this.#stop(false), ...this.#start(input.remembered, now)];
      case 'stop':
        return this.#stop(input.release);
      case 'checked':
        return this.#checked(input.ip, input.conflict, now);
      case 'message':
        return this.#hear(input.message, now);
      case 'clock':
        return this.#stepClock(input.by);
    }
  }

  wake(now: Instant): DhcpClientOutput[] {
    const expiry = this.#expiry();
    if (expiry !== undefined && expiry <= now) return this.#expire(now);
    const due = this.#next !== undefined && this.#next <= now;
    switch (this.#state) {
      case 'init':
        return due ? this.#discover(now) : [];
      case 'init-reboot':
        return due ? this.#reboot(now) : [];
      case 'selecting':
        return this.#waitForOffer(due, now);
      case 'requesting':
      case 'rebooting':
        return due ? this.#waitForAnswer(now) : [];
      case 'bound':
      case 'renewing':
      case 'rebinding':
        return this.#keep(this.#lease!, due, now);
      case 'off':
        return [];
    }
  }

  nextWake(): Instant | undefined {
    const turn =
      this.#state === 'bound'
        ? this.#lease!.renewAt
        : this.#state === 'renewing'
          ? this.#lease!.rebindAt
          : undefined;
    const linkLocal = this.#state === 'selecting' ? this.#linkLocalAt : undefined;
    const next = earliest(this.#next, this.#expiry(), turn, linkLocal);
    return next === labEnd ? undefined : next;
  }

  /** What the clock says has passed has not been waited for. */
  #stepClock(by: Duration): DhcpClientOutput[] {
    if (this.#lease === undefined) return [];
    const sooner = (when: Instant): Instant =>
      when === labEnd ? when : (Math.max(labStart, when - by) as Instant);
    const { renewAt, rebindAt, expiresAt } = this.#lease;
    this.#lease = {
      ...this.#lease,
      renewAt: sooner(renewAt),
      rebindAt: sooner(rebindAt),
      expiresAt: sooner(expiresAt),
    };
    return [];
  }

  #start(remembered: Lease | undefined, now: Instant): DhcpClientOutput[] {
    if (remembered === undefined || remembered.expiresAt <= now)
      return this.#restart(this.#startDelay(), now);
    this.#lease = remembered;
    this.#next = after(now, this.#startDelay());
    const entered = this.#enter('init-reboot');
    return this.#next > now ? entered : [...entered, ...this.#reboot(now)];
  }

  #stop(release: boolean): DhcpClientOutput[] {
    if (this.#state === 'off') return [];
    const outputs: DhcpClientOutput[] = [];
    const lease = this.lease;
    if (lease !== undefined && release) {
      this.#renumber();
      const message = this.#message('release', { serverId: lease.server }, 0, lease.ip);
      outputs.push({ kind: 'send', message, to: lease.server, source: lease.ip });
    }
    if (lease !== undefined)
      outputs.push({ kind: 'unbound', ip: lease.ip, because: release ? 'released' : 'stopped' });
    this.#forget();
    return [...outputs, ...this.#enter('off')];
  }

  // Looking for a server (section 4.4.1)

  /** Back to INIT. Without a wait it goes on to SELECTING at once. */
  #restart(wait: Duration, now: Instant): DhcpClientOutput[] {
    this.#forget();
    this.#next = after(now, wait);
    const entered = this.#enter('init');
    return wait > 0 ? entered : [...entered, ...this.#discover(now)];
  }

  #discover(now: Instant): DhcpClientOutput[] {
    const { linkLocalAfter } = this.#profile;
    this.#renumber();
    this.#since = now;
    this.#sent = 0;
    this.#linkLocalAt = linkLocalAfter === undefined ? undefined : after(now, linkLocalAfter);
    return [...this.#enter('selecting'), this.#sendDiscover(now)];
  }

  #sendDiscover(now: Instant): DhcpClientOutput {
    this.#secs = this.#elapsed(now);
    this.#next = after(now, this.#wait(this.#profile.discoverWaits));
    return this.#broadcast(this.#message('discover', { parameters }, this.#secs));
  }

  #waitForOffer(due: boolean, now: Instant): DhcpClientOutput[] {
    const outputs: DhcpClientOutput[] = [];
    if (this.#linkLocalAt !== undefined && this.#linkLocalAt <= now) {
      this.#linkLocalAt = undefined;
      outputs.push({ kind: 'gave-up', fallback: 'link-local' });
    }
    if (!due) return outputs;
    if (this.#sent < this.#profile.discoverWaits.length)
      return [...outputs, this.#sendDiscover(now)];
    const { linkLocalAfter, retryEvery } = this.#profile;
    if (this.#linkLocalAt !== undefined) outputs.push({ kind: 'gave-up', fallback: 'link-local' });
    else if (linkLocalAfter === undefined) outputs.push({ kind: 'gave-up', fallback: 'nothing' });
    return [...outputs, ...this.#restart(retryEvery, now)];
  }

  // Asking for one address

  #request(now: Instant): DhcpClientOutput[] {
    this.#sent = 0;
    this.#askedAt = now;
    return [...this.#enter('requesting'), this.#sendRequest(now)];
  }

  #reboot(now: Instant): DhcpClientOutput[] {
    this.#renumber();
    this.#since = now;
    this.#secs = 0;
    this.#sent = 0;
    this.#askedAt = now;
    return [...this.#enter('rebooting'), this.#sendRequest(now)];
  }

  /** Table 5: SELECTING names server and address; INIT-REBOOT the address only. */
  #sendRequest(now: Instant): DhcpClientOutput {
    this.#next = after(now, this.#wait(this.#profile.requestWaits));
    const fields =
      this.#offer === undefined
        ? { requestedIp: this.#lease!.ip, parameters }
        : { requestedIp: this.#offer.ip, serverId: this.#offer.server, parameters };
    if (this.#offer === undefined) this.#secs = this.#elapsed(now);
    return this.#broadcast(this.#message('request', fields, this.#secs));
  }

  #waitForAnswer(now: Instant): DhcpClientOutput[] {
    if (this.#sent < this.#profile.requestWaits.length) return [this.#sendRequest(now)];
    if (this.#state === 'requesting' || !this.#profile.keepsLeaseUnanswered)
      return this.#restart(seconds(0), now);
    // Section 3.2 step 4: MAY use the address for what is left of the lease.
    return [{ kind: 'gave-up', fallback: 'lease' }, ...this.#check(this.#lease!)];
  }

  // Having an address (section 4.4.5)

  #keep(lease: Lease, due: boolean, now: Instant): DhcpClientOutput[] {
    if (now >= lease.rebindAt) {
      if (this.#state !== 'rebinding') return this.#extend('rebinding', lease, now);
      return due ? [this.#sendRenewal(lease, now)] : [];
    }
    if (now >= lease.renewAt && this.#state === 'bound')
      return this.#extend('renewing', lease, now);
    return due ? [this.#sendRenewal(lease, now)] : [];
  }

  #extend(state: 'renewing' | 'rebinding', lease: Lease, now: Instant): DhcpClientOutput[] {
    if (this.#state === 'bound') this.#since = now;
    return [...this.#enter(state), this.#sendRenewal(lease, now)];
  }

  #sendRenewal(lease: Lease, now: Instant): DhcpClientOutput {
    const renewing = this.#state === 'renewing';
    const rest = between(now, renewing ? lease.rebindAt : lease.expiresAt);
    this.#next = after(now, nanoseconds(Math.min(Math.max(rest / 2, renewLeast), labEnd - now)));
    this.#askedAt = now;
    this.#renumber(); // so that an answer belongs to this request, and the lease counts from it
    const message = this.#message('request', { parameters }, this.#elapsed(now), lease.ip);
    return { kind: 'send', message, to: renewing ? lease.server : 'broadcast', source: lease.ip };
  }

  #expiry(): Instant | undefined {
    return (this.#unchecked ?? this.#lease)?.expiresAt;
  }

  #expire(now: Instant): DhcpClientOutput[] {
    return [...this.#unbind('expired'), ...this.#restart(seconds(0), now)];
  }

  // What comes in

  #hear(message: Dhcp, now: Instant): DhcpClientOutput[] {
    if (message.op !== 'reply' || message.xid !== this.#xid || macOf(message) !== this.#mac)
      return [];
    if (this.#unchecked !== undefined) return []; // it has been answered already
    const options = readOptions(message.options);
    const { type, serverId } = options;
    if (serverId === undefined) return []; // table 3: it MUST be there
    if (type === 'offer') return this.#hearOffer(message.yiaddr, serverId, now);
    if (!this.#listensTo(serverId)) return [];
    if (type === 'nak') return [...this.#unbind('refused'), ...this.#restart(afterNak, now)];
    const asked = this.#offer?.ip ?? this.#lease?.ip;
    if (type !== 'ack' || message.yiaddr !== asked) return [];
    const lease = leaseFrom(message.yiaddr, serverId, options, this.#askedAt);
    if (lease === undefined || lease.expiresAt <= now) return [];
    return this.#isBound() ? this.#bind(lease) : this.#check(lease);
  }

  #hearOffer(ip: Ipv4, server: Ipv4, now: Instant): DhcpClientOutput[] {
    if (this.#state !== 'selecting' || !isUsable(ip)) return [];
    this.#offer = { ip, server };
    return this.#request(now);
  }

  /** Whose ACK and NAK count: the server that was asked, or any if all were. */
  #listensTo(server: Ipv4): boolean {
    switch (this.#state) {
      case 'requesting':
        return server === this.#offer!.server;
      case 'renewing':
        return server === this.#lease!.server;
      case 'rebooting':
      case 'rebinding':
        return true;
      default:
        return false;
    }
  }

  #check(lease: Lease): DhcpClientOutput[] {
    this.#unchecked = lease;
    this.#next = undefined;
    return [{ kind: 'check', ip: lease.ip }];
  }

  #checked(ip: Ipv4, conflict: boolean, now: Instant): DhcpClientOutput[] {
    const lease = this.#unchecked ?? this.lease;
    if (lease?.ip !== ip) return [];
    if (conflict) return this.#decline(lease, now);
    return this.#unchecked === undefined ? [] : this.#bind(lease);
  }

  /** Section 4.4.4 and table 5: broadcast, from no address, naming server and address. */
  #decline(lease: Lease, now: Instant): DhcpClientOutput[] {
    const outputs = this.#unbind('conflict');
    this.#renumber();
    const fields = { requestedIp: lease.ip, serverId: lease.server };
    const message = this.#message('decline', fields, 0);
    const sent: DhcpClientOutput = { kind: 'send', message, to: 'broadcast', source: anyIpv4 };
    return [...outputs, sent, ...this.#restart(afterDecline, now)];
  }

  #bind(lease: Lease): DhcpClientOutput[] {
    this.#forget();
    this.#lease = lease;
    return [...this.#enter('bound'), { kind: 'bound', lease }];
  }

  /** The address must go. Nothing to say where it has never been in use. */
  #unbind(because: UnboundBecause): DhcpClientOutput[] {
    return this.lease === undefined ? [] : [{ kind: 'unbound', ip: this.lease.ip, because }];
  }

  #isBound(): boolean {
    return this.#state === 'bound' || this.#state === 'renewing' || this.#state === 'rebinding';
  }

  #enter(state: DhcpState): DhcpClientOutput[] {
    const was = this.#state;
    this.#state = state;
    return state === was ? [] : [{ kind: 'state', state, was }];
  }

  #forget(): void {
    this.#next = undefined;
    this.#linkLocalAt = undefined;
    this.#offer = undefined;
    this.#lease = undefined;
    this.#unchecked = undefined;
  }

  #renumber(): void {
    this.#xid = this.#random.uint32();
  }

  #startDelay(): Duration {
    const { least, most } = this.#profile.startDelay;
    return least === most ? least : nanoseconds(this.#random.between(least, most));
  }

  /** Section 4.1: the waits grow, each with some chance in it. Counts what is sent. */
  #wait(waits: readonly Duration[]): Duration {
    const wait = waits[this.#sent] ?? seconds(1);
    this.#sent += 1;
    const { jitter } = this.#profile;
    return jitter === 0
      ? wait
      : nanoseconds(Math.max(0, wait + this.#random.between(-jitter, jitter)));
  }

  #elapsed(now: Instant): number {
    return Math.min(Math.floor(between(this.#since, now) / seconds(1)), 0xffff);
  }

  #message(type: DhcpType, fields: DhcpOptions, secs: number, ciaddr = anyIpv4): Dhcp {
    const needsReply = type === 'discover' || (type === 'request' && ciaddr === anyIpv4);
    return {
      op: 'request',
      htype: ethernetHtype,
      hops: 0,
      xid: this.#xid,
      secs,
      broadcast: needsReply && this.#profile.broadcastFlag,
      ciaddr,
      yiaddr: anyIpv4,
      siaddr: anyIpv4,
      giaddr: anyIpv4,
      chaddr: chaddrOf(this.#mac),
      sname: nothing,
      file: nothing,
      options: listOptions({ ...fields, type }),
    };
  }

  #broadcast(message: Dhcp): DhcpClientOutput {
    return { kind: 'send', message, to: 'broadcast', source: anyIpv4 };
  }
}

const nothing = new Uint8Array(0);
