/**
 * Whether what a scenario expects is so. Probes are sent, time runs, and the event log decides: in
 * the lab's own time, with what came nearest when it is not so. What was not looked at is not
 * passed: it is `not-checked`.
 */
import {
  after,
  type Duration,
  type Instant,
  milliseconds,
  seconds,
  showDuration,
  showInstant,
} from '../base/time.ts';
import type { Lab, Progress } from '../lab/lab.ts';
import type { TraceEvent } from '../trace/event.ts';
import { isReason, type Reason, reasons } from '../trace/reasons.ts';
import type { ExpectationResult, Hop, Verdict } from '../trace/result.ts';
import { type Ipv4, showIpv4, showMac } from '../wire/address.ts';
import { Account, type Finding, type Way } from './account.ts';
import { nodeOf } from './inflict.ts';
import { matches } from './match.ts';
import type {
  Flow,
  Machine,
  PlainProbe,
  Probe,
  Scenario,
  StateClaim,
  Target,
  Whereabouts,
} from './scenario.ts';
import { type Comparison, holds } from './when.ts';

const pingEvery = seconds(1);
const pingSize = 56; // what ping sends unless told
const backgroundEvery = milliseconds(500);
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

export type Until = (limit: Instant, settled?: () => boolean) => Promise<Progress>;

type ProbeFact = Extract<TraceEvent, { kind: 'probe' }>;
type Of<K extends PlainProbe['kind']> = Extract<PlainProbe, { kind: K }>;

interface Outcome {
  readonly verdict: Verdict;
  readonly detail: string;
  readonly code?: Reason;
  readonly fails?: Reason | 'any';
  readonly hops?: readonly Hop[];
  readonly why?: string;
  readonly remedy?: string;
  readonly event?: number;
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
const notChecked = (detail: string): Outcome => ({ verdict: 'not-checked', detail });

export class Expectations {
  readonly #scenario: Scenario;
  readonly #lab: Lab;
  readonly #account: Account;
  /** Pings that go on in the background, by the flow whose outage is to be measured. */
  readonly #background = new Map<string, { readonly probe: number }>();
  #probes = 0;

  constructor(scenario: Scenario, lab: Lab) {
    this.#scenario = scenario;
    this.#lab = lab;
    this.#account = new Account(lab.log);
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

  notChecked(probe: Probe, detail: string): ExpectationResult {
    return this.#result(probe, notChecked(detail));
  }

  async check(probe: Probe, until: Until): Promise<ExpectationResult> {
    if (probe.kind !== 'not') return this.#result(probe, await this.#plain(probe, until));
    const inner = await this.#plain(probe.probe, until);
    if (inner.verdict === 'not-checked') return this.#result(probe, inner);
    const outcome =
      inner.verdict === 'broken'
        ? met(inner.detail)
        : broken(`it is so: ${inner.detail || probe.probe.title}`);
    return this.#result(probe, outcome);
  }

  #result(probe: Probe, outcome: Outcome): ExpectationResult {
    const { title, place } = probe;
    const { line, column, file } = place;
    const own = file === this.#scenario.file ? {} : { file };
    return { text: title, line, column, at: this.#lab.now, ...own, ...outcome };
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
      case 'outage':
        return this.#outage(probe);
    }
  }

  // Reachability

