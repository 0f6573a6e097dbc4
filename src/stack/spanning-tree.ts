/**
 * The spanning tree of one bridge, as a machine (IEEE 802.1D-1998 section 8; the procedures of 8.6
 * and the events of 8.7 keep their names). It is told of BPDUs and of ports that come and go, and
 * says what to send and what each port may do.
 *
 * Bridges agree on a root, the lowest identifier. On every bridge the port nearest to it forwards,
 * on every cable the nearest bridge forwards, and all other ports are blocked. A port that is to
 * forward listens and learns first, so that the old tree is gone before the new one carries frames.
 */
import type { Machine } from '../base/machine.ts';
import { after, type Duration, earliest, type Instant, seconds } from '../base/time.ts';
import { type Bpdu, type BridgeId, bpduFlag, type ConfigurationBpdu } from '../wire/bpdu.ts';

export type TreePortState = 'disabled' | 'blocking' | 'listening' | 'learning' | 'forwarding';

export type SpanningTreeInput =
  /** Ports are counted from 0. */
  | { readonly kind: 'bpdu'; readonly port: number; readonly bpdu: Bpdu }
  /** The cable of a port was plugged or pulled. */
  | { readonly kind: 'carrier'; readonly port: number; readonly up: boolean };

export type SpanningTreeOutput =
  | { readonly kind: 'send'; readonly port: number; readonly bpdu: Bpdu }
  | { readonly kind: 'state'; readonly port: number; readonly state: TreePortState }
  /** The tree changes, or has changed: addresses age quickly meanwhile. */
  | { readonly kind: 'topology-change'; readonly active: boolean };

export interface SpanningTreeOptions {
  readonly bridge: BridgeId;
  /** What a frame pays to reach the root by one more cable; 4 is for 1 Gbit/s (table 8-5). */
  readonly pathCost?: number;
}

/** Table 8-3, as the root sets them. */
const helloTime = seconds(2);
const maxAge = seconds(20);
/** Also how long a switch remembers who is where while the tree changes (section 8.5.3.14). */
export const forwardDelay = seconds(15);
const holdTime = seconds(1);
/** Added to the age of what is passed on (table 8-2). */
const messageAgeIncrement = seconds(1);
const gigabitCost = 4; // table 8-5
const portPriority = 0x8000; // table 8-5: 128, in the upper half of an identifier

/** What a configuration BPDU claims: the lower one wins, field by field. */
interface Claim {
  readonly root: BridgeId;
  readonly cost: number;
  readonly bridge: BridgeId;
  readonly port: number;
}

class TreePort {
  readonly number: number;
  readonly id: number;
  state: TreePortState = 'disabled';
  /** The best claim on this cable: somebody else's, or ours if we are its designated bridge. */
  designated: Claim;
  acknowledges = false;
  configPending = false;
  /** When the root sent what was heard here last; undefined where we are the designated bridge. */
  rootSentAt: Instant | undefined;
  forwardAt: Instant | undefined;
  holdUntil: Instant | undefined;

  constructor(number: number, designated: Claim) {
    this.number = number;
    this.id = portId(number);
    this.designated = designated;
  }
}

export class SpanningTree implements Machine<SpanningTreeInput, SpanningTreeOutput> {
  readonly #own: BridgeId;
  readonly #pathCost: number;
  readonly #ports: TreePort[] = [];
  #root: BridgeId;
  #rootCost = 0;
  #rootPort: TreePort | undefined;
  /** As the root says. */
  #maxAge: Duration = maxAge;
  #helloTime: Duration = helloTime;
  #forwardDelay: Duration = forwardDelay;
  #detected = false;
  #changing = false;
  #helloAt: Instant | undefined;
  #tcnAt: Instant | undefined;
  #changeOverAt: Instant | undefined;
  #out: SpanningTreeOutput[] = [];

