import test from 'ava';
import { Random } from '../../src/base/random.ts';
import { after, type Instant, labEnd, labStart, seconds } from '../../src/base/time.ts';
import {
  DhcpClient,
  type DhcpClientInput,
  type DhcpClientOutput,
  type DhcpState,
} from '../../src/stack/dhcp-client.ts';
import type { Lease } from '../../src/stack/dhcp-lease.ts';
import { dhclient, linux, type Profile, strict, windows } from '../../src/stack/profile.ts';
import { anyIpv4, ipv4, mac } from '../../src/wire/address.ts';
import {
  chaddrOf,
  type Dhcp,
  type DhcpOptions,
  type DhcpType,
  decodeDhcp,
  foreverSeconds,
  listOptions,
  readOptions,
} from '../../src/wire/dhcp.ts';
import { Malformed } from '../../src/wire/malformed.ts';
import { Bench } from '../support/bench.ts';
import { datagramIn, hasCorpus, readCapture } from '../support/captures.ts';

const ours = mac('02:00:00:00:00:01');
const server = ipv4('10.0.1.1');
const ip = ipv4('10.0.1.20');
const at = (s: number): Instant => after(labStart, seconds(s));

type Sent = Extract<DhcpClientOutput, { kind: 'send' }>;

/** A client on a clock, and everything it said with when it said it. */
class Subject {
  readonly bench = new Bench();
  readonly said: { readonly at: number; readonly output: DhcpClientOutput }[] = [];
  readonly client: DhcpClient;
  /** Of what it sent last. */
  xid = 0;
  readonly tell: (input: DhcpClientInput) => void;

  constructor(profile: Profile['dhcp'], seed: string | number = 2131) {
    this.client = new DhcpClient({ mac: ours, profile, random: new Random(seed) });
    this.tell = this.bench.drive(this.client, (output) => {
      this.said.push({ at: this.bench.now / 1e9, output });
      if (output.kind === 'send') this.xid = output.message.xid;
    });
  }

  get outputs(): DhcpClientOutput[] {
    return this.said.map(({ output }) => output);
  }

  get kinds(): string[] {
    return this.outputs.map((output) =>
      output.kind === 'send' ? (readOptions(output.message.options).type ?? '?') : output.kind,
    );
  }

  /** Times of what was sent with this type. */
  times(type: DhcpType): number[] {
    return this.sends(type).map((one) => one.at);
  }

  sends(type: DhcpType): (Sent & { readonly at: number })[] {
    return this.said.flatMap(({ at: when, output }) =>
      output.kind === 'send' && readOptions(output.message.options).type === type
        ? [{ ...output, at: when }]
        : [],
    );
  }

  hear(type: DhcpType | undefined, fields: DhcpOptions = grant, change: Partial<Dhcp> = {}): void {
    const message: Dhcp = {
      op: 'reply',
      htype: 1,
      hops: 0,
      xid: this.xid,
      secs: 0,
      broadcast: false,
      ciaddr: anyIpv4,
      yiaddr: type === 'nak' ? anyIpv4 : ip,
      siaddr: anyIpv4,
      giaddr: anyIpv4,
      chaddr: chaddrOf(ours),
      sname: new Uint8Array(0),
      file: new Uint8Array(0),
      options: listOptions(type === undefined ? fields : { ...fields, type }),
      ...change,
    };
    this.tell({ kind: 'message', message, from: server });
  }

  /** Goes to a state by the shortest way, from nothing. */
  enter(state: DhcpState | 'checking'): this {
    if (state === 'off') return this;
    if (state === 'init-reboot' || state === 'rebooting') {
      this.tell({ kind: 'start', remembered: lease });
      if (this.client.state !== state) this.bench.until(this.client.nextWake()!);
      return this;
    }
    this.tell({ kind: 'start' });
    if (state === 'init') return this;
    if (this.client.state === 'init') this.bench.until(this.client.nextWake()!);
    if (state === 'selecting') return this;
    this.hear('offer');
    if (state === 'requesting') return this;
    this.hear('ack');
    if (state === 'checking') return this;
    this.tell({ kind: 'checked', ip, conflict: false });
    const { renewAt, rebindAt } = this.client.lease!;
    if (state === 'renewing') this.bench.until(renewAt);
    if (state === 'rebinding') this.bench.until(rebindAt);
    return this;
  }

