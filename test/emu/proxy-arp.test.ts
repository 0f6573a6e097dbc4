/**
 * Who answers ARP for others, and what they say: three programs of Linux, and what the simulation
 * makes of each. What is written here is what they are documented to do (arp.c of Linux, the manual
 * of parprouted); both are held against it.
 */
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { labStart, nanoseconds } from '../../src/base/time.ts';
import { ProxyArp, type ProxyInput, type ProxyOutput } from '../../src/device/proxy-arp.ts';
import { Switch } from '../../src/device/switch.ts';
import { openSandbox } from '../../src/emu/sandbox.ts';
import { arpRequest, sendArp } from '../../src/stack/arp.ts';
import type { KernelProxy } from '../../src/stack/interface.ts';
import { anyIpv4, ipv4, mac, prefix, showIpv4 } from '../../src/wire/address.ts';
import { SmallNet } from '../device/small-net.ts';
import { needsSandbox } from '../needs.ts';
import type { ProxyProgram } from './proxies-inside.ts';
import { far, macs, near, questions, type Said } from './questions.ts';

type Answers = Readonly<Record<string, readonly Said[]>>;

const tells = (ip: string, to = near.asker): Said =>
  `near: tells ${to} that ${ip} is at ${macs.near}`;
const asks = (ip: string): Said => `far: asks for ${ip} as ${far.own} at ${macs.far}`;

const forHost = 'for a host over there';
const forAbsent = 'for a host over there that is absent';
const whetherFree = 'whether the address of a host over there is free';
const forNobody = 'for an address of the segment that nobody has';
const elsewhere = 'for an address of another network over there';
const forItself = 'for its own address';

/** It asks its routes, and nobody whether the host exists. */
const byRoutes: Answers = {
  [forHost]: [tells(far.present)],
  [forAbsent]: [tells(far.absent)],
  [whetherFree]: [],
  [forNobody]: [],
  [elsewhere]: [tells('10.0.99.5')],
  [forItself]: [tells(near.own)],
};
const byEntries: Answers = { ...byRoutes, [elsewhere]: [] };

/** It asks the other side as itself, and answers once it has been told. */
const byRelay: Answers = {
  [forHost]: [asks(far.present), tells(far.present)],
  [forAbsent]: [asks(far.absent)],
  [whetherFree]: [asks(far.present), tells(far.present, '0.0.0.0')],
  [forNobody]: [asks('10.0.10.99')],
  [elsewhere]: [asks('10.0.99.5')],
  [forItself]: [tells(near.own)],
};

function real(t: ExecutionContext, proxy: ProxyProgram): Promise<Answers> {
  t.timeout(120_000);
  return new Promise((resolve, reject) => {
    const sandbox = openSandbox(join(import.meta.dirname, 'proxies-inside.js'), [proxy]);
    let complained = '';
    sandbox.stderr!.setEncoding('utf8').on('data', (text) => (complained += text));
    sandbox.once('message', (answers: Answers) => {
      resolve(answers);
      sandbox.disconnect();
    });
    sandbox.once('exit', () => reject(new Error(complained)));
  });
}

/** The same questions to a machine of the simulation. */
function simulated(proxy: Pick<KernelProxy, 'routed' | 'addresses'>): Answers {
  const all: Record<string, readonly Said[]> = {};
  for (const [name, { sender, target }] of Object.entries(questions)) {
    const net = new SmallNet();
    const machine = net.machine('proxy', `${near.own}/24`, { forwarding: true, mac: macs.near });
    const over = { mac: macs.far, on: new Switch('over there', 0) };
    const other = net.plug(machine, 'eth1', `${far.own}/32`, over);
    for (const to of far.routed) {
      const route = { prefix: prefix(to), kind: 'unicast', interface: other } as const;
      machine.addRoute({ ...route, via: anyIpv4, metric: 0 }, net.now, net.sim);
    }
    const how = { ...proxy, sameInterface: false, delay: nanoseconds(0) };
    machine.standIn(machine.interfaces[0]!, how);
    const asker = net.machine('asker', undefined, { mac: macs.asker }).interfaces[0]!;
    sendArp(asker, arpRequest, 0xffff, -1, ipv4(sender), 0, 0, ipv4(target), -1, net.sim);
    net.run(3);
    all[name] = net
      .arps()
      .filter(({ by }) => by === 'proxy')
      .map(({ senderIp, targetIp }) => tells(showIpv4(senderIp), showIpv4(targetIp)));
  }
  return all;
}

