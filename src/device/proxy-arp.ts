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
  anyIpv4,
  broadcastOf,
  contains,
  type Ipv4,
  type Mac,
  networkOf,
  type Prefix,
  unknownMac,
} from '../wire/address.ts';

const announceCount = 2; // ANNOUNCE_NUM in RFC 5227 section 1.1
const announceEvery = seconds(2); // ANNOUNCE_INTERVAL
const patience = seconds(3); // how long an asker's own attempts last
const askEvery = seconds(1); // RFC 1122 section 2.3.2.1: at most one request a second and destination
const questionsMax = 50; // parprouted keeps as many
const askersMax = 50;

/** `relay` asks the far side and answers once the far side has; `static` answers at once from its list. */
export type ProxyMode = 'relay' | 'static';

export type Scope =
  /** Tenant side: these addresses. */
  | { readonly kind: 'addresses' }
  /** Provider side: everything in the subnet except these addresses, which live here. */
  | { readonly kind: 'rest-of-subnet'; readonly subnet: Prefix }
  // What somebody may have set by mistake: it hijacks the segment
  | { readonly kind: 'subnet'; readonly subnet: Prefix }
  /** Also what is asked to find out whether an address is free. */
  | { readonly kind: 'everything' };

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

/** `coming`: a question is worth sending, since it starts the tunnel or waits for it. */
export type FarSide = 'up' | 'coming' | 'down';

export interface ProxyOptions {
  readonly mode: ProxyMode;
  readonly scope: Scope;
  readonly announcesUp: boolean;
  readonly announcesDown: boolean;
  /** Our own address on the segment at this moment, for which the stack answers by itself; 0 for none. */
  readonly own: () => Ipv4;
  readonly ownMac: Mac;
  readonly far: () => FarSide;
}

interface Asker {
  readonly ip: Ipv4;
  readonly mac: Mac;
}

/** A question that waits for the other side, or for our own; or has been answered just now. */
interface Question {
  readonly askers: Asker[];
  /** When it was put last. */
  asked: Instant;
  /** When it is given up; once answered, when its answer is forgotten. */
  until: Instant;
  /** Who has the address: until the next question may be put, this is the answer to everybody. */
  found: Mac | undefined;
}

export class ProxyArp implements Machine<ProxyInput, ProxyOutput> {
  readonly #options: ProxyOptions;
  /** Failed-over addresses: what the tenant side stands in for, and what lives on the provider side. */
  readonly #adopted = new Map<Ipv4, { left: number; next: Instant }>();
  readonly #forFar = new Map<Ipv4, Question>();
  readonly #forHere = new Map<Ipv4, Question>();

  constructor(options: ProxyOptions) {
    this.#options = options;
  }

