/** Who reaches whom over time, against what the scenario says by other means. */
import test from 'ava';
import { roughly } from '../../src/base/time.ts';
import { nodeCrypto } from '../../src/crypto/node.ts';
import { pairPattern } from '../../src/scenario/pairs.ts';
import { type ReachOptions, reachability } from '../../src/scenario/reach.ts';
import type { Scenario } from '../../src/scenario/scenario.ts';
import { SimBackend, type SimLab } from '../../src/sim/backend.ts';
import type { Cell, Reachability, Row } from '../../src/trace/reachability.ts';
import { expectations, played, scenarios } from '../playing.ts';

async function survey(
  scenario: Scenario,
  pairs?: string,
  more: Partial<ReachOptions> & { readonly eventsMax?: number } = {},
): Promise<Reachability> {
  const { eventsMax, ...options } = more;
  const pattern = pairs === undefined ? {} : { pattern: pairPattern(pairs)! };
  const backend = new SimBackend({ crypto: nodeCrypto, ...(eventsMax && { eventsMax }) });
  const usual = { services: true, observe: false, apart: false };
  return (await reachability(scenario, backend, { ...usual, ...pattern, ...options }))!;
}

function rowOf({ rows }: Reachability, from: string, to: string, port?: number): Row {
  return rows.find((row) => row.from === from && row.to === to && row.port === port)!;
}

const looks = ({ cells }: Row): string[] =>
  cells.map(({ state, code }: Cell) => (code === undefined ? state : `${state} ${code}`));

const flagship = (): Scenario => scenarios('01-partial-static.yaml')[0]!;

test('the first scenario: an outage is as long as its own expectation and the log say', async (t) => {
  const found = await survey(flagship(), 'web01 -> sql01');
  const run = await played(flagship());
  const row = rowOf(found, 'web01', 'sql01');
  const [first] = row.outages!;
  // The expectation has a flow of its own, in a run in which nobody else asks.
  const said = expectations(run).find(({ text }) => text.startsWith('outage'))!.detail;
  t.is(
    said,
    `interrupted for ${roughly(first!.length)}, from ${roughly(first!.lostAt as never)} on`,
  );
  // The disaster, and the first answer of the replica in that run.
  const off = [...run.log.facts(['power'])].find(
    ({ node, state }) => node === 'sql01' && state === 'off',
  )!;
  const back = [...run.log.facts(['probe'])].find(
    ({ node, what, to, at }) =>
      node === 'web01' && what === 'answered' && to === '10.0.10.20' && at > off.at,
  )!;
  t.true(first!.lostAt <= off.at && off.at - first!.lostAt <= row.every!);
  t.true(Math.abs(first!.restoredAt! - back.at) <= row.every!);
  t.is(first!.cause!.code, 'POWERED_OFF');
  const [recovery] = found.recoveries;
  t.is(recovery!.lostAt, first!.lostAt);
  t.is(recovery!.length, first!.length);
  t.is(recovery!.step, 2, 'the step that switches it off');
});

test('the first scenario: what is so after each step, and when that was', async (t) => {
  const found = await survey(flagship(), '*01 -> sql01');
  t.deepEqual(
    found.moments.map(({ step }) => step),
    [0, 2, 3, 8, 9, 10],
    'expectations are no steps',
  );
  const { steps } = (await played(flagship())).result;
  for (const { step, at } of found.moments.slice(1, -1))
    t.is(at, steps.find(({ number }) => number === step + 1)!.at, `step ${step}`);
  const gone = 'lost POWERED_OFF';
  const late = 'late POWERED_OFF';
  for (const from of ['web01', 'pc01'])
    for (const port of [undefined, 1433])
      t.deepEqual(looks(rowOf(found, from, 'sql01', port)), [
        'reached',
        gone,
        'reached',
        gone,
        late, // it boots for 25 s, and the next step waits for a minute
        'reached',
      ]);
  t.deepEqual(
    rowOf(found, 'web01', 'sql01').cells.map(({ changed }) => changed),
    [false, true, true, true, true, true],
  );
  for (const { outages = [], from } of found.rows)
    if (outages.length > 0)
      t.deepEqual(
        outages.map(({ step }) => step),
        [2, 8],
        `${from}: the steps that switch the VM and its replica off`,
      );
  t.deepEqual(found.expectations, { met: 30, broken: 0, notChecked: 0 });
  t.true(found.claims.length > 0);
  for (const { text, verdict } of found.claims) t.is(verdict, 'agrees', text);
});

test('a cell is what an expectation finds that is asked alone at that moment', async (t) => {
  const steps = '  - fault: { power_off: sql01 }\n  - failover: { vms: [sql01] }\n';
  const [bare] = scenarios('02-partial-dhcp.yaml', `steps:\n${steps}`);
  const found = await survey(bare!, '*01 -> *01', { services: false });
  for (const row of found.rows) {
    if (row.from === 'hq.gateway' || row.to === 'hq.gateway') continue;
    const after = row.cells.at(-1)!;
    const asks = after.state === 'reached' ? '' : `, fails: ${after.code}`;
    const text = `${row.from} -> ${row.to === 'sql01' ? row.address : row.to}`;
    const [one] = scenarios(
      '02-partial-dhcp.yaml',
      `steps:\n${steps}  - expect: [{ ping: ${text}${asks} }]\n`,
    );
    const [expectation] = expectations(await played(one!));
    t.is(expectation!.verdict, 'met', `${text}: ${expectation!.detail}`);
  }
});

