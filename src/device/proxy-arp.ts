/**
 * The proxy-ARP daemon of one network on a network extension appliance: stands in, on its own side,
 * for machines that are on the other. A machine that decides; `ProxyArpPort` joins it to a stack.
 *
 * The tenant side stands in only for addresses that are failed over: an appliance that answered for
 * the whole subnet would hijack the LAN. The provider side stands in for the rest of the subnet with
 * the gateway: all the replica knows of it is there. (RFC 1027; the relaying way is parprouted's.)
 */
import type { Machine } from '../base/machine.ts';
import { after, earliest, type Instant, seconds } from '../base/time.ts';
import type { Reason } from '../trace/reasons.ts';
import {
  broadcastOf,
  contains,
  type Ipv4,
  type Mac,
  networkOf,
  type Prefix,
} from '../wire/address.ts';

const announceCount = 2; // ANNOUNCE_NUM in RFC 5227 section 1.1
const announceEvery = seconds(2); // ANNOUNCE_INTERVAL
const patience = seconds(3); // how long an asker's own attempts last
const askEvery = seconds(1); // RFC 1122 section 2.3.2.1: at most one request a second and destination
const pendingMax = 50; // parprouted keeps as many askers

/** `relay` asks the far side and answers once the far side has; `static` answers at once from its list. */
export type ProxyMode = 'relay' | 'static';

export type Scope =
  /** Tenant side: these addresses. */
  | { readonly kind: 'addresses' }
  /** Provider side: everything in the subnet except these addresses, which live here. */
  | { readonly kind: 'rest-of-subnet'; readonly subnet: Prefix };

export type ProxyInput =
  /** Somebody on our segment asks for an address. `senderIp` is 0 when it asks whether the address is free. */
  | {
      readonly kind: 'asked';
      readonly target: Ipv4;
      readonly senderIp: Ipv4;
      readonly senderMac: Mac;
    }
  /** Somebody on our segment has said that it has an address. */
  | { readonly kind: 'heard'; readonly ip: Ipv4; readonly mac: Mac }
  /** The other daemon asks on behalf of somebody over there. */
  | { readonly kind: 'far-asks'; readonly target: Ipv4; readonly senderIp: Ipv4 }
  /** The other daemon has found the address. */
  | { readonly kind: 'far-answers'; readonly ip: Ipv4; readonly mac: Mac }
  /** The address is failed over from now on. */
  | { readonly kind: 'adopt'; readonly ip: Ipv4 }
  /** It is not any more; its owner is known to whoever runs the operation. */
  | { readonly kind: 'withdraw'; readonly ip: Ipv4; readonly owner: Mac | undefined };

export type ProxyOutput =
  /** An answer on our segment, with our own MAC address. */
  | {
      readonly kind: 'answer';
      readonly ip: Ipv4;
      readonly to: { readonly ip: Ipv4; readonly mac: Mac };
    }
  /** A question on our segment, asked as ourselves. */
  | { readonly kind: 'ask'; readonly target: Ipv4 }
  /** A gratuitous ARP request for an address: with our own MAC address, or that of its owner. */
  | { readonly kind: 'announce'; readonly ip: Ipv4; readonly owner: Mac | undefined }
  | { readonly kind: 'ask-far'; readonly target: Ipv4; readonly senderIp: Ipv4 }
  | { readonly kind: 'answer-far'; readonly ip: Ipv4; readonly mac: Mac }
  | {
      readonly kind: 'decided';
      readonly ip: Ipv4;
      readonly asker: Ipv4;
      readonly side: 'local' | 'far';
      readonly decision: 'answered' | 'asked' | 'told' | 'ignored' | 'announced';
      readonly because?: Reason;
    };

export interface ProxyOptions {
  readonly mode: ProxyMode;
  readonly scope: Scope;
  readonly announcesUp: boolean;
  readonly announcesDown: boolean;
  /** Our own address on the segment, for which the stack answers by itself. */
  readonly own: Ipv4;
  readonly ownMac: Mac;
}

interface Asker {
  readonly ip: Ipv4;
  readonly mac: Mac;
}

