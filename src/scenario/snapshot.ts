/**
 * Asks pairs of a lab that stands, all at the same moment: by ping, and each service that listens. Who
 * has no answer goes on asking for a minute, because what machines believe of their neighbours heals
 * within that or not at all.
 */
import { after, between, type Duration, type Instant, seconds } from '../base/time.ts';
import { why } from '../explain/why.ts';
import type { Lab } from '../lab/lab.ts';
import type { EventLog } from '../trace/log.ts';
import type { Cell } from '../trace/reachability.ts';
import { type Ipv4, showIpv4 } from '../wire/address.ts';
import { firstProbe } from './background.ts';
import { Directory } from './directory.ts';
import { type Pair, servicesOf } from './pairs.ts';
import type { Scenario } from './scenario.ts';
import type { ServicePort } from './units.ts';
import type { ProbeFact } from './watch.ts';

/** What is answered within this is reached at once. */
const atOnce = {
  ping: seconds(5),
  udp: seconds(5),
  /** A SYN may have to be sent again for what a ping is answered at once. */
  tcp: seconds(10),
};
/** An entry for a neighbour is trusted for up to 45 s and takes 8 s to be given up. */
export const patience = seconds(60);
const turn = seconds(1);
const pingSize = 56;
const tcpBytes = 64;

export type Answered = Omit<Cell, 'changed' | 'interrupted'>;

export interface Asked {
  readonly pair: Pair;
  /** Undefined: a ping. */
  readonly service: ServicePort | undefined;
  readonly address: string;
  readonly answer: Answered;
}

type Probes = NonNullable<ReturnType<Lab['network']['probes']>>;

/** One question that is put, again and again. */
interface Question {
  readonly pair: Pair;
  readonly service: ServicePort | undefined;
  readonly number: number;
  to: Ipv4 | undefined;
  node: string;
  asker: Probes | undefined;
  answered: Instant | undefined;
  /** A connection that has neither been made nor failed. */
  isUnderWay: boolean;
  /** It will not be put again. */
  isOver: boolean;
}

/** Undefined where the lab did not get as far as an answer could have come. */
export async function ask(
  scenario: Scenario,
  lab: Lab,
  pairs: readonly Pair[],
): Promise<readonly Asked[] | undefined> {
  const who = new Directory(scenario, lab);
  const began = lab.now;
  const answers = new Answers(lab.log);
  const questions = pairs.flatMap((pair) => servicesOf(pair).map((service) => ({ pair, service })));
  const all = questions.map(
    (one, i): Question => ({
      ...one,
      number: firstProbe + i,
      to: undefined,
      node: '',
      asker: undefined,
      answered: undefined,
      isUnderWay: false,
      isOver: false,
    }),
  );
  const end = after(began, patience);
  while (lab.now < end) {
    for (const one of all) if (!one.isOver) put(one, lab, who);
    const next = Math.min(after(lab.now, turn), end) as Instant;
    if ((await lab.until(next)) === 'budget') return undefined;
    answers.read();
    for (const one of all) if (!one.isOver) take(one, answers);
    if (all.every(({ isOver }) => isOver)) break;
  }
  for (const { asker, number } of all) asker?.stopPing(number);
  return all.map((one) => ({
    pair: one.pair,
    service: one.service,
    address: one.to === undefined ? '' : showIpv4(one.to),
    answer: answerOf(one, lab, who, began),
  }));
}

function put(one: Question, lab: Lab, who: Directory): void {
  const { pair, service, number } = one;
  const isFirst = one.asker === undefined;
  if (isFirst) {
    one.node = who.nodeNow(pair.from);
    const asker = lab.network.probes(one.node);
    one.to = pair.at ?? who.addressOf(pair.to, one.node);
    // A machine that starts is waited for; one that is off stays off.
    if (asker === undefined || one.to === undefined || who.powerOf(pair.from) !== 'on') {
      one.isOver = who.powerOf(pair.from) === 'off' || one.to === undefined;
      return;
    }
    one.asker = asker;
  }
  const { asker, to } = one;
  const { now, fabric } = lab;
  if (service?.protocol === 'udp') asker!.udp(number, to!, service.port, now, fabric);
  else if (service === undefined) {
    if (isFirst) asker!.ping({ probe: number, to: to!, size: pingSize, every: turn }, now, fabric);
  } else if (!one.isUnderWay) {
    asker!.connect(number, to!, service.port, tcpBytes, tcpBytes, now, fabric);
    one.isUnderWay = true;
  }
}

function take(one: Question, answers: Answers): void {
  const facts = answers.of(one.number);
  one.answered = facts.find(({ what }) => what === 'answered')?.at;
  one.isUnderWay = facts.at(-1)?.what === 'sent';
  const isRefused = facts.some(({ what }) => what === 'refused');
  if (one.answered === undefined && !isRefused) return;
  one.isOver = true;
  if (one.service === undefined) one.asker?.stopPing(one.number);
}

function answerOf(one: Question, lab: Lab, who: Directory, began: Instant): Answered {
  const { answered, asker, node, number, to, pair } = one;
  if (asker === undefined || to === undefined) {
    const isThere = who.powerOf(pair.from) === 'on';
    return isThere ? { state: 'unasked' } : { state: 'unasked', code: 'POWERED_OFF' };
  }
  const limit = atOnce[one.service?.protocol ?? 'ping'];
  const waited = answered === undefined ? undefined : between(began, answered);
  if (waited !== undefined && waited <= limit) return { state: 'reached', after: waited };
  // Of what came late it is asked why it had not come at once.
  const at = waited === undefined ? lab.now : after(began, limit);
  const reason = reasonOf(lab.log, { probe: number, from: node, to: showIpv4(to), at });
  return waited === undefined
    ? { state: 'lost', ...reason }
    : { state: 'late', after: waited as Duration, ...reason };
}

function reasonOf(
  log: EventLog,
  question: { probe: number; from: string; to: string; at: Instant },
): Pick<Answered, 'code' | 'why' | 'remedy'> {
  const explanation = why(log, question);
  if (explanation === undefined) return {};
  const { code, sentence, try: remedy } = explanation;
  return { code, why: sentence, ...(remedy !== undefined && { remedy }) };
}

/** What became of all questions, read once from the log. */
class Answers {
  readonly #log: EventLog;
  readonly #facts = new Map<number, ProbeFact[]>();
  #from: number;

  constructor(log: EventLog) {
    this.#log = log;
    this.#from = log.length;
  }

  read(): void {
    for (const fact of this.#log.facts(['probe'], this.#from)) {
      const known = this.#facts.get(fact.probe);
      if (known === undefined) this.#facts.set(fact.probe, [fact]);
      else known.push(fact);
    }
    this.#from = this.#log.length;
  }

  of(number: number): readonly ProbeFact[] {
    return this.#facts.get(number) ?? [];
  }
}
