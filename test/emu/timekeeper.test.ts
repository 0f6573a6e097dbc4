import { setTimeout } from 'node:timers/promises';
import test from 'ava';
import { after, milliseconds, nanoseconds, seconds } from '../../src/base/time.ts';
import { realTime } from '../../src/emu/timekeeper.ts';

test('what is asked for a moment is not done before it, and what is called off not at all', async (t) => {
  const time = realTime();
  const done: string[] = [];
  const early: string[] = [];
  for (const wait of [nanoseconds(1), milliseconds(0.4), milliseconds(1.5), milliseconds(20)]) {
    const when = after(time.now(), wait);
    time.at(when, () => {
      done.push(`${wait}`);
      if (time.now() < when) early.push(`${wait}`);
    });
  }
  time.at(after(time.now(), milliseconds(1)), () => done.push('called off'))();
  while (done.length < 4) await setTimeout(1);
  t.deepEqual(early, []);
  t.false(done.includes('called off'));
});

test('a moment that is weeks away is not now', async (t) => {
  const time = realTime();
  let done = false;
  const callOff = time.at(after(time.now(), seconds(40 * 24 * 3600)), () => (done = true));
  await setTimeout(20);
  t.false(done);
  callOff();
});