  /** Forgets what was said so far. */
  quiet(): this {
    this.said.length = 0;
    return this;
  }
}

const grant: DhcpOptions = {
  serverId: server,
  leaseSeconds: 3600,
  subnetMask: ipv4('255.255.255.0'),
  routers: [ipv4('10.0.1.254')],
};
const lease: Lease = {
  ip,
  length: 24,
  router: ipv4('10.0.1.254'),
  server,
  renewAt: at(1800),
  rebindAt: at(3150),
  expiresAt: at(3600),
};
/** Every wait as long as it says, so that times can be worked out by hand. */
const exact: Profile['dhcp'] = {
  ...strict.dhcp,
  jitter: seconds(0),
  startDelay: { least: seconds(0), most: seconds(0) },
};
const states: readonly (DhcpState | 'checking')[] = [
  'off',
  'init',
  'selecting',
  'requesting',
  'checking',
  'bound',
  'renewing',
  'rebinding',
  'init-reboot',
  'rebooting',
];
const types: readonly (DhcpType | undefined)[] = [
  undefined,
  'discover',
  'offer',
  'request',
  'decline',
  'ack',
  'nak',
  'release',
  'inform',
];

test('DHCP-1: the way from INIT to BOUND, with a check of the address before it is used', (t) => {
  const subject = new Subject(exact).enter('bound');
  t.deepEqual(subject.kinds, [
    'state',
    'state',
    'discover',
    'state',
    'request',
    'check',
    'state',
    'bound',
  ]);
  const walked = subject.outputs.flatMap((output) =>
    output.kind === 'state' ? [output.state] : [],
  );
  t.deepEqual(walked, ['init', 'selecting', 'requesting', 'bound']);
  t.deepEqual(subject.outputs.at(-1), { kind: 'bound', lease });
  t.deepEqual(subject.client.lease, lease);
});

/** What figure 5 does with a message; everything else is ignored. `checking` waits for the ARP check. */
const reactions: Record<string, { readonly state: DhcpState; readonly said: readonly string[] }> = {
  'selecting offer': { state: 'requesting', said: ['state', 'request'] },
  'requesting ack': { state: 'requesting', said: ['check'] },
  'requesting nak': { state: 'init', said: ['state'] },
  'rebooting ack': { state: 'rebooting', said: ['check'] },
  'rebooting nak': { state: 'init', said: ['state'] },
  'renewing ack': { state: 'bound', said: ['state', 'bound'] },
  'renewing nak': { state: 'init', said: ['unbound', 'state'] },
  'rebinding ack': { state: 'bound', said: ['state', 'bound'] },
  'rebinding nak': { state: 'init', said: ['unbound', 'state'] },
};

for (const state of states) {
  test(`DHCP-1: each type of message in ${state}`, (t) => {
    for (const type of types) {
      const subject = new Subject(strict.dhcp).enter(state);
      const before = subject.client.state;
      t.is(before, state === 'checking' ? 'requesting' : state);
      const { xid } = subject;
      const wake = subject.client.nextWake();
      const heard = subject.said.length;
      subject.hear(type, grant, { xid });
      const expected = reactions[`${state} ${type}`] ?? { state: before, said: [] };
      t.deepEqual(subject.kinds.slice(heard), expected.said, `${type}`);
      t.is(subject.client.state, expected.state, `${type}`);
      if (expected.said.length === 0) t.is(subject.client.nextWake(), wake, `${type}`);
    }
  });
}