  constructor({ bridge, pathCost = gigabitCost }: SpanningTreeOptions) {
    this.#own = bridge;
    this.#root = bridge;
    this.#pathCost = pathCost;
  }

  handle(input: SpanningTreeInput, now: Instant): SpanningTreeOutput[] {
    const port = this.#port(input.port);
    if (input.kind === 'carrier') {
      if (input.up) this.#enable(port, now);
      else this.#disable(port, now);
    } else if (port.state !== 'disabled') {
      if (input.bpdu.kind === 'configuration') this.#configuration(port, input.bpdu, now);
      else this.#topologyChange(port, now);
    }
    return this.#take();
  }

  wake(now: Instant): SpanningTreeOutput[] {
    if (isDue(this.#helloAt, now)) this.#generate(now);
    if (isDue(this.#tcnAt, now)) this.#sendTcn(now);
    if (isDue(this.#changeOverAt, now)) {
      this.#changeOverAt = undefined;
      this.#detected = false;
      this.#setChanging(false);
    }
    for (const port of this.#ports) {
      if (isDue(this.#expiryOf(port), now)) this.#messageAged(port, now);
      if (isDue(port.forwardAt, now)) this.#advance(port, now);
      if (isDue(port.holdUntil, now)) {
        port.holdUntil = undefined;
        if (port.configPending) this.#sendConfiguration(port, now);
      }
    }
    return this.#take();
  }

  nextWake(): Instant | undefined {
    let next = earliest(this.#helloAt, this.#tcnAt, this.#changeOverAt);
    for (const port of this.#ports)
      next = earliest(next, this.#expiryOf(port), port.forwardAt, port.holdUntil);
    return next;
  }

  get #isRoot(): boolean {
    return this.#rootPort === undefined;
  }

  #port(number: number): TreePort {
    for (let i = this.#ports.length; i <= number; i += 1)
      this.#ports.push(new TreePort(i, this.#claim(portId(i))));
    return this.#ports[number]!;
  }

  /** What we say of ourselves on a cable. */
  #claim(port: number): Claim {
    return { root: this.#root, cost: this.#rootCost, bridge: this.#own, port };
  }

  #isDesignated(port: TreePort): boolean {
    const { bridge, port: id } = port.designated;
    return compareBridges(bridge, this.#own) === 0 && id === port.id;
  }

  #expiryOf({ rootSentAt }: TreePort): Instant | undefined {
    return rootSentAt === undefined ? undefined : after(rootSentAt, this.#maxAge);
  }

  // Ports that come and go (section 8.8)

  #enable(port: TreePort, now: Instant): void {
    this.#becomeDesignated(port);
    this.#setState(port, 'blocking');
    this.#selectStates(now);
    if (this.#isRoot) this.#helloAt ??= now; // with what else comes up at this moment
  }

  #disable(port: TreePort, now: Instant): void {
    const wasRoot = this.#isRoot;
    this.#becomeDesignated(port);
    this.#setState(port, 'disabled');
    port.acknowledges = false;
    port.configPending = false;
    port.forwardAt = undefined;
    port.holdUntil = undefined;
    this.#update(wasRoot, now);
  }

  // What comes in (sections 8.7.1 and 8.7.2)

  #configuration(port: TreePort, bpdu: ConfigurationBpdu, now: Instant): void {
    const { root, rootPathCost: cost, bridge, port: from, messageAge } = bpdu;
    if (messageAge >= bpdu.maxAge) return; // section 9.3.4: too old to be true
    const claim = { root, cost, bridge, port: from };
    if (!this.#supersedes(claim, port)) {
      if (this.#isDesignated(port)) this.#sendConfiguration(port, now); // it must hear better
      return;
    }
    const wasRoot = this.#isRoot;
    port.designated = claim;
    port.rootSentAt = (now - messageAge) as Instant;
    this.#selectRoot();
    this.#selectDesignated();
    this.#selectStates(now);
    if (wasRoot && !this.#isRoot) {
      this.#helloAt = undefined;
      if (this.#detected) {
        this.#changeOverAt = undefined;
        this.#sendTcn(now);
      }
    }
    if (port !== this.#rootPort) return;
    this.#maxAge = bpdu.maxAge;
    this.#helloTime = bpdu.helloTime;
    this.#forwardDelay = bpdu.forwardDelay;
    this.#setChanging((bpdu.flags & bpduFlag.topologyChange) !== 0);
    this.#sendConfigurations(now);
    if ((bpdu.flags & bpduFlag.topologyChangeAcknowledgment) === 0) return;
    this.#detected = false;
    this.#tcnAt = undefined;
  }

  #topologyChange(port: TreePort, now: Instant): void {
    if (!this.#isDesignated(port)) return;
    this.#detectChange(now);
    port.acknowledges = true;
    this.#sendConfiguration(port, now);
  }

  #supersedes(claim: Claim, port: TreePort): boolean {
    const order = compareClaims(claim, port.designated);
    // The designated bridge says the same again, or has changed its mind about itself.
    const fromItself =
      compareBridges(claim.bridge, port.designated.bridge) === 0 &&
      compareBridges(claim.bridge, this.#own) !== 0 &&
      compareBridges(claim.root, port.designated.root) === 0 &&
      claim.cost === port.designated.cost;
    return order < 0 || fromItself;
  }

  // What falls due (sections 8.7.4 and 8.7.5)

  /** Nothing was heard of the root through this port for too long. */
  #messageAged(port: TreePort, now: Instant): void {
    const wasRoot = this.#isRoot;
    this.#becomeDesignated(port);
    this.#update(wasRoot, now);
  }

  #advance(port: TreePort, now: Instant): void {
    if (port.state === 'listening') {
      port.forwardAt = after(now, this.#forwardDelay);
      this.#setState(port, 'learning');
      return;
    }
    port.forwardAt = undefined;
    this.#setState(port, 'forwarding');
    const bridges = this.#ports.some((one) => one.state !== 'disabled' && this.#isDesignated(one));
    if (bridges) this.#detectChange(now);
  }

  // The procedures (section 8.6)

  /** A port no longer leads anywhere: who is root now, and may we have to be? */
  #update(wasRoot: boolean, now: Instant): void {
    this.#selectRoot();
    this.#selectDesignated();
    this.#selectStates(now);
    if (wasRoot || !this.#isRoot) return;
    this.#maxAge = maxAge;
    this.#helloTime = helloTime;
    this.#forwardDelay = forwardDelay;
    this.#detectChange(now);
    this.#tcnAt = undefined;
    this.#generate(now);
  }

  #selectRoot(): void {
    let best: { readonly port: TreePort; readonly claim: Claim } | undefined;
    for (const port of this.#ports) {
      const { designated } = port;
      if (port.state === 'disabled' || this.#isDesignated(port)) continue;
      if (compareBridges(designated.root, this.#own) >= 0) continue;
      const claim = { ...designated, cost: designated.cost + this.#pathCost };
      if (best === undefined || compareClaims(claim, best.claim) < 0) best = { port, claim };
    }
    this.#rootPort = best?.port;
    this.#root = best?.claim.root ?? this.#own;
    this.#rootCost = best?.claim.cost ?? 0;
  }

  #selectDesignated(): void {
    for (const port of this.#ports) {
      const isOldNews = compareBridges(port.designated.root, this.#root) !== 0;
      const isOurs = compareClaims(this.#claim(port.id), port.designated) <= 0;
      if (this.#isDesignated(port) || isOldNews || isOurs) this.#becomeDesignated(port);
    }
  }

  #becomeDesignated(port: TreePort): void {
    port.designated = this.#claim(port.id);
    port.rootSentAt = undefined;
  }

  #selectStates(now: Instant): void {
    for (const port of this.#ports) {
      if (port.state === 'disabled') continue;
      const isDesignated = this.#isDesignated(port);
      if (!isDesignated) {
        port.configPending = false;
        port.acknowledges = false;
      }
      if (isDesignated || port === this.#rootPort) this.#makeForwarding(port, now);
      else this.#makeBlocking(port, now);
    }
  }

  #makeForwarding(port: TreePort, now: Instant): void {
    if (port.state !== 'blocking') return;
    this.#setState(port, 'listening');
    port.forwardAt = after(now, this.#forwardDelay);
  }

  #makeBlocking(port: TreePort, now: Instant): void {
    if (port.state === 'blocking') return;
    if (port.state !== 'listening') this.#detectChange(now);
    this.#setState(port, 'blocking');
    port.forwardAt = undefined;
  }

  #detectChange(now: Instant): void {
    if (this.#isRoot) {
      this.#setChanging(true);
      this.#changeOverAt = after(now, (maxAge + forwardDelay) as Duration);
    } else if (!this.#detected) this.#sendTcn(now);
    this.#detected = true;
  }

  #setChanging(active: boolean): void {
    if (active !== this.#changing) this.#out.push({ kind: 'topology-change', active });
    this.#changing = active;
  }

  #setState(port: TreePort, state: TreePortState): void {
    if (port.state === state) return;
    port.state = state;
    this.#out.push({ kind: 'state', port: port.number, state });
  }

  // What goes out

  /** The root says so every hello time. */
  #generate(now: Instant): void {
    this.#helloAt = after(now, this.#helloTime);
    this.#sendConfigurations(now);
  }

  #sendConfigurations(now: Instant): void {
    for (const port of this.#ports) {
      if (port.state !== 'disabled' && this.#isDesignated(port)) this.#sendConfiguration(port, now);
    }
  }

  #sendConfiguration(port: TreePort, now: Instant): void {
    if (port.holdUntil !== undefined) {
      port.configPending = true;
      return;
    }
    const sentAt = this.#rootPort?.rootSentAt;
    const messageAge = (sentAt === undefined ? 0 : now - sentAt + messageAgeIncrement) as Duration;
    if (messageAge >= this.#maxAge) return;
    const { root, cost, bridge, port: id } = this.#claim(port.id);
    const flags =
      (this.#changing ? bpduFlag.topologyChange : 0) |
      (port.acknowledges ? bpduFlag.topologyChangeAcknowledgment : 0);
    const times = {
      messageAge,
      maxAge: this.#maxAge,
      helloTime: this.#helloTime,
      forwardDelay: this.#forwardDelay,
    };
    const claim = { root, rootPathCost: cost, bridge, port: id };
    const bpdu: Bpdu = { kind: 'configuration', flags, ...claim, ...times };
    port.acknowledges = false;
    port.configPending = false;
    port.holdUntil = after(now, holdTime);
    this.#out.push({ kind: 'send', port: port.number, bpdu });
  }

  /** Towards the root, every hello time until it is acknowledged. */
  #sendTcn(now: Instant): void {
    if (this.#rootPort === undefined) return;
    this.#out.push({
      kind: 'send',
      port: this.#rootPort.number,
      bpdu: { kind: 'topology-change' },
    });
    this.#tcnAt = after(now, helloTime);
  }

  #take(): SpanningTreeOutput[] {
    const out = this.#out;
    this.#out = [];
    return out;
  }
}

/** Section 9.2.7: priority, then number from 1. */
const portId = (number: number): number => portPriority + number + 1;

const isDue = (moment: Instant | undefined, now: Instant): boolean =>
  moment !== undefined && moment <= now;

const compareBridges = (a: BridgeId, b: BridgeId): number =>
  a.priority - b.priority || a.mac - b.mac;

const compareClaims = (a: Claim, b: Claim): number =>
  compareBridges(a.root, b.root) ||
  a.cost - b.cost ||
  compareBridges(a.bridge, b.bridge) ||
  a.port - b.port;
