import test from 'ava';
import type { Instant } from '../../src/base/time.ts';
import { EventLog } from '../../src/trace/log.ts';
import { axisOf, sideBySide, verdictPairs } from '../../src/view/compare.ts';
import { played, scenarios } from '../playing.ts';

const file = '07-stale-arp-no-garp.yaml';
const [none, both] = scenarios(file);

test('the same run twice does not differ', async (t) => {
  const { log, result } = await played(both!);
  const again = await played(both!);
  t.deepEqual(sideBySide(log, again.log, result.simulatedTime), {
    rows: [],
    end: result.simulatedTime,
  });
  t.deepEqual(verdictPairs(result, again.result), []);
});

test('rows are aligned from the first difference on', async (t) => {
  const [left, right] = [await played(none!), await played(both!)];
  const end = Math.max(left.result.simulatedTime, right.result.simulatedTime) as Instant;
  const { first, behaviour, rows } = sideBySide(left.log, right.log, end);
  const parting = behaviour ?? first!;
  // All before is the same, whichever number it has.
  for (let back = 1; back <= Math.min(parting.left, parting.right); back += 1) {
    const [a, b] = [left.log.read(parting.left - back), right.log.read(parting.right - back)];
    if (a.kind === 'step' && a.number === 1) break;
    t.is(a.at, b.at);
    t.is(a.kind, b.kind);
  }
  const place = rows.findIndex(({ isFirst }) => isFirst);
  t.is(rows.filter(({ isFirst }) => isFirst).length, 1);
  t.true(rows.slice(0, place).every(({ kind }) => kind === 'same'));
  t.is(place, 4);
  const { left: a, right: b } = rows.at(-1)!;
  t.true(a !== undefined && b !== undefined, 'both runs go on, so neither has nothing there');
  t.not(rows[place]!.kind, 'same');
  for (const [side, log] of [['left', left.log] as const, ['right', right.log] as const]) {
    const shown = rows.flatMap((row) => row[side] ?? []);
    t.deepEqual(
      shown.map(({ event }) => event),
      shown.map((_, i) => shown[0]!.event + i),
      'in order, none left out',
    );
    for (const { event, at } of shown) t.is(log.timeOf(event), at);
  }
  for (const { kind, left: a, right: b } of rows)
    if (kind !== 'different') t.deepEqual([a!.node, a!.words], [b!.node, b!.words]);
});

test('labs that are not built alike are compared from where they behave otherwise', async (t) => {
  const [valid, foreign] = scenarios('02-partial-dhcp.yaml');
  const [left, right] = [await played(valid!), await played(foreign!)];
  const { first, behaviour, rows } = sideBySide(left.log, right.log, left.result.simulatedTime);
  t.is(first!.step, 0);
  // The DHCP server of the plan's network is there in one of them only, and is asked once the replica boots.
  t.true(behaviour!.step > 0);
  const place = rows.findIndex(({ isFirst }) => isFirst);
  t.true(
    rows[place]!.left?.event === behaviour!.left || rows[place]!.right?.event === behaviour!.right,
  );
});

test('labs that are not built alike and do the same later behave otherwise from there on', (t) => {
  const [early, late] = [5, 6].map((at) => {
    const log = new EventLog();
    if (at === 6) log.tell(0 as Instant, 'gw1', -1, { kind: 'power', state: 'on' });
    log.tell(1 as Instant, 'lab', -1, { kind: 'step', number: 1, title: 'one', line: at });
    log.tell(2 as Instant, 'web01', -1, { kind: 'power', state: 'on' });
    log.tell(at as Instant, 'sql01', -1, { kind: 'power', state: 'off' });
    return log;
  });
  const { behaviour, rows } = sideBySide(early!, late!, 9 as Instant);
  t.deepEqual(behaviour, {
    left: 2,
    right: 3,
    step: 1,
    title: 'one',
    fields: [],
    at: 5 as Instant,
  });
  t.deepEqual(
    rows.map(({ kind, isFirst }) => `${kind}${isFirst ? ' first' : ''}`),
    ['same', 'same', 'moved first'],
  );
});

test('expectations that ended otherwise stand side by side', async (t) => {
  const [left, right] = [await played(none!), await played(both!)];
  const pairs = verdictPairs(left.result, right.result);
  t.true(pairs.some((pair) => pair.left === 'met: STALE_ARP' && pair.right === undefined));
});

test('an axis has every step, and the parts in which something was dropped', async (t) => {
  const { log, result } = await played(none!);
  const { steps, drops } = axisOf(log, result, result.simulatedTime, 10);
  t.is(steps.length, result.steps.length);
  const expected = new Set<number>();
  for (const event of log.events())
    if (event.kind === 'drop')
      expected.add(Math.min(9, Math.floor((event.at / result.simulatedTime) * 10)));
  t.deepEqual(new Set(drops), expected);
});
