/**
 * Every state by every operation by every outcome of every call to the infrastructure, with three
 * replicas in two networks: breadth first, each situation once, each from a shortest story. A story
 * is a row of turns; in a turn somebody orders something, or switches an original, and of all that
 * this asks of the infrastructure nothing fails, or one thing. Several faults come about over
 * several turns.
 */
import test from 'ava';
import type { Policies } from '../../src/failover/configuration.ts';
import type { VmOrder } from '../../src/failover/observation.ts';
import type { ReplicaState } from '../../src/failover/replica.ts';
import { configuration, failback, failover, order, planned, undo } from './rig.ts';
import { names, Watched } from './watched.ts';

type Deed =
  | { readonly do: 'order'; readonly order: VmOrder }
  | { readonly do: 'replicate'; readonly vm: string }
  | { readonly do: 'original'; readonly vm: string; readonly state: 'on' | 'off' };

interface Turn {
  readonly deed: Deed;
  /** Which of the commands fails, from 0; none where undefined. */
  readonly fails: number | undefined;
}

const broken = 'OPERATION_STEP_FAILED';

/** Carries out a turn; how many commands there were. */
function take(rig: Watched, { deed, fails }: Turn): number {
  let count = 0;
  if (deed.do === 'order') rig.tell({ kind: 'order', order: deed.order });
  else if (deed.do === 'replicate') rig.tell({ kind: 'replication-due', vm: deed.vm });
  else rig.tell({ kind: 'power', vm: deed.vm, state: deed.state });
  rig.settle(() => (count++ === fails ? broken : 'done'));
  return count;
}

const ordersOf = (vms: readonly string[]): Deed[] =>
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

/** How things stand at rest, without what only counts up. */
function fingerprint(rig: Watched): string {
  const { replicas, started } = rig.controller.status();
  return JSON.stringify([
    replicas.map(({ vm, state, original, connectivity }) => [vm, state, original, connectivity]),
    started,
  ]);
}

interface Search {
  readonly deeds: readonly Deed[];
  readonly depth: number;
  /** How many turns a story with faults may have; the others go on to the full depth. */
  readonly faultyDepth: number;
  readonly policies: Partial<Policies>;
}

class Exploration {
  readonly #search: Search;
  readonly #seen = new Set<string>();
  readonly states = new Set<ReplicaState>();
  turns = 0;
  complaint: string | undefined;

  constructor(search: Search) {
    this.#search = search;
    this.#seen.add(fingerprint(this.#after([])));
  }

  get situations(): number {
    return this.#seen.size;
  }

  run(): void {
    const { depth, faultyDepth } = this.#search;
    let frontier: Turn[][] = [[]];
    for (let step = 1; step <= depth && frontier.length > 0; step += 1) {
      const next: Turn[][] = [];
      for (const story of frontier) {
        for (const longer of this.#continuations(story)) {
          if (this.complaint !== undefined) return;
          if (step < faultyDepth || longer.every(({ fails }) => fails === undefined))
            next.push(longer);
        }
      }
      frontier = next;
    }
  }

  /** Whatever can come next and has not been seen. */
  #continuations(story: readonly Turn[]): Turn[][] {
    const found: Turn[][] = [];
    let rig = this.#after(story);
    const here = fingerprint(rig);
    for (const deed of this.#search.deeds) {
      const commands = this.#turn(rig, [...story, { deed, fails: undefined }], found);
      for (let fails = 0; fails < commands; fails += 1)
        this.#turn(this.#after(story), [...story, { deed, fails }], found);
      // What was refused has changed nothing, and the same rig serves for the next deed.
      if (fingerprint(rig) !== here || commands > 0) rig = this.#after(story);
    }
    return found;
  }

  #turn(rig: Watched, story: Turn[], found: Turn[][]): number {
    const commands = take(rig, story.at(-1)!);
    this.turns += 1;
    rig.auditor.atRest();
    const print = fingerprint(rig);
    const isNew = !this.#seen.has(print);
    if (isNew) {
      this.#seen.add(print);
      for (const name of names) this.states.add(rig.state(name)!);
      found.push(story);
      rig.home(); // every state has a way out
    }
    const stuck = isNew ? names.find((name) => !isHome(rig, name)) : undefined;
    const complaint = rig.auditor.complaints[0] ?? stuck;
    if (complaint !== undefined) this.complaint ??= `${complaint}: ${JSON.stringify(story)}`;
    return commands;
  }

  #after(story: readonly Turn[]): Watched {
    const rig = new Watched(configuration(this.#search.policies));
    for (const turn of story) take(rig, turn);
    return rig;
  }
}

const isHome = (rig: Watched, name: string): boolean =>
  rig.state(name) === 'ready' || rig.state(name) === 'permanent-failover';

const alone = { deeds: [...ordersOf(['sql01']), ...originalOf('sql01')], depth: 8, faultyDepth: 8 };
const all = {
  deeds: [...names.flatMap((name) => ordersOf([name])), ...originalOf('sql01')],
  depth: 8,
  faultyDepth: 3,
};
const lifeCycle = ['ready', 'failover', 'failed-failover', 'ready-to-switch', 'failback'];

const searches: readonly (readonly [string, Search, string[]])[] = [
  ['one replica, any faults', { ...alone, policies: {} }, lifeCycle],
  [
    'one replica, let go of late, and made permanent',
    { ...alone, policies: { withdrawal: 'after-power-off', permanentAfterPartial: 'allow' } },
    [...lifeCycle, 'permanent-failover'],
  ],
  ['three replicas in two networks', { ...all, policies: {} }, lifeCycle],
];

for (const [title, search, states] of searches) {
  test(`every state by every operation by every outcome, ${search.depth} deep: ${title}`, (t) => {
    const exploration = new Exploration(search);
    exploration.run();
    t.is(exploration.complaint, undefined);
    t.log(`${exploration.situations} situations by ${exploration.turns} turns`);
    t.deepEqual([...exploration.states].sort(), states.toSorted());
  });
}
