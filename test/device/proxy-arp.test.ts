import test from 'ava';
import fc from 'fast-check';
import { type Instant, labStart, milliseconds, seconds } from '../../src/base/time.ts';
import {
  type FarSide,
  ProxyArp,
  type ProxyInput,
  type ProxyOptions,
  type ProxyOutput,
} from '../../src/device/proxy-arp.ts';
import { anyIpv4, type Ipv4, ipv4, type Mac, mac, prefix } from '../../src/wire/address.ts';

const subnet = prefix('10.0.10.0/24');
const web = { ip: ipv4('10.0.10.11'), mac: mac('52:54:00:00:00:11') };
const pc = { ip: ipv4('10.0.10.12'), mac: mac('52:54:00:00:00:12') };
const sql = { ip: ipv4('10.0.10.20'), mac: mac('52:54:00:00:00:20') };
const gateway = { ip: ipv4('10.0.10.1'), mac: mac('52:54:00:00:00:01') };
const own = { ip: ipv4('10.0.10.250'), mac: mac('52:54:00:00:00:fa') };
const at = (s: number): Instant => (labStart + milliseconds(Math.round(s * 1000))) as Instant;

function daemon(more: Partial<ProxyOptions> = {}): ProxyArp {
  return new ProxyArp({
    mode: 'relay',
    scope: { kind: 'addresses' },
    announcesUp: true,
    announcesDown: true,
    own: () => own.ip,
    ownMac: own.mac,
    far: () => 'up',
    ...more,
  });
}

const tenant = (more: Partial<ProxyOptions> = {}): ProxyArp => {
  const made = daemon(more);
  made.handle({ kind: 'adopt', ip: sql.ip }, at(0));
  made.wake(at(2));
  return made;
};
const provider = (more: Partial<ProxyOptions> = {}): ProxyArp => {
  const made = daemon({ scope: { kind: 'rest-of-subnet', subnet }, ...more });
  made.handle({ kind: 'adopt', ip: sql.ip }, at(0));
  return made;
};

const asks = (target: Ipv4, asker: { ip: Ipv4; mac: Mac }): ProxyInput => ({
  kind: 'asked',
  target,
  senderIp: asker.ip,
  senderMac: asker.mac,
});
const deeds = (outputs: readonly ProxyOutput[]) => outputs.filter(({ kind }) => kind !== 'decided');
const decisions = (outputs: readonly ProxyOutput[]) =>
  outputs.flatMap((output) =>
    output.kind === 'decided' ? [output.because ?? output.decision] : [],
  );

// What it answers for

test('A11: on the tenant side it asks on for addresses that are failed over, and for no other', (t) => {
  const here = tenant();
  t.deepEqual(deeds(here.handle(asks(sql.ip, web), at(10))), [
    { kind: 'ask-far', target: sql.ip, senderIp: web.ip },
  ]);
  for (const other of [
    '10.0.10.12',
    '10.0.10.99',
    '10.0.10.1',
    '10.0.10.0',
    '10.0.10.255',
    '8.8.8.8',
  ])
    t.deepEqual(decisions(here.handle(asks(ipv4(other), web), at(10))), ['PROXY_OUT_OF_SCOPE']);
});

test('A12: on the provider side it asks on for the rest of the subnet and its gateway, not for what lives there, not beyond the subnet, nor for all and none', (t) => {
  const here = provider();
  for (const other of [web.ip, gateway.ip, ipv4('10.0.10.254')])
    t.deepEqual(decisions(here.handle(asks(other, sql), at(10))), ['asked']);
  for (const other of [
    '10.0.10.20',
    '10.0.11.1',
    '8.8.8.8',
    '10.0.10.0',
    '10.0.10.255',
    '255.255.255.255',
  ])
    t.deepEqual(
      decisions(here.handle(asks(ipv4(other), web), at(10))),
      ['PROXY_OUT_OF_SCOPE'],
      other,
    );
  t.deepEqual(here.handle(asks(own.ip, sql), at(10)), [], 'for our own address the stack answers');
});

test('A11: an address that is withdrawn is nobody of ours any more', (t) => {
  const here = tenant();
  here.handle({ kind: 'withdraw', ip: sql.ip, owner: sql.mac }, at(20));
  t.deepEqual(decisions(here.handle(asks(sql.ip, web), at(21))), ['PROXY_OUT_OF_SCOPE']);
  t.deepEqual(here.adopted, []);
});

