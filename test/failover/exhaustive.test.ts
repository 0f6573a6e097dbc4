/**
 * Every state by every operation by every outcome of every call to the infrastructure: one replica,
 * and three replicas in two networks with a failover plan of them.
 *
 * A turn is an order, a replication run that is due, or an original that somebody switches; of all
 * that it asks of the infrastructure nothing fails, or one call, or one and all that follow. Situations
 * between turns are known by what they are made of, and two that differ only in which of two equal
 * replicas is which are one. Each is visited once, whatever led to it, and all turns are taken from it.
 *
 * No situation is set up by hand. The controller is walked from one to the next, by turns not taken
 * yet where there are some, else by the shortest way to where there are; what was learned on the way
 * tells how many turns, and how many with faults, each situation is away from the beginning.
 */
import test from 'ava';
import { nanoseconds } from '../../src/base/time.ts';
import type { Configuration, Policies } from '../../src/failover/configuration.ts';
import type { Order } from '../../src/failover/observation.ts';
import type { ReplicaState } from '../../src/failover/replica.ts';
import { brief, configuration, failback, failover, order, plan, planned, undo } from './rig.ts';
import { names, Watched } from './watched.ts';

type Deed =
  | { readonly do: 'order'; readonly order: Order }
  | { readonly do: 'replicate'; readonly vm: string }
  | { readonly do: 'original'; readonly vm: string; readonly state: 'on' | 'off' };

/** Which call of a turn fails, and whether all that follow do too. */
type Fault = { readonly call: string; readonly on: boolean } | undefined;

const broken = 'OPERATION_STEP_FAILED';

/** Carries out a turn. @returns The calls it took, the same one told apart by a number. */
function take(rig: Watched, deed: Deed, fault: Fault): readonly string[] {
  const calls: string[] = [];
  const count = new Map<string, number>();
  let isBroken = false;
  if (deed.do === 'order') rig.tell({ kind: 'order', order: deed.order });
  else if (deed.do === 'replicate') rig.tell({ kind: 'replication-due', vm: deed.vm });
  else rig.tell({ kind: 'power', vm: deed.vm, state: deed.state });
  rig.settle((command) => {
    const text = inOrder(brief(command));
    const nth = (count.get(text) ?? 0) + 1;
    count.set(text, nth);
    const call = `${text}, ${nth}`;
    calls.push(call);
    if (fault?.call !== call) return isBroken ? broken : 'done';
    isBroken = fault.on;
    return broken;
  });
  return calls;
}

const ordersOf = (...vms: readonly string[]): Deed[] =>
  [
    failover(...vms),
    planned(...vms),
    undo(...vms),
    failback('manual', ...vms),
    failback('auto', ...vms),
    order('switch', ...vms),
    order('commit-failback', ...vms),
    order('undo-failback', ...vms),
    order('permanent-failover', ...vms),
    order('reconnect', ...vms),
  ].map((one) => ({ do: 'order', order: one }));

const originalOf = (vm: string): Deed[] => [
  { do: 'replicate', vm },
  { do: 'original', vm, state: 'on' },
  { do: 'original', vm, state: 'off' },
];

const planOrders = (
  ['failover-plan', 'retry-failover-plan', 'undo-failover-plan', 'test-failover-plan'] as const
).map((kind): Deed => ({ do: 'order', order: plan(kind) }));

/** The two replicas that have all in common but their names. */
const twins: Readonly<Record<string, string>> = { sql01: 'web01', web01: 'sql01' };
const twinAddresses: Readonly<Record<string, string>> = {
  '10.0.10.20': '10.0.10.11',
  '10.0.10.11': '10.0.10.20',
};
const swapped = (text: string): string =>
  text.replace(
    /sql01|web01|10\.0\.10\.(?:20|11)(?!\d)/g,
    (name) => twins[name] ?? twinAddresses[name]!,
  );

/** The addresses that a call names, in an order of their own. */
const inOrder = (call: string): string =>
  call.replace(/\d+\.\d+\.\d+\.\d+(?: \d+\.\d+\.\d+\.\d+)+/, (ips) =>
    ips.split(' ').toSorted().join(' '),
  );

const swappedValue = (value: unknown): unknown => JSON.parse(swapped(JSON.stringify(value)));

