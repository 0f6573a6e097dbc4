import test from 'ava';
import { Random } from '../../../src/base/random.ts';
import { advance, type Sequence, sequence } from '../../../src/base/sequence.ts';
import { after, type Instant, labStart, milliseconds, seconds } from '../../../src/base/time.ts';
import { strict } from '../../../src/stack/profile.ts';
import { TcpLayer } from '../../../src/stack/tcp/layer.ts';
import type { TcpOutput } from '../../../src/stack/tcp/messages.ts';
import { Malformed } from '../../../src/wire/malformed.ts';
import { decodeTcp, encodeTcp, type TcpSegment, tcpFlag } from '../../../src/wire/tcp.ts';
import { addressOf, randomWith } from './harness.ts';

const { fin, syn, rst, ack } = tcpFlag;
const us = addressOf.a;
const them = addressOf.b;
const irs = sequence(0xffff_fffb); // near the top, so that every case also wraps
const iss = 0xffff_fffe;

/** Plays the other end by hand against one layer. */
class Bench {
  readonly layer = new TcpLayer({ profile: strict, random: randomWith('states', iss) });
  now: Instant = labStart;
  ours = 49_999;
  theirs = 80;
  connection = 1;
  /** What they have sent and will send; what we have sent, and they have acknowledged. */
  next: Sequence = advance(irs, 1);
  sent: Sequence = sequence(iss);
  arrived: Sequence = sequence(iss);
  said: TcpSegment[] = [];
  states: string[] = [];

  listen(): this {
    this.ours = 80;
    this.theirs = 50_001;
    this.layer.handle({ kind: 'listen', port: 80, service: { kind: 'accept' } }, this.now);
    return this;
  }

  connect(): this {
    const request = { local: us, remote: them, localPort: this.ours, remotePort: this.theirs };
    const rest = { send: 0, expect: 0, mtu: 1500, hold: true };
    this.note(this.layer.connect({ ...request, ...rest }, this.now).outputs);
    return this;
  }

  close(): this {
    this.note(this.layer.handle({ kind: 'close', connection: this.connection }, this.now));
    return this;
  }

  give(flags: number, from: Sequence, upTo: Sequence, text = 0): this {
    this.giveOutputs(flags, from, upTo, text);
    return this;
  }

  giveOutputs(flags: number, from: Sequence, upTo: Sequence, text: number): TcpOutput[] {
    const segment: TcpSegment = {
      sourcePort: this.theirs,
      destinationPort: this.ours,
      sequence: from,
      acknowledgment: flags & ack ? upTo : sequence(0),
      flags,
      window: 4096,
      urgent: 0,
      options: [],
      payload: new Uint8Array(text),
    };
    const bytes = encodeTcp(segment, them, us);
    const input = { kind: 'segment', source: them, destination: us, bytes } as const;
    const outputs = this.layer.handle(input, this.now);
    this.note(outputs);
    return outputs;
  }

  /** Lets a delayed acknowledgment come out. */
  wait(): this {
    this.now = after(this.now, milliseconds(100));
    this.note(this.layer.wake(this.now));
    return this;
  }

  note(outputs: readonly TcpOutput[]): void {
    for (const output of outputs) {
      if (output.kind === 'state') this.states.push(output.state);
      if (output.kind !== 'segment') continue;
      const segment = decodeTcp(output.bytes, output.source, output.destination);
      if (segment instanceof Malformed) throw new Error('malformed');
      this.said.push(segment);
      if (segment.flags & rst) continue;
      const length = segment.payload.length + (segment.flags & (syn | fin) ? 1 : 0);
      this.sent = advance(segment.sequence, length);
    }
  }

  get state(): string {
    return this.layer.stateOf(this.connection);
  }
}