// What somebody may have set by mistake

test('A11, A12: set to the whole subnet, it answers for every host of it, there or not, and for none beyond', (t) => {
  for (const here of [tenant, provider].map((side) =>
    side({ mode: 'static', announcesUp: false, scope: { kind: 'subnet', subnet } }),
  ))
    for (const [host, answers] of [
      ['10.0.10.20', true],
      ['10.0.10.12', true],
      ['10.0.10.1', true],
      ['10.0.10.99', true],
      ['10.0.10.255', false],
      ['8.8.8.8', false],
    ] as const)
      t.is(deeds(here.handle(asks(ipv4(host), web), at(10))).length, answers ? 1 : 0, host);
});

test('set to everything, it answers also beyond the subnet, and whoever asks whether an address is free', (t) => {
  const probe = { ip: anyIpv4, mac: pc.mac };
  const own12 = { ip: ipv4('10.0.10.12'), mac: pc.mac };
  for (const kind of ['subnet', 'everything'] as const) {
    const here = tenant({ mode: 'static', scope: kind === 'subnet' ? { kind, subnet } : { kind } });
    const answers = kind === 'everything' ? 1 : 0;
    t.is(deeds(here.handle(asks(ipv4('8.8.8.8'), web), at(10))).length, answers, kind);
    t.is(deeds(here.handle(asks(own12.ip, probe), at(10))).length, answers, kind);
    t.is(deeds(here.handle(asks(own12.ip, own12), at(10))).length, answers, kind);
    t.deepEqual(
      here.handle(asks(own.ip, web), at(10)),
      [],
      'for our own address the stack answers',
    );
  }
});

test('in relay mode too wide a scope does no harm: the far side is asked, and does not know', (t) => {
  const here = tenant({ scope: { kind: 'everything' } });
  t.deepEqual(decisions(here.handle(asks(pc.ip, web), at(10))), ['asked']);
  t.deepEqual(decisions(here.wake(at(13))), ['PROXY_NO_ANSWER']);
});

// Relay

test('in relay mode it answers once the far side has, with its own MAC address and to the asker alone', (t) => {
  const here = tenant();
  here.handle(asks(sql.ip, web), at(10));
  t.deepEqual(here.handle({ kind: 'far-answers', ip: sql.ip, mac: sql.mac }, at(10.02)), [
    { kind: 'answer', ip: sql.ip, to: web },
    { kind: 'decided', ip: sql.ip, asker: web.ip, side: 'local', decision: 'answered' },
  ]);
});

test('PXY-7: in relay mode nobody answers for a host that is not there, and after 3 s that is told', (t) => {
  const here = provider();
  here.handle(asks(web.ip, sql), at(10));
  t.is(here.nextWake(), at(13));
  t.deepEqual(here.wake(at(12.999)), []);
  t.deepEqual(here.wake(at(13)), [
    {
      kind: 'decided',
      ip: web.ip,
      asker: sql.ip,
      side: 'local',
      decision: 'ignored',
      because: 'PROXY_NO_ANSWER',
    },
  ]);
  t.deepEqual(here.handle({ kind: 'far-answers', ip: web.ip, mac: web.mac }, at(13.1)), []);
  t.is(here.nextWake(), undefined);
});

test('who goes on asking every second is told every 3 s that nobody answers', (t) => {
  const here = provider();
  const told: number[] = [];
  for (let s = 10; s < 20; s += 1) {
    if (decisions(here.handle(asks(web.ip, sql), at(s))).includes('PROXY_NO_ANSWER')) told.push(s);
  }
  t.deepEqual(told, [13, 16, 19]);
});

test('A13: however often it is asked, one question a second goes on, and each asker gets one answer', (t) => {
  const here = tenant();
  const outputs = [10, 10, 10.2, 10.999, 11, 11.5].flatMap((s) =>
    here.handle(asks(sql.ip, web), at(s)),
  );
  t.deepEqual(
    deeds(outputs).map(({ kind }) => kind),
    ['ask-far', 'ask-far'],
  );
  const answers = here.handle({ kind: 'far-answers', ip: sql.ip, mac: sql.mac }, at(11.6));
  t.is(deeds(answers).length, 1);
  t.deepEqual(here.handle({ kind: 'far-answers', ip: sql.ip, mac: sql.mac }, at(11.7)), []);
});