test('DHCP-1: nothing is believed that is not for us, or not from the server that was asked', (t) => {
  const elsewhere = { ...grant, serverId: ipv4('10.0.1.2') };
  const { serverId: _, ...anonymous } = grant;
  const { leaseSeconds: __, ...endless } = grant;
  const wrong: [string, DhcpOptions, Partial<Dhcp>][] = [
    ['another xid', grant, { xid: 1 }],
    ['another chaddr', grant, { chaddr: chaddrOf(mac('02:00:00:00:00:02')) }],
    ['another hardware type', grant, { htype: 6 }],
    ['a request', grant, { op: 'request' }],
    ['no server identifier', anonymous, {}],
  ];
  const wrongAck: typeof wrong = [
    ...wrong,
    ['another address', grant, { yiaddr: ipv4('10.0.1.21') }],
    ['no lease time', endless, {}],
    ['no time at all', { ...grant, leaseSeconds: 0 }, {}],
    ['a mask with holes', { ...grant, subnetMask: ipv4('255.0.255.0') }, {}],
    ['an empty mask', { ...grant, subnetMask: anyIpv4 }, {}],
  ];
  const notAsked: (typeof wrong)[0] = ['another server', elsewhere, {}];
  const cases: [DhcpState, DhcpType, typeof wrong][] = [
    ['selecting', 'offer', [...wrong, ['no address', grant, { yiaddr: anyIpv4 }]]],
    ['selecting', 'offer', [['a broadcast address', grant, { yiaddr: ipv4('255.255.255.255') }]]],
    ['selecting', 'offer', [['a loopback address', grant, { yiaddr: ipv4('127.0.0.1') }]]],
    ['requesting', 'ack', [...wrongAck, notAsked]],
    ['requesting', 'nak', [...wrong, notAsked]],
    ['renewing', 'ack', [...wrongAck, notAsked]],
    ['renewing', 'nak', [...wrong, notAsked]],
    ['rebinding', 'ack', wrongAck],
    ['rebooting', 'ack', wrongAck],
  ];
  for (const [state, type, list] of cases) {
    for (const [title, fields, change] of list) {
      const subject = new Subject(exact).enter(state);
      const said = subject.said.length;
      subject.hear(type, fields, change);
      t.is(subject.said.length, said, `${state}, ${type} with ${title}`);
      t.is(subject.client.state, state);
    }
  }
  const other = new Subject(exact).enter('rebinding');
  other.hear('ack', elsewhere);
  t.is(other.client.lease?.server, ipv4('10.0.1.2'), 'in REBINDING any server will do');
});

test('DHCP-2: DISCOVERs are 4, 8, 16, 32 and 64 s apart, each 1 s more or less', (t) => {
  const waits = [4, 8, 16, 32, 64];
  const seen: number[][] = waits.map(() => []);
  for (let seed = 0; seed < 100; seed += 1) {
    const subject = new Subject(strict.dhcp, seed);
    subject.tell({ kind: 'start' });
    subject.bench.until(at(140));
    const times = [...subject.times('discover')];
    const gaveUp = subject.said.find(({ output }) => output.kind === 'gave-up');
    t.true(times[0]! >= 1 && times[0]! <= 10); // section 4.4.1
    t.is(times.length, 5);
    times.push(gaveUp!.at);
    for (const i of waits.keys()) seen[i]!.push(times[i + 1]! - times[i]!);
  }
  for (const [i, wait] of waits.entries()) {
    const [least, most] = [Math.min(...seen[i]!), Math.max(...seen[i]!)];
    t.true(least >= wait - 1 - 1e-6 && least < wait - 0.8, `${wait}: ${least}`);
    t.true(most <= wait + 1 + 1e-6 && most > wait + 0.8, `${wait}: ${most}`);
  }
});

