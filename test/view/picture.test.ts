/** The picture: where devices stand, where time stands, what is on its way. */
import { readdirSync } from 'node:fs';
import test from 'ava';
import { isNoise } from '../../src/explain/tree.ts';
import { sceneOf } from '../../src/scenario/scene.ts';
import { insideOf, outsideOf } from '../../src/view/envelope.ts';
import { ladderOf } from '../../src/view/ladder.ts';
import { layout } from '../../src/view/layout.ts';
import { movementAt } from '../../src/view/movement.ts';
import { matching, rowOf } from '../../src/view/rows.ts';
import { sentenceOf } from '../../src/view/sentence.ts';
import { densityOf, Timeline } from '../../src/view/timeline.ts';
import { describePacket } from '../../src/wire/describe.ts';
import { played, scenarios } from '../playing.ts';

const run = async () => played(scenarios('01-partial-static.yaml')[0]!);

test('in no picture of the gallery do devices lie on each other, or leave their area', (t) => {
  for (const file of readdirSync('scenarios').filter((name) => name.endsWith('.yaml'))) {
    const scene = sceneOf(scenarios(file)[0]!);
    const { devices, areas, cables, width, height } = layout(scene);
    const all = [...devices.values()];
    t.is(all.length, scene.areas.flatMap((area) => area.devices).length, file);
    t.is(cables.length, scene.cables.length);
    for (const [i, one] of all.entries()) {
      const [left, right] = [one.x - one.width / 2, one.x + one.width / 2];
      const [top, bottom] = [one.y - one.height / 2, one.y + one.height / 2];
      const homes = areas.filter(
        ({ x, y, width: w, height: h }) =>
          left >= x && right <= x + w && top >= y && bottom <= y + h,
      );
      t.is(homes.length, 1, `${file}: ${one.title} is in one area`);
      t.true(right <= width && bottom <= height);
      for (const other of all.slice(i + 1)) {
        const isBeside = Math.abs(one.x - other.x) >= (one.width + other.width) / 2;
        const isBelow = Math.abs(one.y - other.y) >= (one.height + other.height) / 2;
        t.true(isBeside || isBelow, `${file}: ${one.title} and ${other.title}`);
      }
    }
  }
});

test('tenants stand on the left, the provider on the right, the same every time', (t) => {
  const scene = sceneOf(scenarios('01-partial-static.yaml')[0]!);
  const { devices } = layout(scene);
  const x = (name: string): number => devices.get(name)!.x;
  t.true(x('web01') < x('lan10') && x('lan10') < x('hq.gateway'));
  t.true(x('hq.gateway') < x('internet') && x('internet') < x('gw1'));
  t.true(x('gw1') < x('sp-nea') && x('sp-nea') < x('sql01-replica'));
  t.deepEqual(layout(scene), layout(scene));
});

for (const mode of ['compressed', 'real'] as const)
  test(`time ${mode}: every event has its place, and its place leads back to its instant`, async (t) => {
    const { log, result } = await run();
    const timeline = new Timeline(log, result.simulatedTime, mode);
    for (let id = 0; id < log.length; id += 1) {
      if (id > 0 && timeline.of(id) < timeline.of(id - 1)) t.fail(`${id} goes back`);
      if (timeline.instantAt(timeline.of(id)) !== log.timeOf(id)) t.fail(`${id} is elsewhere`);
    }
    t.is(timeline.instantAt(timeline.length), result.simulatedTime);
    t.is(timeline.lastBefore(-1), -1);
    for (const share of [0.1, 0.35, 0.8]) {
      const at = timeline.instantAt(share * timeline.length);
      t.true(Math.abs(timeline.positionOf(at) - share * timeline.length) < 1);
    }
    const { events, drops } = densityOf(log, timeline, 50);
    t.is(
      events.reduce((sum, one) => sum + one, 0),
      log.length,
    );
    const lost = [...log.events()].filter(({ kind }) => kind === 'drop').length;
    t.is(
      drops.reduce((sum, one) => sum + one, 0),
      lost,
    );
  });

test('waiting is passed over: no gap is longer than a moment, and none too short to be seen', async (t) => {
  const { log, result } = await run();
  const timeline = new Timeline(log, result.simulatedTime, 'compressed');
  for (let id = 1; id < log.length; id += 1) {
    const gap = timeline.of(id) - timeline.of(id - 1);
    const isSame = log.timeOf(id) === log.timeOf(id - 1);
    if (isSame ? gap !== 0 : gap < 100 || gap > 1000) t.fail(`${id}: ${gap}`);
  }
  t.pass();
});

