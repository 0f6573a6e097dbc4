import test from 'ava';
import fc from 'fast-check';
import { concat, equalBytes, hex, showHex } from '../../src/base/bytes.ts';
import type { Frame } from '../../src/base/frame.ts';
import { Random } from '../../src/base/random.ts';
import { type Duration, type Instant, nanoseconds, seconds } from '../../src/base/time.ts';
import { Switch } from '../../src/device/switch.ts';
import type { LinkOptions } from '../../src/lab/fabric.ts';
import { Simulation, type SimulationOptions } from '../../src/sim/simulation.ts';
import { sendArp } from '../../src/stack/arp.ts';
import type { Device, Port, Sink } from '../../src/stack/device.ts';
import type { IpStack } from '../../src/stack/ip-stack.ts';
import { Payload } from '../../src/stack/packet.ts';
import { linux, type Profile, strict } from '../../src/stack/profile.ts';
import { EventLog } from '../../src/trace/log.ts';
import { type Ipv4, ipv4 } from '../../src/wire/address.ts';
import { udpFrame } from '../stack/packets.ts';
import { cable, Lan, type Raw } from './lan.ts';

const microseconds = (n: number): Duration => nanoseconds(n * 1000);

/** FNV-1a over everything that a delivery is: when, where, how long, every byte. */
class Digest {
  value = 0x811c9dc5;
  deliveries = 0;

  add(number: number): void {
    for (let shift = 0; shift < 48; shift += 8) this.#byte(Math.floor(number / 2 ** shift) & 255);
  }

  watch(device: Device): void {
    const receive = device.receive.bind(device);
    device.receive = (port: Port, frame: Frame, now: Instant, sink: Sink): void => {
      // Whether somebody is shown a question that he ignores is the engine's own affair.
      if (port.arpDeaf && isQuestionForOthers(frame, port.arpAddress)) {
        receive(port, frame, now, sink);
        return;
      }
      this.deliveries += 1;
      this.add(now);
      for (const letter of port.label) this.#byte(letter.charCodeAt(0));
      this.add(frame.length);
      for (const byte of frame.bytes()) this.#byte(byte);
      receive(port, frame, now, sink);
    };
  }

  #byte(byte: number): void {
    this.value = Math.imul(this.value ^ byte, 0x01000193) >>> 0;
  }
}

function isQuestionForOthers(frame: Frame, ip: number): boolean {
  const { words, memory, start, length } = frame;
  const arp = length >= 42 && words.getUint16(start + 12) === 0x0806;
  return arp && (memory[start]! & 1) === 1 && words.getInt32(start + 38) !== ip;
}

/** Learns nothing by overhearing: deaf to questions for others. */
const deaf: Profile = { ...strict, arp: { ...strict.arp, merges: false } };

// Equal results, whatever is batched, checked, logged, left out

interface Net {
  readonly seed: number;
  readonly switches: number;
  readonly hosts: number;
  /** Whether every cable is of one kind, which is when floods can be one event. */
  readonly alike: boolean;
  readonly tagged: boolean;
  readonly lossy: boolean;
  readonly gap: number;
  readonly actions: number;
}

const net: fc.Arbitrary<Net> = fc.record({
  seed: fc.integer({ min: 0, max: 1e6 }),
  switches: fc.integer({ min: 1, max: 3 }),
  hosts: fc.integer({ min: 2, max: 9 }),
  alike: fc.boolean(),
  tagged: fc.boolean(),
  lossy: fc.boolean(),
  gap: fc.constantFrom(0, 100, 3000, 100_000),
  actions: fc.integer({ min: 1, max: 60 }),
});

interface Built {
  readonly lan: Lan;
  readonly digest: Digest;
  readonly raws: readonly Raw[];
}