test('A13: two who ask at once lead to one question and get one answer each, with one decision each', (t) => {
  const here = tenant();
  const asked = [
    ...here.handle(asks(sql.ip, web), at(10)),
    ...here.handle(asks(sql.ip, pc), at(10)),
  ];
  t.deepEqual(deeds(asked).length, 1);
  const answers = here.handle({ kind: 'far-answers', ip: sql.ip, mac: sql.mac }, at(10.02));
  t.deepEqual(deeds(answers), [
    { kind: 'answer', ip: sql.ip, to: web },
    { kind: 'answer', ip: sql.ip, to: pc },
  ]);
  t.deepEqual(decisions(answers), ['answered', 'answered']);
});

test('who asks within the same second after the answer has it at once, without another question', (t) => {
  const here = tenant();
  here.handle(asks(sql.ip, web), at(10));
  here.handle({ kind: 'far-answers', ip: sql.ip, mac: sql.mac }, at(10.02));
  t.deepEqual(deeds(here.handle(asks(sql.ip, pc), at(10.5))), [
    { kind: 'answer', ip: sql.ip, to: pc },
  ]);
  t.deepEqual(
    deeds(here.handle(asks(sql.ip, pc), at(11))).map(({ kind }) => kind),
    ['ask-far'],
  );
});

test('a question of the other side is put on our segment as ourselves, and who speaks up is named', (t) => {
  const here = tenant();
  const asked = here.handle({ kind: 'far-asks', target: web.ip, senderIp: sql.ip }, at(10));
  t.deepEqual(deeds(asked), [{ kind: 'ask', target: web.ip }]);
  const heard = here.handle({ kind: 'heard', ip: web.ip, mac: web.mac }, at(10.01));
  t.deepEqual(deeds(heard), [{ kind: 'answer-far', ip: web.ip, mac: web.mac }]);
  t.deepEqual(here.handle({ kind: 'heard', ip: web.ip, mac: web.mac }, at(10.02)), [], 'told once');
  const again = here.handle({ kind: 'far-asks', target: web.ip, senderIp: sql.ip }, at(10.5));
  t.deepEqual(
    deeds(again),
    [{ kind: 'answer-far', ip: web.ip, mac: web.mac }],
    'known for a second',
  );
});

test('nobody of ours answers: what it hears from itself proves nothing', (t) => {
  const here = tenant();
  here.handle({ kind: 'far-asks', target: sql.ip, senderIp: anyIpv4 }, at(10));
  t.deepEqual(here.handle({ kind: 'heard', ip: sql.ip, mac: own.mac }, at(10.01)), []);
  t.deepEqual(decisions(here.wake(at(13))), ['PROXY_NO_ANSWER']);
});

test('the other side may ask for our own address, and asks nobody for it', (t) => {
  const asked = tenant().handle({ kind: 'far-asks', target: own.ip, senderIp: sql.ip }, at(10));
  t.deepEqual(deeds(asked), [{ kind: 'answer-far', ip: own.ip, mac: own.mac }]);
});

test('A14: without an address of its own it asks nobody, for that would look like a probe', (t) => {
  const here = tenant({ own: () => anyIpv4 });
  const asked = here.handle({ kind: 'far-asks', target: web.ip, senderIp: sql.ip }, at(10));
  t.deepEqual(deeds(asked), []);
  t.deepEqual(decisions(asked), ['NO_ADDRESS']);
});

test('A15: probes for a failed-over address, and announcements of it, are relayed both ways', (t) => {
  for (const here of [tenant(), provider()]) {
    for (const senderIp of [anyIpv4, sql.ip]) {
      const probe = asks(sql.ip, { ip: senderIp, mac: sql.mac });
      const s = senderIp === 0 ? 10 : 20;
      t.deepEqual(deeds(here.handle(probe, at(s))), [
        { kind: 'ask-far', target: sql.ip, senderIp },
      ]);
      t.deepEqual(
        deeds(here.handle({ kind: 'far-answers', ip: sql.ip, mac: pc.mac }, at(s + 0.1))),
        [{ kind: 'answer', ip: sql.ip, to: { ip: senderIp, mac: sql.mac } }],
      );
    }
  }
});

// The other behaviours