/** How things stand between turns, without what only counts up. */
function describe(rig: Watched): string {
  const { replicas, started, plans } = rig.controller.status();
  return JSON.stringify([
    replicas.map(({ vm, state, kind, original, connectivity }) => [
      vm,
      state,
      kind,
      original,
      connectivity,
    ]),
    started,
    plans.map(({ state, failed }) => [state, failed]),
  ]);
}

/** The same for a situation and its mirror image. */
function canonical(
  rig: Watched,
  mirrors: boolean,
): { readonly key: string; readonly mirrored: boolean } {
  const here = describe(rig);
  const there = sorted(swapped(here));
  const own = sorted(here);
  return !mirrors || own <= there ? { key: own, mirrored: false } : { key: there, mirrored: true };
}

/** Lists are kept in an order that tells nothing: by name, or as the file has it. */
function sorted(text: string): string {
  const [replicas, started, plans] = JSON.parse(text) as [
    string[][],
    string[],
    [string, string[]][],
  ];
  return JSON.stringify([
    replicas.toSorted((a, b) => (a[0]! < b[0]! ? -1 : 1)),
    started
      .map((thing) =>
        thing.replace(/\["[^\]]*\]/g, (list) =>
          JSON.stringify((JSON.parse(list) as string[]).toSorted()),
        ),
      )
      .toSorted(),
    plans.map(([state, failed]) => [state, failed.toSorted()]),
  ]);
}

interface Search {
  readonly configuration: Configuration;
  readonly deeds: readonly Deed[];
  readonly depth: number;
  /**
   * After how many turns in which something failed a story goes on. One more ends it, looked at all
   * the same. Undefined: nothing ever fails.
   */
  readonly faultsMax: number | undefined;
  /** Whether all that follows a call may fail too, its own way back among it. */
  readonly cascades: boolean;
  /** Whether the deeds are the same for the two twins. */
  readonly mirrors: boolean;
}

interface Turn {
  readonly deed: Deed;
  readonly fault: Fault;
}

interface Situation {
  /** By where they lead: one turn without a fault and one with, whichever there are. */
  readonly edges: Map<Situation, { calm?: Turn; faulty?: Turn }>;
  /** By faults: in how few turns it is reached with so many of them. */
  readonly turns: number[];
  /** How many deeds have been done here without a fault. */
  done: number;
  /** What may yet fail here in those. */
  readonly faults: Turn[];
}

class Walk {
  readonly #search: Search;
  readonly #situations = new Map<string, Situation>();
  /** Those with turns not taken yet. */
  readonly #open = new Set<Situation>();
  readonly states = new Set<ReplicaState>();
  readonly planStates = new Set<string>();
  /** Turns that were taken for the first time, and all of them. */
  transitions = 0;
  steps = 0;
  complaint: string | undefined;
  #rig!: Watched;
  #at!: Situation;
  /** Whether the two twins have each other's names here. */
  #mirrored = false;
  #story: string[] = [];

  constructor(search: Search) {
    this.#search = search;
    this.#begin();
    this.#reached(this.#at, 0, 0);
  }

  get situations(): number {
    return this.#situations.size;
  }

  run(): void {
    while (this.complaint === undefined && this.#open.size > 0) {
      const turn = this.#next(this.#at);
      if (turn !== undefined) this.#take(turn);
      else this.#goToWork();
    }
  }

  #begin(): void {
    this.#rig = new Watched(this.#search.configuration);
    this.#story = [];
    this.#arrive();
  }

  /** A turn not taken yet that the search wants taken here. */
  #next({ turns, done, faults }: Situation): Turn | undefined {
    const { depth, deeds, faultsMax } = this.#search;
    if (!turns.some((count) => count < depth)) return undefined;
    const deed = deeds[done];
    if (deed !== undefined) return { deed, fault: undefined };
    return faultsMax === undefined ? undefined : faults.at(-1);
  }

  #take(turn: Turn): void {
    const here = this.#at;
    const calls = this.#do(turn);
    this.transitions += 1;
    const { deed, fault } = turn;
    if (fault === undefined) {
      here.done += 1;
      for (const [i, call] of calls.entries()) {
        here.faults.push({ deed, fault: { call, on: false } });
        if (this.#search.cascades && i < calls.length - 1)
          here.faults.push({ deed, fault: { call, on: true } });
      }
    } else here.faults.pop();
    if (this.#next(here) === undefined) this.#open.delete(here);
    const isNew = this.#arrive();
    const to = this.#at;
    const edges = here.edges.get(to) ?? {};
    here.edges.set(to, edges);
    if (fault === undefined) edges.calm ??= turn;
    else edges.faulty ??= turn;
    for (const [faults, turns] of here.turns.entries())
      this.#reached(to, turns + 1, faults + (fault === undefined ? 0 : 1));
    if (isNew) this.#tryHome();
  }

  /** @returns The calls that it took. */
  #do({ deed, fault }: Turn): readonly string[] {
    const mirrored = this.#mirrored;
    const real = mirrored ? (swappedValue(deed) as Deed) : deed;
    const failing = fault && mirrored ? { ...fault, call: inOrder(swapped(fault.call)) } : fault;
    this.#story.push(JSON.stringify([real, failing]));
    this.steps += 1;
    const calls = take(this.#rig, real, failing);
    this.#rig.auditor.atRest();
    this.#note();
    return mirrored ? calls.map((call) => inOrder(swapped(call))) : calls;
  }

  /** Looks where this is. @returns Whether nobody has been here. */
  #arrive(): boolean {
    const { key, mirrored } = canonical(this.#rig, this.#search.mirrors);
    const known = this.#situations.get(key);
    const { faultsMax = 0 } = this.#search;
    const unreached = Array.from({ length: faultsMax + 1 }, () => Number.POSITIVE_INFINITY);
    this.#at = known ?? { edges: new Map(), turns: unreached, done: 0, faults: [] };
    this.#mirrored = mirrored;
    if (known === undefined) this.#situations.set(key, this.#at);
    return known === undefined;
  }

  /** It takes no more than this; so does, from there on, what follows. */
  #reached(to: Situation, turns: number, faults: number): void {
    const { faultsMax = 0, depth } = this.#search;
    if (faults > faultsMax || turns > depth) return;
    if (to.turns.some((count, so) => so <= faults && count <= turns)) return;
    to.turns[faults] = turns;
    if (this.#next(to) !== undefined) this.#open.add(to);
    for (const [next, { calm, faulty }] of to.edges) {
      if (calm !== undefined) this.#reached(next, turns + 1, faults);
      if (faulty !== undefined) this.#reached(next, turns + 1, faults + 1);
    }
  }

  /** Every situation has a way out. The walk goes on from where that leads. */
  #tryHome(): void {
    const { replicas, plans } = this.#rig.controller.status();
    for (const { state } of replicas) this.states.add(state);
    for (const { state } of plans) this.planStates.add(state);
    this.#rig.home();
    this.#note();
    const stuck = names.find((name) => !isHome(this.#rig, name));
    if (stuck !== undefined) this.complaint ??= `${stuck} is stuck after ${this.#story.join(' ')}`;
    this.#begin();
  }

  #note(): void {
    const [complaint] = this.#rig.auditor.complaints;
    if (complaint !== undefined) this.complaint ??= `${complaint} after ${this.#story.join(' ')}`;
  }

  /** By the shortest way that is known, or from the beginning, from where there is one to everywhere. */
  #goToWork(): void {
    const way = this.#wayToWork();
    if (way === undefined) {
      if (this.#story.length === 0) throw new Error('no way leads to what is still to be done');
      this.#begin();
      return;
    }
    for (const [turn, expected] of way) {
      const here = this.#at;
      this.#do(turn);
      if (this.#arrive()) throw new Error(`somewhere new by a known way: ${this.#story.join(' ')}`);
      if (this.#at === expected) continue;
      // What fails after the first failure is a matter of order, which mirrors do not keep.
      if (turn.fault?.on !== true)
        throw new Error(`elsewhere by a known way: ${this.#story.join(' ')}`);
      delete here.edges.get(expected)!.faulty;
      return;
    }
  }

  #wayToWork(): [Turn, Situation][] | undefined {
    const from = new Map<Situation, [Turn, Situation] | undefined>([[this.#at, undefined]]);
    for (const here of from.keys()) {
      if (here !== this.#at && this.#open.has(here)) {
        const way: [Turn, Situation][] = [];
        for (let to = here, step = from.get(to); step !== undefined; step = from.get(to)) {
          way.unshift([step[0], to]);
          to = step[1];
        }
        return way;
      }
      for (const [to, { calm, faulty }] of here.edges)
        if (!from.has(to)) from.set(to, [(calm ?? faulty)!, here]);
    }
    return undefined;
  }
}

const isHome = (rig: Watched, name: string): boolean =>
  rig.state(name) === 'ready' || rig.state(name) === 'permanent-failover';

const lifeCycle = ['ready', 'failover', 'failed-failover', 'ready-to-switch', 'failback'];
const twinOriginals = ['sql01', 'web01'].flatMap(originalOf);
const alone = [...ordersOf('sql01'), ...originalOf('sql01')];
const all = [
  ...names.flatMap((name) => [...ordersOf(name), ...originalOf(name)]),
  ...ordersOf('sql01', 'web01'),
  ...ordersOf('sql01', 'app01'),
  ...ordersOf('web01', 'app01'),
  ...ordersOf(...names),
  // In a planned failover VMs of one job take turns: who is first matters.
  ...[
    ['web01', 'sql01'],
    ['app01', 'sql01'],
    ['app01', 'web01'],
  ].map((vms): Deed => ({ do: 'order', order: planned(...vms) })),
  ...planOrders,
];

const withPlan = (policies: Partial<Policies>): Configuration =>
  configuration(policies, {
    failoverPlans: [
      {
        name: 'plan1',
        vms: names.map((vm) => ({ vm, delay: nanoseconds(0) })),
        routing: false,
        rules: [],
        gateways: { lan10: '10.0.10.1/24', lan20: '10.0.20.1/24' },
      },
    ],
  });

const apart = {
  configuration: configuration(),
  deeds: [...names.flatMap((name) => ordersOf(name)), ...twinOriginals],
  cascades: false,
  mirrors: true,
};
const together = {
  configuration: withPlan({ onConcurrent: 'force' }),
  deeds: all,
  cascades: false,
  mirrors: true,
};

interface Case {
  readonly search: Search;
  readonly states: readonly string[];
  readonly planStates: readonly string[];
}

const cases: Readonly<Record<string, Case>> = {
  'one replica, any faults': {
    search: {
      configuration: configuration(),
      deeds: alone,
      depth: 8,
      faultsMax: 8,
      cascades: false,
      mirrors: false,
    },
    states: lifeCycle,
    planStates: [],
  },
  'one replica, and nothing goes right any more': {
    search: {
      configuration: configuration(),
      deeds: alone,
      depth: 8,
      faultsMax: 1,
      cascades: true,
      mirrors: false,
    },
    states: lifeCycle,
    planStates: [],
  },
  'one replica, let go of late, and made permanent': {
    search: {
      configuration: configuration({
        withdrawal: 'after-power-off',
        permanentAfterPartial: 'allow',
      }),
      deeds: alone,
      depth: 8,
      faultsMax: 8,
      cascades: false,
      mirrors: false,
    },
    states: [...lifeCycle, 'permanent-failover'],
    planStates: [],
  },
  'three replicas in two networks, each by itself, and any one fault': {
    search: { ...apart, depth: 8, faultsMax: 0 },
    states: lifeCycle,
    planStates: [],
  },
  'three replicas in two networks, each by itself, and fault upon fault': {
    search: { ...apart, depth: 3, faultsMax: 3 },
    states: lifeCycle,
    planStates: [],
  },
  'three replicas, together and apart, and a plan of them': {
    search: { ...together, depth: 4, faultsMax: undefined },
    states: ['ready', 'failover', 'ready-to-switch', 'failback', 'permanent-failover'],
    planStates: ['ready', 'completed', 'failed'],
  },
  'three replicas, together and apart, a plan of them, and any one fault': {
    search: { ...together, depth: 2, faultsMax: 0 },
    states: [...lifeCycle, 'permanent-failover'],
    planStates: ['ready', 'completed', 'failed', 'undo-failed'],
  },
};

for (const [title, { search, states, planStates }] of Object.entries(cases)) {
  test(`every state by every operation by every outcome, ${search.depth} deep: ${title}`, (t) => {
    const walk = new Walk(search);
    walk.run();
    t.is(walk.complaint, undefined);
    t.log(
      `${walk.situations} situations, ${walk.transitions} turns from one to another (${walk.steps} with the ways there)`,
    );
    t.deepEqual([...walk.states].sort(), states.toSorted());
    t.deepEqual([...walk.planStates].sort(), planStates.toSorted());
  });
}