/** RFC 9293 figure 5: a way into every state. */
const ways: Record<string, () => Bench> = {
  CLOSED: () => new Bench(),
  LISTEN: () => new Bench().listen(),
  'SYN-SENT': () => new Bench().connect(),
  'SYN-RECEIVED after LISTEN': () => new Bench().listen().give(syn, irs, sequence(0)),
  'SYN-RECEIVED after SYN-SENT': () => new Bench().connect().give(syn, irs, sequence(0)),
  ESTABLISHED: () => {
    const bench = ways['SYN-SENT']!();
    bench.give(syn | ack, irs, bench.sent);
    bench.arrived = bench.sent;
    return bench;
  },
  'FIN-WAIT-1': () => ways['ESTABLISHED']!().close(),
  'FIN-WAIT-2': () => {
    const bench = ways['FIN-WAIT-1']!();
    bench.give(ack, bench.next, bench.sent);
    bench.arrived = bench.sent;
    return bench;
  },
  'CLOSE-WAIT': () => withFin(ways['ESTABLISHED']!()),
  CLOSING: () => withFin(ways['FIN-WAIT-1']!()),
  'LAST-ACK': () => ways['CLOSE-WAIT']!().close(),
  'TIME-WAIT': () => withFin(ways['FIN-WAIT-2']!()),
};

function withFin(bench: Bench): Bench {
  bench.give(fin | ack, bench.next, bench.arrived);
  bench.next = advance(bench.next, 1);
  return bench;
}

/** Every kind of segment, by where it stands to what is expected. */
const kinds: Record<string, (b: Bench) => Bench> = {
  ACK: (b) => b.give(ack, b.next, b.sent),
  'ACK of what was never sent': (b) => b.give(ack, b.next, advance(b.sent, 1000)),
  'ACK of long ago': (b) => b.give(ack, b.next, advance(b.arrived, -(2 ** 20))),
  text: (b) => b.give(ack, b.next, b.arrived, 10),
  'old text': (b) => b.give(ack, advance(b.next, -10), b.arrived, 10),
  FIN: (b) => b.give(fin | ack, b.next, b.sent),
  'FIN that acknowledges nothing': (b) => b.give(fin | ack, b.next, b.arrived),
  'FIN again': (b) => b.give(fin | ack, advance(b.next, -1), b.sent),
  SYN: (b) => b.give(syn, b.next, b.sent),
  'SYN again': (b) => b.give(syn, irs, b.sent),
  'SYN-ACK': (b) => b.give(syn | ack, irs, b.sent),
  RST: (b) => b.give(rst, b.next, b.sent),
  'RST in the window': (b) => b.give(rst, advance(b.next, 100), b.sent),
  'RST outside': (b) => b.give(rst, advance(b.next, -100), b.sent),
  'RST with ACK': (b) => b.give(rst | ack, b.next, b.sent),
  'no flags': (b) => b.give(0, b.next, b.sent),
  'text without ACK': (b) => b.give(0, b.next, b.sent, 10),
};

/**
 * What RFC 9293 section 3.10.7 (with RFC 5961) asks for: the answer, and the new state where it
 * is another. Written from the text of the sections named.
 */