test('in static mode it answers at once from its list, and never a probe or an announcement', (t) => {
  const here = tenant({ mode: 'static' });
  t.deepEqual(deeds(here.handle(asks(sql.ip, web), at(10))), [
    { kind: 'answer', ip: sql.ip, to: web },
  ]);
  for (const senderIp of [anyIpv4, sql.ip])
    t.deepEqual(deeds(here.handle(asks(sql.ip, { ip: senderIp, mac: pc.mac }), at(11))), []);
  const there = provider({ mode: 'static' });
  t.deepEqual(
    deeds(there.handle(asks(ipv4('10.0.10.99'), sql), at(10))).length,
    1,
    'absent or not',
  );
  t.deepEqual(deeds(there.handle(asks(sql.ip, web), at(10))), []);
});

test('while the far side is down nothing is asked on, and the reason is told', (t) => {
  let far: FarSide = 'down';
  const here = tenant({ far: () => far });
  t.deepEqual(decisions(here.handle(asks(sql.ip, web), at(10))), ['PROXY_FAR_SIDE_DOWN']);
  t.is(here.nextWake(), undefined);
  far = 'coming';
  t.deepEqual(decisions(here.handle(asks(sql.ip, web), at(11))), ['asked'], 'it wakes the tunnel');
  t.deepEqual(decisions(here.wake(at(14))), ['PROXY_FAR_SIDE_DOWN'], 'not: nobody is there');
  far = 'up';
  here.handle(asks(sql.ip, web), at(15));
  t.deepEqual(decisions(here.wake(at(18))), ['PROXY_NO_ANSWER']);
});

// Announcements

test('takeover is announced at once and again 2 s later, with our own MAC address; then no more', (t) => {
  const here = daemon();
  const first = { kind: 'announce', ip: sql.ip, owner: undefined } as const;
  t.deepEqual(deeds(here.handle({ kind: 'adopt', ip: sql.ip }, at(1))), [first]);
  t.is(here.nextWake(), at(3));
  t.deepEqual(here.wake(at(2.9)), []);
  t.deepEqual(deeds(here.wake(at(3))), [first]);
  t.is(here.nextWake(), undefined);
});

test('withdrawal is announced on behalf of the owner, if that is known, and cuts the rest short', (t) => {
  const here = daemon();
  here.handle({ kind: 'adopt', ip: sql.ip }, at(1));
  t.deepEqual(deeds(here.handle({ kind: 'withdraw', ip: sql.ip, owner: sql.mac }, at(2))), [
    { kind: 'announce', ip: sql.ip, owner: sql.mac },
  ]);
  t.is(here.nextWake(), undefined);
  here.handle({ kind: 'adopt', ip: sql.ip }, at(5));
  t.deepEqual(here.handle({ kind: 'withdraw', ip: sql.ip, owner: undefined }, at(6)), []);
});

test('A14: nothing is announced that was not taken over, on the provider side, or where it is switched off', (t) => {
  const withdraw = { kind: 'withdraw', ip: web.ip, owner: web.mac } as const;
  t.deepEqual(tenant().handle(withdraw, at(9)), []);
  const adopt = { kind: 'adopt', ip: sql.ip } as const;
  const gone = { ...withdraw, ip: sql.ip };
  for (const here of [
    daemon({ scope: { kind: 'rest-of-subnet', subnet } }),
    daemon({ announcesUp: false, announcesDown: false }),
  ]) {
    t.deepEqual(here.handle(adopt, at(1)), []);
    t.is(here.nextWake(), undefined);
    t.deepEqual(here.handle(gone, at(9)), []);
  }
});

test('an address that comes to live here is answered for by its owner, whatever was asked before', (t) => {
  const here = daemon({ scope: { kind: 'rest-of-subnet', subnet } });
  here.handle(asks(sql.ip, web), at(1));
  here.handle({ kind: 'adopt', ip: sql.ip }, at(1.1));
  t.deepEqual(here.handle({ kind: 'far-answers', ip: sql.ip, mac: sql.mac }, at(1.2)), []);
});

// Bounds

test('fifty questions wait at most: the next is refused and told, and expiry makes room', (t) => {
  const here = provider();
  const host = (i: number): Ipv4 => (subnet.address + 100 + i) as Ipv4;
  for (let i = 0; i < 50; i += 1)
    t.deepEqual(decisions(here.handle(asks(host(i), sql), at(10))), ['asked']);
  t.deepEqual(decisions(here.handle(asks(host(50), sql), at(10.1))), ['ARP_QUEUE_FULL']);
  for (let i = 0; i < 51; i += 1)
    here.handle({ kind: 'far-asks', target: host(i), senderIp: sql.ip }, at(11));
  t.is(here.wake(at(14)).length, 100, 'both sides have a bound of their own');
  t.deepEqual(decisions(here.handle(asks(host(50), sql), at(14.1))), ['asked']);
});