  get adopted(): readonly Ipv4[] {
    return [...this.#adopted.keys()];
  }

  handle(input: ProxyInput, now: Instant): ProxyOutput[] {
    const due = this.wake(now); // so that nothing below need ask whether a question is still open
    const outputs = this.#take(input, now);
    return due.length === 0 ? outputs : [...due, ...outputs];
  }

  #take(input: ProxyInput, now: Instant): ProxyOutput[] {
    switch (input.kind) {
      case 'asked':
        return this.#asked(input.target, { ip: input.senderIp, mac: input.senderMac }, now);
      case 'heard':
        return this.#heard(input.ip, input.mac, now);
      case 'far-asks':
        return this.#farAsks(input.target, input.senderIp, now);
      case 'far-answers':
        return this.#farAnswers(input.ip, input.mac, now);
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
    outputs.push(...this.#giveUp(this.#forFar, 'local', now));
    outputs.push(...this.#giveUp(this.#forHere, 'far', now));
    return outputs;
  }

  nextWake(): Instant | undefined {
    let next: Instant | undefined;
    for (const claim of this.#adopted.values())
      if (claim.left > 0) next = earliest(next, claim.next);
    for (const { until } of this.#forFar.values()) next = earliest(next, until);
    for (const { until } of this.#forHere.values()) next = earliest(next, until);
    return next;
  }

  #asked(target: Ipv4, asker: Asker, now: Instant): ProxyOutput[] {
    const { mode, scope, own, far } = this.#options;
    if (target === own()) return []; // the stack itself answers for that
    const ignored = (because: Reason): ProxyOutput[] => [
      decided(target, asker.ip, 'local', 'ignored', because),
    ];
    // Who asks for the address it has, or wants to have, asks whether anybody else has it.
    const checks = asker.ip === 0 || asker.ip === target;
    if (!this.#standsInFor(target) && !(checks && mode === 'relay' && this.#adopted.has(target)))
      return ignored('PROXY_OUT_OF_SCOPE');
    const answersChecks = scope.kind === 'everything';
    if (mode === 'static')
      return checks && !answersChecks ? ignored('PROXY_OUT_OF_SCOPE') : answer(target, asker);
    if (far() === 'down') return ignored('PROXY_FAR_SIDE_DOWN');
    const known = this.#forFar.get(target);
    if (known?.found !== undefined) return answer(target, asker);
    const question = this.#question(this.#forFar, target, now);
    if (question === undefined) return ignored('ARP_QUEUE_FULL');
    const outputs = this.#join(question, target, asker, 'local');
    if (!mayAsk(question, now)) return outputs;
    return [
      ...outputs,
      { kind: 'ask-far', target, senderIp: asker.ip },
      decided(target, asker.ip, 'local', 'asked'),
    ];
  }

  #heard(ip: Ipv4, mac: Mac, now: Instant): ProxyOutput[] {
    const question = this.#forHere.get(ip);
    if (question === undefined || question.found !== undefined) return [];
    if (mac === this.#options.ownMac) return []; // ourselves, standing in: nobody's answer
    const asker = question.askers[0]?.ip ?? anyIpv4;
    settle(question, mac, now);
    return [{ kind: 'answer-far', ip, mac }, decided(ip, asker, 'far', 'told')];
  }

  #farAsks(target: Ipv4, senderIp: Ipv4, now: Instant): ProxyOutput[] {
    const { own, ownMac } = this.#options;
    const tell = (mac: Mac): ProxyOutput[] => [
      { kind: 'answer-far', ip: target, mac },
      decided(target, senderIp, 'far', 'told'),
    ];
    if (own() === 0) return [decided(target, senderIp, 'far', 'ignored', 'NO_ADDRESS')];
    if (target === own()) return tell(ownMac);
    const known = this.#forHere.get(target);
    if (known?.found !== undefined) return tell(known.found);
    // Also for what we stand in for here: where somebody over there checks whether the address is
    // free, another machine may have it on this side after all.
    const question = this.#question(this.#forHere, target, now);
    if (question === undefined)
      return [decided(target, senderIp, 'far', 'ignored', 'ARP_QUEUE_FULL')];
    const outputs = this.#join(question, target, { ip: senderIp, mac: unknownMac }, 'far');
    if (!mayAsk(question, now)) return outputs;
    return [...outputs, { kind: 'ask', target }, decided(target, senderIp, 'far', 'asked')];
  }

  #farAnswers(ip: Ipv4, mac: Mac, now: Instant): ProxyOutput[] {
    const question = this.#forFar.get(ip);
    if (question === undefined || question.found !== undefined) return [];
    const askers = [...question.askers];
    settle(question, mac, now);
    return askers.flatMap((asker) => answer(ip, asker));
  }

  #adopt(ip: Ipv4, now: Instant): ProxyOutput[] {
    const announces = this.#options.announcesUp && this.#options.scope.kind !== 'rest-of-subnet';
    this.#adopted.set(ip, { left: announces ? announceCount : 0, next: now });
    this.#forFar.delete(ip); // on the provider side it lives here from now on
    return this.wake(now);
  }

  #withdraw(ip: Ipv4, owner: Mac | undefined): ProxyOutput[] {
    if (!this.#adopted.delete(ip)) return [];
    this.#forFar.delete(ip);
    const announces = this.#options.announcesDown && this.#options.scope.kind !== 'rest-of-subnet';
    if (!announces || owner === undefined) return [];
    return [{ kind: 'announce', ip, owner }, decided(ip, ip, 'local', 'announced')];
  }

  /** The question about an address, new if there is none. Undefined where too many are open. */
  #question(questions: Map<Ipv4, Question>, target: Ipv4, now: Instant): Question | undefined {
    const known = questions.get(target);
    if (known !== undefined) return known;
    if (questions.size >= questionsMax) {
      const answered = [...questions].find(([, { found }]) => found !== undefined);
      if (answered === undefined) return undefined;
      questions.delete(answered[0]);
    }
    const until = after(now, patience);
    const question = { askers: [], asked: never, until, found: undefined };
    questions.set(target, question);
    return question;
  }

  /** One more waits for the answer. Who asks again is answered once all the same. */
  #join(question: Question, ip: Ipv4, asker: Asker, side: 'local' | 'far'): ProxyOutput[] {
    const { askers } = question;
    if (askers.some((other) => other.ip === asker.ip && other.mac === asker.mac)) return [];
    askers.push(asker);
    if (askers.length <= askersMax) return [];
    return [decided(ip, askers.shift()!.ip, side, 'ignored', 'ARP_QUEUE_FULL')];
  }

  #giveUp(questions: Map<Ipv4, Question>, side: 'local' | 'far', now: Instant): ProxyOutput[] {
    const outputs: ProxyOutput[] = [];
    for (const [ip, { until, askers, found }] of questions) {
      if (until > now) continue;
      questions.delete(ip);
      if (found !== undefined) continue;
      const unasked = side === 'local' && this.#options.far() !== 'up';
      const because = unasked ? 'PROXY_FAR_SIDE_DOWN' : 'PROXY_NO_ANSWER';
      outputs.push(decided(ip, askers[0]?.ip ?? anyIpv4, side, 'ignored', because));
    }
    return outputs;
  }

  #standsInFor(target: Ipv4): boolean {
    const { scope } = this.#options;
    switch (scope.kind) {
      case 'addresses':
        return this.#adopted.has(target);
      case 'rest-of-subnet':
        return this.#inSubnet(target, scope.subnet) && !this.#adopted.has(target);
      case 'subnet':
        return this.#inSubnet(target, scope.subnet);
      case 'everything':
        return true;
    }
  }

  /** A host of the network: neither the network itself nor everybody on it (RFC 1027 section 2.4). */
  #inSubnet(target: Ipv4, subnet: Prefix): boolean {
    return (
      contains(subnet, target) && target !== networkOf(subnet) && target !== broadcastOf(subnet)
    );
  }
}

const never = Number.NEGATIVE_INFINITY as Instant;

function mayAsk(question: Question, now: Instant): boolean {
  if (now - question.asked < askEvery) return false;
  question.asked = now;
  return true;
}

/** The answer stands for as long as the question may not be put again. */
function settle(question: Question, mac: Mac, now: Instant): void {
  question.found = mac;
  question.askers.length = 0;
  const next = after(question.asked, askEvery);
  question.until = next > now ? next : now;
}

const answer = (ip: Ipv4, to: Asker): ProxyOutput[] => [
  { kind: 'answer', ip, to },
  decided(ip, to.ip, 'local', 'answered'),
];

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
