import test from 'ava';
import { Random } from '../../src/base/random.ts';
import { after, type Instant, labStart, milliseconds, seconds } from '../../src/base/time.ts';
import {
  ConflictDetection,
  type ConflictDetectionOutput,
  type HeardArp,
} from '../../src/stack/conflict-detection.ts';
import {
  arpDestination,
  isOnLinkOnly,
  LinkLocal,
  type LinkLocalOutput,
  mayForward,
} from '../../src/stack/link-local.ts';
import { linux, type Profile, strict, windows } from '../../src/stack/profile.ts';
import {
  anyIpv4,
  broadcastMac,
  type Ipv4,
  ipv4,
  type Mac,
  mac,
  showIpv4,
  unknownMac,
} from '../../src/wire/address.ts';
import { Bench } from '../support/bench.ts';

const ours = mac('02:00:00:00:00:01');
const theirs = mac('02:00:00:00:00:02');
const ip = ipv4('10.0.1.5');
const other = ipv4('10.0.1.6');

const arp = (
  senderMac: Mac,
  senderIp: Ipv4,
  targetIp: Ipv4,
  operation: 'request' | 'reply' = 'request',
): HeardArp => ({
  kind: 'arp',
  operation,
  senderMac,
  senderIp,
  targetMac: unknownMac,
  targetIp,
});
const probe = (from: Mac, target: Ipv4): HeardArp => arp(from, anyIpv4, target);
const announcement = (from: Mac, of: Ipv4): HeardArp => arp(from, of, of);

interface At<Output> {
  readonly at: number;
  readonly output: Output;
}

/** A machine on a clock, and a list of what it said when, in seconds. */
function watch(profile: Profile['conflictDetection'], seed: string | number = 5227) {
  const bench = new Bench();
  const said: At<ConflictDetectionOutput>[] = [];
  const machine = new ConflictDetection({ mac: ours, profile, random: new Random(seed) });
  const tell = bench.drive(machine, (output) => said.push({ at: bench.now / 1e9, output }));
  return { bench, said, tell, machine };
}

const at = (s: number): Instant => after(labStart, seconds(s));
const kinds = (said: readonly At<{ kind: string }>[]): string[] =>
  said.map(({ output }) => output.kind);

/** A machine that has had `ip` since a while, with a clean list. */
function holding(profile: Profile['conflictDetection']) {
  const all = watch(profile);
  all.tell({ kind: 'claim', ip });
  all.bench.until(at(100));
  all.said.length = 0;
  return all;
}

test('ACD-1: three probes after up to 1 s, 1 to 2 s apart, then 2 s of silence: in use after 4 to 7 s', (t) => {
  const starts: number[] = [];
  const gaps: number[] = [];
  const claims: number[] = [];
  for (let seed = 0; seed < 300; seed += 1) {
    const { bench, said, tell } = watch(strict.conflictDetection, seed);
    tell({ kind: 'claim', ip });
    bench.until(at(60));
    const probes = said.slice(0, 3);
    for (const { output } of probes)
      t.deepEqual(output, { kind: 'arp', operation: 'request', senderIp: anyIpv4, targetIp: ip });
    const [first, second, third] = probes.map((one) => one.at);
    const claimed = said.find(({ output }) => output.kind === 'claimed')!;
    starts.push(first!);
    gaps.push(second! - first!, third! - second!);
    claims.push(claimed.at);
    t.true(Math.abs(claimed.at - third! - 2) < 1e-6);
  }
  t.true(Math.min(...starts) >= 0 && Math.max(...starts) <= 1);
  t.true(Math.min(...gaps) >= 1 && Math.max(...gaps) <= 2);
  t.true(Math.min(...claims) >= 4 && Math.max(...claims) <= 7);
  // They are spread over what is allowed, not stuck somewhere within.
  t.true(Math.min(...starts) < 0.1 && Math.max(...starts) > 0.9);
  t.true(Math.min(...gaps) < 1.1 && Math.max(...gaps) > 1.9);
});

