/**
 * Who reached whom, step by step, from what was asked in a run: by its expectations, and by pings that went on
 * all the time. Nothing is asked anew; where nobody asked, nothing is known.
 */
import type { Duration, Instant } from '../base/time.ts';
import { availability } from '../explain/outage.ts';
import { why } from '../explain/why.ts';
import { type ProbeEvent, worldOf } from '../explain/world.ts';
import type { EventLog } from '../trace/log.ts';
import type { Reason } from '../trace/reasons.ts';
import {
  type ExpectationResult,
  isReproduced,
  type OutageResult,
  type RunResult,
} from '../trace/result.ts';
import type { Pointed } from './selection.ts';

export interface Reach {
  /** The steps; before the first nobody asks. */
  readonly columns: readonly Column[];
  readonly rows: readonly FlowRow[];
  readonly end: Instant;
}

export interface Column {
  readonly step: number;
  readonly title: string;
  readonly from: Instant;
  /** When the next begins. */
  readonly until: Instant;
}

export interface FlowRow {
  /** `ping web01 -> sql01`. */
  readonly title: string;
  /** One for each column. */
  readonly cells: readonly ReachCell[];
  /** Where it was asked all the time. */
  readonly line?: FlowLine;
}

/**
 * `late`: some questions were in vain, the last was not; `limit`: not reached, and the scenario says that it has to
 * be so; `unasked`: nobody asked.
 */
export type ReachState = 'reached' | 'late' | 'limit' | 'lost' | 'unasked';

export interface ReachCell {
  readonly state: ReachState;
  readonly sent: number;
  readonly answered: number;
  /** Why it failed, or did at first. */
  readonly code?: Reason;
  /** Otherwise than the scenario expects. */
  readonly isUnexpected: boolean;
  readonly goTo?: Pointed;
}

/** A flow over time: when it was asked, and when nobody answered. */
export interface FlowLine {
  readonly from: Instant;
  readonly to: Instant;
  readonly sent: number;
  readonly answered: number;
  readonly outages: readonly Bar[];
}

export interface Bar {
  readonly from: Instant;
  readonly to: Instant;
  readonly length: Duration;
  readonly lost: number;
  /** It was not over at the end. */
  readonly isOpen: boolean;
  readonly code?: Reason;
  readonly goTo: Pointed;
}

/** Fewer questions than that under one number are one that was repeated until there was an answer. */
const lineLeast = 20;
/** A question that was put so shortly before the end may still be answered. */
const onTheWay = 1e9;

interface Question {
  readonly event: ProbeEvent;
  readonly isAnswered: boolean;
}

interface Asked {
  readonly step: number;
  readonly index: number;
  readonly said: ExpectationResult;
}

interface Flow {
  readonly title: string;
  /** `web01 -> sql01`, as it is named where it is watched. */
  readonly pair: string;
  readonly probes: number[];
  readonly asked: Asked[];
}

export function reachOf(log: EventLog, result: RunResult): Reach {
  const end = result.simulatedTime;
  const columns = result.steps.map(({ number, title, at }, i): Column => {
    const until = result.steps[i + 1]?.at ?? end;
    return { step: number, title, from: at, until };
  });
  const rows = flowsOf(log, result).map((flow): FlowRow => {
    const questions = questionsOf(log, flow.probes, end);
    const cells = columns.map((column, i) =>
      cellOf(log, flow, questions, column, i === columns.length - 1),
    );
    const line = lineOf(log, result, flow);
    return line === undefined ? { title: flow.title, cells } : { title: flow.title, cells, line };
  });
  return { columns, rows, end };
}

/** In the order in which they were first asked. Who answers ARP is another question. */
function flowsOf(log: EventLog, result: RunResult): Flow[] {
  const asked = new Map<number, Asked>();
  for (const { number: step, expectations } of result.steps)
    for (const [index, said] of expectations.entries())
      if (said.probe !== undefined) asked.set(said.probe, { step, index, said });
  const machines = new Map<string, string>();
  for (const { node, vm } of log.facts(['machine'])) if (vm !== '') machines.set(node, vm);
  const probes = new Map<number, ProbeEvent>();
  for (const event of log.facts(['probe']))
    if (event.protocol !== 'arp' && !probes.has(event.probe)) probes.set(event.probe, event);
  const names = new Map<string, string>();
  for (const [number, { to }] of probes) {
    const name = targetIn(asked.get(number)?.said.text);
    if (name !== undefined && !isAddress(name)) names.set(to, hostOf(name));
  }
  const flows = new Map<string, Flow>();
  for (const [number, { node, protocol, to }] of probes) {
    const from = machines.get(node) ?? node;
    const named = targetIn(asked.get(number)?.said.text) ?? to;
    const port = named.slice(hostOf(named).length);
    const pair = `${from} -> ${isAddress(named) ? (names.get(to) ?? to) : hostOf(named)}`;
    const title = `${protocol} ${pair}${port}`;
    const flow = flows.get(title) ?? { title, pair, probes: [], asked: [] };
    flows.set(title, flow);
    flow.probes.push(number);
    const one = asked.get(number);
    if (one !== undefined) flow.asked.push(one);
  }
  return [...flows.values()];
}

