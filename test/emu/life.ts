/** Lives of a controller: a story is played by a process, and by the next one where that has died. */
import { after, type Instant, labStart, seconds } from '../../src/base/time.ts';
import { type JournalOptions, openJournal } from '../../src/emu/journal-file.ts';
import type { Configuration } from '../../src/failover/configuration.ts';
import type { Status } from '../../src/failover/controller.ts';
import { type Command, type Decision, isCommand } from '../../src/failover/decision.ts';
import type { FailoverPlan } from '../../src/failover/failover-plan.ts';
import { type Doubt, JournaledController, type Seen } from '../../src/failover/journal.ts';
import type { Observation } from '../../src/failover/observation.ts';
import {
  configuration,
  failback,
  failover,
  order,
  plan,
  planned,
  undo,
  vm,
} from '../failover/rig.ts';

/** What a story needs of the world; whoever is killed has no other memory. */
export interface Sites {
  perform(command: Command): boolean;
  look(command: Command): Seen;
  /** How many things of the story have come to be known, as the user sees it. */
  acknowledged(count: number): void;
}

export interface Story {
  readonly configuration: Configuration;
  /** Told one after the other, each batch when nothing more is under way. */
  readonly batches: readonly (readonly Observation[])[];
  readonly originals: boolean;
  /** A command that fails. */
  readonly refuses?: string;
}

export const vms = ['sql01', 'web01', 'app01'];
const all = (originals: boolean, policies = {}, more = {}): Configuration =>
  configuration(policies, {
    vms: [
      vm('sql01', 'lan10', '10.0.10.20', { powered: originals }),
      vm('web01', 'lan10', '10.0.10.11', { powered: originals }),
      vm('app01', 'lan20', '10.0.20.30', { powered: originals }),
    ],
    ...more,
  });
const ordered = (...orders: Extract<Observation, { kind: 'order' }>['order'][]): Observation[] =>
  orders.map((one) => ({ kind: 'order', order: one }));
const plan1: FailoverPlan = {
  name: 'plan1',
  vms: vms.map((name) => ({ vm: name, delay: seconds(5) })),
  routing: true,
  rules: [],
  gateways: {},
};

export const stories: Readonly<Record<string, Story>> = {
  'failover of three, undone one after the other': {
    configuration: all(true),
    originals: true,
    batches: [
      ordered(failover('sql01', 'web01', 'app01')),
      [{ kind: 'tunnel', network: 'lan10', state: 'up' }],
      ordered(undo('web01'), undo('sql01', 'app01')),
    ],
  },
  'planned failover, failback that is undone, failback that is committed': {
    configuration: all(true),
    originals: true,
    batches: [
      ordered(planned(...vms)),
      ordered(failback('auto', 'sql01', 'app01'), failback(seconds(60), 'web01')),
      ordered(order('undo-failback', 'sql01', 'web01'), order('commit-failback', 'app01')),
      ordered(failback('manual', 'sql01', 'web01')),
      ordered(order('switch', 'sql01', 'web01')),
      ordered(order('commit-failback', 'sql01', 'web01')),
    ],
  },
  'permanent failover of one, replication of the others': {
    configuration: all(false, { permanentAfterPartial: 'allow' }),
    originals: false,
    batches: [
      ordered(failover('web01')),
      [
        { kind: 'replication-due', vm: 'sql01' },
        { kind: 'replication-due', vm: 'app01' },
        { kind: 'replication-due', vm: 'web01' },
      ],
      ordered(order('reconnect', 'web01')),
      ordered(order('permanent-failover', 'web01')),
    ],
  },
  'a plan: tested, started, undone': {
    configuration: all(false, {}, { failoverPlans: [plan1] }),
    originals: false,
    batches: [
      ordered(plan('test-failover-plan')),
      ordered(plan('failover-plan')),
      ordered(plan('undo-failover-plan')),
    ],
  },
  'a planned failover of which one VM fails and is led back': {
    configuration: all(true),
    originals: true,
    refuses: 'start-vpn-client lan20',
    batches: [ordered(planned(...vms)), ordered(undo('sql01', 'web01'))],
  },
};

export interface End {
  readonly doubts: readonly Doubt[];
  readonly status: Status;
}

/**
 * Plays a story from wherever its journal has come to, to its end.
 *
 * @param text What is in the journal's file.
 */
export function live(
  story: Story,
  path: string,
  sites: Sites,
  text: () => string,
  options: JournalOptions = {},
): End {
  const journal = openJournal(path, story.configuration, options);
  const machine = new JournaledController(story.configuration, journal);
  const waiting: Command[] = [];
  let now: Instant = journal.past?.at ?? labStart;
  const carryOut = (decisions: readonly Decision[]): void => {
    waiting.push(...decisions.filter(isCommand));
  };
  const settle = (): void => {
    for (let most = 10_000; most > 0; most -= 1) {
      const command = waiting.shift();
      if (command !== undefined) {
        const { id } = command;
        const ok = sites.perform(command);
        now = after(now, seconds(1));
        const because = 'OPERATION_STEP_FAILED';
        carryOut(machine.handle(ok ? { kind: 'done', id } : { kind: 'failed', id, because }, now));
        continue;
      }
      const next = machine.nextWake();
      if (next === undefined) return;
      now = next > now ? next : now;
      carryOut(machine.wake(now));
    }
    throw new Error('the story does not come to an end');
  };
  // The user asks how far it has come, and goes on from there.
  let told = observations(text());
  sites.acknowledged(told);
  const { doubts, giveAgain, unsaid, done } = machine.takeUp((command) => sites.look(command));
  carryOut(giveAgain);
  carryOut(unsaid);
  for (const { id } of done) carryOut(machine.handle({ kind: 'done', id }, now));
  let number = 0;
  for (const batch of doubts.length > 0 ? [] : story.batches) {
    for (const observation of batch) {
      number += 1;
      if (number <= told) continue;
      carryOut(machine.handle(observation, now));
      told = number;
      sites.acknowledged(told);
    }
    if (number >= told) settle();
  }
  const status = machine.controller.status();
  journal.close();
  return { doubts, status };
}

/** How many things a journal was told that are not answers. */
export const observations = (text: string): number =>
  text
    .split('\n')
    .filter((line) => /^[\da-f ]{27}\{"at":\d+,"told":/.test(line))
    .filter((line) => !/"told":\{"kind":"(done|failed)"/.test(line)).length;
