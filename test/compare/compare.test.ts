/** A run compared with a copy of itself in which something is changed: what was planted is found. */
import test from 'ava';
import fc from 'fast-check';
import { milliseconds } from '../../src/base/time.ts';
import { Account, type Run } from '../../src/compare/account.ts';
import { arpItems } from '../../src/compare/arp.ts';
import { compareRuns } from '../../src/compare/compare.ts';
import { type Comparison, type Layer, layers } from '../../src/compare/comparison.ts';
import type { FrameFlooded, FrameSent, TraceEvent } from '../../src/trace/event.ts';
import { type Ipv4, ipv4, type Mac, mac } from '../../src/wire/address.ts';
import { decodeArp, encodeArp } from '../../src/wire/arp.ts';
import { describeFrame } from '../../src/wire/describe.ts';
import { decodeDhcp, encodeDhcp } from '../../src/wire/dhcp.ts';
import { decodeEthernet, type Ethernet, encodeEthernet } from '../../src/wire/ethernet.ts';
import { decodeIcmp, encodeIcmp } from '../../src/wire/icmp.ts';
import { decodeIpv4, encodeIpv4, type Ipv4Packet } from '../../src/wire/ipv4.ts';
import { decodeTcp, encodeTcp, tcpFlag } from '../../src/wire/tcp.ts';
import { decodeUdp, encodeUdp } from '../../src/wire/udp.ts';
import { played, scenarios } from '../playing.ts';

interface Copy extends Run {
  readonly events: readonly TraceEvent[];
}

const runs = new Map<string, Promise<Copy>>();

/** The first case of a file of the gallery, played in the simulation once for all tests. */
function runOf(file: string): Promise<Copy> {
  let run = runs.get(file);
  if (run === undefined) {
    run = played(scenarios(file)[0]!).then(({ result, log }) => copyOf(result, [...log.events()]));
    runs.set(file, run);
  }
  return run;
}

const copyOf = (result: Run['result'], events: readonly TraceEvent[]): Copy => ({
  result,
  events,
  log: {
    events: function* () {
      yield* events;
    },
  },
});

type Crossing = FrameSent | FrameFlooded;
const isCrossing = (event: TraceEvent): event is Crossing =>
  event.kind === 'frame' || event.kind === 'flood';
const showing =
  (pattern: RegExp, from?: string) =>
  (event: TraceEvent): boolean =>
    isCrossing(event) &&
    (from === undefined || event.from === from) &&
    pattern.test(describeFrame(event.bytes));

/** The copy with one event in place of the one that fits: none, another, or more. */
function planted(
  run: Copy,
  fits: (event: TraceEvent) => boolean,
  change: (event: TraceEvent) => readonly TraceEvent[],
  which: 'first' | 'last' = 'first',
): Copy {
  const at = which === 'first' ? run.events.findIndex(fits) : run.events.findLastIndex(fits);
  if (at < 0) throw new Error('nothing to plant a difference in');
  const events = [...run.events];
  events.splice(at, 1, ...change(run.events[at]!));
  return copyOf(run.result, events);
}

const withFact = (change: Record<string, unknown>) => (event: TraceEvent) => [
  { ...event, ...change } as TraceEvent,
];
const leftOut = (): TraceEvent[] => [];
const twice = (event: TraceEvent): TraceEvent[] => [event, { ...event, id: 1_000_000 }];

/** A frame with other bytes, and right sums. */
const reframed =
  (change: (ethernet: Ethernet) => Partial<Ethernet>) =>
  (event: TraceEvent): TraceEvent[] => {
    if (!isCrossing(event)) throw new Error('no frame');
    const ethernet = decodeEthernet(event.bytes) as Ethernet;
    return [{ ...event, bytes: encodeEthernet({ ...ethernet, ...change(ethernet) }) }];
  };
const repacked = (change: (packet: Ipv4Packet) => Partial<Ipv4Packet>) =>
  reframed(({ payload }) => {
    const packet = decodeIpv4(payload) as Ipv4Packet;
    return { payload: encodeIpv4({ ...packet, ...change(packet) }) };
  });
type Good<T> = Exclude<T, { readonly reason: unknown }>;
const rearped = (change: Partial<Good<ReturnType<typeof decodeArp>>>) =>
  reframed(({ payload }) => ({
    payload: encodeArp({
      ...(decodeArp(payload) as Good<ReturnType<typeof decodeArp>>),
      ...change,
    }),
  }));

const real = ({ differences }: Comparison) => differences.filter((one) => !one.legitimate);

