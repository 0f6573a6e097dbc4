/**
 * Pings between pairs that go on while a scenario is played. A machine that starts anew, or a replica
 * that takes over, goes on asking where it or its original has been; a machine that is off asks nothing.
 */
import type { Duration, Instant } from '../base/time.ts';
import type { FlowLife } from '../explain/lost.ts';
import type { Lab } from '../lab/lab.ts';
import { type Ipv4, showIpv4 } from '../wire/address.ts';
import { Directory } from './directory.ts';
import type { Pair } from './pairs.ts';
import type { Companion } from './play.ts';
import type { Scenario } from './scenario.ts';

/** What ping sends unless told. */
const size = 56;

/** Numbers of probes below are those of expectations, and of tests of failover plans. */
export const firstProbe = 2_000_000;

type Probes = NonNullable<ReturnType<Lab['network']['probes']>>;

interface Flow {
  readonly pair: Pair;
  /** Known from the beginning on: whoever uses a name goes on with the address that it had. */
  to: Ipv4 | undefined;
  readonly lives: { probe: number; node: string; from: Instant; until?: Instant }[];
  asker: Probes | undefined;
}

export class Background implements Companion {
  readonly #scenario: Scenario;
  readonly #every: Duration;
  readonly #flows: readonly Flow[];
  #lab: Lab | undefined;
  #who: Directory | undefined;
  #seen = 0;
  /** Replicas run, and nobody is to notice. */
  #isTest = false;
  #probe = firstProbe;

  constructor(scenario: Scenario, pairs: readonly Pair[], every: Duration) {
    this.#scenario = scenario;
    this.#every = every;
    const pinged = pairs.filter(({ pings }) => pings);
    this.#flows = pinged.map((pair) => ({ pair, to: undefined, lives: [], asker: undefined }));
  }

  begin(lab: Lab): void {
    this.#lab = lab;
    this.#who = new Directory(this.#scenario, lab);
    this.#seen = lab.log.length;
    for (const flow of this.#flows) this.#tend(flow, lab, this.#who);
  }

  look(): void {
    const [lab, who] = [this.#lab, this.#who];
    if (lab === undefined || who === undefined) return;
    const { log } = lab;
    if (this.#seen === log.length) return;
    const from = this.#seen;
    this.#seen = log.length;
    let isNews = false;
    for (const fact of log.facts(['power', 'replica', 'operation'], from)) {
      isNews = true;
      if (fact.kind === 'operation' && fact.operation === 'test-failover-plan')
        this.#isTest = fact.state === 'started';
    }
    if (isNews) for (const flow of this.#flows) this.#tend(flow, lab, who);
  }

  /** By pair: when somebody asked. */
  lives(pair: Pair): readonly FlowLife[] {
    return this.#flows.find((flow) => flow.pair === pair)?.lives ?? [];
  }

  addressOf(pair: Pair): string {
    const to = this.#flows.find((flow) => flow.pair === pair)?.to;
    return to === undefined ? '' : showIpv4(to);
  }

  /** Whoever is the machine now asks, and nobody else. */
  #tend(flow: Flow, lab: Lab, who: Directory): void {
    const { pair } = flow;
    const last = flow.lives.at(-1);
    const askerAt = (name: string): Probes | undefined =>
      (lab.network.powerOf(name) ?? 'on') === 'on' ? lab.network.probes(name) : undefined;
    const isThere = flow.asker !== undefined && askerAt(last!.node) === flow.asker;
    if (isThere && this.#isTest) return;
    const node = who.nodeNow(pair.from);
    const asker = askerAt(node);
    // Whoever asks goes on until the one that takes over is ready.
    if (asker === flow.asker || (isThere && asker === undefined)) return;
    if (flow.asker !== undefined && last !== undefined) {
      flow.asker.stopPing(last.probe);
      last.until = lab.now;
    }
    flow.asker = undefined;
    if (asker === undefined) return;
    flow.to ??= who.addressOf(pair.to, node);
    if (flow.to === undefined) return;
    const probe = this.#probe++;
    flow.asker = asker;
    flow.lives.push({ probe, node, from: lab.now });
    asker.ping({ probe, to: flow.to, size, every: this.#every }, lab.now, lab.fabric);
  }
}