const expected: Record<string, Record<string, string>> = {
  // 3.10.7.1; "An incoming segment containing a RST is discarded"
  CLOSED: {
    ACK: 'RST',
    'ACK of what was never sent': 'RST',
    'ACK of long ago': 'RST',
    text: 'RST',
    'old text': 'RST',
    FIN: 'RST',
    'FIN that acknowledges nothing': 'RST',
    'FIN again': 'RST',
    SYN: 'RST',
    'SYN again': 'RST',
    'SYN-ACK': 'RST',
    RST: '',
    'RST in the window': '',
    'RST outside': '',
    'RST with ACK': '',
    'no flags': 'RST',
    'text without ACK': 'RST',
  },
  // 3.10.7.2; a port that listens has no connection, so the "state" of ours is CLOSED
  LISTEN: {
    ACK: 'RST',
    'ACK of what was never sent': 'RST',
    'ACK of long ago': 'RST',
    text: 'RST',
    'old text': 'RST',
    FIN: 'RST',
    'FIN that acknowledges nothing': 'RST',
    'FIN again': 'RST',
    SYN: 'SYN-ACK → SYN-RECEIVED',
    'SYN again': 'SYN-ACK → SYN-RECEIVED',
    'SYN-ACK': 'RST',
    RST: '',
    'RST in the window': '',
    'RST outside': '',
    'RST with ACK': '',
    'no flags': '',
    'text without ACK': '',
  },
  // 3.10.7.3; an ACK of nothing is "SEG.ACK =< ISS"
  'SYN-SENT': {
    ACK: '',
    'ACK of what was never sent': 'RST',
    'ACK of long ago': 'RST',
    text: 'RST',
    'old text': 'RST',
    FIN: '',
    'FIN that acknowledges nothing': 'RST',
    'FIN again': '',
    SYN: 'SYN-ACK → SYN-RECEIVED',
    'SYN again': 'SYN-ACK → SYN-RECEIVED',
    'SYN-ACK': 'ACK → ESTABLISHED',
    RST: '',
    'RST in the window': '',
    'RST outside': '',
    'RST with ACK': '→ CLOSED',
    'no flags': '',
    'text without ACK': '',
  },
  // 3.10.7.4 from here on. Back to LISTEN means that the connection is CLOSED. The service closes
  // its half when the other end has closed its own, hence LAST-ACK by way of CLOSE-WAIT.
  'SYN-RECEIVED after LISTEN': {
    ACK: '→ ESTABLISHED',
    'ACK of what was never sent': 'RST',
    'ACK of long ago': 'RST',
    text: 'RST',
    'old text': 'ACK',
    FIN: 'FIN-ACK → LAST-ACK',
    'FIN that acknowledges nothing': 'RST',
    'FIN again': 'ACK',
    SYN: '→ CLOSED',
    'SYN again': 'ACK',
    'SYN-ACK': 'ACK',
    RST: '→ CLOSED',
    'RST in the window': 'ACK',
    'RST outside': '',
    'RST with ACK': '→ CLOSED',
    'no flags': '',
    'text without ACK': '',
  },
  'SYN-RECEIVED after SYN-SENT': {
    ACK: '→ ESTABLISHED',
    'ACK of what was never sent': 'RST',
    'ACK of long ago': 'RST',
    text: 'RST',
    'old text': 'ACK',
    FIN: 'ACK → CLOSE-WAIT',
    'FIN that acknowledges nothing': 'RST',
    'FIN again': 'ACK',
    SYN: 'ACK',
    'SYN again': 'ACK',
    'SYN-ACK': '→ ESTABLISHED', // figure 8, line 6
    RST: '→ CLOSED',
    'RST in the window': 'ACK',
    'RST outside': '',
    'RST with ACK': '→ CLOSED',
    'no flags': '',
    'text without ACK': '',
  },
  ESTABLISHED: {
    ACK: '',
    'ACK of what was never sent': 'ACK',
    'ACK of long ago': 'ACK',
    text: 'ACK',
    'old text': 'ACK',
    FIN: 'ACK → CLOSE-WAIT',
    'FIN that acknowledges nothing': 'ACK → CLOSE-WAIT',
    'FIN again': 'ACK',
    SYN: 'ACK',
    'SYN again': 'ACK',
    'SYN-ACK': 'ACK',
    RST: '→ CLOSED',
    'RST in the window': 'ACK',
    'RST outside': '',
    'RST with ACK': '→ CLOSED',
    'no flags': '',
    'text without ACK': '',
  },
  'FIN-WAIT-1': {
    ACK: '→ FIN-WAIT-2',
    'ACK of what was never sent': 'ACK',
    'ACK of long ago': 'ACK',
    text: 'ACK',
    'old text': 'ACK',
    FIN: 'ACK → TIME-WAIT',
    'FIN that acknowledges nothing': 'ACK → CLOSING',
    'FIN again': 'ACK',
    SYN: 'ACK',
    'SYN again': 'ACK',
    'SYN-ACK': 'ACK',
    RST: '→ CLOSED',
    'RST in the window': 'ACK',
    'RST outside': '',
    'RST with ACK': '→ CLOSED',
    'no flags': '',
    'text without ACK': '',
  },
  'FIN-WAIT-2': {
    ACK: '',
    'ACK of what was never sent': 'ACK',
    'ACK of long ago': 'ACK',
    text: 'ACK',
    'old text': 'ACK',
    FIN: 'ACK → TIME-WAIT',
    'FIN that acknowledges nothing': 'ACK → TIME-WAIT',
    'FIN again': 'ACK',
    SYN: 'ACK',
    'SYN again': 'ACK',
    'SYN-ACK': 'ACK',
    RST: '→ CLOSED',
    'RST in the window': 'ACK',
    'RST outside': '',
    'RST with ACK': '→ CLOSED',
    'no flags': '',
    'text without ACK': '',
  },
  // "Ignore the segment text"; a FIN is acknowledged, "remain in the CLOSE-WAIT state"
  'CLOSE-WAIT': {
    ACK: '',
    'ACK of what was never sent': 'ACK',
    'ACK of long ago': 'ACK',
    text: '',
    'old text': 'ACK',
    FIN: 'ACK',
    'FIN that acknowledges nothing': 'ACK',
    'FIN again': 'ACK',
    SYN: 'ACK',
    'SYN again': 'ACK',
    'SYN-ACK': 'ACK',
    RST: '→ CLOSED',
    'RST in the window': 'ACK',
    'RST outside': '',
    'RST with ACK': '→ CLOSED',
    'no flags': '',
    'text without ACK': '',
  },
  // "if the ACK acknowledges our FIN, then enter the TIME-WAIT state; otherwise, ignore"
  CLOSING: {
    ACK: '→ TIME-WAIT',
    'ACK of what was never sent': 'ACK',
    'ACK of long ago': 'ACK',
    text: '',
    'old text': 'ACK',
    FIN: 'ACK → TIME-WAIT',
    'FIN that acknowledges nothing': '',
    'FIN again': 'ACK',
    SYN: 'ACK',
    'SYN again': 'ACK',
    'SYN-ACK': 'ACK',
    RST: '→ CLOSED',
    'RST in the window': 'ACK',
    'RST outside': '',
    'RST with ACK': '→ CLOSED',
    'no flags': '',
    'text without ACK': '',
  },
  'LAST-ACK': {
    ACK: '→ CLOSED',
    'ACK of what was never sent': 'ACK',
    'ACK of long ago': 'ACK',
    text: '',
    'old text': 'ACK',
    FIN: '→ CLOSED',
    'FIN that acknowledges nothing': 'ACK',
    'FIN again': 'ACK',
    SYN: 'ACK',
    'SYN again': 'ACK',
    'SYN-ACK': 'ACK',
    RST: '→ CLOSED',
    'RST in the window': 'ACK',
    'RST outside': '',
    'RST with ACK': '→ CLOSED',
    'no flags': '',
    'text without ACK': '',
  },
  'TIME-WAIT': {
    ACK: '',
    'ACK of what was never sent': 'ACK',
    'ACK of long ago': 'ACK',
    text: '',
    'old text': 'ACK',
    FIN: 'ACK',
    'FIN that acknowledges nothing': 'ACK',
    'FIN again': 'ACK',
    SYN: 'ACK',
    'SYN again': 'ACK',
    'SYN-ACK': 'ACK',
    RST: '→ CLOSED',
    'RST in the window': 'ACK',
    'RST outside': '',
    'RST with ACK': '→ CLOSED',
    'no flags': '',
    'text without ACK': '',
  },
};

