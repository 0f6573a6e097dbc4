/**
 * Plays a scenario on whichever backend it is given: its steps one after another, in the lab's own
 * time. Everything it says about the run comes from the event log.
 */
import { after, type Duration, type Instant, nanoseconds, roughly, seconds } from '../base/time.ts';
import { stormIn } from '../explain/storm.ts';
import type { Backend, Lab, Progress } from '../lab/lab.ts';
import { replicaOf } from '../lab/names.ts';
import type { Recovery } from '../lab/recovery.ts';
import type { TraceEvent } from '../trace/event.ts';
import type { EventLog } from '../trace/log.ts';
import { reasons } from '../trace/reasons.ts';
import type {
  ExpectationResult,
  FindingResult,
  Happening,
  RunResult,
  StepResult,
} from '../trace/result.ts';
import { compile } from './compile.ts';
import { Expectations } from './expect.ts';
import { inflict } from './inflict.ts';
import { MeanwhileFaults } from './meanwhile.ts';
import { orderOf, restorePointOf } from './order-of.ts';
import type { Probe, Scenario, Step } from './scenario.ts';
import { Watched } from './watched.ts';

/** Machines that run from the beginning have their addresses by then: RFC 5227 takes up to 7 s, DHCP a little more. */
const settling = seconds(15);
/** Flows whose outages are asked for begin before the first step, to have been there when it comes. */
const background = seconds(13);
/** No operation takes longer than this in the lab; the controller gives up earlier. */
const operationMax = seconds(3600);

export interface Played {
  readonly result: RunResult;
  readonly lab: Lab;
}

export async function play(scenario: Scenario, backend: Backend, log: EventLog): Promise<Played> {
  const played = await stage(scenario, backend, log);
  await played.lab.stop();
  return played;
}

/** Somebody who is there while a scenario is played, and asks things of its lab. */
export interface Companion {
  /** The machines run; the first step is still to come. Called again shortly before that step. */
  begin(lab: Lab): void;
  /** Called after everything that happens. */
  look(): void;
}

export interface Staging {
  /** Only so many of the steps that happen are played; what later ones ask for is prepared all the same. */
  readonly steps?: number;
  readonly companion?: Companion;
}

/** Plays it and leaves the lab standing. */
export async function stage(
  scenario: Scenario,
  backend: Backend,
  log: EventLog,
  plan = compile(scenario),
  staging: Staging = {},
): Promise<Played> {
  const lab = await backend.start(plan, log);
  const player = new Player(scenario, lab, staging);
  const steps = await player.play();
  const { file, name, about, seed } = scenario;
  const result: RunResult = {
    file,
    name,
    about,
    case: scenario.case,
    seed,
    simulatedTime: lab.now,
    steps,
    findings: player.findings(steps),
    ...player.watched,
    events: log.length,
    ...player.brokenOff,
  };
  return { result, lab };
}

/** A scenario in a lab, step by step: whoever drives it says when. */
export class Player {
  readonly #scenario: Scenario;
  readonly #lab: Lab;
  readonly #invariants: Watched;
  readonly #expectations: Expectations;
  /** The run was broken off: nothing that follows can be checked. */
  #broken = false;
  /** What was it that never ended, as far as the log shows it. */
  #brokenOffBy: string | undefined;
  /** What is to happen while the present step goes on. */
  #meanwhile: MeanwhileFaults | undefined;
  readonly #staging: Staging;

  constructor(scenario: Scenario, lab: Lab, staging: Staging = {}) {
    this.#scenario = scenario;
    this.#lab = lab;
    this.#staging = staging;
    this.#invariants = new Watched(scenario, lab);
    this.#expectations = new Expectations(scenario, lab, this.#invariants);
  }