test('a run agrees with itself, and something of every kind was compared', async (t) => {
  const counts = Object.fromEntries(layers.map((layer) => [layer, 0])) as Record<Layer, number>;
  for (const file of [
    '01-partial-static.yaml',
    '02-partial-dhcp.yaml',
    '15-gateway-failover-and-pool.yaml',
  ]) {
    const run = await runOf(file);
    const { compared, differences, first } = compareRuns(run, run);
    t.deepEqual(differences, [], file);
    t.is(first, undefined);
    for (const layer of layers) counts[layer] += compared[layer];
  }
  for (const layer of layers) if (layer !== 'other frames') t.true(counts[layer] > 0, layer);
});

/** What is planted in which file, and what must be found. */
interface Plant {
  readonly file?: string;
  readonly plant: (run: Copy) => Copy;
  readonly layer: Layer;
  readonly frame?: RegExp;
  readonly emulated?: RegExp | undefined;
}

const ping = /10\.0\.10\.11 > 10\.0\.10\.20 ICMP echo request/;
const gateways = '15-gateway-failover-and-pool.yaml';

const plants: Record<string, Plant> = {
  'a verdict': {
    plant: (run) => ({ ...run, result: withVerdict(run.result, { verdict: 'broken' }) }),
    layer: 'verdicts',
    emulated: /^broken$/,
  },
  'the reason of a failure that was foretold': {
    plant: (run) => ({ ...run, result: withVerdict(run.result, { code: 'TTL_EXCEEDED' }, true) }),
    file: '02-partial-dhcp.yaml',
    layer: 'verdicts',
    emulated: /TTL_EXCEEDED/,
  },
  'what came of an operation': {
    plant: (run) => {
      const steps = run.result.steps.map((step) => ({
        ...step,
        happened: step.happened.filter(({ kind }) => kind !== 'success'),
      }));
      return { ...run, result: { ...run.result, steps } };
    },
    layer: 'verdicts',
  },
  'an ARP question left out': {
    plant: (run) =>
      planted(
        run,
        showing(/^ARP who has 10\.0\.10\.20\? tell 10\.0\.10\.11/, 'web01.eth0'),
        leftOut,
      ),
    layer: 'ARP',
    frame: /^web01: ARP who has 10\.0\.10\.20\? tell 10\.0\.10\.11/,
  },
  'an ARP reply left out': {
    plant: (run) => planted(run, showing(/^ARP 10\.0\.10\.20 is at/, 'sql01.eth0'), leftOut),
    layer: 'ARP',
    frame: /^sql01: ARP 10\.0\.10\.20 is at/,
  },
  'an ARP reply sent twice': {
    plant: (run) => planted(run, showing(/^ARP 10\.0\.10\.20 is at/, 'nea-hq.eth0'), twice),
    layer: 'ARP',
    frame: /^nea-hq: ARP 10\.0\.10\.20 is at/,
  },
  'an ARP reply with another MAC address': {
    plant: (run) =>
      planted(
        run,
        showing(/^ARP 10\.0\.10\.20 is at/, 'nea-hq.eth0'),
        rearped({ senderMac: mac('02:00:00:00:00:01') }),
      ),
    layer: 'ARP',
    frame: /^nea-hq: ARP 10\.0\.10\.20 is at 02:00:00:00:00:01/,
  },
  'an ARP reply to all': {
    plant: (run) =>
      planted(
        run,
        showing(/^ARP 10\.0\.10\.20 is at/, 'nea-hq.eth0'),
        reframed(() => ({ target: 0xffff_ffff_ffff as Mac })),
      ),
    layer: 'ARP',
  },
  'another code of an ICMP error': {
    file: gateways,
    plant: (run) =>
      planted(
        run,
        showing(/ICMP host unreachable/),
        repacked(({ payload }) => ({
          payload: encodeIcmp({
            ...(decodeIcmp(payload) as Good<ReturnType<typeof decodeIcmp>>),
            code: 3,
          }),
        })),
      ),
    layer: 'ICMP errors',
    emulated: /unreachable code 3/,
    frame: /ICMP .*unreachable/,
  },
  'ICMP errors left out': {
    file: gateways,
    plant: (run) =>
      copyOf(
        run.result,
        run.events.filter((event) => !showing(/ICMP host unreachable/)(event)),
      ),
    layer: 'ICMP errors',
    frame: /ICMP host unreachable/,
  },
  'a time to live': {
    plant: (run) =>
      planted(
        run,
        showing(ping, 'lan10.sql01'),
        repacked(() => ({ ttl: 63 })),
      ),
    layer: 'arrivals',
    emulated: /at sql01\.eth0 .* ttl 63 ICMP echo request/,
    frame: /^lan10: 10\.0\.10\.11 > 10\.0\.10\.20 ICMP echo request .* ttl 63/,
  },
  'the MAC address that an echo came from': {
    plant: (run) =>
      planted(
        run,
        showing(ping, 'lan10.sql01'),
        reframed(() => ({ source: mac('02:00:00:00:00:01') })),
      ),
    layer: 'arrivals',
    emulated: /at sql01\.eth0 02:00:00:00:00:01 >/,
    frame: /ICMP echo request/,
  },
  'an echo that did not arrive': {
    plant: (run) => planted(run, showing(ping, 'lan10.sql01'), leftOut, 'last'),
    layer: 'deliveries',
    frame: /ICMP echo request/,
  },
  'an echo that arrived twice': {
    plant: (run) => planted(run, showing(ping, 'lan10.sql01'), twice),
    layer: 'deliveries',
    emulated: /sql01 received ICMP echo request 2 times/,
    frame: /ICMP echo request/,
  },
  'the MAC address of a neighbour': {
    plant: (run) =>
      planted(
        run,
        (event) =>
          event.kind === 'neighbour' && event.node === 'web01' && event.state === 'reachable',
        withFact({ mac: '02:00:00:00:00:01' }),
      ),
    layer: 'neighbours',
    emulated: /02:00:00:00:00:01/,
  },
  'a neighbour that is not there': {
    plant: (run) =>
      copyOf(
        run.result,
        run.events.filter((event) => event.kind !== 'neighbour' || event.node !== 'web01'),
      ),
    layer: 'neighbours',
  },
  'the port of a MAC address': {
    plant: (run) =>
      planted(run, (event) => event.kind === 'switch-entry', withFact({ port: 'elsewhere' })),
    layer: 'switch entries',
    emulated: /^port elsewhere$/,
  },
  'a route that is not there': {
    plant: (run) =>
      planted(run, (event) => event.kind === 'route' && event.node === 'web01', leftOut),
    layer: 'addresses',
  },
  'the length of a prefix': {
    plant: (run) =>
      planted(
        run,
        (event) => event.kind === 'address' && event.node === 'web01',
        withFact({ length: 16 }),
      ),
    layer: 'addresses',
    emulated: /\/16/,
  },
  'a connection that was refused': {
    plant: (run) =>
      planted(
        run,
        showing(/TCP 1433 > \d+ SYN ACK/, 'lan10.web01'),
        repacked(({ payload, source, destination }) => {
          const segment = decodeTcp(payload) as Good<ReturnType<typeof decodeTcp>>;
          const flags = tcpFlag.rst | tcpFlag.ack;
          return { payload: encodeTcp({ ...segment, flags }, source, destination) };
        }),
      ),
    layer: 'TCP',
    frame: /RST/,
  },
  'bytes that were not sent': {
    plant: (run) =>
      planted(
        run,
        showing(/TCP \d+ > 1433 .* 64 bytes/, 'web01.eth0'),
        repacked(({ payload, source, destination }) => {
          const segment = decodeTcp(payload) as Good<ReturnType<typeof decodeTcp>>;
          const cut = { ...segment, payload: segment.payload.subarray(0, 32) };
          return { payload: encodeTcp(cut, source, destination) };
        }),
      ),
    layer: 'TCP',
    emulated: /^32 bytes$/,
    frame: /^web01: .* 32 bytes/,
  },
  'an option of DHCP': {
    file: '02-partial-dhcp.yaml',
    plant: (run) =>
      planted(
        run,
        showing(/DHCP ACK/),
        repacked(({ payload, source, destination }) => {
          const udp = decodeUdp(payload) as Good<ReturnType<typeof decodeUdp>>;
          const message = decodeDhcp(udp.payload) as Good<ReturnType<typeof decodeDhcp>>;
          const options = message.options.map((option) =>
            option.code === 51 ? { code: 51, data: Uint8Array.of(0, 0, 0, 60) } : option,
          );
          const said = { ...udp, payload: encodeDhcp({ ...message, options }) };
          return { payload: encodeUdp(said, source, destination) };
        }),
      ),
    layer: 'DHCP',
    emulated: /ACK .* for 60 s/,
    frame: /DHCP ACK/,
  },
  'a message of DHCP left out': {
    file: '02-partial-dhcp.yaml',
    plant: (run) => planted(run, showing(/DHCP OFFER/), leftOut),
    layer: 'DHCP',
    frame: /DHCP OFFER/,
  },
  'the size of a WireGuard message': {
    plant: (run) =>
      planted(
        run,
        showing(/WireGuard data/, 'nea-hq.eth0'),
        repacked(({ payload, source, destination }) => {
          const udp = decodeUdp(payload) as Good<ReturnType<typeof decodeUdp>>;
          const longer = new Uint8Array(udp.payload.length + 48);
          longer.set(udp.payload);
          return { payload: encodeUdp({ ...udp, payload: longer }, source, destination) };
        }),
      ),
    layer: 'WireGuard',
    frame: /^nea-hq: .*WireGuard data/,
  },
  'a counter of WireGuard that comes again': {
    plant: (run) => planted(run, showing(/WireGuard data/, 'nea-hq.eth0'), twice),
    layer: 'WireGuard',
    emulated: /counter used again/,
  },
  'a frame of a protocol that nobody speaks': {
    plant: (run) =>
      planted(run, showing(ping, 'web01.eth0'), (event) => [
        event,
        ...reframed(() => ({ type: 0x88b5 }))({ ...event, id: 1_000_000 }),
      ]),
    layer: 'other frames',
    frame: /^web01: .* type 0x88b5/,
  },
};