/** A tree of switches, hosts in one or two VLANs, a router between the VLANs, and plenty of overlapping traffic. */
function build(shape: Net, options: SimulationOptions): Built {
  const lan = new Lan({ seed: shape.seed, ...options });
  const { simulation } = lan;
  const digest = new Digest();
  const random = new Random(`net ${shape.seed}`);
  const pick = <T>(from: readonly T[]): T => from[random.between(0, from.length - 1)]!;
  const link = (): LinkOptions => {
    const plain = shape.alike ? cable : pick([cable, { latency: 700 as Duration, rate: 1e8 }]);
    return shape.lossy && random.between(0, 3) === 0
      ? { ...plain, loss: 0.1, corruption: 0.1, duplication: 0.1, jitter: microseconds(3) }
      : plain;
  };
  const switches = Array.from({ length: shape.switches }, (_, i) => new Switch(`s${i}`, 0));
  const vlans = shape.tagged ? [10, 20] : [1];
  const between = shape.tagged
    ? ({ kind: 'trunk', vlans: [10, 20], ...(shape.seed % 2 ? { native: 10 } : {}) } as const)
    : ({ kind: 'access', vlan: 1 } as const);
  switches.slice(1).forEach((one, i) => {
    lan.connect(switches[Math.floor(i / 2)]!.addPort(between), one.addPort(between), link());
  });
  const stacks: IpStack[] = [];
  const ports: Port[] = [];
  for (let i = 0; i < shape.hosts; i += 1) {
    const vlan = pick(vlans);
    const stack = lan.host(`h${i}`, [`10.0.${vlan}.${i + 1}/24`], pick([linux, strict, deaf]));
    lan.route(stack, '0.0.0.0/0', `10.0.${vlan}.254`);
    lan.connect(stack.ports[0]!, pick(switches).addPort({ kind: 'access', vlan }), link());
    stacks.push(stack);
    ports.push(stack.ports[0]!);
  }
  const router = lan.host(
    'router',
    vlans.map((vlan) => `10.0.${vlan}.254/24`),
  );
  router.forwarding = true;
  vlans.forEach((vlan, i) => {
    lan.connect(router.ports[i]!, pick(switches).addPort({ kind: 'access', vlan }), link());
  });
  const raws = switches.map((one, i) => {
    const raw = lan.raw(`raw${i}`);
    lan.connect(raw.port, one.addPort({ kind: 'access', vlan: pick(vlans) }), link());
    return raw;
  });
  for (const device of [...switches, ...stacks, router, ...raws]) digest.watch(device);
  const addresses = [...stacks, router].map((stack) => stack.interfaces[0]!.ip);
  const payloads = [0, 8, 56, 1400, 3000].map((size) => new Payload(random.bytes(size)));
  const task = {
    left: shape.actions,
    run(): void {
      const now = simulation.now;
      const stack = pick(stacks);
      const to = pick([...addresses, ipv4('10.0.1.77'), ipv4('192.0.2.1')]);
      const [first] = stack.interfaces;
      const what = random.between(0, 9);
      if (what < 4) stack.icmp.sendEcho(to, 1, what, pick(payloads), now, simulation);
      else if (what < 6) stack.udp.send(to, 4000, 4001, pick(payloads), now, simulation);
      else if (what < 8) sendArp(first!, 1, 0xffff, -1, first!.ip, 0, 0, to, -1, simulation);
      else if (what === 8) lan.inject(pick(raws), random.bytes(random.between(14, 200)));
      else {
        const port = pick(ports);
        simulation.setLink(port, !simulation.isUp(port));
      }
      this.left -= 1;
      if (this.left > 0) simulation.at((now + random.between(0, shape.gap)) as Instant, this);
    },
  };
  simulation.at(1 as Instant, task);
  return { lan, digest, raws };
}

test('batching, strictness and logs change nothing that arrives: not when, where, in what order, which bytes', (t) => {
  let deliveries = 0;
  fc.assert(
    fc.property(net, (shape) => {
      const results = (
        [
          [true, false, 'verdicts'],
          [false, false, 'verdicts'],
          [true, true, 'verdicts'],
          [true, false, 'decisions'],
          [true, true, 'full'],
          [false, true, 'full'],
        ] as const
      ).map(([batching, strictly, level]) => {
        const { lan, digest } = build(shape, {
          batching,
          strict: strictly,
          log: new EventLog(level),
        });
        lan.run(seconds(60));
        deliveries += digest.deliveries;
        return `${lan.simulation.hops} ${digest.deliveries} ${digest.value}`;
      });
      return new Set(results).size === 1;
    }),
    { seed: 3, numRuns: 80 },
  );
  t.true(deliveries > 30_000, `${deliveries} deliveries are too few to say anything`);
});