  get brokenOff(): Pick<RunResult, 'brokenOff' | 'brokenOffBy'> {
    if (!this.#broken) return {};
    const brokenOff = 'BUDGET_EXCEEDED';
    const brokenOffBy = this.#brokenOffBy;
    return brokenOffBy === undefined ? { brokenOff } : { brokenOff, brokenOffBy };
  }

  get watched(): Pick<RunResult, 'watched'> {
    const { watched } = this.#expectations;
    return watched.length === 0 ? {} : { watched };
  }

  findings(steps: readonly StepResult[]): FindingResult[] {
    return this.#invariants.findings(steps);
  }

  async play(): Promise<StepResult[]> {
    await this.settle();
    const results: StepResult[] = [];
    const steps = this.#scenario.steps.slice(0, this.#staging.steps);
    for (const step of steps) results.push(await this.step(step));
    return results;
  }

  /** What comes before the first step: machines get their addresses. */
  async settle(): Promise<void> {
    for (const begins of [background, settling]) {
      await this.until(begins as number as Instant);
      this.#expectations.begin();
      this.#staging.companion?.begin(this.#lab);
    }
  }

  async step(step: Step): Promise<StepResult> {
    const { number, title, place } = step;
    const { log } = this.#lab;
    const from = log.length;
    const at = this.#lab.now;
    log.tell(at, 'lab', -1, { kind: 'step', number, title, line: place.line });
    if (step.kind !== 'expect') this.#expectations.mark();
    const wasBroken = this.#broken;
    if (step.meanwhile.length > 0)
      this.#meanwhile = new MeanwhileFaults(step, this.#scenario, this.#lab);
    const expectations = wasBroken ? this.#notChecked(step) : await this.#do(step);
    const missed = this.#broken ? [] : (this.#meanwhile?.end() ?? []);
    for (const one of missed) expectations.push(this.#told(one));
    const happened = happenings(log, from, step, this.#meanwhile?.told);
    this.#meanwhile = undefined;
    if (this.#broken && !wasBroken) {
      const by = this.#brokenOffBy ?? reasons.BUDGET_EXCEEDED.meaning;
      happened.push({ kind: 'warning', text: `broken off: ${by}`, code: 'BUDGET_EXCEEDED' });
    }
    return { number, title, line: place.line, at, happened, expectations };
  }

  async #do(step: Step): Promise<ExpectationResult[]> {
    const lab = this.#lab;
    switch (step.kind) {
      case 'failover':
      case 'undo':
      case 'failback':
      case 'switch':
      case 'commit-failback':
      case 'undo-failback':
      case 'permanent-failover':
      case 'reconnect': {
        const busy = lab.order(orderOf(step, lab.now));
        await this.#untilFinished(
          busy,
          step.kind === 'undo' ? [] : step.vms.map(({ name }) => name),
        );
        break;
      }
      case 'replicate':
        for (const { name } of step.vms) lab.recoveryOf(name)?.replicate(name);
        await this.until(after(lab.now, operationMax), () =>
          step.vms.every(({ name }) => lab.recoveryOf(name)?.stateOf(name) !== 'processing'),
        );
        break;
      case 'set':
        lab.readdress(step.vm.name, step.ip);
        break;
      case 'plan':
        await this.#plan(step);
        break;
      case 'fault':
        inflict(step.fault, this.#scenario, lab);
        break;
      case 'wait':
        await this.until(after(lab.now, step.duration));
        break;
      case 'predict':
        break;
      case 'expect': {
        const results: ExpectationResult[] = [];
        for (const probe of step.probes) results.push(this.#told(await this.#check(probe)));
        return results;
      }
    }
    return [];
  }

  async #plan({ operation, plan: name, to }: Extract<Step, { kind: 'plan' }>): Promise<void> {
    const lab = this.#lab;
    const restorePoint = restorePointOf(to, lab.now);
    const busy = lab.order({ kind: planOperations[operation], plan: name, restorePoint });
    const plans = this.#scenario.tenants.flatMap(({ failoverPlans }) => failoverPlans);
    const { vms } = plans.find((plan) => plan.name === name)!;
    const starts = operation === 'start' || operation === 'retry';
    const delays = vms.reduce((sum, { delay }) => sum + delay, 0);
    await this.#untilFinished(
      busy,
      starts ? vms.map(({ vm }) => vm.name) : [],
      nanoseconds(operationMax + delays),
    );
  }

  async #check(probe: Probe): Promise<ExpectationResult> {
    if (this.#broken) return this.#expectations.notChecked(probe, brokenOffBefore);
    const result = await this.#expectations.check(probe, (limit, settled) =>
      this.until(limit, settled),
    );
    // It did not get the time that it was to have, so it has shown nothing.
    return this.#broken ? this.#expectations.notChecked(probe, brokenOff) : result;
  }

  #told(result: ExpectationResult): ExpectationResult {
    const { text: expectation, line, verdict, detail, at } = result;
    const fact = { kind: 'verdict', expectation, line, verdict } as const;
    this.#lab.log.tell(at, 'lab', -1, detail === '' ? fact : { ...fact, because: detail });
    return result;
  }

  /** An operation is over when it says so and the machines that it started have booted. */
  async #untilFinished(
    busy: readonly Recovery[],
    started: readonly string[] = [],
    longest: Duration = operationMax,
  ): Promise<void> {
    const { network } = this.#lab;
    const has = (vm: string): boolean =>
      network.powerOf(vm) !== 'booting' && network.powerOf(replicaOf(vm)) !== 'booting';
    this.#meanwhile?.follow(busy);
    let ended = 0;
    let booted = 0;
    // Asked after every event: what has been answered is not asked again.
    await this.until(after(this.#lab.now, longest), () => {
      while (busy[ended]?.finished !== undefined) ended += 1;
      if (ended < busy.length) return false;
      while (booted < started.length && has(started[booted]!)) booted += 1;
      return booted === started.length;
    });
  }

  /** Lets time run between steps, or for one that waits. */
  async until(limit: Instant, settled?: () => boolean): Promise<Progress> {
    const progress = await this.#lab.until(limit, this.#watched(settled));
    if (progress === 'budget' && !this.#broken) {
      this.#broken = true;
      this.#brokenOffBy = stormInWords(stormIn(this.#lab.log));
    }
    return progress;
  }

  #watched(settled: (() => boolean) | undefined): (() => boolean) | undefined {
    const meanwhile = this.#meanwhile;
    const { companion } = this.#staging;
    if (meanwhile === undefined && companion === undefined) return settled;
    return () => {
      meanwhile?.look();
      companion?.look();
      return settled?.() ?? false;
    };
  }

  #notChecked(step: Step): ExpectationResult[] {
    if (step.kind !== 'expect') return [];
    return step.probes.map((probe) =>
      this.#told(this.#expectations.notChecked(probe, brokenOffBefore)),
    );
  }
}