test('DHCP-2: REQUESTs too, and after the last it starts over with a new xid', (t) => {
  const subject = new Subject(exact).enter('requesting');
  const { xid } = subject;
  subject.bench.until(at(61));
  t.deepEqual(subject.times('request'), [0, 4, 12, 28]);
  t.true(subject.sends('request').every(({ message }) => message.xid === xid));
  t.deepEqual(subject.times('discover'), [0, 60]);
  t.not(subject.xid, xid);
});

test('DHCP-2: T1 is half the lease and T2 seven eighths; renewals at half the rest, 60 s apart at least', (t) => {
  const subject = new Subject(exact).enter('bound').quiet();
  subject.bench.until(at(3599));
  // By hand: (3150 - 1800) / 2 = 675, …; from 3065.625 only 42 s would be left of the half.
  t.deepEqual(
    subject.times('request'),
    [1800, 2475, 2812.5, 2981.25, 3065.625, 3125.625, 3150, 3375, 3487.5, 3547.5],
  );
  const [first, second] = [subject.sends('request')[0]!, subject.sends('request')[6]!];
  t.deepEqual([first.to, first.source, first.message.ciaddr], [server, ip, ip]);
  t.deepEqual([second.to, second.source, second.message.ciaddr], ['broadcast', ip, ip]);
  t.is(subject.client.state, 'rebinding');
});

test('DHCP-2: when the lease runs out the address goes at that moment and the search begins', (t) => {
  const subject = new Subject(exact).enter('rebinding').quiet();
  subject.bench.until(at(3600));
  const tail = subject.said.slice(-4);
  t.deepEqual(
    tail.map((one) => one.at),
    [3600, 3600, 3600, 3600],
  );
  t.deepEqual(tail[0]!.output, { kind: 'unbound', ip, because: 'expired' });
  t.deepEqual(subject.kinds.slice(-4), ['unbound', 'state', 'state', 'discover']);
  t.is(subject.client.lease, undefined);
});

test('DHCP-2: the times of the server are used where they make sense', (t) => {
  const lengths: [DhcpOptions, number, number][] = [
    [{ renewSeconds: 100, rebindSeconds: 200 }, 100, 200],
    [{ renewSeconds: 100 }, 100, 3150],
    [{ renewSeconds: 3200 }, 1800, 3150],
    [{ renewSeconds: 200, rebindSeconds: 100 }, 1800, 3150],
    [{ renewSeconds: 100, rebindSeconds: 3600 }, 1800, 3150],
    [{ renewSeconds: 0, rebindSeconds: 100 }, 1800, 3150],
  ];
  for (const [fields, renew, rebind] of lengths) {
    const subject = new Subject(exact).enter('requesting');
    subject.hear('ack', { ...grant, ...fields });
    subject.tell({ kind: 'checked', ip, conflict: false });
    const { renewAt, rebindAt } = subject.client.lease!;
    t.deepEqual([renewAt, rebindAt], [at(renew), at(rebind)], JSON.stringify(fields));
  }
});

test('DHCP-2: a lease counts from when it was asked for, however late the ACK comes', (t) => {
  const subject = new Subject(exact).enter('requesting');
  subject.bench.until(at(13)); // asked at 0, 4 and 12 s
  subject.hear('ack');
  subject.bench.until(at(15));
  subject.tell({ kind: 'checked', ip, conflict: false });
  t.is(subject.client.lease!.expiresAt, at(3600));
  const renewing = new Subject(exact).enter('renewing');
  renewing.bench.until(at(2500)); // asked again at 2475 s
  renewing.hear('ack');
  t.is(renewing.client.lease!.expiresAt, at(2475 + 3600));
});

