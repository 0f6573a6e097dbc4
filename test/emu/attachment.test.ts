/** What an attachment lets in and out, in virtual time: where datagrams go is kept, and nobody has a socket. */
import test from 'ava';
import { concat, hex } from '../../src/base/bytes.ts';
import { after, seconds } from '../../src/base/time.ts';
import { nodeCrypto } from '../../src/crypto/node.ts';
import { Attachments } from '../../src/emu/attachment.ts';
import type { Backend, LabPlan } from '../../src/lab/lab.ts';
import { play } from '../../src/scenario/play.ts';
import { SimBackend, type SimLab } from '../../src/sim/backend.ts';
import { EventLog } from '../../src/trace/log.ts';
import { expectationsOf } from '../../src/trace/result.ts';
import { ipv4, mac, showIpv4 } from '../../src/wire/address.ts';
import { decodeArp, encodeArp } from '../../src/wire/arp.ts';
import { decodeEthernet, encodeEthernet, etherType } from '../../src/wire/ethernet.ts';
import { Malformed } from '../../src/wire/malformed.ts';
import { decodeVxlan, encodeVxlan } from '../../src/wire/vxlan.ts';
import { attachedScenario, failover, realHost, remote } from './attaching.ts';

interface Sent {
  readonly datagram: Uint8Array;
  readonly port: number;
  readonly address: string;
}

class Rig implements Backend {
  readonly sent: Sent[] = [];
  readonly log = new EventLog('full');
  lab!: SimLab;
  attachments!: Attachments;

  async start(plan: LabPlan, log: EventLog): Promise<SimLab> {
    this.lab = await new SimBackend({ crypto: nodeCrypto }).start(plan, log);
    const { network, simulation } = this.lab;
    this.attachments = new Attachments(network, simulation, (datagram, port, address) =>
      this.sent.push({ datagram, port, address }),
    );
    return this.lab;
  }

  async play(allow: string, steps: string): Promise<string[]> {
    const { result } = await play(attachedScenario(allow, steps), this, this.log);
    return expectationsOf(result).map(({ verdict }) => verdict);
  }

  get frames(): Uint8Array[] {
    return this.sent.map(
      ({ datagram }) => (decodeVxlan(datagram) as { payload: Uint8Array }).payload,
    );
  }

  async hears(datagram: Uint8Array, address: string = remote.address): Promise<void> {
    this.attachments.datagram(datagram, { address, port: 55_555 });
    await this.lab.until(after(this.lab.now, seconds(1)));
  }

  dropped(network: string): Record<string, number> {
    return Object.fromEntries(this.attachments.counts.get(network)!.dropped);
  }

  /** What the switch has learned. */
  get table(): string[] {
    const { table } = this.lab.network.switches.get('lan10')!;
    return [...table.entries()].map(({ high, low, port }) => `${high} ${low} ${port}`).sort();
  }
}

const nothing = '\n  - wait: 1s';
const stranger = mac('02:00:00:00:00:99');
const everybody = mac('ff:ff:ff:ff:ff:ff');

/** What a frame says, by another reading than the filter's: from the bytes where the RFCs have them. */
function kindOf(frame: Uint8Array, own: ReadonlyMap<string, string>): string {
  const ethernet = decodeEthernet(frame);
  if (ethernet instanceof Malformed) return 'malformed';
  if (ethernet.type === etherType.arp) {
    const arp = decodeArp(ethernet.payload);
    if (arp instanceof Malformed) return 'malformed';
    const says = showIpv4(arp.senderIp);
    const whose =
      says === '0.0.0.0' || own.get(says) === arp.senderMac.toString(16) ? 'own' : 'proxy';
    return arp.senderIp === arp.targetIp ? `${whose} announcement` : `${whose} arp`;
  }
  const isUdp = ethernet.type === etherType.ipv4 && frame[23] === 17;
  return isUdp && (frame[37] === 67 || frame[37] === 68) ? 'dhcp' : 'ip';
}

/** Every address of the site, and the MAC address of the machine that has it itself. */
const ownersIn = ({ lab }: Rig): ReadonlyMap<string, string> =>
  new Map(
    lab.network.topology.nodes.flatMap(({ name }) =>
      lab.network
        .stack(name)!
        .interfaces.flatMap(({ mac: own, addresses }) =>
          addresses.map(({ address }): [string, string] => [showIpv4(address), own.toString(16)]),
        ),
    ),
  );

test('nothing that a real host would believe leaves, unless it is allowed: not even while an operation takes place', async (t) => {
  const rig = new Rig();
  t.deepEqual(await rig.play('', failover), ['met']);
  t.deepEqual(new Set(rig.frames.map((frame) => kindOf(frame, ownersIn(rig)))), new Set());
  t.deepEqual(Object.keys(rig.dropped('lan10')), ['ATTACHMENT_NOT_ALLOWED']);
  const inLog = [...rig.log.events()].filter(
    (event) => event.kind === 'drop' && event.port === 'attachment.lan10',
  );
  t.is(inLog.length, rig.dropped('lan10')['ATTACHMENT_NOT_ALLOWED']!);
});