for (const [state, way] of Object.entries(ways)) {
  test(`TCP-2: ${state} answers every kind of segment as RFC 9293 section 3.10.7 says`, (t) => {
    const plain = state.replace(/ after .*/, '').replace('LISTEN', 'CLOSED');
    t.is(way().state, plain, 'the way into the state');
    t.deepEqual(Object.keys(expected[state]!), Object.keys(kinds), 'every kind has its line');
    for (const [kind, give] of Object.entries(kinds)) {
      const bench = way();
      bench.said = [];
      give(bench).wait();
      const [answer, next] = expected[state]![kind]!.split('→').map((part) => part.trim());
      const said = bench.said.map(showFlags).join(' ');
      t.is(said, answer ?? '', `what is said to ${kind}`);
      t.is(bench.state, next ?? plain, `the state after ${kind}`);
      checkAnswer(bench, (bad) => t.fail(`${kind}: ${bad}`));
    }
  });
}

test('TCP-2: a FIN in SYN-RECEIVED goes through ESTABLISHED and CLOSE-WAIT', (t) => {
  const bench = ways['SYN-RECEIVED after LISTEN']!();
  kinds['FIN']!(bench);
  t.deepEqual(bench.states, ['SYN-RECEIVED', 'ESTABLISHED', 'CLOSE-WAIT', 'LAST-ACK']);
});

