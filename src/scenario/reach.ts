/**
 * Who reaches whom, before, during and after each step of a scenario.
 *
 * What is asked has effects: a ping that nobody else sends teaches switches and neighbours, and may
 * heal what it should only have seen. So a cell of the table is a _snapshot_: the scenario is played
 * anew up to that step, then the pairs are asked, and with that the play ends. What came before was as
 * in any other run, and no question has a part in a later cell. How long a pair was without an answer
 * cannot be had that way, because an outage is one of something that went on: for that the scenario is
 * played once more with a flow of pings in the background, as `outage:` does it. In either kind of play
 * no machine is in two pairs at a time, as far as the number of plays allows (`groupsOf`).
 *
 * Everything at once is cheaper, and is what a monitoring system would see that asks all the time:
 * `observe` plays once, with all pairs in the background, and fills the cells from that.
 */
import { type Duration, type Instant, milliseconds, nanoseconds } from '../base/time.ts';
import { recoveriesOf } from '../explain/recovery-time.ts';
import type { Backend } from '../lab/lab.ts';
import { EventLog } from '../trace/log.ts';
import type { Cell, Moment, NetworkRecovery, Reachability, Row } from '../trace/reachability.ts';
import type { Reason } from '../trace/reasons.ts';
import { expectationsOf, type RunResult, tally } from '../trace/result.ts';
import { showIpv4 } from '../wire/address.ts';
import { Background } from './background.ts';
import { claimsOf, outageClaims } from './claims.ts';
import { compile } from './compile.ts';
import { flowOf, interrupted, observedAt, type PairFlow } from './pair-flow.ts';
import { groupsOf, type Pair, type PairPattern, pairsOf, servicesOf } from './pairs.ts';
import { type Played, stage } from './play.ts';
import type { Scenario } from './scenario.ts';
import { type Answered, type Asked, ask } from './snapshot.ts';
import type { ServicePort } from './units.ts';

export interface ReachOptions {
  readonly pattern?: PairPattern;
  /** Whether listening services are asked too. */
  readonly services: boolean;
  /** One play with everybody pinging everybody, in place of many. */
  readonly observe: boolean;
  /** Every pair in plays of its own, whatever that costs. */
  readonly apart: boolean;
}

/** As often as `outage:` asks. */
const everyLeast = milliseconds(500);
/** More pings in one play take too long, so that they are sent more seldom. */
const pingsMost = 60_000;
const pairsMost = 1000;
/** Events of all plays together that are worth waiting for, and what building a lab costs in events. */
const workMost = 400_000;
const workOfStart = 5000;

/** Undefined where no pair is meant. */
export async function reachability(
  scenario: Scenario,
  backend: Backend,
  options: ReachOptions,
): Promise<Reachability | undefined> {
  const { pattern, services } = options;
  const which = { services: services && !options.observe, most: pairsMost };
  const { pairs, leftOut } = pairsOf(scenario, pattern ? { ...which, pattern } : which);
  if (pairs.length === 0) return undefined;
  return new Survey(scenario, backend, pairs, options).result(leftOut);
}

class Survey {
  readonly #scenario: Scenario;
  readonly #backend: Backend;
  readonly #pairs: readonly Pair[];
  readonly #options: ReachOptions;
  readonly #notes: string[] = [];
  #plays = 0;
  /** Of any play: then not all is known. */
  #brokenOff: Reason | undefined;

  constructor(scenario: Scenario, backend: Backend, pairs: readonly Pair[], options: ReachOptions) {
    this.#scenario = scenario;
    this.#backend = backend;
    this.#pairs = pairs;
    this.#options = options;
  }

