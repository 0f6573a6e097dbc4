/**
 * The backend on real kernels: a lab in real time. Cables, appliances and gateways are those of the
 * simulation, which goes by the clock; what machines do with packets, kernels do.
 */
import { type Duration, type Instant, labEnd, milliseconds } from '../base/time.ts';
import type { LabCrypto } from '../lab/crypto.ts';
import { Isolation } from '../lab/isolation.ts';
import { type Backend, type LabPlan, type Progress, StandingLab } from '../lab/lab.ts';
import type { NodePlan } from '../lab/topology.ts';
import { Simulation, type Tap } from '../sim/simulation.ts';
import type { EventLog } from '../trace/log.ts';
import { Cables } from './cable.ts';
import { Clock, type Lateness } from './clock.ts';
import type { Ground } from './ground.ts';
import {
  bridgesOf,
  isKernel,
  type Profile,
  type Profiles,
  profilesOf,
  refuseUnsupported,
} from './insides.ts';
import { Kernel } from './kernel.ts';
import { kernelWorks } from './kernel-works.ts';
import { NeighbourMonitor } from './neighbour-monitor.ts';
import { sketchOf } from './sketch.ts';
import { freeLink } from './subnets.ts';

/** What is due so soon is done now: no timer is finer than that, and waiting without one would take a whole core. */
const soon = 1_000_000;

/** In milliseconds: the longest that a timer waits. */
const timerMost = 2 ** 31 - 1;

export interface EmulationOptions {
  readonly crypto: LabCrypto;
  /** The script that agents run. */
  readonly agent: string;
  /** Who the appliances and cloud gateways are. `node` unless said otherwise. */
  readonly profile?: Profile | Profiles;
  readonly lateness: Lateness;
  readonly eventsMax: number;
}

export class Emulation implements Backend {
  readonly #options: EmulationOptions;

  constructor(options: EmulationOptions) {
    this.#options = options;
  }

  async start(plan: LabPlan, log: EventLog): Promise<EmulatedLab> {
    const { topology, watchesIsolation } = plan;
    const profile = profilesOf(this.#options.profile);
    refuseUnsupported(plan, profile);
    const isolation = watchesIsolation ? new Isolation(topology, log) : undefined;
    const tap: Tap | undefined = isolation && ((at, port, frame) => isolation.see(at, port, frame));
    const simulation = new Simulation({ seed: topology.seed, log, ...(tap && { tap }) });
    const kernel = new Kernel();
    const { machines } = sketchOf(topology);
    const taken = machines.flatMap(({ adapters }) => adapters.map(({ address }) => address));
    const cables = new Cables(freeLink(taken));
    await cables.open(kernel);
    if (profile.tenant === 'kernel' || profile.provider === 'kernel') await kernel.findWireguard();
    const pace = new Pace(simulation, kernel, this.#options);
    const ground: Ground = {
      kernel,
      cables,
      agent: this.#options.agent,
      sink: simulation,
      catchUp: () => pace.catchUp(),
      hold: (until) => pace.hold(until),
      stir: () => pace.stir(),
      neighbours: new Map(),
    };
    const monitor = new NeighbourMonitor(ground);
    const isOne = (node: NodePlan): boolean => isKernel(node, profile);
    const kernels = new Set(topology.nodes.filter(isOne).map(({ name }) => name));
    const works = kernelWorks(ground, (name) => kernels.has(name), bridgesOf(topology));
    const lab = new EmulatedLab(plan, simulation, this.#options.crypto, isolation, works, {
      pace,
      kernel,
      close: () => {
        monitor.close();
        cables.close();
      },
    });
    await kernel.settled();
    pace.begin();
    return lab;
  }
}

interface Foundations {
  readonly pace: Pace;
  readonly kernel: Kernel;
  close(): void;
}

/** Kernels round their timers, and on a machine with other things to do a packet takes its time. */
const timesMayBeLonger = milliseconds(250);

export class EmulatedLab extends StandingLab {
  readonly #foundations: Foundations;

  constructor(
    plan: LabPlan,
    simulation: Simulation,
    crypto: LabCrypto,
    isolation: Isolation | undefined,
    works: ReturnType<typeof kernelWorks>,
    foundations: Foundations,
  ) {
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

  until(limit: Instant, settled?: () => boolean): Promise<Progress> {
    return this.#foundations.pace.until(limit, settled);
  }

  async stop(): Promise<void> {
    this.#foundations.close();
  }
}

/** Lets a simulation go by the clock. */
class Pace {
  readonly #simulation: Simulation;
  readonly #kernel: Kernel;
  readonly #lateness: Lateness;
  #eventsLeft: number;
  #clock: Clock | undefined;
  #holds = 0;
  #wake: (() => void) | undefined;
  latest = 0;

  constructor(simulation: Simulation, kernel: Kernel, options: EmulationOptions) {
    this.#simulation = simulation;
    this.#kernel = kernel;
    this.#lateness = options.lateness;
    this.#eventsLeft = options.eventsMax;
    kernel.onFailure = () => this.stir();
  }

  /** From now on time goes. */
  begin(): void {
    this.#clock = new Clock();
  }

  /** Does what is due by now. What comes from outside happens after it. */
  catchUp(): Instant {
    if (this.#clock !== undefined) this.#run(this.#clock.now());
    return this.#simulation.now;
  }

  /** Lets nothing happen before then; the clock stands still. */
  hold(until: Promise<void>): void {
    this.#holds += 1;
    this.#clock?.stop();
    const release = (): void => {
      this.#holds -= 1;
      if (this.#holds > 0) return;
      this.#clock?.go();
      this.stir();
    };
    until.then(release, release);
  }

  /** Whoever waits looks again. */
  stir(): void {
    this.#wake?.();
  }

  async until(limit: Instant, settled?: () => boolean): Promise<Progress> {
    const simulation = this.#simulation;
    const clock = this.#clock!;
    for (;;) {
      if (this.#kernel.failure) throw this.#kernel.failure;
      if (settled?.()) return 'settled';
      if (limit < simulation.now) return 'reached';
      const upTo = Math.min(limit, clock.now() + soon) as Instant;
      const ended = this.#run(upTo, settled);
      if (ended !== 'idle') return ended;
      if (simulation.now >= limit && this.#holds === 0) return 'reached';
      await this.#rest(Math.min(limit, simulation.due), clock);
    }
  }

  #run(upTo: Instant, settled?: () => boolean): 'idle' | 'settled' | 'budget' {
    const simulation = this.#simulation;
    const late = upTo - soon - simulation.due;
    if (late > this.latest) {
      this.latest = late;
      if (this.#lateness.policy === 'fail' && late > this.#lateness.limit)
        this.#kernel.fail(new Error(`something happened ${Math.round(late / 1e6)} ms late`));
    }
    if (upTo < simulation.now || this.#holds > 0) return 'idle';
    const before = simulation.events;
    const held = (): boolean => this.#holds > 0;
    const ended = simulation.run(upTo, () => held() || settled?.() === true, this.#eventsLeft);
    this.#eventsLeft -= simulation.events - before;
    if (this.#eventsLeft <= 0) return 'budget';
    return held() ? 'idle' : ended;
  }

  /** Until then, or until something stirs. */
  async #rest(due: number, clock: Clock): Promise<void> {
    await new Promise<void>((resolve) => {
      const left = Math.min(due, labEnd) - clock.now() - soon;
      const timer = setTimeout(resolve, Math.max(1, Math.min(left / 1e6, timerMost)));
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.#wake = undefined;
  }
}