const allowed: Readonly<Record<string, readonly string[]>> = {
  arp: ['own arp'],
  announcements: ['own announcement'],
  proxy_arp: [],
  'proxy_arp, announcements': ['own announcement', 'proxy announcement'],
  dhcp: ['dhcp'],
};

for (const [allow, kinds] of Object.entries(allowed)) {
  test(`allowed ${allow}: that leaves, and nothing else`, async (t) => {
    const rig = new Rig();
    await rig.play(allow, failover);
    const seen = new Set(rig.frames.map((frame) => kindOf(frame, ownersIn(rig))));
    t.deepEqual([...seen].sort(), [...kinds].sort());
    for (const { port, address, datagram } of rig.sent) {
      t.deepEqual([address, port], [remote.address, remote.port]);
      t.deepEqual([...datagram.subarray(0, 8)], [8, 0, 0, 0, 0, 0, remote.vni, 0]);
    }
  });
}

const arpOf = (ip: string, target: string, source = stranger): Uint8Array =>
  encodeEthernet({
    target: everybody,
    source,
    type: etherType.arp,
    payload: encodeArp({
      operation: 'request',
      senderMac: source,
      senderIp: ipv4(ip),
      targetMac: mac('00:00:00:00:00:00'),
      targetIp: ipv4(target),
    }),
  });
const question = arpOf(realHost, '10.0.10.11');
const inVxlan = (payload: Uint8Array, vni: number = remote.vni, flags = 8): Uint8Array =>
  encodeVxlan({ flags, vni, payload });

test('a real host asks, and the machine itself answers it alone', async (t) => {
  const rig = new Rig();
  await rig.play('arp', nothing);
  rig.sent.length = 0;
  await rig.hears(inVxlan(question));
  t.is(rig.frames.length, 1);
  const { target, payload } = decodeEthernet(rig.frames[0]!) as {
    target: number;
    payload: Uint8Array;
  };
  t.is(target, stranger);
  const arp = decodeArp(payload);
  t.true(!(arp instanceof Malformed) && arp.operation === 'reply');
  t.like(rig.attachments.counts.get('lan10'), { in: 1 });
  const frame = [...rig.log.events()].find(
    (event) => event.kind === 'frame' && event.from === 'attachment.lan10',
  );
  t.truthy(frame, 'it is in the log');
});

test('a real host asks for a replica, and only who may stand in for it answers', async (t) => {
  for (const [allow, answers] of [
    ['arp', 0],
    ['proxy_arp', 1],
  ] as const) {
    const rig = new Rig();
    await rig.play(allow, failover);
    rig.sent.length = 0;
    await rig.hears(inVxlan(arpOf(realHost, '10.0.10.20')));
    const replies = rig.frames.filter((frame) => frame[21] === 2);
    t.is(replies.length, answers, allow);
  }
});

const tagged = concat(question.subarray(0, 12), hex('8100 0007'), question.subarray(12));
const hostile: Readonly<
  Record<string, { datagram: (rig: Rig) => Uint8Array; from?: string; reason: string; at?: string }>
> = {
  'from an address that is not listed': {
    datagram: () => inVxlan(question),
    from: '192.0.2.66',
    reason: 'ATTACHMENT_UNLISTED',
    at: '',
  },
  'of another VNI': {
    datagram: () => inVxlan(question, 43),
    reason: 'ATTACHMENT_OTHER_VNI',
    at: '',
  },
  'without the I bit': {
    datagram: () => inVxlan(question, remote.vni, 0xf7),
    reason: 'MALFORMED',
    at: '',
  },
  'with a frame of a machine of the lab': {
    datagram: ({ lab }) => {
      const { mac: own } = lab.network.adapters.find(({ node }) => node === 'web01')!;
      return inVxlan(arpOf('10.0.10.11', '10.0.10.20', own));
    },
    reason: 'ATTACHMENT_LOOP',
  },
  'with a VLAN tag inside': { datagram: () => inVxlan(tagged), reason: 'VLAN_MISMATCH' },
  'with a group address as source': {
    datagram: () => inVxlan(arpOf(realHost, '10.0.10.11', mac('03:00:00:00:00:01'))),
    reason: 'BAD_SOURCE_MAC',
  },
  'with a BPDU': {
    datagram: () =>
      inVxlan(
        encodeEthernet({
          target: mac('01:80:c2:00:00:00'),
          source: stranger,
          type: 38,
          payload: new Uint8Array(46),
        }),
      ),
    reason: 'RESERVED_GROUP',
  },
  'with a frame that the network does not carry': {
    datagram: () => inVxlan(concat(question, new Uint8Array(1465 - question.length))),
    reason: 'FRAME_TOO_LONG',
  },
};