/** A question that waits for the other side, or for our own. */
interface Pending {
  readonly askers: Asker[];
  /** When the question was put last. */
  asked: Instant;
  expires: Instant;
}

export class ProxyArp implements Machine<ProxyInput, ProxyOutput> {
  readonly #options: ProxyOptions;
  /** Failed-over addresses: what the tenant side stands in for, and what lives on the provider side. */
  readonly #adopted = new Map<Ipv4, { left: number; next: Instant }>();
  readonly #waitingForFar = new Map<Ipv4, Pending>();
  readonly #waitingForHere = new Map<Ipv4, Pending>();

  constructor(options: ProxyOptions) {
    this.#options = options;
  }

  get adopted(): readonly Ipv4[] {
    return [...this.#adopted.keys()];
  }

  handle(input: ProxyInput, now: Instant): ProxyOutput[] {
    switch (input.kind) {
      case 'asked':
        return this.#asked(input.target, { ip: input.senderIp, mac: input.senderMac }, now);
      case 'heard':
        return this.#heard(input.ip, input.mac);
      case 'far-asks':
        return this.#farAsks(input.target, input.senderIp, now);
      case 'far-answers':
        return this.#farAnswers(input.ip);
      case 'adopt':
        return this.#adopt(input.ip, now);
      case 'withdraw':
        return this.#withdraw(input.ip, input.owner);
    }
  }

  wake(now: Instant): ProxyOutput[] {
    const outputs: ProxyOutput[] = [];
    for (const [ip, claim] of this.#adopted) {
      if (claim.left === 0 || claim.next > now) continue;
      claim.left -= 1;
      claim.next = after(now, announceEvery);
      outputs.push(
        { kind: 'announce', ip, owner: undefined },
        decided(ip, ip, 'local', 'announced'),
      );
    }
    for (const [side, waiting] of [
      ['local', this.#waitingForFar],
      ['far', this.#waitingForHere],
    ] as const) {
      for (const [ip, { expires, askers }] of waiting) {
        if (expires > now) continue;
        waiting.delete(ip);
        const asker = askers[0]?.ip ?? (0 as Ipv4);
        outputs.push(decided(ip, asker, side, 'ignored', 'PROXY_NO_ANSWER'));
      }
    }
    return outputs;
  }

  nextWake(): Instant | undefined {
    let next: Instant | undefined;
    for (const claim of this.#adopted.values())
      if (claim.left > 0) next = earliest(next, claim.next);
    for (const { expires } of this.#waitingForFar.values()) next = earliest(next, expires);
    for (const { expires } of this.#waitingForHere.values()) next = earliest(next, expires);
    return next;
  }

  #asked(target: Ipv4, asker: Asker, now: Instant): ProxyOutput[] {
    if (target === this.#options.own) return []; // the stack itself answers for that
    // Who asks for the address it has, or wants to have, asks whether anybody else has it.
    const checks = asker.ip === 0 || asker.ip === target;
    const { mode } = this.#options;
    const inScope =
      this.#standsInFor(target) || (checks && mode === 'relay' && this.#knows(target));
    if (!inScope) return [decided(target, asker.ip, 'local', 'ignored', 'PROXY_OUT_OF_SCOPE')];
    if (mode === 'static') {
      if (checks) return [decided(target, asker.ip, 'local', 'ignored', 'PROXY_OUT_OF_SCOPE')];
      return [
        { kind: 'answer', ip: target, to: asker },
        decided(target, asker.ip, 'local', 'answered'),
      ];
    }
    const pending = this.#wait(this.#waitingForFar, target, now);
    if (pending === undefined)
      return [decided(target, asker.ip, 'local', 'ignored', 'ARP_QUEUE_FULL')];
    if (!pending.askers.some(({ ip, mac }) => ip === asker.ip && mac === asker.mac))
      pending.askers.push(asker);
    if (pending.askers.length > pendingMax) pending.askers.shift();
    if (pending.asked > now - askEvery && pending.asked !== now) return [];
    return [
      { kind: 'ask-far', target, senderIp: asker.ip },
      decided(target, asker.ip, 'local', 'asked'),
    ];
  }

  #heard(ip: Ipv4, mac: Mac): ProxyOutput[] {
    const pending = this.#waitingForHere.get(ip);
    if (pending === undefined || mac === this.#options.ownMac) return [];
    this.#waitingForHere.delete(ip);
    const asker = pending.askers[0]?.ip ?? (0 as Ipv4);
    return [{ kind: 'answer-far', ip, mac }, decided(ip, asker, 'far', 'told')];
  }

  #farAsks(target: Ipv4, senderIp: Ipv4, now: Instant): ProxyOutput[] {
    const { own, ownMac } = this.#options;
    if (target === own)
      return [
        { kind: 'answer-far', ip: own, mac: ownMac },
        decided(target, senderIp, 'far', 'told'),
      ];
    // What we stand in for here is on the far side itself: asking for it would only find ourselves.
    // But where somebody checks whether an address is free, the true owner may be here after all.
    const pending = this.#wait(this.#waitingForHere, target, now);
    if (pending === undefined)
      return [decided(target, senderIp, 'far', 'ignored', 'ARP_QUEUE_FULL')];
    pending.askers.push({ ip: senderIp, mac: 0 as Mac });
    if (pending.askers.length > pendingMax) pending.askers.shift();
    return [{ kind: 'ask', target }, decided(target, senderIp, 'far', 'asked')];
  }

  #farAnswers(ip: Ipv4): ProxyOutput[] {
    const pending = this.#waitingForFar.get(ip);
    if (pending === undefined) return [];
    this.#waitingForFar.delete(ip);
    return pending.askers.flatMap((to): ProxyOutput[] => [
      { kind: 'answer', ip, to },
      decided(ip, to.ip, 'local', 'answered'),
    ]);
  }

  #adopt(ip: Ipv4, now: Instant): ProxyOutput[] {
    const announces = this.#options.announcesUp && this.#options.scope.kind === 'addresses';
    this.#adopted.set(ip, { left: announces ? announceCount : 0, next: now });
    return this.wake(now);
  }

  #withdraw(ip: Ipv4, owner: Mac | undefined): ProxyOutput[] {
    if (!this.#adopted.delete(ip)) return [];
    this.#waitingForFar.delete(ip);
    const announces = this.#options.announcesDown && this.#options.scope.kind === 'addresses';
    if (!announces || owner === undefined) return [];
    return [{ kind: 'announce', ip, owner }, decided(ip, ip, 'local', 'announced')];
  }

  #wait(waiting: Map<Ipv4, Pending>, target: Ipv4, now: Instant): Pending | undefined {
    let pending = waiting.get(target);
    if (pending === undefined) {
      if (waiting.size >= pendingMax) return undefined;
      pending = { askers: [], asked: now, expires: after(now, patience) };
      waiting.set(target, pending);
    } else if (now - pending.asked >= askEvery) {
      pending.asked = now;
      pending.expires = after(now, patience);
    }
    return pending;
  }

  #standsInFor(target: Ipv4): boolean {
    const { scope, own } = this.#options;
    if (scope.kind === 'addresses') return this.#adopted.has(target);
    return this.#inSubnet(target, scope.subnet) && target !== own && !this.#adopted.has(target);
  }

  /** The address is one whose two owners, if there are two, sit on different sides. */
  #knows(target: Ipv4): boolean {
    return this.#adopted.has(target);
  }

  /** A host of the network: neither the network itself nor everybody on it (RFC 1027 section 2.4). */
  #inSubnet(target: Ipv4, subnet: Prefix): boolean {
    return (
      contains(subnet, target) && target !== networkOf(subnet) && target !== broadcastOf(subnet)
    );
  }
}

function decided(
  ip: Ipv4,
  asker: Ipv4,
  side: 'local' | 'far',
  decision: 'answered' | 'asked' | 'told' | 'ignored' | 'announced',
  because?: Reason,
): ProxyOutput {
  const common = { kind: 'decided', ip, asker, side, decision } as const;
  return because === undefined ? common : { ...common, because };
}