test('batched floods are fewer events for the same hops', (t) => {
  const run = (batching: boolean): Simulation => {
    const lan = new Lan({ batching, log: new EventLog('verdicts') });
    const center = new Switch('s', 50);
    const raws = center.ports.map((port, i) => {
      const raw = lan.raw(`r${i}`);
      lan.connect(raw.port, port);
      return raw;
    });
    for (let i = 0; i < 20; i += 1) {
      lan.inject(raws[i]!, hex(`ffffffffffff0200000000${(i + 16).toString(16)}88b5`));
      lan.run();
    }
    return lan.simulation;
  };
  const [batched, single] = [run(true), run(false)];
  t.is(batched.hops, 20 * 50);
  t.is(single.hops, batched.hops);
  t.is(batched.events, 40);
  t.is(single.events, 20 + 20 * 49);
});

// Who may rewrite a frame

test('frame.exclusive: no frame that somebody else holds is rewritten, not even by a device that scribbles over its own', (t) => {
  fc.assert(
    fc.property(net, (shape) => {
      const run = (scribbles: boolean, level: 'verdicts' | 'full'): [string, boolean] => {
        const { lan, digest, raws } = build(shape, { log: new EventLog(level) });
        const kept: { frame: Frame; bytes: Uint8Array }[] = [];
        const { simulation } = lan;
        const send = simulation.send.bind(simulation);
        const flood = simulation.flood.bind(simulation);
        const keep = (frame: Frame): void => {
          // With every byte logged, the log holds what was sent: none of it may ever change.
          if (level === 'full') kept.push({ frame: frame.share(), bytes: frame.bytes().slice() });
        };
        simulation.send = (port, frame) => {
          keep(frame);
          send(port, frame);
        };
        simulation.flood = (group, except, frame) => {
          keep(frame);
          flood(group, except, frame);
        };
        for (const raw of raws) {
          raw.onFrame = (frame) => {
            if (frame.exclusive && scribbles) frame.bytes().fill(0xee);
            else kept.push({ frame, bytes: frame.bytes().slice() });
          };
        }
        lan.run(seconds(60));
        const intact = kept.every(({ frame, bytes }) => equalBytes(frame.bytes(), bytes));
        return [`${digest.deliveries} ${digest.value}`, intact];
      };
      const [quiet, first] = run(false, 'verdicts');
      const [scribbled, second] = run(true, 'verdicts');
      const [logged, third] = run(true, 'full');
      return first && second && third && quiet === scribbled && quiet === logged;
    }),
    { seed: 4, numRuns: 80 },
  );
  t.pass();
});

test('a frame that is flooded to two ports belongs to neither, also when it came from outside the group', (t) => {
  for (const batching of [true, false]) {
    const lan = new Lan({ batching, log: new EventLog('verdicts') });
    const center = new Switch('s', 0);
    const ends = ['a', 'b', 'trunk'].map((name) => lan.raw(name));
    const modes = [
      { kind: 'access', vlan: 10 },
      { kind: 'access', vlan: 10 },
      { kind: 'trunk', vlans: [10] },
    ] as const;
    modes.forEach((mode, i) => {
      lan.connect(ends[i]!.port, center.addPort(mode));
    });
    const owned: boolean[] = [];
    for (const end of ends) end.onFrame = (frame) => owned.push(frame.exclusive);
    lan.inject(ends[2]!, hex('ffffffffffff020000000003 8100000a 88b5 0102'));
    lan.run();
    t.deepEqual(owned, [false, false]);
    // Two ports of one group, one of which it came from: the other gets it for itself.
    owned.length = 0;
    lan.inject(ends[0]!, hex('ffffffffffff020000000001 88b5 0102'));
    lan.run();
    t.deepEqual(owned, [true, true]); // at b, and a tagged copy at the trunk
  }
});