for (const [title, { datagram, from, reason, at = 'lan10' }] of Object.entries(hostile)) {
  test(`a datagram ${title} is a counted drop, and changes nothing`, async (t) => {
    const rig = new Rig();
    await rig.play('arp, proxy_arp, announcements, dhcp', nothing);
    const before = rig.table;
    const sent = rig.sent.length;
    await rig.hears(datagram(rig), from);
    t.deepEqual(rig.dropped(at), { [reason]: 1 });
    t.deepEqual(rig.table, before);
    t.is(rig.sent.length, sent, 'nothing goes out');
    t.is(rig.attachments.counts.get('lan10')!.in, 0);
  });
}

test('every datagram that is cut off is a counted drop, and no one throws', async (t) => {
  const rig = new Rig();
  await rig.play('arp', nothing);
  const before = rig.table;
  const whole = inVxlan(question);
  for (let length = 0; length < 8 + 14; length += 1)
    rig.attachments.datagram(whole.subarray(0, length), { address: remote.address, port: 1 });
  const count = (at: string): number => rig.dropped(at)['MALFORMED'] ?? 0;
  t.is(count('') + count('lan10'), 22);
  t.deepEqual(rig.table, before);
});

test('a storm is let in as far as it is no storm, and what a stranger sends does not fill the log', async (t) => {
  const rig = new Rig();
  await rig.play('arp', nothing);
  const { length } = rig.log;
  for (let i = 0; i < 5000; i += 1)
    rig.attachments.datagram(inVxlan(question), { address: remote.address, port: 1 });
  t.is(rig.attachments.counts.get('lan10')!.in, 1000);
  t.deepEqual(rig.dropped('lan10')['ATTACHMENT_STORM'], 4000);
  const dropsIn = rig.log.length - length - 1000;
  t.true(dropsIn <= 100, `${dropsIn} drops were written`);
});

test('faults of a network reach the cable that leads out, and are mended there', async (t) => {
  const harms = ['black_hole: { at: lan10 }', 'power_off: lan10'];
  for (const harm of harms) {
    const rig = new Rig();
    await rig.play('arp', `\n  - fault: { ${harm} }`);
    rig.sent.length = 0;
    await rig.hears(inVxlan(question));
    t.is(rig.sent.length, 0, harm);
  }
  const rig = new Rig();
  await rig.play('arp', '\n  - fault: { black_hole: { at: lan10 } }\n  - fault: { mend: lan10 }');
  rig.sent.length = 0;
  await rig.hears(inVxlan(question));
  t.is(rig.sent.length, 1, 'mended');
});

test('what is neither IP nor ARP never leaves, whatever is allowed', async (t) => {
  const rig = new Rig();
  await rig.play('arp, proxy_arp, announcements, dhcp', nothing);
  rig.sent.length = 0;
  const { network, simulation } = rig.lab;
  const site = network.switches.get('lan10')!;
  const socket = site.ports.find(({ name }) => name === 'web01')!;
  const { mac: own } = network.adapters.find(({ node }) => node === 'web01')!;
  const header = { target: everybody, source: own, type: etherType.ipv6 };
  const frame = encodeEthernet({ ...header, payload: new Uint8Array(60) });
  site.receive(socket, simulation.frames.from(frame), simulation.now, simulation);
  await rig.lab.until(after(rig.lab.now, seconds(0.1)));
  t.is(rig.sent.length, 0);
  t.is(rig.dropped('lan10')['ATTACHMENT_NOT_ALLOWED'], 1);
});

test('nor does a storm in the lab leave', async (t) => {
  const rig = new Rig();
  await rig.play('arp', nothing);
  rig.sent.length = 0;
  const { network, simulation } = rig.lab;
  const site = network.switches.get('lan10')!;
  const socket = site.ports.find(({ name }) => name === 'web01')!;
  const { mac: own } = network.adapters.find(({ node }) => node === 'web01')!;
  const frame = arpOf('10.0.10.11', '10.0.10.20', own);
  for (let i = 0; i < 3000; i += 1)
    site.receive(socket, simulation.frames.from(frame), simulation.now, simulation);
  await rig.lab.until(after(rig.lab.now, seconds(0.1)));
  t.is(rig.sent.length, 1000);
  t.is(rig.dropped('lan10')['ATTACHMENT_STORM'], 2000);
});

test('a frame of one real network never leaves for another', async (t) => {
  const rig = new Rig();
  await rig.play('arp, proxy_arp, announcements, dhcp', nothing);
  rig.sent.length = 0;
  // As a bridge elsewhere in the lab would: a port of the same switch, from which a stranger speaks.
  const { network, simulation } = rig.lab;
  const socket = network.switches.get('lan10')!.ports.find(({ name }) => name === 'web01')!;
  const other = network.switches.get('lan10')!;
  other.receive(socket, simulation.frames.from(question), simulation.now, simulation);
  await rig.lab.until(after(rig.lab.now, seconds(1)));
  t.deepEqual(rig.dropped('lan10'), { ATTACHMENT_TRANSIT: 1 });
  t.false(
    rig.frames.some((frame) => (decodeEthernet(frame) as { source: number }).source === stranger),
  );
});
