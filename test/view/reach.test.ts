import test from 'ava';
import { availability } from '../../src/explain/outage.ts';
import { reachOf } from '../../src/view/reach.ts';
import { focusOn } from '../../src/view/selection.ts';
import { played, scenarios } from '../playing.ts';

test('a documented limitation is one, and leads to the expectation that says so', async (t) => {
  const { log, result } = await played(scenarios('02-partial-dhcp.yaml')[0]!);
  const { columns, rows } = reachOf(log, result);
  t.deepEqual(
    columns.map(({ step }) => step),
    result.steps.map(({ number }) => number),
  );
  // The file asks for sql01 by its name before the disaster, and for its address after it: one flow.
  t.deepEqual(
    rows.map(({ title, cells }) => [title, ...cells.map(({ state }) => state)]),
    [
      ['ping web01 -> sql01', 'reached', 'unasked', 'unasked', 'unasked', 'limit', 'unasked'],
      ['ping sql01 -> web01', 'unasked', 'unasked', 'unasked', 'unasked', 'unasked', 'limit'],
    ],
  );
  const cell = rows[0]!.cells[4]!;
  t.is(cell.code, 'DHCP_NO_STATIC_IP');
  t.is(cell.answered, 0);
  t.false(cell.isUnexpected);
  const { step, expectation } = focusOn(log, result, {}, cell.goTo!);
  t.is(step, 5);
  t.regex(result.steps[4]!.expectations[expectation!]!.text, /fails with DHCP_NO_STATIC_IP/);
});

test('outages are those that the run measured, and lead to the first question in vain', async (t) => {
  const { log, result } = await played(scenarios('01-partial-static.yaml')[0]!);
  const { rows } = reachOf(log, result);
  const { line, cells } = rows.find(({ title }) => title === 'ping web01 -> sql01')!;
  const [watched] = result.watched!;
  t.deepEqual(
    line!.outages.map(({ from, length, lost }) => [from, length, lost]),
    watched!.outages.map(({ lostAt, length, lost }) => [lostAt, length, lost]),
  );
  for (const { goTo, from, to } of line!.outages) {
    const { event } = focusOn(log, result, {}, goTo);
    const asked = log.read(event!);
    t.true(asked.kind === 'probe' && asked.what === 'sent');
    t.true(asked.at > from && asked.at <= to);
  }
  // sql01 is off from the disaster on: nobody answers until the replica has taken over, in step 3.
  t.is(cells[2]!.state, 'late');
  t.is(cells[2]!.code, 'POWERED_OFF');
  t.is(cells[7]!.state, 'lost');
  t.true(cells[2]!.answered < cells[2]!.sent);
});

test('what nobody watches is told from its probes', async (t) => {
  const [scenario] = scenarios('02-partial-dhcp.yaml');
  const { log, result } = await played(scenario!);
  t.is(result.watched, undefined);
  const { line } = reachOf(log, result).rows[0]!;
  const { probe } = result.steps[4]!.expectations.find(({ code }) => code === 'DHCP_NO_STATIC_IP')!;
  t.deepEqual(
    line!.outages.map(({ lost, isOpen }) => [lost, isOpen]),
    availability(log, probe!).outages.map(({ lost }) => [lost, true]),
  );
});

test('a flow that is reached against what the file says is shown so', async (t) => {
  const steps = 'steps: [{ expect: [{ ping: web01 -> sql01, fails: any }] }]';
  const [scenario] = scenarios('01-partial-static.yaml', steps);
  const { log, result } = await played(scenario!);
  const [cell] = reachOf(log, result).rows.at(-1)!.cells;
  t.is(cell!.state, 'reached');
  t.true(cell!.isUnexpected);
});