for (const [
  title,
  { file = '01-partial-static.yaml', plant, layer, frame, emulated },
] of Object.entries(plants)) {
  test(`found: ${title}`, async (t) => {
    const run = await runOf(file);
    const comparison = compareRuns(run, plant(run));
    const found = real(comparison).filter((one) => one.layer === layer);
    const told = JSON.stringify(comparison.differences.slice(0, 8), undefined, 1);
    t.true(found.length > 0, told);
    t.true(comparison.first !== undefined);
    if (emulated)
      t.true(
        found.some((one) => emulated.test(one.emulated ?? '')),
        told,
      );
    if (frame)
      t.true(
        found.some((one) => frame.test(one.frame ?? '')),
        told,
      );
    t.deepEqual(structuredClone(comparison), comparison);
  });
}

function withVerdict(
  result: Run['result'],
  change: Record<string, unknown>,
  foretold = false,
): Run['result'] {
  const chosen = result.steps
    .flatMap(({ expectations }) => expectations)
    .find(({ fails }) => !foretold || fails !== undefined);
  const steps = result.steps.map((step) => ({
    ...step,
    expectations: step.expectations.map((one) => (one === chosen ? { ...one, ...change } : one)),
  }));
  return { ...result, steps };
}

test('the first difference is the earliest, with its step and its frame', async (t) => {
  const run = await runOf('01-partial-static.yaml');
  const wrong = planted(
    run,
    showing(ping, 'lan10.sql01'),
    repacked(() => ({ ttl: 63 })),
  );
  const { first } = compareRuns(run, {
    ...wrong,
    result: withVerdict(run.result, { verdict: 'broken' }),
  });
  t.is(first?.layer, 'arrivals');
  t.is(first?.step, 0);
  const { differences } = compareRuns(run, {
    ...wrong,
    result: withVerdict(run.result, { verdict: 'broken' }),
  });
  const verdict = differences.find(({ layer }) => layer === 'verdicts');
  t.regex(verdict?.frame ?? '', /ICMP echo request .* ttl 63/);
});

