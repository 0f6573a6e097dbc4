/** What counts as a frame of another tenant, and what does not. */
import test from 'ava';
import { FrameMemory } from '../../src/base/frame.ts';
import type { Instant } from '../../src/base/time.ts';
import { Isolation } from '../../src/lab/isolation.ts';
import { check } from '../../src/scenario/check.ts';
import { compile } from '../../src/scenario/compile.ts';
import { Port } from '../../src/stack/device.ts';
import { EventLog } from '../../src/trace/log.ts';
import { showMac } from '../../src/wire/address.ts';
import { manyTenants } from '../support/many-tenants.ts';

const { cases } = check('many.yaml', () =>
  manyTenants(16, 2).replace('web: {', 'web: { mac: 02:00:00:00:00:05,'),
);
const { topology } = compile(cases![0]!);

/** The MAC address of an adapter of a machine. */
function macOf(name: string, adapter: string): number {
  const plan = topology.nodes.find((node) => node.name === name)!;
  const adapters =
    'adapter' in plan
      ? [plan.adapter]
      : [
          ...('inside' in plan && Array.isArray(plan.inside)
            ? plan.inside.map((one) => one.adapter)
            : []),
          ...('outside' in plan && plan.outside ? [plan.outside.adapter] : []),
        ];
  return adapters.find((one) => one.name === adapter)!.mac;
}

function rig() {
  const log = new EventLog('full');
  const isolation = new Isolation(topology, log);
  const frames = new FrameMemory();
  /** A frame from a MAC address is received at an adapter. */
  const receive = (mac: number, node: string, adapter: string): void => {
    const frame = frames.allocate(60);
    frame.words.setUint16(frame.start + 6, Math.floor(mac / 2 ** 32));
    frame.words.setUint32(frame.start + 8, mac % 2 ** 32);
    const device = { name: node, receive() {}, wake() {}, carrier() {} };
    isolation.see(7 as Instant, new Port(device, 0, adapter), frame);
  };
  return { log, isolation, receive };
}

const vm1 = macOf('t0001/vm1', 'eth0');

test('a frame of the own tenant, from wherever, is nobody’s trespass', (t) => {
  const { isolation, receive } = rig();
  receive(vm1, 't0001/vm2', 'eth0');
  receive(vm1, 't0001/vm1-replica', 'eth0');
  receive(macOf('t0001/sp-nea', 'eth1'), 't0001/vm1-replica', 'eth0');
  receive(macOf('t0001/hq.gateway', 't0001/lan'), 't0001/nea', 'eth0');
  t.deepEqual([isolation.frames, isolation.trespasses], [4, 0]);
});

test('a frame of another tenant is one, at every kind of machine of a tenant; the first is told', (t) => {
  const { isolation, log, receive } = rig();
  receive(vm1, 't0002/vm1-replica', 'eth0');
  receive(vm1, 't0002/nea', 'eth0');
  receive(vm1, 't0002/sp-nea', 'eth1');
  receive(vm1, 't0002/hq.gateway', 't0002/lan');
  t.deepEqual([isolation.frames, isolation.trespasses], [4, 4]);
  const first = {
    from: 't0001',
    to: 't0002',
    mac: showMac(vm1 as never),
    port: 't0002/vm1-replica.eth0',
  };
  t.like(isolation.firstOf(['t0002']), { at: 7, ...first });
  t.like(isolation.firstOf(['t0001']), first, 'it is the maker’s as well');
  t.is(isolation.firstOf(['t0003']), undefined);
  t.deepEqual(
    [...log.facts(['trespass'])].map(({ node, port }) => [node, port]),
    [['t0002/vm1-replica', first.port]],
  );
});

test('each tenant that receives or makes such a frame is told once, so that memory has a bound', (t) => {
  const { isolation, log, receive } = rig();
  for (let round = 0; round < 50; round += 1)
    for (const tenant of ['t0002', 't0003']) receive(vm1, `${tenant}/vm1`, 'eth0');
  t.is(isolation.trespasses, 100);
  t.is([...log.facts(['trespass'])].length, 2);
});

test('the provider’s networks and the internet are shared, and switches have no adapters', (t) => {
  const { isolation, receive } = rig();
  receive(vm1, 't0002/sp-nea', 'eth0');
  receive(vm1, 't0002/hq.gateway', 'wan');
  receive(vm1, 'gw1', 'lan');
  receive(vm1, 'esx1', 't0002/sp-nea');
  t.deepEqual([isolation.frames, isolation.trespasses], [0, 0]);
});

test('a MAC address that several tenants have tells nothing', (t) => {
  const { isolation, receive } = rig();
  receive(0x02_00_00_00_00_05, 't0002/vm1', 'eth0');
  t.deepEqual([isolation.frames, isolation.trespasses], [1, 0]);
});