test('ACD-2: any ARP from the candidate, or a probe for it by another, is a conflict while probing', (t) => {
  const cases: Record<string, [HeardArp, boolean]> = {
    'a request from it': [arp(theirs, ip, other), true],
    'a reply from it': [arp(theirs, ip, other, 'reply'), true],
    'an announcement of it': [announcement(theirs, ip), true],
    'a packet from it with our own MAC': [announcement(ours, ip), true],
    'a probe for it': [probe(theirs, ip), true],
    'our own probe coming back': [probe(ours, ip), false],
    'an ordinary question for it': [arp(theirs, other, ip), false],
    'a reply to it with no sender': [arp(theirs, anyIpv4, ip, 'reply'), false],
    'a probe for another': [probe(theirs, other), false],
    'talk of others': [arp(theirs, other, ipv4('10.0.1.7')), false],
  };
  for (const [title, [heard, isConflict]] of Object.entries(cases)) {
    for (const when of [0, 1.5, 3.9]) {
      const { bench, said, tell, machine } = watch(strict.conflictDetection);
      tell({ kind: 'claim', ip });
      bench.until(at(when));
      tell(heard);
      const conflict = said.find(({ output }) => output.kind === 'conflict');
      const by = heard.senderMac;
      t.deepEqual(
        conflict?.output,
        isConflict ? { kind: 'conflict', ip, mac: by } : undefined,
        title,
      );
      bench.until(at(60));
      t.is(kinds(said).includes('claimed'), !isConflict, title);
      if (isConflict) t.is(machine.nextWake(), undefined, title);
    }
  }
});

test('ACD-2: a conflict is heard until 2 s after the last probe, in which the address is not used', (t) => {
  const { bench, said, tell } = watch(strict.conflictDetection);
  tell({ kind: 'claim', ip });
  bench.until(at(60));
  const third = said[2]!.at;
  const again = watch(strict.conflictDetection);
  again.tell({ kind: 'claim', ip });
  again.bench.until(after(labStart, milliseconds(Math.floor((third + 1.99) * 1000))));
  again.tell(announcement(theirs, ip));
  t.deepEqual(kinds(again.said), ['arp', 'arp', 'arp', 'conflict']);
});

test('ACD-2: after ten conflicts an address is tried at most once a minute', (t) => {
  const busy = watch(strict.conflictDetection);
  const attempts: number[] = [];
  for (let i = 0; i < 13; i += 1) {
    busy.tell({ kind: 'claim', ip });
    busy.said.length = 0;
    while (busy.said.length === 0) busy.bench.until(after(busy.bench.now, milliseconds(10)));
    attempts.push(busy.said[0]!.at);
    busy.tell(announcement(theirs, ip));
  }
  const gaps = attempts.slice(1).map((when, i) => when - attempts[i]!);
  t.true(
    gaps.slice(0, 9).every((gap) => gap <= 1.1),
    gaps.join(' '),
  );
  t.true(
    gaps.slice(9).every((gap) => gap >= 59 && gap <= 61),
    gaps.join(' '),
  );
});

test('without conflicts an adapter may try as many addresses as it likes', (t) => {
  const { bench, said, tell } = watch(strict.conflictDetection);
  for (let i = 0; i < 14; i += 1) {
    said.length = 0;
    tell({ kind: 'claim', ip: (ip + i) as Ipv4 });
    bench.until(after(bench.now, seconds(10)));
    t.true(said[0]!.at - i * 10 <= 1);
  }
});

test('ACD-3: two announcements 2 s apart, and the address may be used after the first', (t) => {
  const { bench, said, tell } = watch(strict.conflictDetection);
  tell({ kind: 'claim', ip });
  bench.until(at(60));
  t.deepEqual(kinds(said), ['arp', 'arp', 'arp', 'arp', 'claimed', 'arp']);
  const announced: ConflictDetectionOutput = {
    kind: 'arp',
    operation: 'request',
    senderIp: ip,
    targetIp: ip,
  };
  t.deepEqual([said[3]!.output, said[5]!.output], [announced, announced]);
  t.is(said[4]!.at, said[3]!.at);
  t.true(Math.abs(said[5]!.at - said[3]!.at - 2) < 1e-6);
});

test('ACD-4: one defence, and a second conflict within 10 s ends it (mode b)', (t) => {
  const { bench, said, tell, machine } = holding(strict.conflictDetection);
  tell(announcement(theirs, ip));
  bench.until(at(109.9));
  tell(arp(theirs, ip, other));
  t.deepEqual(
    said.map(({ output }) => output),
    [
      { kind: 'arp', operation: 'request', senderIp: ip, targetIp: ip },
      { kind: 'defended', ip, mac: theirs },
      { kind: 'given-up', ip, mac: theirs },
    ],
  );
  tell(announcement(theirs, ip));
  t.is(said.length, 3);
  t.is(machine.nextWake(), undefined);
});

test('ACD-4: conflicts 10 s apart are each answered with one announcement', (t) => {
  const { bench, said, tell } = holding(strict.conflictDetection);
  for (const when of [100, 110, 120.5]) {
    bench.until(at(when));
    tell(announcement(theirs, ip));
  }
  t.deepEqual(kinds(said), ['arp', 'defended', 'arp', 'defended', 'arp', 'defended']);
});

