/** A virtual switch: what its adapters may do. The outcomes are those of VMware's manual, "Securing vSphere Networking". */
import test from 'ava';
import { hex } from '../../src/base/bytes.ts';
import { milliseconds } from '../../src/base/time.ts';
import type { PortRights, SecuredPort } from '../../src/device/port-security.ts';
import { Switch } from '../../src/device/switch.ts';
import type { PortMode } from '../../src/device/vlan-members.ts';
import type { Mac } from '../../src/wire/address.ts';
import { Lan } from '../sim/lan.ts';

const standard: PortRights = {
  promiscuous: false,
  forgedTransmits: true,
  macChanges: true,
  macLearning: false,
};
const distributed: PortRights = { ...standard, forgedTransmits: false, macChanges: false };
/** The port of a cable that leaves the host. */
const uplink = 'uplink';

const macOf = (n: number): Mac => (0x0200_0000_0000 + n) as Mac;
const bytesOf = (n: number): string => macOf(n).toString(16).padStart(12, '0');
const frame = (destination: number | 'everyone', source: number): string =>
  `${destination === 'everyone' ? 'ffffffffffff' : bytesOf(destination)} ${bytesOf(source)} 88b5 0102`;

/** Machine 0 is the first port's, and so on; what is given is what its port may do. */
function host(ports: readonly (Partial<SecuredPort> | typeof uplink)[], modes: PortMode[] = []) {
  const lan = new Lan();
  const vswitch = new Switch('esx', 0);
  const machines = ports.map((rights, i) => {
    const raw = lan.raw(`vm${i}`);
    const port = vswitch.addPort(modes[i], `vm${i}`);
    lan.connect(raw.port, port);
    if (rights !== uplink)
      vswitch.secure(port, { ...standard, mac: macOf(i), configured: macOf(i), ...rights });
    return raw;
  });
  return {
    lan,
    vswitch,
    machines,
    /** Sends a frame and says how many copies came to each machine. */
    send(from: number, bytes: string): number[] {
      lan.inject(machines[from]!, hex(bytes));
      lan.run(milliseconds(1));
      return machines.map((machine) => machine.take().length);
    },
  };
}

test('machines of a host reach each other and everybody, without anything having been learned', (t) => {
  const { vswitch, lan, send } = host([distributed, distributed, distributed]);
  t.deepEqual(send(0, frame(2, 0)), [0, 0, 1]);
  t.deepEqual(send(1, frame('everyone', 1)), [1, 0, 1]);
  t.is(vswitch.table.size, 0);
  t.deepEqual(lan.drops('esx'), []);
});

test('a frame with another source than the adapter is a forged transmit: a distributed switch refuses it, a standard one does not', (t) => {
  const refusing = host([distributed, distributed]);
  t.deepEqual(refusing.send(0, frame(1, 77)), [0, 0]);
  t.deepEqual(refusing.send(0, frame('everyone', 77)), [0, 0]);
  t.deepEqual(refusing.lan.drops('esx'), ['FORGED_TRANSMIT', 'FORGED_TRANSMIT']);
  const accepting = host([standard, standard]);
  t.deepEqual(accepting.send(0, frame(1, 77)), [0, 1]);
  t.is(accepting.vswitch.table.size, 0, 'and it does not learn from it');
});

test('what is for an address that no adapter has goes out of the uplinks and nowhere else', (t) => {
  const { lan, send } = host([standard, standard, uplink]);
  t.deepEqual(send(0, frame(77, 0)), [0, 0, 1]);
  t.deepEqual(lan.drops('esx'), ['NOT_PROMISCUOUS']);
});

test('NOT_PROMISCUOUS is told only where somebody else was there to be refused', (t) => {
  const withoutUplink = host([standard, standard]);
  t.deepEqual(withoutUplink.send(0, frame(77, 0)), [0, 0]);
  t.deepEqual(withoutUplink.lan.drops('esx'), ['NOT_PROMISCUOUS']);
  const alone = host([standard]);
  t.deepEqual(alone.send(0, frame(77, 0)), [0]);
  t.deepEqual(alone.lan.drops('esx'), ['NO_OTHER_PORT']);
});

test('what has come in by an uplink is known there, and is not told to be refused', (t) => {
  const { lan, send } = host([standard, standard, uplink, uplink]);
  send(2, frame('everyone', 77));
  t.deepEqual(send(0, frame(77, 0)), [0, 0, 1, 0]);
  t.deepEqual(lan.drops('esx'), []);
});