  async #ping(probe: Of<'ping'>, until: Until): Promise<Outcome> {
    const { flow, fails } = probe;
    const ends = this.#ends(flow);
    if ('verdict' in ends) return ends;
    const { node, to } = ends;
    const probes = this.#lab.network.probes(node);
    if (probes === undefined) return this.#cannotAsk(flow, fails);
    const number = ++this.#probes;
    const from = this.#lab.log.length;
    const began = this.#lab.now;
    const patience = probe.within ?? (fails === undefined ? within.answer : within.failure);
    const wanted = probe.count ?? 1;
    const size = probe.size ?? pingSize;
    probes.ping({ probe: number, to, size, every: pingEvery }, began, this.#lab.fabric);
    const watch = new Watch(this.#lab, from, number);
    let way: Way | undefined;
    await until(after(began, patience), () => {
      if (fails !== undefined || watch.answers < wanted) return false;
      way = this.#account.way(watch.lastAnswer!.id);
      return this.#through(way, probe.via) === undefined;
    });
    probes.stopPing(number);
    watch.catchUp();
    const asked: Asked = { flow, node, to, number, began, patience, watch };
    if (fails !== undefined) return this.#failed(probe, asked, fails);
    if (watch.answers < wanted) return this.#unanswered(asked, 'no reply');
    way ??= this.#account.way(watch.lastAnswer!.id);
    return this.#reached(asked, way, probe.via, 'reply');
  }

  async #tcp(probe: Of<'tcp'>, until: Until): Promise<Outcome> {
    const { flow, fails } = probe;
    const ends = this.#ends(flow);
    if ('verdict' in ends) return ends;
    const { node, to } = ends;
    const probes = this.#lab.network.probes(node);
    if (probes === undefined) return this.#cannotAsk(flow, fails);
    const number = ++this.#probes;
    const from = this.#lab.log.length;
    const began = this.#lab.now;
    const usual = probe.bytes === undefined ? within.connection : within.transfer;
    const patience = probe.within ?? usual;
    const bytes = probe.bytes ?? tcpBytes;
    probes.connect(number, to, flow.port!, bytes, bytes, began, this.#lab.fabric);
    const watch = new Watch(this.#lab, from, number);
    await until(after(began, patience), () => watch.answers > 0 || watch.ended);
    watch.catchUp();
    const asked: Asked = { flow, node, to, number, began, patience, watch };
    if (fails !== undefined) return this.#failed(probe, asked, fails);
    if (watch.answers === 0) return this.#unanswered(asked, watch.says() ?? 'no answer');
    const way = this.#account.way(watch.lastAnswer!.id);
    return this.#reached(asked, way, probe.via, `${watch.lastAnswer!.value} bytes`);
  }

  async #udp(probe: Of<'udp'>, until: Until): Promise<Outcome> {
    const { flow, fails } = probe;
    const ends = this.#ends(flow);
    if ('verdict' in ends) return ends;
    const { node, to } = ends;
    const probes = this.#lab.network.probes(node);
    if (probes === undefined) return this.#cannotAsk(flow, fails);
    const number = ++this.#probes;
    const from = this.#lab.log.length;
    const began = this.#lab.now;
    const patience = probe.within ?? (fails === undefined ? within.answer : within.failure);
    const watch = new Watch(this.#lab, from, number);
    const limit = after(began, patience);
    while (this.#lab.now < limit && watch.answers === 0) {
      probes.udp(number, to, flow.port!, this.#lab.now, this.#lab.fabric);
      const turn = Math.min(after(this.#lab.now, seconds(1)), limit) as Instant;
      if ((await until(turn, () => watch.answers > 0)) === 'budget') break;
    }
    watch.catchUp();
    const asked: Asked = { flow, node, to, number, began, patience, watch };
    if (fails !== undefined) return this.#failed(probe, asked, fails);
    if (watch.answers === 0) return this.#unanswered(asked, watch.says() ?? 'no answer');
    const way = this.#account.way(watch.lastAnswer!.id);
    return this.#reached(asked, way, probe.via, 'answer');
  }

  #reached(asked: Asked, way: Way, via: readonly Whereabouts[] | undefined, what: string): Outcome {
    const missed = this.#through(way, via);
    const { began, watch } = asked;
    const took = showDuration((watch.lastAnswer!.at - began) as Duration);
    const seen = way.there.join(' → ');
    const event = watch.lastAnswer!.id;
    if (missed !== undefined)
      return broken(`${what} after ${took}, but not through ${missed}: ${seen}`, {
        hops: way.hops,
        event,
      });
    return met(`${what} after ${took}`, { hops: way.hops, event });
  }

  /** It should fail, and for one reason only: another reason is another fault. */
  #failed(probe: Of<'ping' | 'tcp' | 'udp'>, asked: Asked, fails: Reason | 'any'): Outcome {
    const { watch, patience } = asked;
    const waited = showDuration(patience);
    if (watch.answersLast) {
      const { at, id } = watch.lastAnswer!;
      const way = this.#account.way(id);
      const took = showDuration((at - asked.began) as Duration);
      return broken(`answered after ${took}`, { fails, hops: way.hops, event: id });
    }
    const finding = this.#finding(asked);
    if (finding === undefined) return broken('the last attempt was answered', { fails });
    const told = `no answer in ${waited}: ${finding.code}`;
    const more = this.#because(finding, fails);
    if (fails !== 'any' && finding.code !== fails) return broken(`${told} and not ${fails}`, more);
    if (probe.lastHop !== undefined) {
      const wanted = this.#nodeNow(probe.lastHop);
      if (finding.lastHop !== wanted)
        return broken(`${told}, but the last hop is ${finding.lastHop}, not ${wanted}`, more);
    }
    return met(`${told} at ${finding.lastHop}`, more);
  }

  #unanswered(asked: Asked, what: string): Outcome {
    const { watch, patience } = asked;
    const finding = this.#finding(asked);
    const counts = watch.sent > 1 ? ` (${watch.sent} sent, ${watch.answers} answered)` : '';
    const waited = showDuration(patience);
    return broken(`${what} in ${waited}${counts}`, this.#because(finding, undefined));
  }

  #finding({ node, to, number }: Asked): Finding | undefined {
    return this.#account.why({ probe: number, from: node, to, at: this.#lab.now });
  }

  #because(finding: Finding | undefined, fails: Reason | 'any' | undefined): Partial<Outcome> {
    if (finding === undefined) return {};
    const { code, hops, sentence, remedy, event } = finding;
    const own = fails === undefined ? {} : { fails };
    const mend = remedy === undefined ? {} : { remedy };
    return { ...own, ...mend, code, hops, why: sentence, event };
  }

  #cannotAsk(flow: Flow, fails: Reason | 'any' | undefined): Outcome {
    const detail = `${flow.from.text} is switched off`;
    if (fails === 'POWERED_OFF' || fails === 'any')
      return met(detail, { code: 'POWERED_OFF', fails });
    return broken(detail, { code: 'POWERED_OFF' });
  }

