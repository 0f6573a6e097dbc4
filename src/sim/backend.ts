/** The backend in virtual time: a lab in a simulation. */
import type { Instant } from '../base/time.ts';
import type { LabCrypto } from '../lab/crypto.ts';
import { Isolation } from '../lab/isolation.ts';
import { type Backend, type LabPlan, type Progress, StandingLab } from '../lab/lab.ts';
import type { EventLog } from '../trace/log.ts';
import { Simulation, type Tap } from './simulation.ts';

/** More events than any honest run of a scenario has: a loop or a storm is broken off here. */
const eventsMaxDefault = 20_000_000;

/** About a tenth of a second of real time. */
const breathEvents = 50_000;

export interface SimBackendOptions {
  readonly crypto: LabCrypto;
  /** Verify every checksum at every receiver. */
  readonly strict?: boolean;
  readonly eventsMax?: number;
  /** Called now and then between events, so that whoever is outside may have a word. It must not change anything. */
  readonly breathe?: () => Promise<void>;
}

export class SimBackend implements Backend {
  readonly #options: SimBackendOptions;

  constructor(options: SimBackendOptions) {
    this.#options = options;
  }

  async start(plan: LabPlan, log: EventLog): Promise<SimLab> {
    const { strict = false, eventsMax = eventsMaxDefault, crypto, breathe } = this.#options;
    const { topology, watchesIsolation } = plan;
    const isolation = watchesIsolation ? new Isolation(topology, log) : undefined;
    const tap: Tap | undefined = isolation && ((at, port, frame) => isolation.see(at, port, frame));
    const simulation = new Simulation({ seed: topology.seed, log, strict, ...(tap && { tap }) });
    return new SimLab(plan, simulation, crypto, isolation, eventsMax, breathe);
  }
}

export class SimLab extends StandingLab {
  readonly simulation: Simulation;
  #eventsLeft: number;
  readonly #breathe: SimBackendOptions['breathe'];

  constructor(
    plan: LabPlan,
    simulation: Simulation,
    crypto: LabCrypto,
    isolation: Isolation | undefined,
    eventsMax: number,
    breathe: SimBackendOptions['breathe'],
  ) {
    super(plan, simulation, crypto, isolation);
    this.simulation = simulation;
    this.#eventsLeft = eventsMax;
    this.#breathe = breathe;
  }

  async until(limit: Instant, settled?: () => boolean): Promise<Progress> {
    if (settled?.()) return 'settled';
    if (limit < this.now) return 'reached'; // time does not go back
    while (this.#eventsLeft > 0) {
      const before = this.simulation.events;
      const ended = this.simulation.run(limit, settled, Math.min(this.#eventsLeft, breathEvents));
      this.#eventsLeft -= this.simulation.events - before;
      if (ended !== 'budget') return ended === 'idle' ? 'reached' : ended;
      await this.#breathe?.();
    }
    return 'budget';
  }

  async stop(): Promise<void> {}
}