test('another sender in any frame of the ARP transcript is found', async (t) => {
  const run = await runOf('01-partial-static.yaml');
  const shown = arpItems(new Account(run)).filter(({ fleeting }) => fleeting !== true);
  t.true(shown.length > 20);
  fc.assert(
    fc.property(fc.constantFrom(...shown), fc.integer({ min: 1, max: 0xfffe }), (item, low) => {
      const senderIp = ((ipv4('172.16.0.0') as number) + low) as Ipv4;
      const wrong = planted(run, ({ id }) => id === item.frame, rearped({ senderIp }));
      const found = compareRuns(run, wrong).differences.filter(({ layer }) => layer === 'ARP');
      t.true(
        found.some(({ emulated }) => emulated?.includes(' 172.16.')),
        item.what,
      );
    }),
    { seed: 826, numRuns: 40 },
  );
});

// What may differ

test('L3: whether a known neighbour was asked again is a matter of chance', async (t) => {
  const run = await runOf('01-partial-static.yaml');
  const refreshes = arpItems(new Account(run)).filter(({ traits }) => traits?.refresh);
  t.true(refreshes.length >= 2);
  const left = new Set(refreshes.map(({ frame }) => frame));
  const comparison = compareRuns(
    run,
    copyOf(
      run.result,
      run.events.filter(({ id }) => !left.has(id)),
    ),
  );
  t.deepEqual(real(comparison), []);
  t.true(comparison.differences.every(({ legitimate }) => legitimate === 'L3'));
  t.true(comparison.differences.length > 0);
});