  #through(way: Way, via: readonly Whereabouts[] | undefined): string | undefined {
    if (via === undefined) return undefined;
    const names = via.map((place) => this.#nodeAt(place));
    if (!way.passes(names)) return via.map(({ text }) => text).join(', ');
    // A single network means: without leaving it.
    const [only] = via;
    const leaves = via.length === 1 && only!.kind === 'network' && way.there.length > 3;
    return leaves ? `${only!.text} alone` : undefined;
  }

  // What devices know and do

  async #arp(probe: Of<'arp'>, until: Until): Promise<Outcome> {
    const { at, ip } = probe;
    const guest = at.kind === 'vm' ? this.#lab.active(at.name) : undefined;
    const stack = guest?.stack ?? this.#lab.network.stack(nodeOf(at));
    const probes = stack && this.#lab.network.probes(stack.name);
    const adapter = stack?.interfaces.find((one) => one.port && one.onLink(ip));
    if (stack === undefined || probes === undefined || adapter === undefined)
      return notChecked(`${at.text} has no adapter in the network of ${showIpv4(ip)}`);
    const number = ++this.#probes;
    const from = this.#lab.log.length;
    probes.arping(number, adapter, ip, this.#lab.now, this.#lab.fabric);
    const watch = new Watch(this.#lab, from, number);
    // Who else answers is part of the question: it is not over with the first answer.
    await until(after(this.#lab.now, probe.within ?? within.arp));
    probes.stopArping(number);
    watch.catchUp();
    const macs = watch.all.flatMap(({ what, mac }) => (what === 'answered' && mac ? [mac] : []));
    const owners = macs.map((mac) => `${mac} (${this.#ownerOf(mac)})`);
    const seen = macs.length === 0 ? 'nobody answered' : `answered by ${owners.join(' and ')}`;
    if (probe.replies !== undefined && !compares(macs.length, probe.replies))
      return broken(`${count(macs.length, 'reply', 'replies')}: ${seen}`);
    if (probe.answeredBy !== undefined) {
      const wanted = this.#macsOf(probe.answeredBy);
      if (macs.length === 0 || !macs.every((mac) => wanted.includes(mac)))
        return broken(`${seen}, not by ${probe.answeredBy.text}`);
    } else if (probe.replies === undefined && macs.length === 0) return broken(seen);
    return met(seen);
  }

  async #lease(probe: Of<'lease'>, until: Until): Promise<Outcome> {
    const { name } = probe.vm;
    const held = (): { ip: Ipv4; server: Ipv4 } | undefined => {
      const guest = this.#lab.active(name);
      const lease = guest?.keeper?.lease;
      return lease && guest.adapter.has(lease.ip) ? lease : undefined;
    };
    const patience = probe.within ?? within.lease;
    await until(after(this.#lab.now, patience), () => held() !== undefined);
    const lease = held();
    if (lease === undefined) return broken(`${name} has no lease after ${showDuration(patience)}`);
    const said = `${showIpv4(lease.ip)} from ${showIpv4(lease.server)}`;
    if (probe.from !== undefined && !this.#addressesOf(probe.from).includes(lease.server))
      return broken(`${said}, which is not ${probe.from.text}`);
    return met(said);
  }

  async #states(probe: Of<'state'>, until: Until): Promise<Outcome> {
    const wrong = (): string[] =>
      probe.claims.flatMap((claim) => {
        const now = this.#stateOf(claim);
        return now === claim.state
          ? []
          : [`${nameOf(claim)} is ${now ?? 'unknown'}, not ${claim.state}`];
      });
    if (probe.within !== undefined)
      await until(after(this.#lab.now, probe.within), () => wrong().length === 0);
    const differing = wrong();
    return differing.length === 0 ? met() : broken(differing.join('; '));
  }

  #operation(probe: Of<'operation'>): Outcome {
    let last: Extract<TraceEvent, { kind: 'operation' }> | undefined;
    for (const event of this.#lab.log.facts(['operation'])) last = event;
    if (last === undefined) return notChecked('there has been no operation');
    if (last.state === 'started') return notChecked(`${last.operation} has not finished`);
    const more = last.because === undefined ? {} : { code: last.because };
    const said = last.because === undefined ? last.state : `${last.state}: ${last.because}`;
    if (last.state !== probe.state) return broken(`${last.operation} ended with ${said}`, more);
    if (probe.because !== undefined && last.because !== probe.because)
      return broken(`${last.operation} ended with ${said}, not because of ${probe.because}`, more);
    return met(said, more);
  }

  #warning(code: Reason): Outcome {
    const seen: string[] = [];
    for (const event of this.#lab.log.facts(['warning'])) {
      if (event.code === code) return met(`about ${event.about}`, { code });
      seen.push(event.code);
    }
    return broken(
      seen.length === 0 ? 'there was no warning' : `there were only ${seen.join(', ')}`,
    );
  }

  #capture(probe: Of<'capture'>): Outcome {
    const { log } = this.#lab;
    if (log.level !== 'full') return notChecked('the log was kept without bytes');
    const ports = this.#portsAt(probe.at);
    let number = 0;
    for (const event of log.events()) {
      if (event.kind === 'packet') {
        if (ports.has(event.interface) && matches(probe.filter, event.bytes, false)) number += 1;
      } else if (event.kind === 'frame') {
        const here = ports.has(event.from) || ports.has(event.to);
        if (here && matches(probe.filter, event.bytes, true)) number += 1;
      } else if (event.kind === 'flood') {
        const here = event.to.some((port) => ports.has(port));
        if (here && matches(probe.filter, event.bytes, true)) number += 1;
      }
    }
    const said = count(number, 'packet', 'packets');
    return compares(number, probe.packets) ? met(said) : broken(said);
  }

  #outage(probe: Of<'outage'>): Outcome {
    const flow = this.#background.get(probe.flow.text);
    if (flow === undefined) return notChecked('nothing was sent to measure it by');
    const outage = this.#account.longestOutage(flow.probe, this.#lab.now);
    if (outage === 'never answered') return notChecked('nothing was ever answered');
    if (outage === 'none') return met('none');
    const { lostAt, restoredAt, length } = outage;
    const said = `${showDuration(length)}, from ${showInstant(lostAt)}`;
    if (restoredAt === undefined) return broken(`${said} on`);
    return length <= probe.atMost ? met(said) : broken(said);
  }

  // Names

  #accompany(flow: Flow): void {
    if (this.#background.has(flow.text)) return;
    const ends = this.#ends(flow);
    if ('verdict' in ends) return;
    const probe = ++this.#probes;
    this.#background.set(flow.text, { probe });
    const order = { probe, to: ends.to, size: pingSize, every: backgroundEvery };
    this.#lab.network.probes(ends.node)?.ping(order, this.#lab.now, this.#lab.fabric);
  }

  #ends(flow: Flow): { readonly node: string; readonly to: Ipv4 } | Outcome {
    const node = this.#nodeNow(flow.from);
    const to = this.#addressOf(flow.to, node);
    if (to === undefined) return notChecked(`${flow.to.text} has no address to be reached at`);
    return { node, to };
  }

  /** The machine that goes by a name at this moment: a VM may be its replica. */
  #nodeNow(machine: Machine): string {
    if (machine.kind !== 'vm') return nodeOf(machine);
    return this.#lab.active(machine.name)?.stack.name ?? machine.name;
  }

  #nodeAt(place: Whereabouts): string {
    switch (place.kind) {
      case 'network':
      case 'internet':
        return place.name;
      case 'plan-network':
        return this.#scenario.provider?.plan.hosts[0] ?? place.name;
      case 'tunnel':
        return `tunnel.${place.name}`;
      default:
        return this.#nodeNow(place);
    }
  }

