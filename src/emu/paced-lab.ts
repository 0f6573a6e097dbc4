/** A lab whose time is real, whoever stands in it. */
import { type Duration, type Instant, milliseconds } from '../base/time.ts';
import type { Works } from '../device/works.ts';
import type { LabCrypto } from '../lab/crypto.ts';
import type { Isolation } from '../lab/isolation.ts';
import { type LabPlan, type Progress, StandingLab } from '../lab/lab.ts';
import type { Simulation } from '../sim/simulation.ts';
import type { Pace } from './pace.ts';

export interface Foundations {
  readonly simulation: Simulation;
  readonly crypto: LabCrypto;
  readonly isolation: Isolation | undefined;
  /** The simulation's own unless something else is there. */
  readonly works?: Works;
  readonly pace: Pace;
  /** Takes down what stands around the simulation. */
  close(): void | Promise<void>;
}

/** Kernels round their timers, and on a machine with other things to do a packet takes its time. */
const timesMayBeLonger = milliseconds(250);

export class PacedLab extends StandingLab {
  readonly #foundations: Foundations;

  constructor(plan: LabPlan, foundations: Foundations) {
    const { simulation, crypto, isolation, works } = foundations;
    super(plan, simulation, crypto, isolation, works);
    this.#foundations = foundations;
  }

  override get slack(): Duration {
    return timesMayBeLonger;
  }

  /** How late something happened at worst, in nanoseconds. */
  get latest(): number {
    return this.#foundations.pace.latest;
  }

  /** For how long its time has stood still because the computer was busy elsewhere, in nanoseconds. */
  get stood(): number {
    return this.#foundations.pace.stood;
  }

  until(limit: Instant, settled?: () => boolean): Promise<Progress> {
    return this.#foundations.pace.until(limit, settled);
  }

  async stop(): Promise<void> {
    await this.#foundations.close();
  }
}