test('a receiver that cuts off the padding cuts it for itself alone', (t) => {
  for (const batching of [true, false]) {
    const lan = new Lan({ batching, log: new EventLog('verdicts') });
    const center = new Switch('s', 3);
    const [from, to] = [lan.raw('from'), lan.raw('to')];
    lan.connect(from.port, center.ports[0]!);
    lan.connect(lan.host('h', ['10.0.0.1/24']).ports[0]!, center.ports[1]!);
    lan.connect(to.port, center.ports[2]!); // hears of it after the host
    const everybody = { from: '10.0.0.9', to: '10.0.0.255', receiver: 'ff:ff:ff:ff:ff:ff' };
    const padded = concat(udpFrame(everybody), new Uint8Array(20));
    lan.inject(from, padded);
    lan.run();
    t.deepEqual(to.take(), [showHex(padded)]);
  }
});

// Cables

/** Two raw ends and one cable. */
function pair(options: LinkOptions, simulation: SimulationOptions = {}): [Lan, Raw, Raw] {
  const lan = new Lan(simulation);
  const a = lan.raw('a');
  const b = lan.raw('b');
  lan.connect(a.port, b.port, options);
  return [lan, a, b];
}

const numbered = (i: number, length = 100): Uint8Array => {
  const bytes = new Uint8Array(length);
  bytes.set(hex('020000000002 020000000001 88b5'));
  new DataView(bytes.buffer).setUint32(14, i);
  return bytes;
};

test('a frame takes its time on the cable, and the next one waits for it', (t) => {
  const [lan, a, b] = pair({ latency: 1000 as Duration, rate: 1e9 });
  lan.inject(a, numbered(1, 1000));
  lan.inject(a, numbered(2, 60));
  lan.inject(a, numbered(3, 18));
  lan.run();
  // 1004 bytes with the check sequence; never less than 64 (IEEE 802.3 clause 4.2.3.3).
  t.deepEqual(
    b.got.map(({ at }) => at),
    [8032 + 1000, 8032 + 512 + 1000, 8032 + 512 + 512 + 1000],
  );
});

test('loss, jitter, duplication and corruption come from the seed, and about as often as asked for', (t) => {
  const link = { ...cable, loss: 0.2, corruption: 0.1, duplication: 0.3, jitter: microseconds(50) };
  const run = (seed: number): { got: readonly { at: number; hex: string }[]; lost: number } => {
    const [lan, a, b] = pair(link, { seed });
    for (let i = 0; i < 2000; i += 1) {
      lan.inject(a, numbered(i));
      lan.run(microseconds(10));
    }
    lan.run();
    t.true(lan.drops('a').every((reason) => reason === 'LINK_LOSS'));
    return { got: b.got, lost: lan.drops('a').length };
  };
  const one = run(1);
  t.deepEqual(run(1), one);
  t.notDeepEqual(run(2), one);
  const sent = Array.from({ length: 2000 }, (_, i) => showHex(numbered(i)));
  const kept = 2000 - one.lost;
  const near = (count: number, share: number, of: number): boolean =>
    Math.abs(count - share * of) < 5 * Math.sqrt(of * share * (1 - share));
  t.true(near(one.lost, 0.2, 2000), `${one.lost} lost`);
  t.true(near(one.got.length - kept, 0.3, kept), `${one.got.length - kept} came twice`);
  const originals = new Set(sent);
  const spoiled = one.got.filter((arrival) => !originals.has(arrival.hex));
  t.true(near(spoiled.length, 0.1, one.got.length), `${spoiled.length} spoiled`);
  const order = one.got.map((arrival) => sent.indexOf(arrival.hex)).filter((i) => i >= 0);
  t.true(
    order.some((i, nth) => nth > 0 && i < order[nth - 1]!),
    'none overtook another',
  );
  // Each spoiled frame is one bit away from one that was sent.
  const oneBitOff = (bytes: Uint8Array): boolean => {
    for (let bit = 0; bit < bytes.length * 8; bit += 1) {
      const turned = bytes.slice();
      turned[bit >> 3]! ^= 1 << (bit & 7);
      if (originals.has(showHex(turned))) return true;
    }
    return false;
  };
  t.true(spoiled.every((arrival) => oneBitOff(hex(arrival.hex))));
});