test('a replica with DHCP is gone for good, and the cause is that', async (t) => {
  const [one] = scenarios('02-partial-dhcp.yaml');
  const found = await survey(one!, 'web01 -> sql01');
  t.deepEqual(looks(rowOf(found, 'web01', 'sql01')), [
    'reached',
    'lost POWERED_OFF',
    'lost DHCP_NO_STATIC_IP',
  ]);
  const [recovery] = found.recoveries;
  t.is(recovery!.restoredAt, undefined);
  t.true(recovery!.isRto);
  t.is(recovery!.cause!.code, 'POWERED_OFF');
  t.is(recovery!.atLast!.code, 'DHCP_NO_STATIC_IP');
  // By its address, as the file asks for it.
  t.true(found.claims.some(({ text }) => text.includes('10.0.10.20')));
});

test('two tenants with one subnet do not mix', async (t) => {
  const [two] = scenarios('11-two-tenants-same-subnet.yaml');
  const found = await survey(two!, '*/web01 -> */sql01');
  t.deepEqual(
    found.rows.map(({ from, to, port = 0 }) => [from, to, port]),
    [
      ['acme/web01', 'acme/sql01', 0],
      ['acme/web01', 'acme/sql01', 1433],
      ['beta/web01', 'beta/sql01', 0],
    ],
  );
  const gone = 'lost POWERED_OFF';
  // Switched off are first the one and then the other; undone is acme alone, which stays switched off.
  t.deepEqual(looks(found.rows[0]!), ['reached', gone, gone, 'reached', gone]);
  t.deepEqual(looks(found.rows[2]!), ['reached', 'reached', gone, 'reached', 'reached']);
});

test('stale ARP heals: late, with the reason that it had at first; who announces has none of it', async (t) => {
  const [both, none] = scenarios('05-planned-failover-convergence.yaml');
  const states: Cell[] = [];
  for (const one of [both!, none!]) {
    const found = await survey(one, 'hq.gateway -> sql01');
    states.push(rowOf(found, 'hq.gateway', 'sql01').cells.at(-1)!);
    for (const { text, verdict } of found.claims) t.is(verdict, 'agrees', text);
  }
  t.deepEqual(
    states.map(({ state, code }) => [state, code]),
    [
      ['reached', undefined],
      ['late', 'STALE_ARP'],
    ],
  );
});

test('what the file expects otherwise is a contradiction, and with what', async (t) => {
  const steps = `steps:
  - fault: { power_off: sql01 }
  - expect:
      - ping: web01 -> sql01
      - { ping: web01 -> sql01, fails: STALE_ARP }
      - { ping: web01 -> sql01, fails: POWERED_OFF }
      - { not: { ping: web01 -> pc01 } }
      - { ping: web01 -> sql01, size: 1000 }
`;
  const [one] = scenarios('01-partial-static.yaml', steps);
  const found = await survey(one!, 'web01 -> *', { services: false });
  t.deepEqual(
    found.claims.map(({ verdict, detail }) => [verdict, detail]),
    [
      ['contradicts', 'should be reached, and is not: POWERED_OFF'],
      ['later', ''], // asked after the first had waited for 5 s
      ['agrees', ''],
      ['later', ''],
    ],
    'of sizes no cell knows anything',
  );
  t.is(found.expectations.broken, 4);
});

test('a machine that was off is not missed by those whom it asks', async (t) => {
  const found = await survey(flagship(), 'sql01 -> web01', { services: false });
  const row = rowOf(found, 'sql01', 'web01');
  t.deepEqual(looks(row).slice(0, 3), ['reached', 'unasked POWERED_OFF', 'reached']);
  const [first] = row.outages!;
  t.true(first!.byAsker);
  t.true(first!.length > 20e9, 'until the replica asks');
  t.deepEqual(found.recoveries, []);
  t.deepEqual(found.neverLost, ['web01']);
});

test('all at once: one play is watched, which differs only where questions help each other', async (t) => {
  const found = await survey(flagship(), undefined, { observe: true });
  t.is(found.mode, 'observed');
  t.is(found.plays, 2);
  t.true(found.rows.every(({ protocol }) => protocol === 'ping'));
  const last = found.rows.map(({ cells }) => cells.at(-1)!.state);
  t.true(last.every((state) => state === 'reached'));
  t.is(looks(rowOf(found, 'web01', 'sql01'))[3], 'lost POWERED_OFF');
  const [recovery] = found.recoveries;
  t.is(recovery!.vm, 'sql01');
  t.is(recovery!.pairs.length, 3);
});

test('thirty VMs are played, with what that cost in precision', async (t) => {
  const [one] = scenarios(
    '01-partial-static.yaml',
    `tenant: { sites: { hq: { vms: { "vm{1..27}": { network: lan10, ip: "10.0.10.{31..57}" } } } } }
steps:
  - fault: { power_off: sql01 }
  - failover: { vms: [sql01] }
`,
  );
  const found = await survey(one!, undefined, { observe: true });
  t.is(found.rows.length, 31 * 30);
  t.is(found.recoveries[0]!.of, 30);
  t.is(found.recoveries[0]!.pairs.length, 30);
  t.regex(
    found.notes.join(),
    /^outages are measured with a ping every \d\.?\d? s, not every 0\.5 s/,
  );
});

test('what is broken off only because more was asked has cells of which nothing is known', async (t) => {
  const [one] = scenarios('01-partial-static.yaml', 'steps: [wait: 1s]\n');
  const { lab } = await played(one!);
  const eventsMax = (lab as SimLab).simulation.events + 40;
  const found = await survey(one!, 'web01 -> *', { eventsMax });
  t.is(found.brokenOff, 'BUDGET_EXCEEDED');
  t.is(found.moments.length, 2);
});

test('a run that is broken off has no cells, and says so', async (t) => {
  const found = await survey(flagship(), 'web01 -> *', { eventsMax: 500 });
  t.is(found.brokenOff, 'BUDGET_EXCEEDED');
  t.deepEqual([found.rows, found.moments, found.claims], [[], [], []]);
});