test('L16: what was asked before may be asked again; what never was is a difference', async (t) => {
  const run = await runOf('20-undo-failover.yaml');
  const asked = arpItems(new Account(run)).filter(({ traits }) => traits?.again);
  t.true(asked.length >= 2);
  const left = new Set(asked.map(({ frame }) => frame));
  const kept = run.events.filter(({ id }) => !left.has(id));
  const fewer = compareRuns(run, copyOf(run.result, kept));
  t.true(fewer.differences.some(({ legitimate }) => legitimate === 'L16'));
  t.deepEqual(
    real(fewer).filter(({ layer }) => layer === 'ARP'),
    [],
  );
  const first = arpItems(new Account(run)).find(
    ({ what, traits }) => what.startsWith('web01: request') && !traits?.again && !traits?.claim,
  )!;
  const lacking = copyOf(
    run.result,
    run.events.filter(({ id }) => id !== first.frame),
  );
  t.true(real(compareRuns(run, lacking)).some(({ layer }) => layer === 'ARP'));
});

test('L4: IPv6 is nobody’s business, in either run', async (t) => {
  const run = await runOf('01-partial-static.yaml');
  const other = planted(run, showing(ping, 'web01.eth0'), (event) => [
    event,
    ...reframed(() => ({ type: 0x86dd }))({ ...event, id: 1_000_000 }),
  ]);
  for (const comparison of [compareRuns(run, other), compareRuns(other, run)])
    t.deepEqual(
      comparison.differences.map(({ legitimate }) => legitimate),
      ['L4'],
    );
});

test('L6: a kernel announces nothing; that the simulation does not is no excuse', async (t) => {
  const run = await runOf('02-partial-dhcp.yaml');
  const without = planted(run, showing(/^ARP probe/, 'sql01.eth0'), leftOut);
  const claims = run.events.filter(showing(/^ARP (probe|announcement)/, 'sql01.eth0'));
  t.true(claims.length > 1);
  const silent = copyOf(
    run.result,
    run.events.filter((event) => !claims.includes(event)),
  );
  t.true(compareRuns(run, silent).differences.every(({ legitimate }) => legitimate === 'L6'));
  t.true(real(compareRuns(silent, run)).length > 0);
  t.deepEqual(real(compareRuns(run, without)), []);
});

test('L13: udhcpc asks anew where ours confirms, and what comes of that is part of it', async (t) => {
  const run = await runOf('02-partial-dhcp.yaml');
  const confirms = showing(/DHCP REQUEST 10\.0\.10\.20/, 'sql01-replica.eth0');
  const request = run.events.find(confirms)!;
  const anew = repacked(({ payload, source, destination }) => {
    const udp = decodeUdp(payload) as Good<ReturnType<typeof decodeUdp>>;
    const message = decodeDhcp(udp.payload) as Good<ReturnType<typeof decodeDhcp>>;
    const options = message.options.map((option) =>
      option.code === 53 ? { code: 53, data: Uint8Array.of(1) } : option,
    );
    const said = { ...udp, payload: encodeDhcp({ ...message, options }) };
    return { payload: encodeUdp(said, source, destination) };
  });
  const answered = (cause: number): Copy =>
    planted(
      run,
      (event) => event === request,
      (event) => [
        ...anew(event),
        ...reframed(() => ({ type: 0x88b5 }))({ ...event, id: 1_000_000, cause } as TraceEvent),
      ],
    );
  const because = compareRuns(run, answered(request.id)).differences;
  t.deepEqual(
    because.map(({ layer, legitimate }) => [layer, legitimate]),
    [
      ['DHCP', 'L13'],
      ['other frames', 'L13'],
    ],
  );
  const alone = compareRuns(run, answered(-1));
  t.is(alone.first?.layer, 'other frames');
});

for (const [apart, id] of [
  [0.5, 'L15'],
  [5, undefined],
] as const) {
  test(`two replies ${apart} ms apart that swap are ${id ?? 'a difference'}`, async (t) => {
    const run = await runOf('01-partial-static.yaml');
    const at = run.events.findIndex(showing(/^ARP 10\.0\.10\.20 is at/, 'sql01.eth0'));
    const first = run.events[at]!;
    const [second] = rearped({ senderIp: ipv4('10.0.10.99') })({
      ...first,
      id: 1_000_000,
      at: (first.at + milliseconds(apart)) as typeof first.at,
    });
    const events = (...both: readonly TraceEvent[]): Copy =>
      copyOf(run.result, run.events.toSpliced(at, 1, ...both));
    const { differences } = compareRuns(events(first, second!), events(second!, first));
    t.deepEqual(
      differences.map(({ legitimate, moved }) => [legitimate, moved]),
      [[id, true]],
    );
  });
}