test('a lease for ever, or for longer than the lab lasts, is never renewed', (t) => {
  const subject = new Subject(exact).enter('requesting');
  subject.hear('ack', { ...grant, leaseSeconds: foreverSeconds });
  subject.tell({ kind: 'checked', ip, conflict: false });
  t.is(subject.client.lease!.expiresAt, labEnd);
  t.is(subject.client.nextWake(), undefined);
  const long = new Subject(exact).enter('requesting');
  long.hear('ack', { ...grant, leaseSeconds: 400 * 86_400 });
  long.tell({ kind: 'checked', ip, conflict: false });
  t.is(long.client.nextWake(), undefined);
});

test('DHCP-3: secs grows with each DISCOVER, and the REQUEST repeats the last', (t) => {
  const subject = new Subject(exact).enter('selecting');
  subject.bench.until(at(30));
  subject.hear('offer');
  t.deepEqual(
    subject.sends('discover').map(({ message }) => message.secs),
    [0, 4, 12, 28],
  );
  subject.bench.until(at(40));
  t.deepEqual(
    subject.sends('request').map(({ message }) => message.secs),
    [28, 28],
  );
});

test('DHCP-3: the broadcast flag is set by profiles that cannot hear unicast, while there is no address', (t) => {
  for (const [profile, flag] of [
    [linux.dhcp, false],
    [windows.dhcp, true],
    [exact, true],
  ] as const) {
    const subject = new Subject(profile).enter('renewing');
    t.is(subject.sends('discover')[0]!.message.broadcast, flag);
    const [selecting, renewing] = subject.sends('request');
    t.deepEqual([selecting!.message.broadcast, renewing!.message.broadcast], [flag, false]);
  }
});

test('DHCP-4: the fields of each REQUEST are those of RFC 2131 table 5', (t) => {
  const request = (state: DhcpState): [Sent, DhcpOptions] => {
    const sent = new Subject(exact).enter(state).sends('request').at(-1)!;
    const { type: _, parameters: __, ...fields } = readOptions(sent.message.options);
    return [sent, fields];
  };
  const [selecting, selectingFields] = request('requesting');
  t.deepEqual(selectingFields, { serverId: server, requestedIp: ip });
  t.deepEqual(
    [selecting.message.ciaddr, selecting.to, selecting.source],
    [anyIpv4, 'broadcast', anyIpv4],
  );
  const [rebooting, rebootingFields] = request('rebooting');
  t.deepEqual(rebootingFields, { requestedIp: ip });
  t.deepEqual(
    [rebooting.message.ciaddr, rebooting.to, rebooting.source],
    [anyIpv4, 'broadcast', anyIpv4],
  );
  const [renewing, renewingFields] = request('renewing');
  t.deepEqual(renewingFields, {});
  t.deepEqual([renewing.message.ciaddr, renewing.to, renewing.source], [ip, server, ip]);
  const [rebinding, rebindingFields] = request('rebinding');
  t.deepEqual(rebindingFields, {});
  t.deepEqual([rebinding.message.ciaddr, rebinding.to, rebinding.source], [ip, 'broadcast', ip]);
});

test('DHCP-5: on conflict it declines by broadcast and waits 10 s before the next DISCOVER', (t) => {
  for (const state of ['checking', 'bound'] as const) {
    const subject = new Subject(exact).enter(state).quiet();
    subject.tell({ kind: 'checked', ip: ipv4('10.0.1.99'), conflict: true }); // not ours
    t.deepEqual(subject.said, []);
    subject.tell({ kind: 'checked', ip, conflict: true });
    const decline = subject.sends('decline')[0]!;
    t.deepEqual(readOptions(decline.message.options), {
      type: 'decline',
      serverId: server,
      requestedIp: ip,
    });
    t.deepEqual(
      [decline.to, decline.source, decline.message.ciaddr],
      ['broadcast', anyIpv4, anyIpv4],
    );
    t.is(subject.kinds.includes('unbound'), state === 'bound');
    subject.bench.until(at(60));
    t.deepEqual(subject.times('discover')[0], 10);
  }
});

