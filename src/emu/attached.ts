/** The backend that joins networks of a lab to real ones: a simulation that goes by the clock. */
import type { LabCrypto } from '../lab/crypto.ts';
import { Isolation } from '../lab/isolation.ts';
import type { Backend, LabPlan } from '../lab/lab.ts';
import { Simulation, type Tap } from '../sim/simulation.ts';
import type { EventLog } from '../trace/log.ts';
import { type AttachmentCounts, Attachments } from './attachment.ts';
import type { Lateness } from './clock.ts';
import { Pace } from './pace.ts';
import { PacedLab } from './paced-lab.ts';
import { type Dgram, openUdp, type UdpAddress, type UdpSocket } from './udp.ts';

export interface AttachedOptions {
  readonly crypto: LabCrypto;
  /** The one address that is listened at, and sent from. */
  readonly listen: UdpAddress;
  readonly lateness: Lateness;
  readonly eventsMax: number;
  /** Real sockets, unless a test has others. */
  readonly network?: Dgram;
}

export class Attached implements Backend {
  readonly #options: AttachedOptions;
  #attachments: Attachments | undefined;
  #socket: UdpSocket | undefined;

  constructor(options: AttachedOptions) {
    this.#options = options;
  }

  /** What has passed, by network. */
  get counts(): ReadonlyMap<string, AttachmentCounts> {
    return this.#attachments?.counts ?? new Map();
  }

  /** @throws where it cannot listen */
  async start(plan: LabPlan, log: EventLog): Promise<PacedLab> {
    const { topology, watchesIsolation } = plan;
    const { crypto, listen, network } = this.#options;
    const isolation = watchesIsolation ? new Isolation(topology, log) : undefined;
    const tap: Tap | undefined = isolation && ((at, port, frame) => isolation.see(at, port, frame));
    const simulation = new Simulation({ seed: topology.seed, log, ...(tap && { tap }) });
    const pace = new Pace(simulation, this.#options);
    let attachments: Attachments | undefined;
    const socket = await openUdp(
      listen,
      (datagram, from) => {
        pace.catchUp();
        attachments?.datagram(datagram, from);
        pace.stir();
      },
      network,
    );
    this.#socket = socket;
    const close = (): Promise<void> => this.close();
    const lab = new PacedLab(plan, { simulation, crypto, isolation, pace, close });
    // All leave by the port that is listened at, as firewalls on the way expect; that it should depend on
    // the flow is a recommendation (RFC 7348 section 5).
    attachments = new Attachments(lab.network, simulation, (datagram, port, address) =>
      socket.send(datagram, port, address),
    );
    this.#attachments = attachments;
    pace.begin();
    return lab;
  }

  /** Nothing is heard or sent from now on, however the run has ended. */
  async close(): Promise<void> {
    await this.#socket?.close();
  }
}
