/**
 * Asks one more question in a run, at any moment of it: between two frames of a failover, if need be.
 * The run itself does not notice, but for the frames of the question.
 */
import { after, type Duration, type Instant, milliseconds, seconds } from '../base/time.ts';
import type { Backend, Lab, LabPlan, Progress } from '../lab/lab.ts';
import type { EventLog } from '../trace/log.ts';
import { showIpv4 } from '../wire/address.ts';
import { Directory } from './directory.ts';
import type { Flow, Scenario } from './scenario.ts';

export interface MomentQuestion {
  readonly protocol: 'ping' | 'tcp' | 'udp';
  readonly flow: Flow;
  /** The line of the step under way then, so that it is the same moment when others come before; 0: none. */
  readonly line: number;
  /** So long after the beginning of that step. */
  readonly offset: Duration;
}

/** What was asked, once it was. */
export interface Asked {
  /** In the log, the probes of expectations begin with 1. */
  readonly probe: 0;
  readonly from: string;
  readonly to: string;
  readonly at: Instant;
}

const pingSize = 56;
const tcpBytes = 64;
/** How long an answer is waited for, as expectations do. */
export const patience = { ping: seconds(5), udp: seconds(5), tcp: seconds(20) };
const lookEvery = milliseconds(100);

/** A backend whose lab asks at the given moment. */
export class AskingBackend implements Backend {
  readonly #backend: Backend;
  readonly #scenario: Scenario;
  readonly #question: MomentQuestion;
  #asked: Asked | undefined;
  #due: Instant | undefined;
  #read = 0;

  constructor(backend: Backend, scenario: Scenario, question: MomentQuestion) {
    this.#backend = backend;
    this.#scenario = scenario;
    this.#question = question;
    if (question.line === 0) this.#due = question.offset as number as Instant;
  }

  /** Undefined where the run never came to that moment, or the one who asks was off or had nobody to ask. */
  get asked(): Asked | undefined {
    return this.#asked;
  }

  async start(plan: LabPlan, log: EventLog): Promise<Lab> {
    const lab = await this.#backend.start(plan, log);
    const until = lab.until.bind(lab);
    lab.until = async (limit, settled): Promise<Progress> => {
      const due = this.#dueIn(log);
      if (due !== undefined && due <= limit) {
        const progress = await until(due, settled);
        if (progress !== 'reached') return progress;
        this.#ask(lab);
      }
      return until(limit, settled);
    };
    return lab;
  }

  /** Lets a lab whose scenario is over run until there is an answer, or nobody waits for one. */
  async finish(lab: Lab): Promise<void> {
    const due = this.#dueIn(lab.log);
    if (due !== undefined) await lab.until(due);
    const asked = this.#asked;
    if (asked === undefined) return;
    const limit = after(asked.at, patience[this.#question.protocol]);
    while (lab.now < limit && !this.#isOver(lab.log))
      if ((await lab.until(after(lab.now, lookEvery))) === 'budget') return;
  }

  #isOver(log: EventLog): boolean {
    for (const { probe, what } of log.facts(['probe'], this.#read))
      if (probe === 0 && what !== 'sent') return true;
    return false;
  }

  #dueIn(log: EventLog): Instant | undefined {
    if (this.#asked !== undefined) return undefined;
    const { line, offset } = this.#question;
    if (this.#due === undefined)
      for (const step of log.facts(['step'], this.#read))
        if (step.line === line) this.#due = after(step.at, offset);
    this.#read = log.length;
    return this.#due;
  }

  #ask(lab: Lab): void {
    const { flow, protocol } = this.#question;
    const who = new Directory(this.#scenario, lab);
    const from = who.nodeNow(flow.from);
    const to = who.addressOf(flow.to, from);
    const { now, fabric } = lab;
    this.#asked = { probe: 0, from, to: to === undefined ? '' : showIpv4(to), at: now };
    const probes = lab.network.probes(from);
    if (probes === undefined || to === undefined) return;
    switch (protocol) {
      case 'ping':
        probes.ping({ probe: 0, to, size: pingSize, every: seconds(1) }, now, fabric);
        probes.stopSending(0);
        break;
      case 'tcp':
        probes.connect(0, to, flow.port!, tcpBytes, tcpBytes, now, fabric);
        break;
      case 'udp':
        probes.udp(0, to, flow.port!, now, fabric);
        break;
    }
  }
}