test('the log knows when an impaired frame arrives, and which bit of it was turned', (t) => {
  const link = {
    ...cable,
    corruption: 0.5,
    jitter: microseconds(50),
    reordering: 0.2,
    heldBack: microseconds(100),
  };
  const [lan, a, b] = pair(link, { seed: 3 });
  for (let i = 0; i < 200; i += 1) {
    lan.inject(a, numbered(i));
    lan.run(microseconds(10));
  }
  lan.run();
  const turned = new Map([...lan.log.facts(['bit-error'])].map((fact) => [fact.cause, fact]));
  t.true(turned.size > 50 && turned.size < 150);
  const told: { at: number; hex: string }[] = [];
  for (const event of lan.log.events()) {
    if (event.kind !== 'frame' || event.from !== 'a.p0') continue;
    const bytes = event.bytes.slice();
    const fact = turned.get(event.id);
    t.true(fact === undefined || fact.port === 'a.p0');
    if (fact !== undefined) bytes[fact.bit >> 3]! ^= 1 << (fact.bit & 7);
    told.push({ at: event.arrives, hex: showHex(bytes) });
  }
  // What the cable delivered, in bytes and to the nanosecond. Ties go in the order of sending.
  t.deepEqual(
    b.got,
    told.toSorted((one, other) => one.at - other.at),
  );
});

test('a receiver notices a turned bit even where it trusts what was made in this process', (t) => {
  const lan = new Lan({ strict: false });
  const a = lan.host('a', ['10.0.0.1/24']);
  const b = lan.host('b', ['10.0.0.2/24']);
  lan.connect(a.ports[0]!, b.ports[0]!);
  a.icmp.sendEcho(ipv4('10.0.0.2'), 1, 0, new Payload(new Uint8Array(56)), lan.now, lan.simulation);
  lan.run();
  lan.simulation.impair(a.ports[0]!, { ...cable, corruption: 1 });
  for (let i = 0; i < 200; i += 1)
    a.icmp.sendEcho(
      ipv4('10.0.0.2'),
      1,
      i,
      new Payload(new Uint8Array(56)),
      lan.now,
      lan.simulation,
    );
  lan.run();
  // The check sequence of Ethernet is not modelled: a wrong sender's MAC is nobody's business here.
  const reasons = lan.drops('b');
  t.true(reasons.length >= 180, `${reasons.length} of 200`);
  t.true(reasons.includes('IP_CHECKSUM') && reasons.includes('ICMP_CHECKSUM'));
});

test('a cable that is pulled loses what is on it, in both directions and also floods, and a plugged one begins anew', (t) => {
  for (const batching of [true, false]) {
    const lan = new Lan({ batching });
    const center = new Switch('s', 3);
    const [a, b, c] = ['a', 'b', 'c'].map((name) => lan.raw(name)) as [Raw, Raw, Raw];
    [a, b, c].forEach((end, i) => {
      lan.connect(end.port, center.ports[i]!);
    });
    lan.inject(c, hex('ffffffffffff 020000000003 88b5'));
    lan.run(1600 as Duration); // past the switch at 1512, not yet at a and b
    lan.inject(a, hex('ffffffffffff 020000000001 88b5'));
    const before = lan.log.length;
    lan.simulation.setLink(a.port, false);
    lan.simulation.setLink(a.port, false); // twice is once
    lan.run();
    t.deepEqual(a.take(), []);
    t.is(b.take().length, 1);
    t.is(c.take().length, 0);
    t.deepEqual(lan.drops('a', before), ['LINK_DOWN']); // the copy that was on its way to a
    t.deepEqual(lan.drops('s', before), ['LINK_DOWN']); // and what a had just sent
    // Nothing enters a pulled cable, and a switch does not try.
    lan.inject(a, hex('ffffffffffff 020000000001 88b5'));
    lan.inject(c, hex('ffffffffffff 020000000003 88b5'));
    lan.run();
    t.is(b.take().length, 1);
    t.is(lan.drops('a', before).length, 2);
    t.is(lan.drops('s', before).length, 1);
    lan.simulation.setLink(a.port, true);
    const plugged = lan.now;
    lan.inject(c, hex('ffffffffffff 020000000003 88b5'));
    lan.run();
    t.deepEqual(
      a.got.map(({ at }) => at - plugged),
      [2 * 1512],
    );
  }
});

