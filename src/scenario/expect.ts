/**
 * Whether what a scenario expects is so. Probes are sent, time runs, and the event log decides: in
 * the lab's own time, with what came nearest when it is not so. What was not looked at is not
 * passed: it is `not-checked`.
 */
import {
  after,
  between,
  type Duration,
  earliest,
  type Instant,
  milliseconds,
  nanoseconds,
  roughly,
  seconds,
  showDuration,
  showMoment,
} from '../base/time.ts';
import type { Lab, Progress } from '../lab/lab.ts';
import type { Reason } from '../trace/reasons.ts';
import type {
  AlsoInTheWay,
  Change,
  ExpectationResult,
  FaultPlace,
  Hop,
  Verdict,
  WatchedFlow,
} from '../trace/result.ts';
import { type Ipv4, showIpv4 } from '../wire/address.ts';
import { Account, type Finding, type Way } from './account.ts';
import {
  type Answer,
  compares,
  comparesTime,
  type Demands,
  showComparison,
  unmet,
} from './demands.ts';
import { Directory } from './directory.ts';
import { type LastOperation, lastOperation } from './last-operation.ts';
import { changeOf } from './mend.ts';
import { passed } from './passing.ts';
import {
  type Flow,
  type Machine,
  type PlainProbe,
  type Probe,
  plainOf,
  type Scenario,
  type StateClaim,
} from './scenario.ts';
import { Watch } from './watch.ts';
import type { Watched } from './watched.ts';
import type { Comparison } from './when.ts';

const pingEvery = seconds(1);
const pingSize = 56; // what ping sends unless told
const backgroundEvery = milliseconds(500);
const retryEvery = seconds(1);
const lookEvery = seconds(1);
const tcpBytes = 64;
/**
 * Patience, where the scenario does not say. A failure must outlast what the asker believes of its
 * neighbours: an entry is trusted for up to 45 s and takes 8 s to be given up.
 */
const within = {
  answer: seconds(5),
  failure: seconds(60),
  connection: seconds(20),
  transfer: seconds(60),
  arp: seconds(3),
  lease: seconds(30),
};

/** An echo request that nothing special is asked of. */
const plainPing = {
  size: undefined,
  whole: false,
  ttl: undefined,
  roundTrip: undefined,
  via: undefined,
  fails: undefined,
  lastHop: undefined,
  count: undefined,
};

export type Until = (limit: Instant, settled?: () => boolean) => Promise<Progress>;

type Of<K extends PlainProbe['kind']> = Extract<PlainProbe, { kind: K }>;
type Reaching = Of<'ping' | 'tcp' | 'udp'>;

interface Outcome {
  readonly verdict: Verdict;
  readonly detail: string;
  readonly code?: Reason;
  readonly fails?: Reason | 'any';
  readonly hops?: readonly Hop[];
  /** In place of `hops`, for an answer. */
  readonly way?: Way;
  readonly why?: string;
  readonly remedy?: string;
  readonly fault?: FaultPlace;
  readonly also?: readonly AlsoInTheWay[];
  readonly event?: number;
  readonly probe?: number;
  readonly change?: Change;
  readonly healsAt?: Instant;
  /** Nothing was sent: that it did not succeed says nothing. */
  readonly unasked?: true;
}

const met = (detail = '', more: Partial<Outcome> = {}): Outcome => ({
  verdict: 'met',
  detail,
  ...more,
});
const broken = (detail: string, more: Partial<Outcome> = {}): Outcome => ({
  verdict: 'broken',
  detail,
  ...more,
});
/** The way of a packet that should not have arrived. */
const shown = ({ way, event, probe }: Outcome): Partial<Outcome> => ({
  ...(way && { way }),
  ...(event !== undefined && { event }),
  ...(probe !== undefined && { probe }),
});
const notChecked = (detail: string): Outcome => ({ verdict: 'not-checked', detail });

export class Expectations {
  readonly #scenario: Scenario;
  readonly #lab: Lab;
  readonly #account: Account;
  readonly #who: Directory;
  readonly #watched: Watched;
  /** Pings that go on in the background, by the flow whose outage is to be measured. */
  readonly #background = new Map<string, { readonly flow: Flow; readonly probe: number }>();
  #probes = 0;
  /** The first event of what captures are asked about. */
  #since = 0;