test('a promiscuous port gets what is for others, known or not, once each, and nothing back of its own', (t) => {
  const { lan, send } = host([standard, standard, { promiscuous: true }, uplink]);
  t.deepEqual(send(0, frame(1, 0)), [0, 1, 1, 0]);
  t.deepEqual(send(0, frame(77, 0)), [0, 0, 1, 1]);
  t.deepEqual(send(2, frame(77, 2)), [0, 0, 0, 1]);
  t.deepEqual(send(2, frame(0, 88)), [1, 0, 0, 0]);
  t.deepEqual(lan.drops('esx'), ['NOT_PROMISCUOUS', 'NOT_PROMISCUOUS'], 'the others were refused');
});

test('a port with MAC learning gets what is for those behind it, and what is for nobody known, but nothing else', (t) => {
  const { lan, send } = host([standard, standard, { macLearning: true }, { macLearning: true }]);
  t.deepEqual(send(0, frame(77, 0)), [0, 0, 1, 1], 'unknown is flooded to those that learn');
  send(2, frame('everyone', 77));
  t.deepEqual(send(0, frame(77, 0)), [0, 0, 1, 0], 'and known it is not');
  t.deepEqual(send(0, frame(1, 0)), [0, 1, 0, 0]);
  t.deepEqual(lan.drops('esx'), ['NOT_PROMISCUOUS'], 'the second machine, at first');
});

test('MAC learning is no permission to forge', (t) => {
  const { lan, send } = host([{ ...distributed, macLearning: true }, distributed]);
  t.deepEqual(send(0, frame(1, 77)), [0, 0]);
  t.deepEqual(lan.drops('esx'), ['FORGED_TRANSMIT']);
});

test('nobody takes the address of an adapter away by sending in its name', (t) => {
  const { send } = host([standard, standard, { macLearning: true }, uplink]);
  send(2, frame('everyone', 1));
  send(3, frame('everyone', 1));
  t.deepEqual(send(0, frame(1, 0)), [0, 1, 0, 0]);
});

test('an adapter whose machine is off has no address: what is for it may be behind another', (t) => {
  const { lan, machines, send } = host([standard, standard, { promiscuous: true }]);
  lan.simulation.setLink(machines[1]!.port, false);
  t.deepEqual(send(0, frame(1, 0)), [0, 0, 1]);
});

test('a guest that gives its adapter another address is cut off where that is rejected, in both directions', (t) => {
  const changed = { mac: macOf(50), configured: macOf(0) };
  const rejecting = host([{ ...distributed, ...changed }, distributed]);
  t.deepEqual(rejecting.send(0, frame(1, 50)), [0, 0]);
  t.deepEqual(rejecting.send(1, frame('everyone', 1)), [0, 0]);
  t.deepEqual(rejecting.send(1, frame(50, 1)), [0, 0]);
  t.deepEqual(rejecting.lan.drops('esx'), Array(3).fill('MAC_CHANGE_REJECTED'));
  const accepting = host([{ ...distributed, ...changed, macChanges: true }, distributed]);
  t.deepEqual(accepting.send(0, frame(1, 50)), [0, 1], 'and it is no forged transmit then');
  t.deepEqual(accepting.send(1, frame(50, 1)), [1, 0]);
  t.deepEqual(accepting.send(0, frame(1, 0)), [0, 0], 'its old address has become one');
  t.deepEqual(accepting.lan.drops('esx'), ['FORGED_TRANSMIT']);
});

test('port groups are apart: an adapter is known in its VLAN alone, and a promiscuous port hears its own', (t) => {
  const [ten, twenty, trunk]: PortMode[] = [
    { kind: 'access', vlan: 10 },
    { kind: 'access', vlan: 20 },
    { kind: 'trunk', vlans: [10, 20] },
  ];
  const { send, machines, lan } = host(
    [standard, standard, { promiscuous: true }, uplink],
    [ten!, ten!, twenty!, trunk!],
  );
  t.deepEqual(send(0, frame(1, 0)), [0, 1, 0, 0]);
  t.deepEqual(send(2, frame(1, 2)), [0, 0, 0, 1], 'not here: out of the trunk');
  t.deepEqual(send(0, frame(77, 0)), [0, 0, 0, 1]);
  lan.inject(machines[3]!, hex(`${bytesOf(0)} ${bytesOf(77)} 8100 000a 88b5 0102`));
  lan.run(milliseconds(1));
  t.deepEqual(
    machines.map((machine) => machine.take().length),
    [1, 0, 0, 0],
  );
});