test('a check that is never answered ends with the lease, and one that comes late is ignored', (t) => {
  const subject = new Subject(exact).enter('checking').quiet();
  subject.bench.until(at(3599));
  t.deepEqual(subject.said, []);
  subject.bench.until(at(3600));
  t.deepEqual(subject.kinds, ['state', 'state', 'discover']);
  subject.tell({ kind: 'checked', ip, conflict: false });
  t.is(subject.client.state, 'selecting');
});

test('a NAK leads to a new start, after a pause that keeps refusals from going round for ever', (t) => {
  const subject = new Subject(exact).enter('requesting').quiet();
  subject.hear('nak');
  subject.bench.until(at(5));
  t.deepEqual(subject.times('discover')[0], 1);
});

test('with a lease that still runs it asks for that address; with one that has run out it asks for any', (t) => {
  const valid = new Subject(exact);
  valid.tell({ kind: 'start', remembered: lease });
  t.deepEqual(valid.kinds, ['state', 'state', 'request']);
  valid.hear('ack');
  valid.tell({ kind: 'checked', ip, conflict: false });
  t.is(valid.client.state, 'bound');

  const expired = new Subject(exact);
  expired.bench.until(at(3600));
  expired.tell({ kind: 'start', remembered: lease });
  t.deepEqual(expired.kinds, ['state', 'state', 'discover']);
});

test('unanswered in INIT-REBOOT, the profile decides whether the lease is kept (RFC 2131 section 3.2)', (t) => {
  const keeps = new Subject({ ...exact, keepsLeaseUnanswered: true }).enter('rebooting').quiet();
  keeps.bench.until(at(60));
  t.deepEqual(keeps.kinds.slice(-2), ['gave-up', 'check']);
  t.deepEqual(keeps.said.at(-2)!.output, { kind: 'gave-up', fallback: 'lease' });
  keeps.tell({ kind: 'checked', ip, conflict: false });
  t.deepEqual(keeps.client.lease, lease);
  keeps.bench.until(at(1800));
  t.is(keeps.client.state, 'renewing');

  const lets = new Subject(exact).enter('rebooting').quiet();
  lets.bench.until(at(60));
  t.deepEqual(lets.kinds.slice(-3), ['state', 'state', 'discover']);
  t.is(lets.client.lease, undefined);
});

test('a lease that runs out while it is being asked for again is forgotten', (t) => {
  const subject = new Subject({ ...exact, keepsLeaseUnanswered: true });
  subject.bench.until(at(3590));
  subject.tell({ kind: 'start', remembered: lease });
  subject.bench.until(at(3600));
  t.deepEqual(subject.kinds.slice(-2), ['state', 'discover']);
  t.is(subject.said.at(-1)!.at, 3600);
  t.false(subject.kinds.includes('unbound'), 'it was never in use');
});

test('a lease kept past its T1 or T2 is renewed at once', (t) => {
  for (const [when, state] of [
    [2000, 'renewing'],
    [3300, 'rebinding'],
  ] as const) {
    const subject = new Subject({ ...exact, keepsLeaseUnanswered: true });
    subject.bench.until(at(when));
    subject.tell({ kind: 'start', remembered: lease });
    subject.bench.until(at(when + 60));
    subject.tell({ kind: 'checked', ip, conflict: false });
    subject.bench.until(at(when + 61));
    t.is(subject.client.state, state);
  }
});

test('stopping gives the address back or keeps it, as is asked', (t) => {
  for (const release of [true, false]) {
    const subject = new Subject(exact).enter('bound').quiet();
    subject.tell({ kind: 'stop', release });
    t.deepEqual(subject.kinds, release ? ['release', 'unbound', 'state'] : ['unbound', 'state']);
    t.is(subject.client.nextWake(), undefined);
    if (!release) continue;
    const { to, source, message } = subject.sends('release')[0]!;
    t.deepEqual([to, source, message.ciaddr], [server, ip, ip]);
    t.deepEqual(readOptions(message.options), { type: 'release', serverId: server }); // no 50: table 5
  }
  const idle = new Subject(exact);
  idle.tell({ kind: 'stop', release: true });
  t.deepEqual(idle.said, []);
  const searching = new Subject(exact).enter('selecting').quiet();
  searching.tell({ kind: 'stop', release: true });
  t.deepEqual(searching.kinds, ['state']);
});