  #addressOf(target: Target, asker: string): Ipv4 | undefined {
    if (target.kind === 'address') return target.ip;
    const addresses = this.#addressesOf(target);
    const own =
      this.#lab.network.stack(asker)?.interfaces.flatMap(({ addresses: all }) => all) ?? [];
    const near = addresses.find((ip) =>
      own.some(({ address, length }) => length < 32 && (address ^ ip) >>> (32 - length) === 0),
    );
    return near ?? addresses[0];
  }

  /** Where a machine is to be reached: a VM at the address it was given, whoever has it now. */
  #addressesOf(machine: Machine): Ipv4[] {
    if (machine.kind !== 'vm') {
      const stack = this.#lab.network.stack(nodeOf(machine));
      return (
        stack?.interfaces.flatMap(({ addresses }) => addresses.map(({ address }) => address)) ?? []
      );
    }
    const plan = this.#lab.network.guestPlan(machine.name);
    if (plan?.address.kind === 'static') return [plan.address.prefix.address];
    const lease = this.#lab.network.guest(machine.name)?.keeper?.lease;
    const active = this.#lab.active(machine.name);
    return lease ? [lease.ip] : (active?.adapter.addresses.map(({ address }) => address) ?? []);
  }

  #macsOf(machine: Machine): string[] {
    const stack = this.#lab.network.stack(this.#nodeNow(machine));
    return stack?.interfaces.map(({ mac }) => showMac(mac)) ?? [];
  }

  #ownerOf(mac: string): string {
    return (
      this.#lab.network.adapters.find(({ mac: one }) => showMac(one) === mac)?.node ?? 'unknown'
    );
  }

  #stateOf(claim: StateClaim): string | undefined {
    switch (claim.kind) {
      case 'replica':
        return this.#lab.recovery?.status.replicas.find(({ vm }) => vm === claim.vm)?.state;
      case 'power':
        return this.#lab.network.powerOf(this.#nodeNow(claim.machine));
      case 'tunnel': {
        let state: string = 'down';
        const tenant = this.#tenantAppliance(claim.network);
        for (const event of this.#lab.log.facts(['tunnel'])) {
          if (event.tunnel === claim.network && event.node === tenant) state = event.state;
        }
        return state;
      }
    }
  }

  #tenantAppliance(network: string): string | undefined {
    return this.#scenario.sites
      .flatMap(({ appliances }) => appliances)
      .find((appliance) => appliance.network === network)?.name;
  }

  /** Labels of the ports whose frames are to be counted; each frame passes one of them once. */
  #portsAt(at: Whereabouts): ReadonlySet<string> {
    const { network } = this.#lab;
    if (at.kind === 'tunnel') {
      // One end sees everything that enters and everything that comes out.
      const tenant = this.#tenantAppliance(at.name);
      return new Set([`${tenant}.wg-${at.name}`]);
    }
    if (at.kind === 'plan-network') {
      const { provider } = this.#scenario;
      const vlan = provider?.plan.networks.find(({ name }) => name === at.name)?.vlan;
      const host = network.switches.get(provider?.plan.hosts[0] ?? '');
      const ports = host?.ports.filter((port) => {
        const mode = host.modeOf(port);
        return mode.kind === 'access' && mode.vlan === vlan;
      });
      return new Set(ports?.map((port) => port.label));
    }
    const node = this.#nodeAt(at);
    const ports = network.switches.get(node)?.ports ?? network.stack(node)?.ports ?? [];
    return new Set(ports.map((port) => port.label));
  }
}