test('of fifty-one askers the one that waited longest goes, and that is told', (t) => {
  const here = tenant();
  for (let i = 0; i < 50; i += 1)
    here.handle(asks(sql.ip, { ip: (subnet.address + 30 + i) as Ipv4, mac: pc.mac }), at(10));
  const last = here.handle(asks(sql.ip, web), at(10.1));
  t.like(last[0], { decision: 'ignored', because: 'ARP_QUEUE_FULL', asker: ipv4('10.0.10.30') });
  const answers = here.handle({ kind: 'far-answers', ip: sql.ip, mac: sql.mac }, at(10.2));
  t.is(deeds(answers).length, 50);
  t.like(deeds(answers)[0], { to: { ip: ipv4('10.0.10.31') } });
});

// Properties

const anyHost = fc.integer({ min: 0, max: 6 }).map((i) => (subnet.address + 10 + i) as Ipv4);
const anyMac = fc.integer({ min: 1, max: 4 }).map((i) => (mac('52:54:00:00:00:00') + i) as Mac);
const anyInput: fc.Arbitrary<ProxyInput> = fc.oneof(
  fc.record({
    kind: fc.constant('asked' as const),
    target: anyHost,
    senderIp: fc.oneof(anyHost, fc.constant(anyIpv4)),
    senderMac: anyMac,
  }),
  fc.record({ kind: fc.constant('heard' as const), ip: anyHost, mac: anyMac }),
  fc.record({ kind: fc.constant('far-asks' as const), target: anyHost, senderIp: anyHost }),
  fc.record({ kind: fc.constant('far-answers' as const), ip: anyHost, mac: anyMac }),
  fc.record({ kind: fc.constant('adopt' as const), ip: anyHost }),
  fc.record({ kind: fc.constant('withdraw' as const), ip: anyHost, owner: anyMac }),
);
const anyStory = fc.array(fc.tuple(fc.integer({ min: 0, max: 900 }), anyInput), { maxLength: 60 });

test('A13, A14: whatever happens, questions are a second apart, answers fewer than requests, and announcements only of what was adopted', (t) => {
  fc.assert(
    fc.property(anyStory, fc.constantFrom('addresses', 'rest-of-subnet'), (story, kind) => {
      const scope = kind === 'addresses' ? { kind } : ({ kind, subnet } as const);
      const here = daemon({ scope: scope as ProxyOptions['scope'] });
      const asked = new Map<string, Instant>();
      const owed = new Map<string, number>();
      const adopted = new Set<Ipv4>();
      let now = labStart;
      for (const [wait, input] of story) {
        now = (now + milliseconds(wait)) as Instant;
        for (let due = here.nextWake(); due !== undefined && due <= now; due = here.nextWake())
          look(here.wake(due), due);
        if (input.kind === 'adopt') adopted.add(input.ip);
        if (input.kind === 'asked') {
          const key = `${input.target} ${input.senderIp} ${input.senderMac}`;
          owed.set(key, (owed.get(key) ?? 0) + 1);
        }
        look(here.handle(input, now), now);
        if (input.kind === 'withdraw') adopted.delete(input.ip);
      }
      function look(outputs: readonly ProxyOutput[], when: Instant): void {
        for (const output of outputs) {
          if (output.kind === 'ask' || output.kind === 'ask-far') {
            const key = `${output.kind} ${output.target}`;
            const last = asked.get(key);
            // Taking an address over and giving it up starts afresh.
            if (last !== undefined && !adopts(story)) t.true(when - last >= seconds(1), key);
            asked.set(key, when);
          }
          if (output.kind === 'answer') {
            const key = `${output.ip} ${output.to.ip} ${output.to.mac}`;
            const left = (owed.get(key) ?? 0) - 1;
            t.true(left >= 0, `an answer that nobody asked for: ${key}`);
            owed.set(key, left);
          }
          if (output.kind === 'announce') t.true(adopted.has(output.ip) && kind === 'addresses');
        }
      }
    }),
    { seed: 1027, numRuns: 400 },
  );
});

const adopts = (story: readonly (readonly [number, ProxyInput])[]): boolean =>
  story.some(([, { kind }]) => kind === 'adopt' || kind === 'withdraw');