test('started again while it runs, it begins anew', (t) => {
  const subject = new Subject(exact).enter('bound').quiet();
  subject.tell({ kind: 'start' });
  t.deepEqual(subject.kinds, ['unbound', 'state', 'state', 'state', 'discover']);
});

test('DHCP-9: udhcpc asks every 3 s, gives up, and sets no address', (t) => {
  const subject = new Subject(linux.dhcp);
  subject.tell({ kind: 'start' });
  subject.bench.until(at(20));
  t.deepEqual(subject.times('discover'), [0, 3, 6]);
  t.deepEqual(subject.said.at(-2), { at: 9, output: { kind: 'gave-up', fallback: 'nothing' } });
  t.false(subject.kinds.includes('bound'));
});

test('DHCP-9: udhcpc and dhclient without a server, against what was captured of them', (t) => {
  if (!hasCorpus(t)) return;
  const discovers = (from: string): { at: number; secs: number }[] =>
    readCapture('kernel-golden/linux-dhcp-noserver-then-dnsmasq.pcap').flatMap((frame) => {
      const datagram = datagramIn(frame.bytes);
      const message = datagram && decodeDhcp(datagram.payload);
      if (message === undefined || message instanceof Malformed) return [];
      const isOurs = String(message.chaddr) === String(chaddrOf(mac(from)));
      return isOurs ? [{ at: frame.seconds, secs: message.secs }] : [];
    });
  const udhcpc = discovers('02:00:00:00:00:c1').slice(0, 5); // it was told to ask five times
  const subject = new Subject({ ...linux.dhcp, discoverWaits: [3, 3, 3, 3, 3].map(seconds) });
  subject.tell({ kind: 'start' });
  subject.bench.until(at(14));
  t.deepEqual(
    subject.sends('discover').map(({ message }) => message.secs),
    udhcpc.map(({ secs }) => secs),
  );
  for (const [i, time] of subject.times('discover').entries())
    t.true(Math.abs(udhcpc[i]!.at - udhcpc[0]!.at - time) < 0.25, `DISCOVER ${i}`);

  const measured = discovers('02:00:00:00:00:d1').map((one) => one.at);
  t.is(measured.length, dhclient.discoverWaits.length);
  const gaps = measured.slice(1).map((time, i) => time - measured[i]!);
  t.true(
    gaps.every((gap) => gap >= 5 && gap <= 15),
    gaps.join(' '),
  );
  for (let seed = 0; seed < 50; seed += 1) {
    const like = new Subject(dhclient, seed);
    like.tell({ kind: 'start' });
    like.bench.until(at(95));
    const times = like.times('discover');
    const ours = times.slice(1).map((time, i) => time - times[i]!);
    t.is(times.length, 6);
    t.true(ours.every((gap) => gap >= 5 && gap <= 15));
  }
});

test('DHCP-9: windows takes a link-local address after 6 s and goes on asking, every 5 minutes', (t) => {
  const subject = new Subject(windows.dhcp, 1);
  subject.tell({ kind: 'start' });
  subject.bench.until(at(700));
  const gaveUp = subject.said.filter(({ output }) => output.kind === 'gave-up');
  t.deepEqual(gaveUp[0], { at: 6, output: { kind: 'gave-up', fallback: 'link-local' } });
  t.is(gaveUp.length, 2, 'once in a series');
  const times = subject.times('discover');
  t.true(times.length >= 5 && times[4]! - times[3]! > 300 && times[4]! - times[3]! < 340);
});