  async result(leftOut: readonly string[]): Promise<Reachability> {
    const { file, name, seed, case: of } = this.#scenario;
    const { observe } = this.#options;
    this.#notes.push(...leftOut);
    const { result } = await this.#play();
    const { steps, simulatedTime } = result;
    const moments = result.brokenOff === undefined ? momentsOf(this.#scenario, result) : [];
    const groups = moments.length === 0 ? [] : this.#groups(result, moments.length);
    const flows = await this.#flows(groups, simulatedTime);
    const asked = observe ? [] : await this.#snapshots(groups, moments);
    const rows = observe ? observedRows(flows, moments) : askedRows(asked, flows, moments);
    const claims = observe ? [] : claimsOf(this.#scenario, steps, moments, rows);
    const { met, broken, notChecked } = tally(expectationsOf(result));
    return {
      file,
      name,
      case: of,
      seed,
      mode: observe ? 'observed' : 'snapshots',
      moments,
      rows,
      ...recoveries(this.#scenario, flows, simulatedTime),
      claims: [...claims, ...outageClaims(this.#scenario, steps, rows)],
      notes: this.#notes,
      plays: this.#plays,
      expectations: { met, broken, notChecked },
      ...(this.#brokenOff !== undefined && { brokenOff: this.#brokenOff }),
    };
  }

  async #play(steps?: number, companion?: Background): Promise<Played & { log: EventLog }> {
    this.#plays += 1;
    const log = new EventLog('full');
    const staging = { ...(steps !== undefined && { steps }), ...(companion && { companion }) };
    const scenario = this.#scenario;
    const played = await stage(scenario, this.#backend, log, compile(scenario), staging);
    this.#brokenOff ??= played.result.brokenOff;
    return { ...played, log };
  }

  #groups(result: RunResult, moments: number): (readonly Pair[])[] {
    const { observe, apart } = this.#options;
    if (observe) return [this.#pairs];
    const pairs = [...this.#pairs];
    if (apart) return pairs.map((pair) => [pair]);
    const plays = workMost / (result.events + workOfStart);
    const groups = groupsOf(pairs, Math.max(1, Math.floor(plays / (moments + 1))));
    const needed = groupsOf(pairs, Number.POSITIVE_INFINITY).length;
    if (groups.length < needed)
      this.#notes.push(
        `pairs are asked in ${groups.length} groups, not ${needed}: within a group one question may help another; --apart asks each alone`,
      );
    return groups;
  }

  async #flows(groups: readonly (readonly Pair[])[], time: Instant): Promise<PairFlow[]> {
    const flows: PairFlow[] = [];
    let slowest = everyLeast;
    for (const group of groups) {
      const pinged = group.filter(({ pings }) => pings);
      if (pinged.length === 0) continue;
      const every = everyFor(pinged.length, time);
      slowest = Math.max(slowest, every) as Duration;
      const background = new Background(this.#scenario, pinged, every);
      const { log, result } = await this.#play(undefined, background);
      const moments = momentsOf(this.#scenario, result);
      for (const pair of pinged) flows.push(flowOf(pair, background, { log, every, moments }));
    }
    if (slowest > everyLeast)
      this.#notes.push(
        `outages are measured with a ping every ${slowest / 1e9} s, not every ${everyLeast / 1e9} s: there are many pairs`,
      );
    return flows;
  }

  /** By moment: what was answered. */
  async #snapshots(
    groups: readonly (readonly Pair[])[],
    moments: readonly Moment[],
  ): Promise<(readonly Asked[])[]> {
    const { steps } = this.#scenario;
    const all: (readonly Asked[])[] = [];
    for (const { step } of moments) {
      const until = steps.findIndex(({ number }) => number === step) + 1;
      const those: Asked[] = [];
      for (const group of groups) {
        const { lab } = await this.#play(until);
        const asked = await ask(this.#scenario, lab, group);
        await lab.stop();
        if (asked === undefined) this.#brokenOff = 'BUDGET_EXCEEDED';
        those.push(...(asked ?? unasked(group)));
      }
      all.push(those.sort((a, b) => a.pair.index - b.pair.index));
    }
    return all;
  }
}

/** Questions of which nothing is known. */
const unasked = (pairs: readonly Pair[]): Asked[] =>
  pairs.flatMap((pair) =>
    servicesOf(pair).map((service) => ({
      pair,
      service,
      address: '',
      answer: { state: 'unasked' },
    })),
  );

function everyFor(pairs: number, time: Instant): Duration {
  const needed = (pairs * time) / pingsMost;
  return nanoseconds(Math.max(1, Math.ceil(needed / everyLeast)) * everyLeast);
}

/** Before the first step, and after each that does something. */
function momentsOf({ steps }: Scenario, { steps: results, simulatedTime }: RunResult): Moment[] {
  const acting = results.filter(({ number }) => {
    const kind = steps.find((step) => step.number === number)?.kind;
    return kind !== 'expect' && kind !== 'predict';
  });
  const first = results[0]?.at ?? simulatedTime;
  const until = (i: number): Instant => acting[i]?.at ?? simulatedTime;
  const before = {
    step: 0,
    title: 'before the first step',
    line: 0,
    from: first,
    at: first,
    until: until(0),
  };
  const after = acting.map(({ number, title, line, at }, i): Moment => {
    const next = results[results.findIndex((one) => one.number === number) + 1];
    return {
      step: number,
      title,
      line,
      from: at,
      at: next?.at ?? simulatedTime,
      until: until(i + 1),
    };
  });
  return [before, ...after];
}

function recoveries(
  { tenants }: Scenario,
  flows: readonly PairFlow[],
  end: Instant,
): Pick<Reachability, 'recoveries' | 'neverLost' | 'neverReached'> {
  const vms = tenants.flatMap(({ sites }) => sites.flatMap((site) => site.vms));
  const all: NetworkRecovery[] = [];
  const neverLost: string[] = [];
  const neverReached: string[] = [];
  for (const { name } of vms) {
    const toward = flows.filter(({ pair }) => pair.to.text === name);
    const worked = toward.filter((flow) => flow.worked);
    const pairs = worked.map(({ pair, outages }) => ({ name: nameOf(pair), outages }));
    const those = recoveriesOf(name, pairs, end);
    all.push(...those);
    if (worked.length === 0 && toward.length > 0) neverReached.push(name);
    else if (worked.length > 0 && those.length === 0) neverLost.push(name);
  }
  return { recoveries: all, neverLost, neverReached };
}

const nameOf = ({ from, to }: Pair): string => `${from.text} -> ${to.text}`;

function rowOf({ from, to, at }: Pair, service: ServicePort | undefined, address: string) {
  const via = at === undefined ? {} : { via: showIpv4(at) };
  const ends = { from: from.text, to: to.text, address, ...via };
  return service === undefined
    ? { ...ends, protocol: 'ping' as const }
    : { ...ends, protocol: service.protocol, port: service.port };
}

function askedRows(
  asked: readonly (readonly Asked[])[],
  flows: readonly PairFlow[],
  moments: readonly Moment[],
): Row[] {
  const [first = []] = asked;
  const byPair = new Map(flows.map((flow) => [flow.pair, flow]));
  return first.map(({ pair, service }, i) => {
    const answers = asked.map((those) => those[i]!);
    const address = answers.find((one) => one.address !== '')?.address ?? '';
    const row = rowOf(pair, service, address);
    const cells = changes(answers.map(({ answer }) => answer));
    const flow = service === undefined ? byPair.get(pair) : undefined;
    return flow === undefined ? { ...row, cells } : { ...row, ...measured(cells, flow, moments) };
  });
}

/** Cells of pings, with what the flow in the background tells. */
function measured(
  cells: readonly Cell[],
  flow: PairFlow,
  moments: readonly Moment[],
): Pick<Row, 'cells' | 'outages' | 'every'> {
  const { outages, every } = flow;
  const told = cells.map((cell, i): Cell => {
    const gone = interrupted(flow, moments[i]!);
    // Shorter than from one ping to the next is nothing that was seen.
    return gone < every ? cell : { ...cell, interrupted: gone };
  });
  return { cells: told, outages, every };
}

function changes(answers: readonly Answered[]): Cell[] {
  return answers.map((answer, i) => {
    const before = answers[i - 1];
    const isSame =
      before === undefined || (before.state === answer.state && before.code === answer.code);
    return { ...answer, changed: !isSame };
  });
}

/** Of one play: how the flow of each pair was when each step was over. */
function observedRows(flows: readonly PairFlow[], moments: readonly Moment[]): Row[] {
  return flows.map((flow) => {
    const cells = changes(moments.map((moment) => observedAt(flow, moment.at)));
    return { ...rowOf(flow.pair, undefined, flow.address), ...measured(cells, flow, moments) };
  });
}