/** And to the daemons of two appliances that answer for everything that the other side has. */
function relayed(): Answers {
  const all: Record<string, readonly Said[]> = {};
  for (const [name, { sender, target }] of Object.entries(questions)) {
    const said: Said[] = [];
    const daemon = (own: string, ownMac: string): ProxyArp =>
      new ProxyArp({
        mode: 'relay',
        scope: { kind: 'everything' },
        announcesUp: false,
        announcesDown: false,
        own: () => ipv4(own),
        ownMac: mac(ownMac),
        far: () => 'up',
      });
    const here = daemon(near.own, macs.near);
    const there = daemon(far.own, macs.far);
    const carryOut = (by: ProxyArp, outputs: readonly ProxyOutput[]): void => {
      const other = by === here ? there : here;
      for (const output of outputs) {
        if (output.kind === 'ask-far')
          feed(other, { kind: 'far-asks', target: output.target, senderIp: output.senderIp });
        else if (output.kind === 'answer-far')
          feed(other, { kind: 'far-answers', ip: output.ip, mac: output.mac });
        else if (output.kind === 'answer')
          said.push(tells(showIpv4(output.ip), showIpv4(output.to.ip)));
        else if (output.kind === 'ask') {
          said.push(asks(showIpv4(output.target)));
          const answered = { kind: 'heard', ip: output.target, mac: mac(macs.host) } as const;
          if (output.target === ipv4(far.present)) feed(by, answered);
        }
      }
    };
    const feed = (by: ProxyArp, input: ProxyInput): void =>
      carryOut(by, by.handle(input, labStart));
    const asker = { senderIp: ipv4(sender), senderMac: mac(macs.asker) };
    feed(here, { kind: 'asked', target: ipv4(target), ...asker });
    if (target === near.own) said.push(tells(target)); // that is for the stack to say
    all[name] = said;
  }
  return all;
}

const programs = {
  proxy_arp: {
    documented: byRoutes,
    ours: () => simulated({ routed: true, addresses: new Set() }),
  },
  'neigh proxy': {
    documented: byEntries,
    ours: () =>
      simulated({ routed: false, addresses: new Set([far.present, far.absent].map(ipv4)) }),
  },
} as const;

for (const [name, { documented, ours }] of Object.entries(programs)) {
  test(`the ${name} of the simulation says what it is documented to say`, (t) => {
    t.deepEqual(ours(), documented);
  });

  test(`the ${name} of a kernel says what it is documented to say`, async (t) => {
    if (!needsSandbox(t)) return;
    t.deepEqual(await real(t, name as ProxyProgram), documented);
  });
}

test('daemons that relay questions say what they are documented to say', (t) => {
  t.deepEqual(relayed(), byRelay);
});

test('parprouted asks and answers as our daemons do; it announces whom it has found, and asks also for itself', async (t) => {
  if (!needsSandbox(t, 'parprouted')) return;
  const said = await real(t, 'parprouted');
  const announces = `near: asks for ${far.present} as ${far.present} at ${macs.near}`;
  t.deepEqual(said, {
    ...byRelay,
    [forHost]: [asks(far.present), announces, tells(far.present)],
    [whetherFree]: [asks(far.present), announces, tells(far.present, '0.0.0.0')],
    [forItself]: [asks(near.own), tells(near.own)],
  });
});