  constructor(scenario: Scenario, lab: Lab, watched: Watched) {
    this.#scenario = scenario;
    this.#lab = lab;
    this.#watched = watched;
    this.#account = new Account(lab.log);
    this.#who = new Directory(scenario, lab);
  }

  /** Starts the flows whose outages will be asked for: an outage is one of something that was there. */
  begin(): void {
    for (const step of this.#scenario.steps) {
      if (step.kind !== 'expect') continue;
      for (const probe of step.probes) {
        const plain = probe.kind === 'not' ? probe.probe : probe;
        if (plain.kind === 'outage') this.#accompany(plain.flow);
      }
    }
  }

  /** Something other than an expectation begins: captures count from here. */
  mark(): void {
    this.#since = this.#lab.log.length;
  }

  /** How the flows fared so far whose outages are asked for. */
  get watched(): readonly WatchedFlow[] {
    return [...this.#background.values()].map(({ flow: { text, to }, probe }) => ({
      flow: text,
      vm: to.kind === 'vm' ? to.name : '',
      ...this.#account.availability(probe, this.#lab.now),
    }));
  }

  notChecked(probe: Probe, detail: string): ExpectationResult {
    return this.#result(probe, notChecked(detail));
  }

  async check(probe: Probe, until: Until): Promise<ExpectationResult> {
    if (probe.kind !== 'not') {
      const outcome = await this.#plain(probe, until);
      if (probe.kind === 'finding' && outcome.verdict === 'met')
        this.#watched.expect(probe.invariant);
      return this.#result(probe, outcome);
    }
    const inner = await this.#plain(probe.probe, until);
    if (inner.verdict === 'not-checked') return this.#result(probe, inner);
    if (inner.unasked) return this.#result(probe, notChecked(inner.detail));
    const outcome =
      inner.verdict === 'broken'
        ? met(inner.detail || 'it is not so')
        : broken(`it is so: ${inner.detail || probe.probe.title}`, shown(inner));
    return this.#result(probe, outcome);
  }

  #result(probe: Probe, outcome: Outcome): ExpectationResult {
    const { title, place } = probe;
    const { unasked: _, way, ...told } = outcome;
    const { line, column, file } = place;
    const own = file === this.#scenario.file ? {} : { file };
    const result = { text: title, line, column, at: this.#lab.now, ...own, ...told };
    if (way === undefined) return result;
    // Worked out when somebody looks: of most answers nobody asks the way.
    return Object.defineProperty(result, 'hops', { enumerable: true, get: () => way.hops });
  }

  async #plain(probe: PlainProbe, until: Until): Promise<Outcome> {
    switch (probe.kind) {
      case 'ping':
        return this.#ping(probe, until);
      case 'tcp':
        return this.#tcp(probe, until);
      case 'udp':
        return this.#udp(probe, until);
      case 'arp':
        return this.#arp(probe, until);
      case 'neighbour':
        return this.#neighbour(probe, until);
      case 'path_symmetric':
        return this.#symmetric(probe, until);
      case 'lease':
        return this.#lease(probe, until);
      case 'state':
        return this.#states(probe, until);
      case 'operation':
        return this.#operation(probe);
      case 'warning':
        return this.#warning(probe.code);
      case 'capture':
        return this.#capture(probe);
      case 'isolated':
        return this.#isolated(probe);
      case 'finding':
        return this.#invariant(probe, until);
      case 'outage':
        return this.#outage(probe);
    }
  }

  // Reachability

  async #ping(probe: Of<'ping'>, until: Until): Promise<Outcome> {
    const { fails } = probe;
    const wanted = probe.count ?? 1;
    const usual = fails === undefined ? within.answer : within.failure;
    const patience = probe.within ?? nanoseconds(usual + pingEvery * (wanted - 1));
    const asked = await this.#ask(probe, patience, until);
    if ('verdict' in asked) return asked;
    const { number, to, watch, limit, probes } = asked;
    const size = probe.size ?? pingSize;
    // As many as are wanted have to fit into the time that there is.
    const every = Math.min(pingEvery, Math.floor(patience / wanted)) as Duration;
    const order = { probe: number, to, size, every, whole: probe.whole };
    probes.ping(order, this.#lab.now, this.#lab.fabric);
    const isSo = (): boolean => {
      if (fails !== undefined || watch.answers < wanted) return false;
      return unmet(probe, this.#lastAnswer(watch), this.#who) === undefined;
    };
    // What is sent at the very end has no time to be answered, and would be judged by that.
    if ((await until((limit - 1) as Instant, isSo)) === 'reached') {
      probes.stopSending(number);
      await until(limit, isSo);
    }
    probes.stopPing(number);
    if (fails !== undefined) return this.#failed(probe, asked, fails);
    if (watch.answers < wanted) return this.#unanswered(probe, asked, wanted);
    const many = `${watch.answers} of ${watch.sent} answered, the last`;
    return this.#reached(asked, probe, wanted > 1 ? many : 'reply');
  }

  async #tcp(probe: Of<'tcp'>, until: Until): Promise<Outcome> {
    const { flow, fails } = probe;
    const wanted = probe.count ?? 1;
    const usual = probe.bytes === undefined ? within.connection : within.transfer;
    const patience = probe.within ?? nanoseconds(usual * wanted);
    const asked = await this.#ask(probe, patience, until);
    if ('verdict' in asked) return asked;
    const { number, to, watch, limit, probes } = asked;
    const bytes = probe.bytes ?? tcpBytes;
    for (;;) {
      probes.connect(number, to, flow.port!, bytes, bytes, this.#lab.now, this.#lab.fabric);
      await until(limit, () => watch.heard !== undefined);
      if (watch.answers >= wanted || watch.heard === undefined) break;
      if (watch.heard.what === 'answered') continue;
      // Who gives it time may have it refused at first.
      if (fails !== undefined || probe.within === undefined) break;
      const next = earliest(limit, after(this.#lab.now, retryEvery))!;
      if ((await until(next)) === 'budget' || this.#lab.now >= limit) break;
    }
    if (fails !== undefined) return this.#failed(probe, asked, fails);
    if (watch.answers < wanted) return this.#unanswered(probe, asked, wanted);
    const each = `${bytes} bytes there and back`;
    return this.#reached(asked, probe, wanted > 1 ? `${wanted} times ${each}` : each);
  }

  async #udp(probe: Of<'udp'>, until: Until): Promise<Outcome> {
    const { flow, fails } = probe;
    const wanted = probe.count ?? 1;
    const usual = fails === undefined ? within.answer : within.failure;
    const patience = probe.within ?? nanoseconds(usual + retryEvery * (wanted - 1));
    const asked = await this.#ask(probe, patience, until);
    if ('verdict' in asked) return asked;
    const { number, to, watch, limit, probes } = asked;
    while (this.#lab.now < limit && watch.answers < wanted) {
      const before = watch.answers;
      probes.udp(number, to, flow.port!, this.#lab.now, this.#lab.fabric);
      const turn = earliest(limit, after(this.#lab.now, retryEvery))!;
      if ((await until(turn, () => watch.answers > before)) === 'budget') break;
    }
    if (fails !== undefined) return this.#failed(probe, asked, fails);
    if (watch.answers < wanted) return this.#unanswered(probe, asked, wanted);
    const many = `${watch.answers} of ${watch.sent} answered, the last`;
    return this.#reached(asked, probe, wanted > 1 ? many : 'answer');
  }

  /** The way there and the way back, hop by hop, but for what the scenario says of either. */
  async #symmetric(probe: Of<'path_symmetric'>, until: Until): Promise<Outcome> {
    const outcome = await this.#ping({ ...plainPing, ...probe, kind: 'ping' }, until);
    const { way } = outcome;
    if (outcome.verdict !== 'met' || way === undefined) return outcome;
    const excepted = probe.except.map((place) => this.#who.nodeAt(place));
    const there = way.there.slice(0, -1); // where it turns belongs to both
    const back = way.back.toReversed();
    const idle = probe.except.find(
      (_, i) => there.includes(excepted[i]!) === back.includes(excepted[i]!),
    );
    if (idle !== undefined)
      return broken(`${idle.text} is no difference between the two ways`, shown(outcome));
    const common = (nodes: readonly string[]): string =>
      nodes
        .filter((node) => !excepted.includes(node))
        .filter((node, i, left) => node !== left[i - 1]) // a network around what is left out
        .join(' → ');
    return common(there) === common(back)
      ? met(common(there), shown(outcome))
      : broken(`there ${there.join(' → ')}, back ${way.back.join(' → ')}`, shown(outcome));
  }

  /** Finds out who asks and whom; a machine that is starting is waited for. */
  async #ask(
    { flow, fails, lastHop }: Reaching,
    patience: Duration,
    until: Until,
  ): Promise<Asked | Outcome> {
    const began = this.#lab.now;
    const limit = after(after(began, patience), this.#lab.slack);
    const asker = () => this.#lab.network.probes(this.#who.nodeNow(flow.from));
    if (asker() === undefined && this.#who.powerOf(flow.from) === 'booting')
      await until(limit, () => asker() !== undefined);
    const node = this.#who.nodeNow(flow.from);
    const probes = asker();
    if (probes === undefined) return this.#cannotAsk(flow, fails, lastHop);
    const to = this.#who.addressOf(flow.to, node);
    if (to === undefined) return notChecked(`${flow.to.text} has no address to be reached at`);
    const number = ++this.#probes;
    const watch = new Watch(this.#lab.log, number);
    return { node, to, number, began, patience, limit, watch, probes };
  }

  #reached(asked: Asked, demands: Demands, what: string): Outcome {
    const { watch, began, number: probe } = asked;
    const { at, id: event } = watch.lastAnswer!;
    const answer = this.#lastAnswer(watch);
    const { way } = answer;
    const said = `${what} after ${roughly(between(began, at))}`;
    const fault = unmet(demands, answer, this.#who);
    return fault === undefined
      ? met(said, { way, event, probe })
      : broken(`${said}, ${fault}`, { way, event, probe });
  }

  #lastAnswer(watch: Watch): Answer {
    const { id, value } = watch.lastAnswer!;
    const { slack } = this.#lab;
    return { way: this.#account.way(id), ttl: value, roundTrip: watch.lastRoundTrip, slack };
  }

  /** It should fail, and for one reason only: another reason is another fault. */
  #failed(probe: Reaching, asked: Asked, fails: Reason | 'any'): Outcome {
    const { watch } = asked;
    if (watch.answersLast) {
      const { at, id } = watch.lastAnswer!;
      const { hops } = this.#account.way(id);
      const took = roughly(between(asked.began, at));
      const told = `${watch.answers} of ${watch.sent} answered, the last after ${took}`;
      return broken(told, { fails, hops, event: id, probe: asked.number });
    }
    const finding = this.#finding(asked);
    if (finding === undefined) return broken('the last attempt was answered', { fails });
    const { code, lastHop } = finding;
    const told = `${this.#outcome(asked)}: ${code} at ${lastHop}`;
    const more = this.#because(finding, fails, probe, asked.number);
    if (fails !== 'any' && code !== fails) return broken(`${told}, and not ${fails}`, more);
    const wanted = probe.lastHop && this.#who.nodeNow(probe.lastHop);
    if (wanted !== undefined && lastHop !== wanted)
      return broken(`${told}, not at ${wanted}`, more);
    return met(`${told}. ${finding.sentence}`, more);
  }

  #unanswered(probe: Reaching, asked: Asked, wanted: number): Outcome {
    const { watch } = asked;
    const counts = watch.sent > 1 ? ` (${watch.sent} sent, ${watch.answers} answered)` : '';
    const few = wanted > 1 ? `, and not ${wanted}` : '';
    const finding = this.#finding(asked);
    const told = `${this.#outcome(asked)}${counts}`;
    return broken(
      watch.answers > 0 ? `too few answers in ${roughly(asked.patience)}${counts}${few}` : told,
      {
        ...this.#because(finding, undefined, probe, asked.number),
      },
    );
  }

  /** How it ended, without the reason. */
  #outcome({ watch, began, patience }: Asked): string {
    const refusal = watch.all.find(({ what }) => what === 'refused');
    if (refusal !== undefined) return `refused after ${roughly(between(began, refusal.at))}`;
    return `no answer in ${roughly(patience)}`;
  }

  #finding({ node, to, number }: Pick<Asked, 'node' | 'to' | 'number'>): Finding | undefined {
    return this.#account.why({ probe: number, from: node, to, at: this.#lab.now });
  }

  #because(
    finding: Finding | undefined,
    fails: Reason | 'any' | undefined,
    probe: PlainProbe,
    number: number,
  ): Partial<Outcome> {
    if (finding === undefined) return { probe: number };
    const { code, hops, sentence, remedy, event, healsAt, fault, also } = finding;
    const change = this.#change(finding, probe);
    return {
      ...(fails !== undefined && { fails }),
      ...(remedy !== undefined && { remedy }),
      code,
      hops,
      why: sentence,
      ...(change !== undefined && { change }),
      ...(healsAt !== undefined && { healsAt }),
      ...(fault && { fault }),
      ...(also && { also }),
      event,
      probe: number,
    };
  }

  /** What in the file would turn it, as far as anybody can tell without playing it. */
  #change({ code, subject }: Finding, probe: PlainProbe): Change | undefined {
    const scenario = this.#scenario;
    const step = scenario.steps.find(
      (one) => one.kind === 'expect' && one.probes.some((asked) => plainOf(asked) === probe),
    );
    const { place } = probe;
    return step && changeOf({ scenario, step: step.number, place, code, subject });
  }

  /** Nothing can be asked of a machine that does not run. That is a failure, but no evidence of anything else. */
  #cannotAsk(flow: Flow, fails: Reason | 'any' | undefined, lastHop: Machine | undefined): Outcome {
    const code = 'POWERED_OFF';
    const isBooting = this.#who.powerOf(flow.from) === 'booting';
    const detail = `${flow.from.text} ${isBooting ? 'is still starting' : 'is switched off'}`;
    if (fails === undefined)
      return broken(detail, { ...this.#whyNotAsked(flow), code, unasked: true });
    if (fails !== code && fails !== 'any')
      return broken(`${detail}: ${code}, and not ${fails}`, { code, fails });
    const node = this.#who.nodeNow(flow.from);
    const wanted = lastHop && this.#who.nodeNow(lastHop);
    if (wanted !== undefined && wanted !== node)
      return broken(`${detail}: ${code} at ${node}, not at ${wanted}`, { code, fails });
    return met(detail, { code, fails });
  }

  #whyNotAsked(flow: Flow): Partial<Outcome> {
    const from = this.#who.nodeNow(flow.from);
    const to = this.#who.addressOf(flow.to, from);
    if (to === undefined) return {};
    const finding = this.#account.why({ from, to, at: this.#lab.now });
    // There are no hops, and no event that shows it.
    const { sentence: why, remedy, fault, also } = finding ?? {};
    return {
      ...(why !== undefined && { why }),
      ...(remedy !== undefined && { remedy }),
      ...(fault && { fault }),
      ...(also && { also }),
    };
  }

  // What devices know and do

  async #arp(probe: Of<'arp'>, until: Until): Promise<Outcome> {
    const { at, ip, replies } = probe;
    const stack = this.#lab.network.stack(this.#who.nodeNow(at));
    const probes = stack && this.#lab.network.probes(stack.name);
    if (stack === undefined || probes === undefined)
      return notChecked(`${at.text} does not run, so it cannot ask`);
    const adapter = stack.interfaces.find((one) => one.port && one.onLink(ip));
    if (adapter === undefined)
      return notChecked(`${at.text} has no address in the network of ${showIpv4(ip)}`);
    const number = ++this.#probes;
    const watch = new Watch(this.#lab.log, number);
    probes.arping(number, adapter, ip, this.#lab.now, this.#lab.fabric);
    // Who else answers is part of the question: it is not over with the first answer.
    await until(after(this.#lab.now, probe.within ?? within.arp));
    probes.stopArping(number);
    watch.catchUp();
    const macs = watch.all.flatMap(({ what, mac }) => (what === 'answered' && mac ? [mac] : []));
    const owners = macs.map((mac) => `${mac} (${this.#who.ownerOf(mac)})`);
    const seen = macs.length === 0 ? 'nobody answered' : `answered by ${owners.join(' and ')}`;
    // Of a wrong answer nobody can say why it was given.
    const why = (): Partial<Outcome> =>
      macs.length > 0
        ? {}
        : this.#because(
            this.#finding({ node: stack.name, to: ip, number }),
            undefined,
            probe,
            number,
          );
    if (replies !== undefined && !compares(macs.length, replies))
      return broken(
        `${count(macs.length, 'reply', 'replies')}, not ${showComparison(replies)}: ${seen}`,
        why(),
      );
    if (probe.answeredBy !== undefined) {
      const wanted = this.#who.macsOf(probe.answeredBy);
      if (macs.length === 0 || !macs.every((mac) => wanted.includes(mac)))
        return broken(`${seen}, not by ${probe.answeredBy.text}`, why());
    } else if (replies === undefined && macs.length === 0) return broken(seen, why());
    return met(seen);
  }

  async #neighbour(probe: Of<'neighbour'>, until: Until): Promise<Outcome> {
    const { at, ip, macOf } = probe;
    if (this.#who.powerOf(at) !== 'on') return notChecked(`${at.text} does not run`);
    const believed = (): string | undefined => this.#who.neighbourOf(at, ip);
    const isSo = (): boolean => {
      const mac = believed();
      return mac !== undefined && (macOf === undefined || this.#who.macsOf(macOf).includes(mac));
    };
    if (probe.within !== undefined) await until(this.#latest(probe.within), isSo);
    const mac = believed();
    if (mac === undefined) return broken(`${at.text} has no entry for ${showIpv4(ip)}`);
    const said = `${showIpv4(ip)} is at ${mac} (${this.#who.ownerOf(mac)})`;
    return isSo() ? met(said) : broken(`${said}, not at ${macOf!.text}`);
  }

  async #lease(probe: Of<'lease'>, until: Until): Promise<Outcome> {
    const { name } = probe.vm;
    const held = (): { ip: Ipv4; server: Ipv4 } | undefined => {
      const guest = this.#lab.active(name);
      const lease = guest?.keeper?.lease;
      return lease && guest.adapter.has(lease.ip) ? lease : undefined;
    };
    const isRight = (lease: { server: Ipv4 }): boolean =>
      probe.from === undefined || this.#who.addressesOf(probe.from).includes(lease.server);
    const patience = probe.within ?? within.lease;
    await until(after(this.#lab.now, patience), () => {
      const lease = held();
      return lease !== undefined && isRight(lease);
    });
    const lease = held();
    if (lease === undefined) {
      const has = this.#lab.active(name)?.adapter.addresses.map(({ address }) => showIpv4(address));
      const instead = has?.length ? `; it has ${has.join(', ')}` : '';
      return broken(`${name} has no lease after ${roughly(patience)}${instead}`);
    }
    const said = `${showIpv4(lease.ip)} from ${showIpv4(lease.server)}`;
    return isRight(lease) ? met(said) : broken(`${said}, which is not ${probe.from!.text}`);
  }

  async #states(probe: Of<'state'>, until: Until): Promise<Outcome> {
    const stateless = probe.claims.find((claim) => this.#who.stateOf(claim) === undefined);
    if (stateless !== undefined) {
      const what = stateless.kind === 'tunnel' ? 'has no appliance' : 'has no replica';
      return notChecked(`${nameOf(stateless)} has no state: the network or VM ${what}`);
    }
    const wrong = (): string[] =>
      probe.claims.flatMap((claim) => {
        const now = this.#who.stateOf(claim)!;
        const isSo =
          'amount' in claim ? compares(now as number, claim.amount) : now === claim.state;
        if (isSo) return [];
        const should = 'amount' in claim ? showComparison(claim.amount) : inFileWords(claim.state);
        return [`${nameOf(claim)} is ${inFileWords(String(now))}, not ${should}`];
      });
    if (probe.within !== undefined)
      await until(this.#latest(probe.within), () => wrong().length === 0);
    const differing = wrong();
    if (differing.length === 0) return met();
    const waited = probe.within === undefined ? '' : ` after ${roughly(probe.within)}`;
    return broken(`${differing.join('; ')}${waited}`);
  }

  /** By when something has to be so within a time that begins now. */
  #latest(wait: Duration): Instant {
    return after(after(this.#lab.now, wait), this.#lab.slack);
  }

  #operation(probe: Of<'operation'>): Outcome {
    const last = lastOperation(this.#lab.log);
    if (last === undefined) return notChecked('there has been no operation');
    const [first] = last.ended;
    if (last.underWay > 0 || first === undefined) return notChecked('it has not finished');
    const { because: wanted, state } = probe;
    const other = last.ended.find(
      (one) => one.state !== state || (wanted !== undefined && one.because !== wanted),
    );
    const { operation, because, text } = other ?? first;
    const more = because === undefined ? {} : { code: because, ...(text && { why: text }) };
    const vms = other?.vms ?? last.ended.flatMap((one) => one.vms);
    const few = vms.length > 12 ? [...vms.slice(0, 12), `${vms.length - 12} more`] : vms;
    const said = `${operation.replaceAll('-', ' ')} of ${few.join(', ')}`;
    if (other === undefined) return this.#took(last, probe.took) ?? met(said, more);
    const ended = other.state === 'success' ? 'succeeded' : 'failed';
    const why = because === undefined ? '' : ` because of ${because}`;
    if (other.state !== state) return broken(`${said} ${ended}${why}`, more);
    return broken(`${said} ${ended}${why}, not because of ${wanted}`, more);
  }

  /** Undefined where it took as long as it should. */
  #took({ began, ended }: LastOperation, wanted: Comparison | undefined): Outcome | undefined {
    const took = between(this.#lab.log.timeOf(began), ended.at(-1)!.at);
    if (wanted === undefined || comparesTime(took, wanted, this.#lab.slack)) return undefined;
    const { operator, count: limit } = wanted;
    return broken(`it took ${exactly(took)}, not ${operator} ${exactly(nanoseconds(limit))}`);
  }

  /** What the last operation warned of; what one before it did is over. */
  #warning(code: Reason): Outcome {
    const { log } = this.#lab;
    const last = lastOperation(log);
    if (last === undefined) return notChecked('there has been no operation');
    const seen = new Set<Reason>();
    for (const event of log.facts(['warning'], last.began)) {
      if (event.code === code) return met(`about ${event.about}`, { code });
      seen.add(event.code);
    }
    return broken(
      seen.size === 0 ? 'there was no warning' : `there was only ${[...seen].join(', ')}`,
    );
  }

  #capture(probe: Of<'capture'>): Outcome {
    const { log, now } = this.#lab;
    const { at, filter, direction, packets } = probe;
    if (log.level !== 'full') return notChecked('the log was kept without bytes');
    const post = this.#who.postAt(at);
    if (post === undefined) return notChecked(`${at.text} has no appliance, so there is no tunnel`);
    if (at.kind === 'tunnel' && !this.#who.wasUp(at.name, this.#since))
      return notChecked(`${at.text} was not up`);
    const watched = direction === 'both' ? post : { ...post, direction };
    const { fitting, all } = passed(log, watched, filter, this.#since, now);
    const said = `${fitting} of the ${count(all, 'packet', 'packets')} there`;
    return compares(fitting, packets)
      ? met(said)
      : broken(`${said}, not ${showComparison(packets)}`);
  }

  /** Of every frame since the lab began. */
  #isolated(probe: Of<'isolated'>): Outcome {
    const isolation = this.#lab.isolation;
    if (isolation === undefined || isolation.tenants.length < 2)
      return notChecked('there are no two tenants to be kept apart');
    const trespass = isolation.firstOf(
      probe.tenants.length > 0 ? probe.tenants : isolation.tenants,
    );
    const of = `of ${count(isolation.frames, 'frame', 'frames')}`;
    if (trespass === undefined) return met(`none ${of} came from another tenant`);
    const { at, from, to, mac, port } = trespass;
    const first = `the first from ${from} (${mac}) to ${to}, at ${port} at ${showMoment(at)}`;
    return broken(`${isolation.trespasses} ${of} came from another tenant: ${first}`);
  }

  /** What is watched without being asked has found it. */
  async #invariant({ invariant, within: wait }: Of<'finding'>, until: Until): Promise<Outcome> {
    const limit = wait === undefined ? this.#lab.now : this.#latest(wait);
    let found = this.#watched.broken(invariant);
    while (found === undefined && this.#lab.now < limit) {
      const next = earliest(limit, after(this.#lab.now, lookEvery))!;
      if ((await until(next)) === 'budget') break;
      found = this.#watched.broken(invariant);
    }
    if (found === undefined) return broken(`nothing of ${invariant} was found`);
    const { text, at, code, events } = found;
    const more = { ...(code && { code }), ...(events[0] !== undefined && { event: events[0] }) };
    return met(`${text}, at ${showMoment(at)}`, more);
  }

  #outage(probe: Of<'outage'>): Outcome {
    const measured = this.#background.get(probe.flow.text);
    if (measured === undefined) return notChecked('nothing was sent to measure it by');
    const outage = this.#account.longestOutage(measured.probe, this.#lab.now);
    if (outage === 'never answered') return notChecked('nothing was ever answered');
    if (outage === 'none') return met('no interruption');
    const { lostAt, restoredAt, length } = outage;
    const from = `from ${showMoment(lostAt)} on`;
    if (restoredAt === undefined)
      return broken(`interrupted ${from}, for ${roughly(length)} so far`);
    return length - this.#lab.slack <= probe.atMost
      ? met(`interrupted for ${roughly(length)}, ${from}`)
      : broken(
          `interrupted for ${exactly(length)}, ${from}, and not at most ${exactly(probe.atMost)}`,
        );
  }

  #accompany(flow: Flow): void {
    if (this.#background.has(flow.text)) return;
    const node = this.#who.nodeNow(flow.from);
    const to = this.#who.addressOf(flow.to, node);
    const probes = this.#lab.network.probes(node);
    if (to === undefined || probes === undefined) return;
    const probe = ++this.#probes;
    this.#background.set(flow.text, { flow, probe });
    const order = { probe, to, size: pingSize, every: backgroundEvery };
    probes.ping(order, this.#lab.now, this.#lab.fabric);
  }
}

/** One question that is put, and what is known of it. */
interface Asked {
  readonly node: string;
  readonly to: Ipv4;
  readonly number: number;
  readonly began: Instant;
  readonly patience: Duration;
  readonly limit: Instant;
  readonly watch: Watch;
  readonly probes: Probes;
}

type Probes = NonNullable<ReturnType<Lab['network']['probes']>>;

/** Where one is compared with the other, rounding could make them look alike. */
const exactly = (wait: Duration): string =>
  showDuration(wait)
    .replace(/(\d)([a-z]+)/g, '$1 $2 ')
    .trimEnd();

const count = (n: number, one: string, many: string): string => `${n} ${n === 1 ? one : many}`;

/** The file says it otherwise than the log: `on` and `off` are true and false in YAML 1.1. */
const powerWords: Readonly<Record<string, string>> = { on: 'running', off: 'stopped' };

const inFileWords = (word: string): string => powerWords[word] ?? word;

function nameOf(claim: StateClaim): string {
  switch (claim.kind) {
    case 'replica':
      return claim.vm;
    case 'tunnel':
      return `tunnel.${claim.network}`;
    case 'plan':
      return claim.plan;
    case 'power':
      return claim.machine.text;
    default:
      return `${claim.kind}.${claim.vm}`;
  }
}
