/**
 * The fault library in short: explanations of a sample of it are right as often as they have to be.
 * All of it is `npm run bench:explain`.
 */
import test from 'ava';
import { faults } from '../../src/scenario/format-faults.ts';
import { ask, type Plant } from './library/plant.ts';
import { beds, plants } from './library/plants.ts';
import { pairs, pairsOf, singles, some } from './library/score.ts';

/** The shares that the explanation has to reach. */
const wanted = { singles: 0.95, one: 0.95, both: 0.6 };

/** Every fourth plant, and so many pairs. */
const sample = plants.filter((_, i) => i % 4 === 0);
const pairsPlayed = 48;

/** There nothing works from the start, which is what is wrong. */
const isBroken = (name: string): boolean => name.startsWith('left_on');

test('the library has enough of everything', (t) => {
  t.true(plants.length >= 100);
  const planted = plants.flatMap(({ fault = '' }) => /^\w+/.exec(fault)?.[0] ?? []);
  // Nothing is broken by what is mended, nor by a frame that comes twice.
  const harmless = /^(link_up|port_on|interface_up|unblock|resume|mend|duplicate)$/;
  t.deepEqual(
    Object.keys(faults).filter((kind) => !harmless.test(kind) && !planted.includes(kind)),
    [],
  );
  for (const when of ['first', 'before', 4, 'after'])
    t.true(plants.some((one) => one.when === when || (when === 'after' && one.when === undefined)));
  t.true(new Set(plants.flatMap(({ code }) => code)).size >= 35);
});

test('what is planted is what breaks a flow: without it everything is answered', async (t) => {
  for (const [name, bed] of Object.entries(beds)) {
    const { isAnswered } = await ask(bed, []);
    t.is(isAnswered, !isBroken(name), name);
  }
});

test('of single faults the code and the place are named', async (t) => {
  const { right, misses, tooMuch } = await singles(sample);
  t.true(right / sample.length >= wanted.singles, JSON.stringify(misses, null, 1));
  t.deepEqual(tooMuch, [], 'and nothing that is not there');
});

test('of two faults one is named first, and mostly both', async (t) => {
  const { played, one, both, misses } = await pairs(some(pairsOf(plants), pairsPlayed));
  t.is(played, pairsPlayed);
  t.true(one / played >= wanted.one, JSON.stringify(misses, null, 1));
  t.true(both / played >= wanted.both, `${both} of ${played}`);
});

test('an explanation that is wrong is counted as such', async (t) => {
  const right: Plant = { bed: 'partial', fault: 'power_off: gw1', code: 'POWERED_OFF' };
  t.is((await singles([right])).right, 1);
  const { right: none, misses } = await singles([{ ...right, code: 'LINK_DOWN' }]);
  t.is(none, 0);
  t.regex(misses[0]!.got, /^POWERED_OFF \(line 100\): gw1/);
  const setting: Plant = {
    bed: 'partial',
    set: { 'nea-hq.proxy_arp': 'none' },
    code: 'PROXY_ARP_OFF',
  };
  t.is((await singles([{ ...setting, meantime: ['wait: 90s'], names: ['sp-nea'] }])).right, 0);
});