test('TCP-7: a FIN that comes again restarts TIME-WAIT, which lasts 2 MSL', (t) => {
  const bench = ways['TIME-WAIT']!();
  bench.now = after(bench.now, seconds(200));
  kinds['FIN again']!(bench);
  bench.now = after(bench.now, seconds(239));
  bench.note(bench.layer.wake(bench.now));
  t.is(bench.state, 'TIME-WAIT');
  bench.now = after(bench.now, seconds(1));
  bench.note(bench.layer.wake(bench.now));
  t.is(bench.state, 'CLOSED');
});

test('TCP-5: challenge ACKs are half a second apart, however many are asked for', (t) => {
  const bench = ways['ESTABLISHED']!();
  bench.said = [];
  for (let i = 0; i < 100; i += 1) {
    kinds['RST in the window']!(bench);
    kinds['SYN']!(bench);
    kinds['ACK of what was never sent']!(bench);
  }
  t.is(bench.said.length, 1);
  bench.now = after(bench.now, milliseconds(499));
  kinds['SYN']!(bench);
  t.is(bench.said.length, 1);
  bench.now = after(bench.now, milliseconds(1));
  kinds['SYN']!(bench);
  t.is(bench.said.length, 2);
  t.is(bench.state, 'ESTABLISHED');
});

test('every second segment is acknowledged at once, one alone after 40 ms, a gap at once', (t) => {
  const bench = ways['ESTABLISHED']!();
  const text = (from: number): number => {
    bench.said = [];
    bench.give(ack, advance(bench.next, from), bench.arrived, 10);
    return bench.said.length;
  };
  t.is(text(0), 0);
  t.is(text(10), 1);
  t.is(text(20), 0);
  t.is(bench.layer.nextWake(), after(bench.now, milliseconds(40)));
  bench.wait();
  t.is(bench.said[0]!.acknowledgment, advance(bench.next, 30));
  t.is(text(50), 1, 'beyond a gap');
  t.is(text(40), 1, 'still one');
  t.is(text(30), 1, 'it is filled');
  t.is(bench.said[0]!.acknowledgment, advance(bench.next, 60));
});

test('FIN-WAIT-2 ends by itself, but not while something still comes', (t) => {
  const bench = ways['FIN-WAIT-2']!();
  const sleep = (n: number): void => {
    bench.now = after(bench.now, seconds(n));
    bench.note(bench.layer.wake(bench.now));
  };
  sleep(200);
  kinds['text']!(bench);
  sleep(200);
  t.is(bench.state, 'FIN-WAIT-2');
  sleep(40);
  t.is(bench.state, 'CLOSED');
});