test('ACD-4: who holds on for ever still defends at most once in 10 s (mode c)', (t) => {
  const { bench, said, tell } = holding({ ...strict.conflictDetection, defends: 'always' });
  for (let when = 100; when < 130; when += 0.5) {
    bench.until(at(when));
    tell(announcement(theirs, ip));
  }
  t.deepEqual(
    said.filter(({ output }) => output.kind === 'defended').map((one) => one.at),
    [100, 110, 120],
  );
  t.false(kinds(said).includes('given-up'));
});

test('ACD-4: a probe for an address that is held, and our own packets, are no conflict', (t) => {
  const { said, tell } = holding(strict.conflictDetection);
  tell(probe(theirs, ip)); // to be answered, by whoever answers ARP
  tell(announcement(ours, ip));
  tell(arp(theirs, other, ip));
  t.deepEqual(said, []);
});

test('ACD-5: linux claims at once, without a frame, and lets another take the address', (t) => {
  const { bench, said, tell, machine } = watch(linux.conflictDetection);
  tell({ kind: 'claim', ip });
  t.deepEqual(said, [{ at: 0, output: { kind: 'claimed', ip } }]);
  bench.until(at(3));
  tell(announcement(theirs, ip));
  tell(announcement(theirs, ip));
  t.is(said.length, 1);
  t.is(machine.nextWake(), undefined);
});

test('ACD-5: windows probes, announces, and drops the address on conflict', (t) => {
  const { bench, said, tell } = watch(windows.conflictDetection);
  tell({ kind: 'claim', ip });
  bench.until(at(50));
  t.deepEqual(kinds(said), ['arp', 'arp', 'arp', 'arp', 'claimed', 'arp']);
  tell(announcement(theirs, ip));
  tell(announcement(theirs, ip));
  t.is(kinds(said).at(-1), 'given-up');
});

test('several addresses of one adapter are claimed side by side, and a claim twice is one', (t) => {
  const { bench, said, tell } = watch(strict.conflictDetection);
  tell({ kind: 'claim', ip });
  tell({ kind: 'claim', ip: other });
  tell({ kind: 'claim', ip });
  bench.until(at(60));
  const claimed = said.filter(({ output }) => output.kind === 'claimed');
  t.deepEqual(claimed.map(({ output }) => 'ip' in output && output.ip).sort(), [ip, other].sort());
  said.length = 0;
  tell({ kind: 'claim', ip });
  t.deepEqual(said, [{ at: 60, output: { kind: 'claimed', ip } }]);
});

test('waking early or twice does nothing', (t) => {
  const { machine, tell } = watch(strict.conflictDetection);
  tell({ kind: 'claim', ip });
  const due = machine.nextWake()!;
  t.deepEqual(machine.wake((due - 1) as Instant), []);
  t.is(machine.wake(due).length, 1);
  t.deepEqual(machine.wake(due), []);
});

// Link-local addresses

function wander(hardware = ours, seed: string | number = 3927) {
  const bench = new Bench();
  const said: At<LinkLocalOutput>[] = [];
  const machine = new LinkLocal({ mac: hardware, random: new Random(seed) });
  const tell = bench.drive(machine, (output) => said.push({ at: bench.now / 1e9, output }));
  return { bench, said, tell };
}

/** What it would try first. */
function firstPick(hardware: Mac, seed: string | number = 3927): Ipv4 {
  const { bench, said, tell } = wander(hardware, seed);
  tell({ kind: 'start' });
  bench.until(at(1.1));
  const output = said[0]!.output;
  if (output.kind !== 'arp') throw new Error(output.kind);
  return output.targetIp;
}

test('LL-1: addresses are picked by MAC, uniformly, from 169.254.1.0 to 169.254.254.255', (t) => {
  t.is(firstPick(ours), firstPick(ours));
  t.not(firstPick(ours), firstPick(theirs));
  const thirds = new Array<number>(254).fill(0);
  const lasts = new Array<number>(256).fill(0);
  const count = 25_400;
  for (let i = 0; i < count; i += 1) {
    const picked = firstPick((0x0200_0000_0000 + i * 7) as Mac);
    if (i < 100) t.regex(showIpv4(picked), /^169\.254\./);
    thirds[((picked >>> 8) & 255) - 1]! += 1; // NaN in the sum below if out of range
    lasts[picked & 255]! += 1;
  }
  t.is(thirds.length, 254);
  const chi = (bins: number[]): number => {
    const mean = count / bins.length;
    return bins.reduce((sum, n) => sum + (n - mean) ** 2 / mean, 0);
  };
  // Degrees of freedom 253 and 255; 350 is past the 99.99th percentile of both.
  t.true(chi(thirds) < 350, `chi squared ${chi(thirds)}`);
  t.true(chi(lasts) < 350, `chi squared ${chi(lasts)}`);
  t.true(thirds[0]! > 0 && thirds[253]! > 0 && lasts[0]! > 0 && lasts[255]! > 0);
});

