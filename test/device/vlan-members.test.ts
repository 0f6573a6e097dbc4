/** Who carries which VLAN, by port and by VLAN, however ports are edited. */
import test from 'ava';
import { Switch } from '../../src/device/switch.ts';
import { type PortMode, VlanMembers } from '../../src/device/vlan-members.ts';
import { Port } from '../../src/stack/device.ts';

const device = new Switch('s', 0);
const ports = [0, 1, 2, 3].map((i) => new Port(device, i, `port${i}`));
const [a, b, c, d] = ports as [Port, Port, Port, Port];
const access = (vlan: number): PortMode => ({ kind: 'access', vlan });

function members(...modes: PortMode[]): VlanMembers {
  const all = new VlanMembers();
  modes.forEach((mode, i) => {
    all.set(ports[i]!, mode);
  });
  return all;
}

test('a VLAN has its access ports, the trunks that list it, and those whose native one it is', (t) => {
  const all = members(
    access(10),
    { kind: 'trunk', vlans: [10, 20] },
    { kind: 'trunk', vlans: [20], native: 10 },
    access(20),
  );
  t.deepEqual(all.of(10), [a, b, c]);
  t.deepEqual(all.of(20), [b, c, d]);
  t.deepEqual(all.of(30), []);
  t.deepEqual(all.untagged, [10, 0, 10, 20]);
  t.deepEqual([...all.vlansOf(c)].sort(), [10, 20]);
});

test('an edited port leaves its old VLANs and takes its place among the ports of the new ones', (t) => {
  const all = members(access(10), access(20), access(10), access(20));
  all.set(b, access(10));
  t.deepEqual(all.of(10), [a, b, c]);
  t.deepEqual(all.of(20), [d]);
  t.false(all.carries(b, 20));
  t.deepEqual(all.modeOf(b), access(10));
  all.set(a, { kind: 'trunk', vlans: [20] });
  t.deepEqual(all.of(10), [b, c]);
  t.deepEqual(all.of(20), [a, d]);
  t.is(all.untagged[0], 0);
});
