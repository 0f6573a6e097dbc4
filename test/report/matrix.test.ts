/** The table of who reaches whom: what it shows, what it leaves out, and that names can do nothing. */
import test from 'ava';
import { type Duration, type Instant, seconds } from '../../src/base/time.ts';
import { matrixJson, matrixText } from '../../src/report/matrix.ts';
import { widthOf } from '../../src/report/terminal.ts';
import type { Cell, Moment, Reachability, Row } from '../../src/trace/reachability.ts';

const options = { version: '0.1.0', realTime: seconds(2), width: 100 };
const at = (s: number): Instant => seconds(s) as number as Instant;

const moment = (step: number): Moment => ({
  step,
  title: step === 0 ? 'before the first step' : `step number ${step}`,
  line: step,
  from: at(15 + step),
  at: at(16 + step),
  until: at(16 + step),
});
const reached: Cell = { state: 'reached', after: seconds(0), changed: false };
const lost: Cell = {
  state: 'lost',
  code: 'POWERED_OFF',
  why: 'sql01 is switched off',
  changed: true,
};
const row = (from: string, cells: readonly Cell[], more: Partial<Row> = {}): Row => ({
  from,
  to: 'sql01',
  address: '10.0.10.20',
  protocol: 'ping',
  cells,
  ...more,
});

function found(rows: readonly Row[], more: Partial<Reachability> = {}): Reachability {
  return {
    file: 'x.yaml',
    name: 'x',
    case: '',
    seed: 1,
    mode: 'snapshots',
    moments: rows[0]!.cells.map((_, i) => moment(i)),
    rows,
    recoveries: [],
    neverLost: [],
    neverReached: [],
    claims: [],
    notes: [],
    plays: 3,
    expectations: { met: 1, broken: 0, notChecked: 0 },
    ...more,
  };
}

const lines = (one: Reachability, more = {}): string[] =>
  matrixText(one, { ...options, ...more }).split('\n');

test('a row for each pair, a column for each step, what changed has a mark, codes are explained', (t) => {
  const rows = [row('web01', [reached, lost]), row('pc01', [reached, reached])];
  const text = lines(found(rows));
  t.true(text.includes('  step            0   1'));
  t.true(text.includes('  web01 -> sql01  ✓   ✗ POWERED_OFF*'));
  t.true(text.includes('  POWERED_OFF: sql01 is switched off'));
  t.true(text.includes('  and 1 row that is reached at all of these times (--all)'));
  t.false(text.some((line) => line.includes('pc01')));
  t.true(lines(found(rows), { all: true }).includes('  pc01 -> sql01   ✓   ✓'));
});

test('services have their port; what is reached at a public address says at which', (t) => {
  const rows = [
    row('web01', [lost], { protocol: 'tcp', port: 1433 }),
    row('web01', [lost], { protocol: 'udp', port: 53 }),
    row('phone1', [lost], { protocol: 'tcp', port: 443, via: '203.0.113.50' }),
  ];
  const names = lines(found(rows)).flatMap((line) => /^ {2}(\S+ -> .+?) {2}/.exec(line)?.[1] ?? []);
  t.deepEqual(names, [
    'web01 -> sql01:1433',
    'web01 -> sql01:53/udp',
    'phone1 -> 203.0.113.50:443 (sql01)',
  ]);
});

test('late cells have their time, and those that were gone for a while', (t) => {
  const late: Cell = { ...lost, state: 'late', after: seconds(8) };
  const briefly: Cell = { ...reached, interrupted: seconds(25) };
  const off: Cell = { state: 'unasked', code: 'POWERED_OFF', changed: true };
  const text = lines(found([row('web01', [late, briefly, off])]));
  t.true(text.includes('  web01 -> sql01  ◐ 8 s POWERED_OFF*  ✓ ~25 s   –*'));
});