test('LL-1: it probes and announces as RFC 5227 says, and then has the address', (t) => {
  const { bench, said, tell } = wander();
  tell({ kind: 'start' });
  tell({ kind: 'start' }); // harmless
  bench.until(at(60));
  t.deepEqual(kinds(said), ['arp', 'arp', 'arp', 'arp', 'claimed', 'arp']);
  const claimed = said[4]!;
  t.true(claimed.at >= 4 && claimed.at <= 7);
});

test('LL-1: a conflict makes it try another; lost after it was held, it says so and moves on', (t) => {
  const { bench, said, tell } = wander();
  tell({ kind: 'start' });
  bench.until(at(1.1));
  const first = firstPick(ours);
  tell(announcement(theirs, first));
  t.deepEqual(said.at(-1)!.output, { kind: 'conflict', ip: first, mac: theirs });
  bench.until(at(60));
  const claimed = said.find(({ output }) => output.kind === 'claimed')!.output;
  if (claimed.kind !== 'claimed') return t.fail();
  const second = claimed.ip;
  t.not(second, first);
  said.length = 0;
  tell(announcement(theirs, second));
  tell(announcement(theirs, second));
  t.deepEqual(kinds(said), ['arp', 'defended', 'released']);
  t.deepEqual(said[2]!.output, { kind: 'released', ip: second, because: 'lost', mac: theirs });
  bench.until(at(200));
  const third = said.find(({ output }) => output.kind === 'claimed')!.output;
  t.true(third.kind === 'claimed' && third.ip !== second);
});

test('LL-1: on a network where every address is taken it slows down to one try a minute', (t) => {
  const { bench, said, tell } = wander();
  tell({ kind: 'start' });
  let answered = 0;
  const tries: number[] = [];
  while (tries.length < 16) {
    bench.until(after(bench.now, milliseconds(50)));
    for (const { at: when, output } of said.slice(answered)) {
      if (output.kind !== 'arp') continue;
      tries.push(when);
      tell(announcement(theirs, output.targetIp));
    }
    answered = said.length;
  }
  const gaps = tries.slice(1).map((when, i) => when - tries[i]!);
  t.true(
    gaps.slice(0, 9).every((gap) => gap < 1.2),
    gaps.join(' '),
  );
  t.true(
    gaps.slice(9).every((gap) => gap > 58.9),
    gaps.join(' '),
  );
});

test('LL-1: an address that it remembers is tried first, if it is one', (t) => {
  for (const [remembered, isTried] of [
    ['169.254.7.9', true],
    ['169.254.1.0', true],
    ['169.254.254.255', true],
    ['169.254.0.9', false],
    ['169.254.255.0', false],
    ['10.0.0.1', false],
  ] as const) {
    const { bench, said, tell } = wander();
    tell({ kind: 'start', remembered: ipv4(remembered) });
    bench.until(at(1.1));
    const output = said[0]!.output;
    t.is(output.kind === 'arp' && output.targetIp === ipv4(remembered), isTried, remembered);
  }
});

test('LL-1: every ARP packet from a link-local sender is broadcast, replies too', (t) => {
  t.is(arpDestination(ipv4('169.254.7.9'), theirs), broadcastMac);
  t.is(arpDestination(ip, theirs), theirs);
  t.is(arpDestination(anyIpv4, theirs), theirs);
});

test('LL-2: link-local packets are neither forwarded nor sent to a gateway', (t) => {
  const local = ipv4('169.254.7.9');
  t.false(mayForward(local, ip));
  t.false(mayForward(ip, local));
  t.false(mayForward(local, local));
  t.true(mayForward(ip, other));
  t.true(mayForward(ipv4('169.253.255.255'), ipv4('169.255.0.0')));
  t.true(isOnLinkOnly(local));
  t.false(isOnLinkOnly(ip));
});

test('LL-3: it lets go when a routable address has come, held or not yet', (t) => {
  const { bench, said, tell } = wander();
  tell({ kind: 'start' });
  bench.until(at(20));
  const claimed = said.find(({ output }) => output.kind === 'claimed')!.output;
  said.length = 0;
  tell({ kind: 'stop' });
  t.deepEqual(
    said.map(({ output }) => output),
    [{ kind: 'released', ip: 'ip' in claimed ? claimed.ip : anyIpv4, because: 'stopped' }],
  );
  const early = wander();
  early.tell({ kind: 'start' });
  early.bench.until(at(2));
  early.tell({ kind: 'stop' });
  early.bench.until(at(60));
  t.true(early.said.every(({ output }) => output.kind === 'arp'));
  early.tell({ kind: 'start' }); // and may begin again
  early.bench.until(at(120));
  t.true(kinds(early.said).includes('claimed'));
});