test('a full queue drops the newest frame, and says so', (t) => {
  const [lan, a, b] = pair({ ...cable, queueBytes: 4000 });
  for (let i = 0; i < 10; i += 1) lan.inject(a, numbered(i, 1000));
  lan.run();
  // The fifth finds four of 1004 bytes before it: more than 4000.
  t.is(b.got.length, 4);
  t.deepEqual(lan.drops('a'), Array(6).fill('QUEUE_FULL'));
  lan.inject(a, numbered(10, 1000));
  lan.run();
  t.is(b.got.length, 5);
});

test('a frame that is longer than the cable carries is dropped, sent or flooded', (t) => {
  for (const batching of [true, false]) {
    const lan = new Lan({ batching });
    const center = new Switch('s', 3);
    const ends = ['a', 'b', 'c'].map((name) => lan.raw(name));
    ends.forEach((end, i) => {
      lan.connect(end.port, center.ports[i]!, i === 0 ? cable : { ...cable, frameMax: 1514 });
    });
    const bytes = numbered(1, 1515); // unknown to the switch: flooded
    lan.inject(ends[0]!, bytes);
    lan.inject(ends[1]!, bytes);
    lan.run();
    t.deepEqual(lan.drops('b'), ['FRAME_TOO_LONG']);
    t.deepEqual(lan.drops('s'), ['FRAME_TOO_LONG', 'FRAME_TOO_LONG']);
    lan.inject(ends[0]!, bytes.subarray(0, 1514));
    lan.run();
    t.is(ends[1]!.got.length, 1);
    t.is(ends[2]!.got.length, 1);
  }
});

test('a port that changes its group keeps the cable busy for as long as it is', (t) => {
  for (const batching of [true, false]) {
    const lan = new Lan({ batching, log: new EventLog('verdicts') });
    const center = new Switch('s', 4);
    const ends = center.ports.map((port, i) => {
      const raw = lan.raw(`r${i}`);
      lan.connect(raw.port, port);
      return raw;
    });
    lan.inject(ends[0]!, numbered(1, 1500)); // flooded at 13,032 ns, busy until 25,064 ns
    lan.run(13_100 as Duration);
    center.setMode(center.ports[1]!, { kind: 'access', vlan: 2 });
    center.setMode(center.ports[2]!, { kind: 'access', vlan: 2 });
    lan.inject(ends[2]!, hex('ffffffffffff 020000000077 88b5'));
    lan.run();
    t.deepEqual(
      ends[1]!.got.map(({ at }) => at),
      [26_064, 26_064 + 512],
      `batching ${batching}`,
    );
  }
});

// Time

test('a run ends idle at its limit, settled at the event that settles it, or out of budget', (t) => {
  const simulation = new Simulation();
  const seen: number[] = [];
  const task = {
    run(): void {
      seen.push(simulation.now);
      simulation.at((simulation.now + 10) as Instant, task);
    },
  };
  simulation.at(10 as Instant, task);
  t.is(simulation.run(35 as Instant), 'idle');
  t.deepEqual(seen, [10, 20, 30]);
  t.is(simulation.now, 35 as Instant);
  t.is(
    simulation.run(100 as Instant, () => seen.length === 5),
    'settled',
  );
  t.is(simulation.now, 50 as Instant);
  t.is(simulation.run(undefined, undefined, 7), 'budget');
  t.is(seen.length, 12);
  t.is(simulation.run(20 as Instant), 'idle');
  t.is(simulation.now, 120 as Instant, 'time never goes back');
  t.throws(() => simulation.at(119 as Instant, task), { instanceOf: RangeError });
  t.is(simulation.run(120 as Instant), 'idle');
});

