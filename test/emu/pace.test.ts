/** How a simulation goes by a clock, with one that goes only when it is told to. */
import test from 'ava';
import { type Duration, type Instant, milliseconds, seconds } from '../../src/base/time.ts';
import type { Lateness, Timepiece } from '../../src/emu/clock.ts';
import { Pace, TooLate } from '../../src/emu/pace.ts';
import { Simulation } from '../../src/sim/simulation.ts';

/** Time that passes only while somebody waits, and as much more as the machine is busy elsewhere. */
class ToldClock implements Timepiece {
  time = 0;
  stopped = false;
  /** For how long the machine does something else each time that we wait. */
  busy = 0;

  now(): Instant {
    return this.time as Instant;
  }

  begin(): void {
    this.time = 0;
  }

  stop(): void {
    this.stopped = true;
  }

  go(): void {
    this.stopped = false;
  }

  setBack(by: number): void {
    this.time -= by;
  }

  after(left: number, run: () => void): () => void {
    let calledOff = false;
    queueMicrotask(() => {
      if (calledOff) return;
      this.time += Math.max(left, 1_000_000) + this.busy;
      run();
    });
    return () => {
      calledOff = true;
    };
  }
}

interface Rig {
  readonly clock: ToldClock;
  readonly pace: Pace;
  /** When by the clock each of the two tasks ran, which are due after 100 ms and after 200 ms. */
  readonly ran: number[];
}

function rig(lateness: Lateness, eventsMax = 1000): Rig {
  const simulation = new Simulation();
  const clock = new ToldClock();
  const pace = new Pace(simulation, { lateness, eventsMax }, clock);
  const ran: number[] = [];
  for (const due of [100, 200])
    simulation.at(milliseconds(due) as number as Instant, { run: () => ran.push(clock.time) });
  pace.begin();
  return { clock, pace, ran };
}

const carryOn: Lateness = { policy: 'carry on', limit: milliseconds(0) };
const atSecond = seconds(1) as number as Instant;
/** What is due within a millisecond is done at once. */
const early = 1e6;

test('nothing happens before its time, and everything soon after it', async (t) => {
  const { pace, ran } = rig(carryOn);
  t.is(await pace.until(atSecond), 'reached');
  t.deepEqual(
    ran.map((at) => Math.round(at / early)),
    [99, 199],
  );
  t.is(pace.latest, 0);
});

test('who carries on says how late it was at worst', async (t) => {
  const { pace, clock, ran } = rig(carryOn);
  clock.busy = 30e6;
  t.is(await pace.until(atSecond), 'reached');
  t.is(ran.length, 2);
  t.is(pace.latest, 30e6 - early);
});

test('who does not fails where it is later than the limit, and not where it is as late', async (t) => {
  const limit = (30e6 - early) as Duration;
  const within = rig({ policy: 'fail', limit });
  within.clock.busy = 30e6;
  t.is(await within.pace.until(atSecond), 'reached');
  const beyond = rig({ policy: 'fail', limit });
  beyond.clock.busy = 30e6 + 1;
  const error = await t.throwsAsync(beyond.pace.until(atSecond), { instanceOf: TooLate });
  t.is(error?.message, 'something happened 29 ms late');
});

test('who stands still does not count what the computer was busy elsewhere', async (t) => {
  const limit = milliseconds(10);
  const { pace, clock, ran } = rig({ policy: 'stand still', limit });
  clock.busy = 30e6;
  t.is(await pace.until(atSecond), 'reached');
  // What is due is as late as it may be, and no later.
  t.deepEqual(ran, [110e6, 210e6]);
  t.is(pace.latest, limit);
  // Each of the two was reached 19 ms after the limit.
  t.is(pace.stood, 2 * (30e6 - early - limit));
  const quick = rig({ policy: 'stand still', limit });
  quick.clock.busy = 5e6;
  await quick.pace.until(atSecond);
  t.is(quick.pace.stood, 0);
});

test('what comes from outside happens after what was due before it', (t) => {
  const { pace, clock, ran } = rig(carryOn);
  clock.time = 150e6;
  t.is(pace.catchUp(), 150e6 as Instant);
  t.deepEqual(ran, [150e6]);
});

test('while it is held nothing happens, and the clock stands', async (t) => {
  const { pace, clock, ran } = rig(carryOn);
  let release = (): void => {};
  pace.hold(new Promise((resolve) => (release = resolve)));
  t.true(clock.stopped);
  clock.time = 150e6;
  pace.catchUp();
  t.deepEqual(ran, []);
  release();
  await Promise.resolve().then(() => {});
  t.false(clock.stopped);
  pace.catchUp();
  t.deepEqual(ran, [150e6]);
});

test('it ends when it is settled, when it has failed, and when the budget is used up', async (t) => {
  const settling = rig(carryOn);
  t.is(await settling.pace.until(atSecond, () => settling.ran.length === 1), 'settled');
  const spent = rig(carryOn, 1);
  t.is(await spent.pace.until(atSecond), 'budget');
  spent.clock.time = 300e6;
  spent.pace.catchUp();
  t.is(spent.ran.length, 1, 'not even for what comes from outside');
  const failing = rig(carryOn);
  failing.pace.fail(new Error('the first'));
  failing.pace.fail(new Error('the second'));
  await t.throwsAsync(failing.pace.until(atSecond), { message: 'the first' });
});