/** One question that has been put, and what is known of it. */
interface Asked {
  readonly flow: Flow;
  readonly node: string;
  readonly to: Ipv4;
  readonly number: number;
  readonly began: Instant;
  readonly patience: Duration;
  readonly watch: Watch;
}

/** Follows one probe in the log. Looks only at what is new since it last looked. */
class Watch {
  readonly all: ProbeFact[] = [];
  readonly #lab: Lab;
  readonly #number: number;
  #from: number;

  constructor(lab: Lab, from: number, number: number) {
    this.#lab = lab;
    this.#number = number;
    this.#from = from;
  }

  catchUp(): void {
    const { log } = this.#lab;
    if (this.#from === log.length) return;
    for (const event of log.facts(['probe'], this.#from)) {
      if (event.probe === this.#number) this.all.push(event);
    }
    this.#from = log.length;
  }

  get answers(): number {
    this.catchUp();
    return this.all.filter(({ what }) => what === 'answered').length;
  }

  get sent(): number {
    return this.all.filter(({ what }) => what === 'sent').length;
  }

  get lastAnswer(): ProbeFact | undefined {
    return this.all.findLast(({ what }) => what === 'answered');
  }

  /** It has ended without an answer. */
  get ended(): boolean {
    this.catchUp();
    return this.all.some(({ what }) => what === 'refused' || what === 'timeout');
  }

  /** Whether the last that was sent, or the one before it if that is still under way, was answered. */
  get answersLast(): boolean {
    const answered = new Set(
      this.all.filter(({ what }) => what === 'answered').map(({ sequence }) => sequence),
    );
    const sent = this.all.filter(({ what }) => what === 'sent').slice(-2);
    return sent.some(({ sequence }) => answered.has(sequence));
  }

  /** What the asker was told instead of an answer. */
  says(): string | undefined {
    const last = this.all.findLast(({ what }) => what !== 'sent' && what !== 'answered');
    if (last === undefined) return undefined;
    const { because, what } = last;
    return because !== undefined && isReason(because) ? reasons[because].meaning : what;
  }
}

const compares = (number: number, { operator, count: wanted }: Comparison): boolean =>
  holds(number, operator, wanted) === true;

const count = (n: number, one: string, many: string): string => `${n} ${n === 1 ? one : many}`;

function nameOf(claim: StateClaim): string {
  if (claim.kind === 'replica') return claim.vm;
  return claim.kind === 'tunnel' ? `tunnel.${claim.network}` : claim.machine.text;
}