test('where codes have no room they are letters, and where columns have none there are several tables', (t) => {
  const cells = Array.from({ length: 30 }, (_, i): Cell => (i % 2 === 0 ? reached : lost));
  const text = lines(found([row('web01', cells)]));
  t.true(text.some((line) => line.includes('✗a*')));
  t.true(text.includes('  a POWERED_OFF: sql01 is switched off'));
  const heads = text.filter((line) => line.startsWith('  step '));
  t.true(heads.length > 1);
  t.deepEqual(
    heads.flatMap((head) => head.match(/\d+/g) ?? []),
    cells.map((_, i) => String(i)),
  );
  for (const line of text) t.true(widthOf(line) <= 100, line);
});

test('many rows that are alike are one, toward the same or from the same; a contradiction never hides', (t) => {
  const many = Array.from({ length: 50 }, (_, i) => row(`vm${i}`, [lost]));
  const from = Array.from({ length: 5 }, (_, i) => row('a1', [lost], { to: `b${i}` }));
  const text = lines(found([...many, ...from]));
  t.true(text.some((line) => line.startsWith('  vm0 and 49 more -> sql01 ')));
  t.true(text.some((line) => line.startsWith('  a1 -> b0 and 4 more ')));
  const claim = { text: 'ping', line: 3, row: 0, moment: 0, detail: 'no', verdict: 'contradicts' };
  const contradicted = found([row('web01', [reached])], { claims: [claim as never] });
  t.true(lines(contradicted).includes('  web01 -> sql01  ✓≠'));
  t.true(lines(contradicted).includes('  ≠ line 3: ping: no'));
});

test('a time without the network: whose, how long, why, and which pairs', (t) => {
  const pair = { name: 'web01 -> sql01', lostAt: at(15), length: seconds(25) };
  const common = { vm: 'sql01', lostAt: at(15), length: seconds(25), step: 2, of: 3 };
  const cause = { code: 'POWERED_OFF', sentence: 'it is off' } as const;
  const back = { ...common, restoredAt: at(40), worst: pair.name, cause, isRto: false };
  const open = { ...common, worst: pair.name, isRto: true, atLast: cause };
  const rows = [row('web01', [reached], { outages: [], every: seconds(1) })];
  const text = lines(
    found(rows, {
      recoveries: [
        { ...back, pairs: [{ ...pair, restoredAt: at(40), code: 'POWERED_OFF' }] },
        { ...open, pairs: [pair] },
      ],
      neverLost: ['pc01'],
      neverReached: ['old01'],
    }),
  );
  for (const line of [
    '  sql01  25 s  from 15 s to 40 s, step 2, 1 of 3 pairs',
    '         POWERED_OFF: it is off',
    '         web01 -> sql01  25 s, from 15 s to 40 s, POWERED_OFF',
    '  sql01  never came back RTO  from 15 s on, step 2, 1 of 3 pairs',
    '         web01 -> sql01  until the end, from 15 s on',
    '  always reached by those who ever reached it: pc01',
    '  never reached by ping: old01',
  ])
    t.true(text.includes(line), line);
});

test('names can do nothing to a terminal, nor to what reads the JSON', (t) => {
  const evil = 'web\u001b[2J\u202e\n01</script>';
  const hostile = found([row(evil, [{ ...lost, why: evil }], { to: evil })], {
    file: evil,
    case: evil,
    notes: [evil],
    neverLost: [evil],
    moments: [{ ...moment(0), title: evil }],
  });
  for (const text of [matrixText(hostile, options), matrixJson(hostile, options)])
    for (const part of ['\u001b', '\u202e', '\n01']) t.false(text.includes(part));
  t.notRegex(matrixJson(hostile, options), /<\/script/);
  const { schema, rows, realNanoseconds } = JSON.parse(matrixJson(hostile, options));
  t.deepEqual([schema, rows[0].from, realNanoseconds], [1, evil, 2e9 as Duration]);
});

test('what was left out is told, and so is what the file expects in vain', (t) => {
  const text = lines(
    found([row('web01', [reached])], {
      notes: ['9 of 10 pairs are not asked'],
      expectations: { met: 0, broken: 2, notChecked: 1 },
    }),
  );
  t.true(text.includes(' not all was asked'));
  t.true(text.includes('  9 of 10 pairs are not asked'));
  t.true(text.includes(' the file expects nothing of these pairs'));
  t.true(text.some((line) => line.includes('2 expectations of the file broken · 1 not checked')));
});