/** `sql01:1433` of `tcp web01 -> sql01:1433`. */
const targetIn = (text = ''): string | undefined => /(?:^|\s)\S+ (?:->|<->) (\S+)/.exec(text)?.[1];

const hostOf = (target: string): string => target.replace(/:\d+$/, '');

const isAddress = (target: string): boolean => /^\d+\.\d+\.\d+\.\d+(:\d+)?$/.test(target);

function questionsOf(log: EventLog, probes: readonly number[], end: Instant): Question[] {
  const world = worldOf(log);
  return probes
    .flatMap((probe) => {
      const events = world.probe(probe);
      const answered = new Set(
        events.filter(({ what }) => what === 'answered').map(({ sequence }) => sequence),
      );
      return events
        .filter(({ what }) => what === 'sent')
        .map((event) => ({ event, isAnswered: answered.has(event.sequence) }))
        .filter(({ event, isAnswered }, i) => isAnswered || i === 0 || end - event.at >= onTheWay);
    })
    .sort((one, other) => one.event.id - other.event.id);
}

function cellOf(
  log: EventLog,
  { asked }: Flow,
  questions: readonly Question[],
  { step, from, until }: Column,
  isLast: boolean,
): ReachCell {
  const here = questions.filter(
    ({ event: { at } }) => at >= from && (at < until || (isLast && at <= until)),
  );
  const last = here.at(-1);
  const those = asked.filter((one) => one.step === step);
  const decided = those.findLast(({ said }) => said.code !== undefined) ?? those.at(-1);
  if (last === undefined) return { state: 'unasked', sent: 0, answered: 0, isUnexpected: false };
  const answered = here.filter(({ isAnswered }) => isAnswered).length;
  const inVain = here.findLast(({ isAnswered }) => !isAnswered);
  const isLimit = those.some(({ said }) => isReproduced(said));
  const state = last.isAnswered ? (inVain ? 'late' : 'reached') : isLimit ? 'limit' : 'lost';
  const code = decided?.said.code ?? (inVain && reasonOf(log, inVain.event, until));
  const goTo: Pointed =
    decided === undefined
      ? { kind: 'event', event: (inVain ?? last).event.id }
      : { kind: 'expectation', step, index: decided.index };
  return {
    state,
    sent: here.length,
    answered,
    ...(state !== 'reached' && code && { code }),
    isUnexpected: those.some(({ said }) => said.verdict === 'broken'),
    goTo,
  };
}

function reasonOf(log: EventLog, { id, node, to, probe, at }: ProbeEvent, until: Instant) {
  const told = Math.min(at + 10 * onTheWay, Math.max(until, at + onTheWay)) as Instant;
  return why(log, { probe, sentId: id, from: node, to, at: told })?.code;
}

/** What the run itself says of a watched flow; of others, what their probes say. */
function lineOf(log: EventLog, result: RunResult, flow: Flow): FlowLine | undefined {
  const world = worldOf(log);
  const asked = flow.probes
    .map((probe) => world.probe(probe).filter(({ what }) => what === 'sent'))
    .filter(({ length }) => length >= lineLeast);
  if (asked.length === 0) return undefined;
  const sent = asked.flat().sort((one, other) => one.id - other.id);
  const isPing = flow.title.startsWith('ping ');
  const watched = isPing ? result.watched?.find((one) => one.flow === flow.pair) : undefined;
  const told = watched ? [watched] : asked.map(([first]) => availability(log, first!.probe));
  const bars = told.flatMap(({ outages }) => outages.map((one) => barOf(log, sent, one)));
  return {
    from: sent[0]!.at,
    to: sent.at(-1)!.at,
    sent: total(told.map((one) => one.sent)),
    answered: total(told.map((one) => one.answered)),
    outages: bars.sort((one, other) => one.from - other.from),
  };
}

function barOf(log: EventLog, sent: readonly ProbeEvent[], outage: OutageResult): Bar {
  const { lostAt, restoredAt, length, lost } = outage;
  const to = (restoredAt ?? lostAt + length) as Instant;
  const first = sent.find(({ at }) => at > lostAt) ?? sent.at(-1)!;
  const code = reasonOf(log, first, to);
  return {
    from: lostAt,
    to,
    length,
    lost,
    isOpen: restoredAt === undefined,
    ...(code && { code }),
    goTo: { kind: 'event', event: first.id },
  };
}

const total = (numbers: readonly number[]): number => numbers.reduce((sum, one) => sum + one, 0);
