/** What an explanation has beside its sentence: who it is about, and the first wrong decision with its event. */
import test from 'ava';
import type { Explanation } from '../../src/explain/why.ts';
import type { Fact } from '../../src/trace/event.ts';
import { showMac } from '../../src/wire/address.ts';
import { type Rig, stand, twoSites } from './rig.ts';

const sql01 = '10.0.10.20';

async function lost(parts: Parameters<typeof twoSites>[0]): Promise<Rig> {
  const rig = await stand(twoSites(parts));
  await rig.ping('web01', sql01, 3);
  rig.lab.powerOff('sql01');
  await rig.failover();
  return rig;
}

const factOf = (rig: Rig, { decision }: Explanation): Fact =>
  rig.log.read(decision!.event) as unknown as Fact;

test('of a stale ARP entry the event is the one that it was learned from', async (t) => {
  const fast =
    'timings: { boot_windows: 1s, boot_linux: 1s, boot_appliance: 1s, revert_snapshot: 100ms, configure_appliance: 100ms }';
  const rig = await stand(
    twoSites({
      appliance: 'nea-hq: { network: lan10, ip: 10.0.10.250, gratuitous_arp: none }',
      more: fast,
    }),
  );
  await rig.ping('web01', sql01, 3);
  const { mac } = rig.lab.network.stack('sql01')!.interfaces[0]!;
  rig.lab.powerOff('sql01');
  rig.lab.order({
    kind: 'failover',
    vms: ['sql01'],
    restorePoint: 'latest',
    reason: '',
    planned: false,
  });
  await rig.finish();
  await rig.run(5);
  const explanation = rig.why(await rig.ping('web01', sql01, 3))!;
  t.is(explanation.code, 'STALE_ARP');
  const fact = factOf(rig, explanation);
  if (fact.kind !== 'neighbour') return t.fail(fact.kind);
  t.deepEqual([fact.ip, fact.mac], [sql01, showMac(mac)]);
  t.is(explanation.decision!.node, 'web01');
  t.is(rig.log.timeOf(explanation.decision!.event), explanation.decision!.at);
  t.true(explanation.decision!.at < rig.events(2)[0]!.at, 'long before the question');
  // Long after it was learned, the hop names the row, and since when it stands.
  const [hop] = explanation.hops;
  t.true(hop!.what.endsWith(`, ${sql01} is at ${showMac(mac)} since 15 s`), hop!.what);
  t.is(explanation.subject.target.vm, 'sql01');
  t.deepEqual(explanation.subject.crossed, ['lan10']);
});

test('who is off, what was warned of, what was dropped: each has its event', async (t) => {
  const off = await lost({});
  off.lab.powerOff('sp-nea');
  const powered = off.why(await off.ping('web01', sql01, 15))!;
  t.deepEqual(powered.subject.off, ['sp-nea']);
  t.deepEqual(factOf(off, powered).kind, 'power');
  t.is(off.log.read(powered.decision!.event).node, 'sp-nea');

  const without = await lost({ appliance: '' });
  const warned = without.why(await without.ping('web01', sql01, 15))!;
  const warning = factOf(without, warned);
  t.is(warning.kind === 'warning' && warning.code, 'NO_NEA');

  const narrow = await lost({ more: 'tunnel: { pmtud: false }' });
  const large = narrow.why(await narrow.ping('web01', sql01, 5, 1472))!;
  t.is(large.code, 'MTU_BLACKHOLE');
  const drop = narrow.log.read(large.decision!.event);
  t.is(drop.kind === 'drop' && drop.reason, 'FRAGMENTATION_NEEDED');
  t.is(large.subject.stop?.node, 'nea-hq');
});

test('of two that have one address, the event is that of the second', async (t) => {
  const rig = await stand(
    twoSites({
      sql01: 'ip: 10.0.10.20, os: linux',
      appliance: 'nea-hq: { network: lan10, ip: 10.0.10.250, gratuitous_arp: none }',
      provider: '  appliance: { gratuitous_arp: none }',
    }),
  );
  await rig.ping('web01', sql01, 3); // so that web01 goes on sending to the original
  await rig.failover();
  const explanation = rig.why(await rig.ping('sql01-replica', '10.0.10.11', 5))!;
  t.is(explanation.code, 'DUPLICATE_ADDRESS');
  const { node, at } = rig.log.read(explanation.decision!.event);
  const [first] = rig.world.holders(sql01, at, 'web01').filter((one) => one.node !== node);
  t.true(first!.since < at, 'somebody else had it before');
});

test('a port that is closed at a firewall is named, and that of the question too', async (t) => {
  const rig = await stand(twoSites());
  rig.lab.network.block('gw1', [{ protocol: 'udp', port: 6180 }]);
  rig.lab.powerOff('sql01');
  await rig.failover();
  const { subject } = rig.why(await rig.tcp('web01', sql01, 1433, 10, 20))!;
  t.is(subject.stop?.service, 'udp/6180');
  t.deepEqual([subject.protocol, subject.port], ['tcp', 1433]);
  const nobody = await rig.ping('web01', '10.0.10.99', 5);
  t.is(rig.why(nobody)!.decision!.node, 'web01'); // it asked, and nobody answered
});

test('what a VM had by DHCP is remembered, and what it gave itself is not', async (t) => {
  const dhcp =
    '      dhcp: { network: lan10, server: hq.gateway, pool: 10.0.10.20-10.0.10.60, lease: 8h }';
  const rig = await stand(twoSites({ sql01: 'ip: dhcp, os: windows, lease: none', site: dhcp }));
  const had = rig.lab.network.guest('sql01')!.keeper!.lease!.ip;
  rig.lab.powerOff('sql01');
  await rig.failover();
  const { subject, code } = rig.why(await rig.ping('web01', sql01, 15))!;
  t.is(code, 'DHCP_NO_STATIC_IP');
  t.is(Object.keys(subject.leased).length, 1);
  t.is(subject.leased['sql01'], sql01);
  t.is(had >>> 0, 0x0a000a14);
});
