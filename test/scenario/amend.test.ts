import test, { type ExecutionContext } from 'ava';
import type { Amendment } from '../../src/scenario/amend.ts';
import { check } from '../../src/scenario/check.ts';
import type { Scenario } from '../../src/scenario/scenario.ts';
import { showIpv4 } from '../../src/wire/address.ts';
import { twoSites } from '../explain/rig.ts';

const text = `${twoSites()}  - wait: 3s
  - expect: [{ ping: web01 -> sql01 }]
`;

function changed(t: ExecutionContext, ...amendments: Amendment[]): Scenario {
  const { cases, problems } = check('rig.yaml', () => text, { amendments });
  t.deepEqual(
    problems.filter(({ severity }) => severity === 'error'),
    [],
  );
  return cases![0]!;
}

const refusals = (...amendments: Amendment[]): string[] =>
  check('rig.yaml', () => text, { amendments }).problems.map(
    ({ file, line, code, message }) => `${file}:${line} ${code} ${message}`,
  );

const titles = (scenario: Scenario): string[] => scenario.steps.map(({ title }) => title);

test('a value is set by its whole path, or from a name that stands once', (t) => {
  for (const path of ['tenant.sites.hq.vms.web01.ip', 'web01.ip', 'vms.web01.ip']) {
    const { tenants } = changed(t, { kind: 'set', path, value: '10.0.10.77' });
    t.is(showIpv4(tenants[0]!.sites[0]!.vms[0]!.ip as never), '10.0.10.77', path);
  }
});

test('a value that the file does not have is set too', (t) => {
  const { tenants } = changed(t, { kind: 'set', path: 'nea-hq.proxy_arp', value: 'none' });
  t.is(tenants[0]!.sites[0]!.appliances[0]!.proxyArp, 'none');
  t.is(changed(t, { kind: 'set', path: 'seed', value: '8' }).seed, 8);
});

test('steps come in, go and end, and are counted as they stand in the file', (t) => {
  const all = titles(changed(t));
  t.is(all.length, 3);
  const power: Amendment = { kind: 'insert', before: 1, step: 'fault: { power_off: sql01 }' };
  t.deepEqual(titles(changed(t, power, { kind: 'omit', step: 2 })).slice(1), [all[0], all[2]]);
  t.deepEqual(titles(changed(t, { kind: 'cut', after: 1 })), [all[0]]);
  t.deepEqual(titles(changed(t, { kind: 'insert', before: 4, step: 'wait: 7s' })).length, 4);
});

test('what cannot be is refused at the change, and not at the file', (t) => {
  t.deepEqual(refusals({ kind: 'set', path: 'sql01.ip', value: '10.0.10.300' }), [
    '--set sql01.ip:1 E201 10.0.10.300 is not an IPv4 address',
  ]);
  t.regex(
    refusals({ kind: 'set', path: 'nobody.ip', value: 'dhcp' })[0]!,
    /^--set nobody.ip:1 E103 /,
  );
  t.regex(refusals({ kind: 'set', path: 'web01.ip', value: '[' })[0]!, /^--set web01.ip:\d E102 /);
  t.regex(refusals({ kind: 'insert', before: 1, step: 'wiat: 3s' })[0]!, /^a step put in:1 E104 /);
});
