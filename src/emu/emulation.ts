/**
 * The backend on real kernels: a lab in real time. Cables, appliances and gateways are those of the
 * simulation, which goes by the clock; what machines do with packets, kernels do.
 */
import type { LabCrypto } from '../lab/crypto.ts';
import { Isolation } from '../lab/isolation.ts';
import type { Backend, LabPlan } from '../lab/lab.ts';
import type { NodePlan } from '../lab/topology.ts';
import { Simulation, type Tap } from '../sim/simulation.ts';
import type { EventLog } from '../trace/log.ts';
import { Cables } from './cable.ts';
import type { Lateness } from './clock.ts';
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
import { Pace } from './pace.ts';
import { PacedLab } from './paced-lab.ts';
import { sketchOf } from './sketch.ts';
import { freeLink } from './subnets.ts';

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

  async start(plan: LabPlan, log: EventLog): Promise<PacedLab> {
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
    const pace = new Pace(simulation, this.#options);
    kernel.onFailure = () => pace.fail(kernel.failure!);
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
    const close = (): void => {
      monitor.close();
      cables.close();
    };
    const { crypto } = this.#options;
    const lab = new PacedLab(plan, { simulation, crypto, isolation, works, pace, close });
    await kernel.settled();
    pace.begin();
    return lab;
  }
}