/** Counts its wake-ups, and asks for what it is told to ask for. */
class Sleeper implements Device {
  readonly name = 'sleeper';
  readonly woken: number[] = [];
  onWake: ((now: Instant, sink: Sink) => void) | undefined;

  receive(): void {}
  carrier(): void {}
  wake(now: Instant, sink: Sink): void {
    this.woken.push(now);
    this.onWake?.(now, sink);
  }
}

test('wakeAt: asking twice is harmless, an earlier moment overtakes, the past is now, and never within the call', (t) => {
  const simulation = new Simulation();
  const sleeper = new Sleeper();
  simulation.wakeAt(sleeper, 50 as Instant);
  simulation.wakeAt(sleeper, 50 as Instant);
  simulation.wakeAt(sleeper, 70 as Instant);
  t.deepEqual(sleeper.woken, []);
  simulation.run(60 as Instant);
  t.deepEqual(sleeper.woken, [50]);
  simulation.run(100 as Instant);
  t.deepEqual(sleeper.woken, [50]); // a later wish is the device's to repeat when it is woken
  simulation.wakeAt(sleeper, 200 as Instant);
  simulation.wakeAt(sleeper, 150 as Instant);
  sleeper.onWake = (now, sink) => {
    if (now < 200) sink.wakeAt(sleeper, 200 as Instant);
  };
  simulation.run(300 as Instant);
  t.deepEqual(sleeper.woken, [50, 150, 200]);
  sleeper.onWake = undefined;
  simulation.wakeAt(sleeper, 10 as Instant);
  t.is(sleeper.woken.length, 3);
  simulation.run(301 as Instant);
  t.deepEqual(sleeper.woken, [50, 150, 200, 300]);
});

test('two simulations side by side in one process do not influence each other', (t) => {
  const shape = (seed: number): Net => ({
    seed,
    switches: 3,
    hosts: 8,
    alike: false,
    tagged: true,
    lossy: true,
    gap: 100_000,
    actions: 60,
  });
  const alone = [1, 2].map((seed) => {
    const { lan, digest } = build(shape(seed), {});
    lan.run(seconds(60));
    return digest.value;
  });
  const together = [1, 2].map((seed) => build(shape(seed), {}));
  for (let i = 0; i < 6000; i += 1) for (const { lan } of together) lan.run(seconds(0.01));
  t.deepEqual(
    together.map(({ digest }) => digest.value),
    alone,
  );
});

test('a machine that is started anew takes over the place and the cable of the old one', (t) => {
  const lan = new Lan();
  const center = new Switch('s', 2);
  const a = lan.raw('a');
  const old = lan.host('h', ['10.0.0.1/24']);
  lan.connect(a.port, center.ports[0]!);
  lan.connect(old.ports[0]!, center.ports[1]!);
  const fresh = lan.host('h', ['10.0.0.2/24']);
  lan.simulation.replug(old.ports[0]!, fresh.ports[0]!);
  t.is(lan.simulation.peerOf(old.ports[0]!), undefined);
  t.is(lan.simulation.peerOf(center.ports[1]!), fresh.ports[0]);
  lan.inject(
    a,
    hex(
      'ffffffffffff020000000009 0806 0001080006040001 020000000009 0a000009 000000000000 0a000001',
    ),
  );
  lan.inject(
    a,
    hex(
      'ffffffffffff020000000009 0806 0001080006040001 020000000009 0a000009 000000000000 0a000002',
    ),
  );
  lan.run();
  t.deepEqual(
    a.take().map((frame) => frame.slice(56, 64)),
    ['0a000002'],
  );
  const own = fresh.interfaces[0]!;
  old.icmp.sendEcho(
    ipv4('10.0.0.9'),
    1,
    1,
    new Payload(new Uint8Array(1)),
    lan.now,
    lan.simulation,
  );
  lan.run();
  t.deepEqual(a.take(), []);
  t.is(own.ip, ipv4('10.0.0.2') as Ipv4);
});
