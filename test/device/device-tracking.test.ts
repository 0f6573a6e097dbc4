/** IP device tracking: what the switch asks and when, and what a machine makes of it that is looking for conflicts. */
import test from 'ava';
import { Random } from '../../src/base/random.ts';
import { type Duration, type Instant, labStart, seconds } from '../../src/base/time.ts';
import { AddressKeeper } from '../../src/device/address-keeper.ts';
import { DeviceTracking } from '../../src/device/device-tracking.ts';
import { Probes } from '../../src/device/probes.ts';
import { Switch } from '../../src/device/switch.ts';
import { TcpPart } from '../../src/device/tcp-part.ts';
import { gigabit } from '../../src/sim/link.ts';
import { IpStack } from '../../src/stack/ip-stack.ts';
import { linux, type Profile, windows } from '../../src/stack/profile.ts';
import { anyIpv4, ipv4, mac, showIpv4, showMac, unknownMac } from '../../src/wire/address.ts';
import { decodeArp } from '../../src/wire/arp.ts';
import { decodeEthernet, etherType } from '../../src/wire/ethernet.ts';
import { Malformed } from '../../src/wire/malformed.ts';
import { networkAt, SmallNet } from './small-net.ts';

const own = mac('02:00:00:00:0c:0c');
const host = { ip: ipv4('10.0.0.5'), mac: mac('52:54:00:00:00:05') };
const other = { ip: ipv4('10.0.0.6'), mac: mac('52:54:00:00:00:06') };
const [here, there] = new Switch('access', 2).ports as [
  Switch['ports'][number],
  Switch['ports'][number],
];
const at = (s: number): Instant => (labStart + seconds(s)) as Instant;

function tracking(delay: Duration): DeviceTracking {
  const made = new DeviceTracking({ mac: own, delay, interval: seconds(30) });
  made.handle({ kind: 'heard', ...host, port: here }, at(0));
  return made;
}

test('what has been heard of is asked for 30 s later, again and again, and three times in vain', (t) => {
  const here30 = tracking(seconds(0));
  t.is(here30.nextWake(), at(30));
  t.deepEqual(here30.wake(at(29)), []);
  for (const s of [30, 60, 90]) {
    t.is(here30.nextWake(), at(s));
    t.deepEqual(here30.wake(at(s)), [{ port: here, ...host }]);
  }
  t.is(here30.nextWake(), undefined);
});

test('a word of the machine puts the question off', (t) => {
  const here30 = tracking(seconds(0));
  here30.wake(at(30));
  here30.handle({ kind: 'heard', ...host, port: here }, at(40));
  t.deepEqual(
    [70, 100, 130, 160].map((s) => here30.wake(at(s)).length),
    [1, 1, 1, 0],
  );
});

test('when a cable comes up it asks for those it knows there, after the delay and nowhere else', (t) => {
  const made = tracking(seconds(10));
  made.handle({ kind: 'heard', ...other, port: there }, at(0));
  made.handle({ kind: 'link', port: here, up: false }, at(1));
  t.is(made.nextWake(), at(30), 'of a cable that is down nothing is asked');
  t.deepEqual(made.handle({ kind: 'link', port: here, up: true }, at(5)), []);
  t.is(made.nextWake(), at(15));
  t.deepEqual(made.wake(at(15)), [{ port: here, ...host }]);
  const atOnce = tracking(seconds(0));
  t.deepEqual(atOnce.handle({ kind: 'link', port: here, up: true }, at(5)), [
    { port: here, ...host },
  ]);
});

test('an address is where it was heard last', (t) => {
  const made = tracking(seconds(0));
  made.handle({ kind: 'heard', ip: host.ip, mac: other.mac, port: there }, at(3));
  t.deepEqual(made.handle({ kind: 'link', port: here, up: true }, at(5)), []);
  t.deepEqual(made.wake(at(33)), [{ port: there, ip: host.ip, mac: other.mac }]);
});

test('of a thousand and twenty-five the one that was heard first is forgotten', (t) => {
  const made = new DeviceTracking({ mac: own, delay: seconds(0), interval: seconds(30) });
  for (let i = 0; i <= 1024; i += 1)
    made.handle(
      { kind: 'heard', ip: (host.ip + i) as typeof host.ip, mac: host.mac, port: here },
      at(0),
    );
  const asked = made.wake(at(30)).map(({ ip }): number => ip);
  t.is(asked.length, 1024);
  t.is(asked[0], host.ip + 1);
});

/** A machine that has been heard starts anew behind the same cable; and what it has 12 s later. */
function restarted(profile: Profile, delay: Duration) {
  const net = new SmallNet();
  net.lan.track(1, { mac: own, delay, interval: seconds(30) });
  const prefix = networkAt('10.0.0.5/24');
  const live = (life: number) => {
    const stack = new IpStack('pc', { profile, random: new Random(`pc ${life}`) });
    const adapter = stack.addInterface({ name: 'eth0', mac: host.mac });
    const plan = { kind: 'static', prefix, gateway: undefined } as const;
    const keeper = new AddressKeeper(stack, adapter, plan);
    return { adapter, port: adapter.port!, start: () => keeper.start(net.now, net.sim, -1), stack };
  };
  const first = live(1);
  net.sim.connect(first.port, net.lan.addPort(undefined, 'pc'), gigabit);
  first.start();
  net.run(10);
  // Linux does not announce itself: it is heard when it asks.
  new Probes(first.stack, new TcpPart(first.stack)).arping(
    1,
    first.adapter,
    other.ip,
    net.now,
    net.sim,
  );
  net.run(1);
  const second = live(2);
  net.sim.setLink(first.port, false);
  net.sim.replug(first.port, second.port);
  const since = net.log.length;
  second.start();
  net.sim.setLink(second.port, true);
  net.run(12);
  return { net, has: second.adapter.addresses.map(({ address }) => showIpv4(address)), since };
}

test('A15: asked without delay, Windows takes the question for a rival and falls back to 169.254; after 10 s it has its address', (t) => {
  const early = restarted(windows, seconds(0));
  t.regex(early.has.join(), /^169\.254\./);
  const [conflict] = early.net
    .facts('address', early.since)
    .filter(({ change }) => change === 'conflict');
  t.is(conflict!.mac, showMac(own));
  t.deepEqual(restarted(windows, seconds(10)).has, ['10.0.0.5']);
  t.deepEqual(restarted(linux, seconds(0)).has, ['10.0.0.5'], 'Linux does not look for conflicts');
});

test('the question is an ARP probe: from 0.0.0.0, to the adapter of the machine alone; and it is answered', (t) => {
  const { net, since } = restarted(linux, seconds(0));
  const [asked] = [...net.log.events(since)].flatMap((event) => {
    const frame =
      event.kind === 'frame' && event.from === 'lan.pc' ? decodeEthernet(event.bytes) : undefined;
    return frame === undefined || frame instanceof Malformed ? [] : [frame];
  });
  t.like(asked, { target: host.mac, source: own, type: etherType.arp });
  const arp = { operation: 'request', senderMac: own, senderIp: anyIpv4 } as const;
  t.deepEqual(decodeArp(asked!.payload), { ...arp, targetMac: unknownMac, targetIp: host.ip });
  const answers = net.arps(since).filter(({ targetMac }) => targetMac === own);
  t.deepEqual(
    answers.map(({ operation, senderIp, to }) => [operation, senderIp, to]),
    [['reply', host.ip, showMac(own)]],
  );
});