/** Nobody reads more names than this. */
const linksMost = 8;

function stormInWords(links: readonly string[]): string | undefined {
  if (links.length === 0) return undefined;
  const more = links.length > linksMost ? ` and ${links.length - linksMost} more` : '';
  return `broadcast storm on the links ${links.slice(0, linksMost).join(', ')}${more}`;
}

const planOperations = {
  start: 'failover-plan',
  undo: 'undo-failover-plan',
  retry: 'retry-failover-plan',
  test: 'test-failover-plan',
} as const;

const brokenOff = 'the run was broken off';
const brokenOffBefore = 'the run was broken off before';

/** What a step brought about, in words, from the log. */
function happenings(
  log: EventLog,
  from: number,
  step: Step,
  faults: ReadonlyMap<number, string> = new Map(),
): Happening[] {
  const told: Happening[] = [];
  if (step.kind === 'predict') told.push({ kind: 'note', text: `answer: ${step.answer}` });
  // A title of its own may not say it.
  if (step.kind === 'fault' && !step.title.includes(step.text))
    told.push({ kind: 'note', text: step.text });
  const kinds = [
    'fault',
    'operation',
    'operation-step',
    'plan',
    'warning',
    'delta',
    'tunnel',
    'address',
  ] as const;
  let started: Instant | undefined;
  for (const event of log.facts(kinds, from)) {
    if (event.kind === 'operation' && event.state === 'started') started = event.at;
    const fault = faults.get(event.id);
    if (fault !== undefined) told.push({ kind: 'note', text: `meanwhile: ${fault}` });
    const happening = inWords(event, started);
    if (happening) told.push(happening);
  }
  return told;
}

const ends = {
  discarded: 'are discarded',
  transferred: 'are with production now',
  merged: 'are its own now',
} as const;

function inWords(event: TraceEvent, started: Instant | undefined): Happening | undefined {
  switch (event.kind) {
    case 'operation-step': {
      const { number, text, vms } = event;
      const whose = vms === undefined ? '' : `${vms.join(', ')}: `;
      return { kind: 'note', text: `${number}. ${whose}${text}` };
    }
    case 'operation': {
      if (event.state === 'started') return undefined;
      const took = roughly((event.at - (started ?? event.at)) as Duration);
      const what = event.operation.replaceAll('-', ' ');
      const whose = event.vms.length > 0 ? ` of ${event.vms.join(', ')}` : '';
      const text = `${what}${whose}, after ${took}`;
      if (event.state === 'success') return { kind: 'success', text };
      const { because } = event;
      return because === undefined
        ? { kind: 'failed', text }
        : {
            kind: 'failed',
            text: `${text}: ${event.text ?? reasons[because].meaning}`,
            code: because,
          };
    }
    case 'plan':
      return {
        kind: 'note',
        text: `failover plan ${event.plan}: ${event.state.replaceAll('-', ' ')}`,
      };
    case 'warning':
      return {
        kind: 'warning',
        text: `${event.about}: ${reasons[event.code].meaning}`,
        code: event.code,
      };
    case 'delta': {
      if (event.change === 'created') return undefined;
      const { vm, written, disk, change } = event;
      return { kind: 'note', text: `${vm}: ${written} bytes in its ${disk} ${ends[change]}` };
    }
    case 'tunnel':
      if (event.state !== 'up' && event.state !== 'failed') return undefined;
      return { kind: 'note', text: `${event.node}: tunnel ${event.tunnel} is ${event.state}` };
    case 'address':
      if (event.change !== 'conflict' && event.origin !== 'link-local') return undefined;
      return {
        kind: 'note',
        text: `${event.node}: address ${event.ip} ${event.change}${event.mac ? ` with ${event.mac}` : ''}`,
      };
    default:
      return undefined;
  }
}