test('TCP-7: while our window is closed, what a segment acknowledges counts all the same', (t) => {
  const bench = ways['ESTABLISHED']!();
  const { connection } = bench;
  bench.note(bench.layer.handle({ kind: 'pause', connection, paused: true }, bench.now));
  const full = 131_072;
  for (let at = 0; at < full; at += 1024)
    bench.give(ack, advance(bench.next, at), bench.arrived, 1024);
  t.is(bench.said.at(-1)!.window, 0);
  const send = { kind: 'send', connection, bytes: 100, expect: 0 } as const;
  bench.note(bench.layer.handle(send, bench.now));
  const outputs = bench.giveOutputs(ack, advance(bench.next, full), bench.sent, 1);
  t.true(outputs.some((o) => o.kind === 'done' && o.result === 'completed'));
  t.is(bench.said.at(-1)!.acknowledgment, advance(bench.next, full), 'its text is refused');
});

test('an echo whose last byte has been acknowledged opens its window again, unasked', (t) => {
  const bench = new Bench();
  bench.ours = 80;
  bench.layer.handle({ kind: 'listen', port: 80, service: { kind: 'echo' } }, bench.now);
  bench.give(syn, irs, sequence(0)).give(ack, bench.next, bench.sent);
  const first = bench.sent;
  let at = 0;
  for (; at < 131_072; at += 1024) bench.give(ack, advance(bench.next, at), first, 1024);
  t.true(bench.said.at(-1)!.window <= 1024);
  for (let i = 0; i < 1000 && bench.sent !== advance(first, at); i += 1) {
    bench.give(ack, advance(bench.next, at), bench.sent);
    bench.now = bench.layer.nextWake() ?? bench.now;
    bench.note(bench.layer.wake(bench.now));
  }
  bench.said = [];
  bench.give(ack, advance(bench.next, at), bench.sent);
  t.deepEqual(
    bench.said.map(({ window, payload }) => [window, payload.length]),
    [[0xffff, 0]],
  );
});

test('random segments into every state never throw, and none is answered without end', (t) => {
  const random = new Random('hostile');
  for (const [state, way] of Object.entries(ways)) {
    for (let run = 0; run < 400; run += 1) {
      const bench = way();
      bench.said = [];
      for (let i = 0; i < 30; i += 1) {
        const flags = random.between(0, 0xff) & ~(random.fraction() < 0.8 ? rst | syn : 0);
        const far = random.fraction() < 0.2 ? 2 ** random.between(0, 31) : 5;
        const from = advance(bench.next, random.between(-far, far));
        bench.give(
          flags,
          from,
          advance(bench.sent, random.between(-far, far)),
          random.between(0, 9),
        );
        if (i % 7 === 0) bench.wait();
      }
      t.true(bench.said.length <= 80, `${state}: ${bench.said.length}`);
      t.true(bench.layer.connections <= 1);
    }
  }
});

function showFlags(segment: TcpSegment): string {
  const { flags } = segment;
  if (flags & rst) return 'RST';
  if (flags & syn) return flags & ack ? 'SYN-ACK' : 'SYN';
  if (flags & fin) return 'FIN-ACK';
  return flags & ack ? 'ACK' : 'none';
}

/** `<SEQ=SND.NXT><ACK=RCV.NXT><CTL=ACK>` and the two forms of reset. */
function checkAnswer(bench: Bench, fail: (bad: string) => void): void {
  for (const segment of bench.said) {
    if (segment.flags === ack && segment.sequence !== bench.sent) fail('SEQ is not SND.NXT');
    if (segment.flags === rst && segment.acknowledgment !== 0) fail('a reset with ACK 0');
    if (segment.flags === (rst | ack) && segment.sequence !== 0) fail('SEQ is not 0');
  }
}