test('every frame is seen on every cable that it takes, and everything that was lost where it ended', async (t) => {
  const { log, result } = await run();
  const timeline = new Timeline(log, result.simulatedTime, 'compressed');
  let seen = 0;
  for (let id = 0; id < log.length; id += 7) {
    const sort = log.sortOf(id);
    const { moving, ended } = movementAt(log, timeline, timeline.of(id));
    if (sort === 'frame' || sort === 'flood') {
      const own = moving.filter(({ event }) => event === id);
      const cables = log.crossings(id).map(({ port, peer }) => `${port.label} ${peer.label}`);
      t.deepEqual(
        own.map(({ from, to }) => `${from} ${to}`),
        cables,
      );
      t.true(own.every(({ way }) => way === 0));
      seen += 1;
    } else if (sort === 'drop' && !isNoise(log.reasonOf(id))) {
      t.true(ended.some(({ event, reason }) => event === id && reason === log.reasonOf(id)));
    }
  }
  t.true(seen > 100);
});

test('envelopes: what carries the tunnel is drawn as one, and either side leads to the other', async (t) => {
  const { log, result } = await run();
  const timeline = new Timeline(log, result.simulatedTime, 'compressed');
  let carriers = 0;
  for (let id = 0; id < log.length; id += 1) {
    if (log.sortOf(id) === 'packet' && log.directionOf(id) === 'in') {
      const outside = outsideOf(log, id);
      if (outside === undefined) continue;
      t.is(insideOf(log, outside), id);
      t.regex(rowOf(log, outside).what, /WireGuard data/);
      const own = movementAt(log, timeline, timeline.of(outside)).moving;
      t.true(own.find(({ event }) => event === outside)?.envelope);
      t.notRegex(describePacket(log.bytesOf(id)), /WireGuard/);
      carriers += 1;
    }
    if (log.sortOf(id) !== 'frame') continue;
    const isInside = /WireGuard|ESP/.test(rowOf(log, id).what);
    const [own] = movementAt(log, timeline, timeline.of(id)).moving.filter((m) => m.event === id);
    if (own?.envelope !== isInside) t.fail(`${id}: ${rowOf(log, id).what}`);
  }
  t.true(carriers > 10);
});

test('rows: a filter leaves what it says, in pieces as in one', async (t) => {
  const { log } = await run();
  const whole = matching(log, 'packets', 'ARP', 0, log.length);
  t.true(whole.length > 5);
  t.true(whole.every((id) => /arp/i.test(`${rowOf(log, id).where} ${rowOf(log, id).what}`)));
  const pieces: number[] = [];
  for (let from = 0; from < log.length; from += 100)
    pieces.push(...matching(log, 'packets', 'ARP', from, from + 100));
  t.deepEqual(pieces, whole);
  const drops = matching(log, 'drops', '', 0, log.length);
  t.true(drops.every((id) => log.sortOf(id) === 'drop' && rowOf(log, id).isDrop));
  t.is(matching(log, 'all', '', 0, log.length).length, log.length);
});

test('the ladder has every frame of its stretch, between the lanes of who sent and who got it', async (t) => {
  const { log } = await run();
  const order = [...layout(sceneOf(scenarios('01-partial-static.yaml')[0]!)).devices.keys()];
  const ladder = ladderOf(log, order, 0, 200);
  t.false(ladder.isCut);
  for (const { event, from, to, isDrop } of ladder.rungs) {
    if (isDrop) t.is(ladder.lanes[from], log.read(event).node);
    else
      t.true(
        log
          .crossings(event)
          .some(
            ({ port, peer }) =>
              port.device.name === ladder.lanes[from] && peer.device.name === ladder.lanes[to],
          ),
      );
  }
  const crossings = Array.from({ length: 200 }, (_, id) => id)
    .filter((id) => ['frame', 'flood'].includes(log.sortOf(id)))
    .flatMap((id) => log.crossings(id));
  t.is(ladder.rungs.filter(({ isDrop }) => !isDrop).length, crossings.length);
  t.true(ladderOf(log, order, 0, log.length).isCut);
});

test('a run in a sentence: what held, what did not and why, what is a limitation', async (t) => {
  t.regex(sentenceOf((await run()).result), /^partial failover, static address: all 30 .* hold$/);
  const limited = await played(scenarios('02-partial-dhcp.yaml')[0]!);
  t.regex(sentenceOf(limited.result), /limitation shows: .*DHCP_NO_STATIC_IP/);
  const overlay = 'provider: { appliance: { proxy_arp: none } }';
  const broken = await played(scenarios('01-partial-static.yaml', overlay)[0]!);
  t.regex(sentenceOf(broken.result), /did not hold: /);
});
