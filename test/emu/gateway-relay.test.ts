/**
 * The relay on sockets, over a simulated network: the code that runs on real ones, given another
 * `dgram`. What it does is compared with what the simulated gateway does.
 */
import { setImmediate } from 'node:timers/promises';
import test from 'ava';
import { Random } from '../../src/base/random.ts';
import { Relay } from '../../src/device/relay.ts';
import { type RelayTarget, relayPort } from '../../src/device/relay-sessions.ts';
import { Switch } from '../../src/device/switch.ts';
import { GatewayRelay } from '../../src/emu/gateway-relay.ts';
import type { Timekeeper } from '../../src/emu/timekeeper.ts';
import { Payload } from '../../src/stack/packet.ts';
import { ipv4, showIpv4 } from '../../src/wire/address.ts';
import { SmallNet } from '../device/small-net.ts';
import { simulatedDgram } from './simulated-dgram.ts';

const outside = '203.0.113.10';
const inside = '198.18.0.1';
const targetIp = '198.18.0.101';

const target = (mark: number, port: number): RelayTarget => ({
  ip: ipv4(targetIp),
  port,
  isFor: (bytes) => bytes[4] === mark,
});

function message(type: number, mark: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  bytes[0] = type;
  if (length > 4) bytes[4] = mark;
  return bytes;
}
const initiation = (mark: number): Uint8Array => message(1, mark, 148);
const response = (index: number): Uint8Array => message(2, index, 92);
const data = (index: number, length = 32): Uint8Array => message(4, index, length);

/** A gateway between a client and the end of two tunnels, with one of the two relays in it. */
async function gateway(kind: 'on sockets' | 'simulated') {
  const net = new SmallNet();
  const world = new Switch('world', 0);
  const stack = net.machine('gw', `${outside}/24`, { on: world });
  net.plug(stack, 'lan', `${inside}/24`);
  const nea = net.machine('nea', `${targetIp}/24`);
  const client = net.machine('client', '203.0.113.77/24', { on: world });
  const timekeeper: Timekeeper = {
    now: () => net.now,
    at(when, run) {
      let calledOff = false;
      net.sim.at(when, { run: () => void (calledOff || run()) });
      return () => {
        calledOff = true;
      };
    },
  };
  const changes: string[] = [];
  let relay: Relay | GatewayRelay;
  if (kind === 'simulated') {
    relay = new Relay(stack, 30_000);
    relay.start();
  } else
    relay = await GatewayRelay.open({
      outside: { address: outside, port: relayPort },
      inside,
      timekeeper,
      network: simulatedDgram(net, stack),
      onChange: ({ change, session }) => void changes.push(`${change} ${session.client.port}`),
    });
  relay.setTarget('a', target(1, 1195));
  relay.setTarget('b', target(2, 1197));

  /** Everything that both ends received, and on which of the gateway's ports the target saw it. */
  const arrived: string[] = [];
  const ways = new Map<string, number>();
  for (const port of [1195, 1197])
    nea.udp.listeners.set(port, {
      datagram: ({ sourcePort, length, payload }) => {
        ways.set(`${port}`, sourcePort);
        arrived.push(`target ${port}: ${length} of type ${payload[0]}`);
      },
    });
  /** What is under way arrives, and what waits for a promise gets its turn. */
  const settle = async (): Promise<void> => {
    for (let i = 0; i < 3; i += 1) {
      net.run(0.005);
      await setImmediate();
    }
  };
  const listen = (port: number): void => {
    if (client.udp.listeners.has(port)) return;
    client.udp.listeners.set(port, {
      datagram: ({ source, sourcePort, length }) =>
        void arrived.push(
          `client ${port}: ${length} from ${showIpv4(source as never)}:${sourcePort}`,
        ),
    });
  };
  return {
    net,
    stack,
    relay,
    client,
    nea,
    arrived,
    changes,
    ways,
    settle,
    async pass(seconds: number) {
      net.run(seconds);
      await settle();
    },
    async send(port: number, bytes: Uint8Array) {
      listen(port);
      client.udp.send(ipv4(outside), port, relayPort, new Payload(bytes), net.now, net.sim);
      await settle();
    },
    async answer(from: number, to: number, bytes: Uint8Array) {
      nea.udp.send(ipv4(inside), from, to, new Payload(bytes), net.now, net.sim);
      await settle();
    },
    /** IPv4 frames that the gateway has put on its cables. */
    sent: () =>
      [...net.log.events()].filter(
        (event) => event.kind === 'frame' && event.node === 'gw' && event.bytes[13] === 0,
      ).length,
  };
}

const sockets = async () => {
  const made = await gateway('on sockets');
  return { ...made, relay: made.relay as GatewayRelay };
};

test('an unregistered source gets silence, whatever it sends', async (t) => {
  const { relay, send, sent } = await sockets();
  for (const length of [0, 1, 32, 64, 92, 147, 149, 1400]) await send(5000, data(1, length));
  await send(5000, initiation(99));
  await send(5000, initiation(1).subarray(0, 147));
  t.is(relay.sessions, 0);
  t.is(sent(), 0);
  t.deepEqual([...relay.dropped], [['RELAY_UNKNOWN_SOURCE', 10]]);
});

test('A19: what comes while the socket of a session is being opened is not lost, and what follows passes both ways', async (t) => {
  const { net, client, settle, relay, send, answer, arrived, ways } = await sockets();
  for (const bytes of [initiation(1), data(7, 40), data(7, 50)])
    client.udp.send(ipv4(outside), 5000, relayPort, new Payload(bytes), net.now, net.sim);
  await settle();
  t.deepEqual(arrived.splice(0), [
    'target 1195: 148 of type 1',
    'target 1195: 40 of type 4',
    'target 1195: 50 of type 4',
  ]);
  await send(5000, data(7, 60)); // and now somebody listens there
  await answer(1195, ways.get('1195')!, response(7));
  await send(5000, data(7, 32));
  await answer(1195, ways.get('1195')!, data(1, 1400));
  t.deepEqual(arrived, [
    'target 1195: 60 of type 4',
    `client 5000: 92 from ${outside}:6180`,
    'target 1195: 32 of type 4',
    `client 5000: 1400 from ${outside}:6180`,
  ]);
  t.is(relay.lost, 0);
});

test('an unproven client is sent no more than came from it', async (t) => {
  const { relay, send, answer, arrived, ways } = await sockets();
  await send(5000, initiation(1));
  arrived.length = 0;
  for (let i = 0; i < 20; i += 1) await answer(1195, ways.get('1195')!, data(1, 40));
  t.is(arrived.length, 3, '120 of 148 bytes');
  t.deepEqual([...relay.dropped], [['RELAY_UNPROVEN', 17]]);
});

test('only the target is heard on the port of a session', async (t) => {
  const { net, relay, settle, send, answer, arrived, ways } = await sockets();
  await send(5000, initiation(1));
  arrived.length = 0;
  const other = net.machine('other', '198.18.0.102/24');
  const bytes = new Payload(response(7));
  other.udp.send(ipv4(inside), 1195, ways.get('1195')!, bytes, net.now, net.sim);
  await settle();
  await answer(1197, ways.get('1195')!, response(7));
  t.deepEqual(arrived, []);
  t.deepEqual([...relay.dropped], [['RELAY_UNKNOWN_SOURCE', 2]]);
  await answer(1195, ways.get('1195')!, response(7));
  t.is(arrived.length, 1);
});

test('a client on another port is nobody until it begins a handshake for the target', async (t) => {
  const { relay, send, answer, arrived, changes, ways } = await sockets();
  await send(5000, initiation(1));
  const first = ways.get('1195')!;
  await answer(1195, first, response(7));
  await send(5000, data(7));
  arrived.length = 0;
  for (const bytes of [data(7), response(7), initiation(99)]) await send(5001, bytes);
  t.deepEqual(arrived, []);
  await answer(1195, first, data(1));
  t.deepEqual(arrived.splice(0), [`client 5000: 32 from ${outside}:6180`], 'it is where it was');
  await send(5001, initiation(1));
  t.not(ways.get('1195'), first);
  await answer(1195, ways.get('1195')!, response(8));
  t.deepEqual(arrived.slice(-1), [`client 5001: 92 from ${outside}:6180`]);
  t.is(relay.sessions, 2);
  t.deepEqual(changes, ['opened 5000', 'opened 5001']);
});

test('a session is over after 180 s without a datagram, and its socket is closed', async (t) => {
  const { stack, relay, pass, send, changes, arrived } = await sockets();
  const before = stack.udp.listeners.size;
  await send(5000, initiation(1));
  await pass(179);
  await send(5000, data(1));
  t.is(arrived.length, 2);
  await pass(180);
  await send(5000, data(1));
  t.is(arrived.length, 2);
  await pass(60);
  t.is(relay.sessions, 0);
  t.is(stack.udp.listeners.size, before);
  t.deepEqual(changes, ['opened 5000', 'closed 5000']);
});

test('P10: 4,096 sessions and no more sockets than that; when their time is over, none is left', async (t) => {
  const { net, stack, relay, client, settle, pass, changes } = await sockets();
  const before = stack.udp.listeners.size;
  const payload = new Payload(initiation(1));
  for (let i = 0; i < 4200; i += 1) {
    client.udp.send(ipv4(outside), 10_000 + i, relayPort, payload, net.now, net.sim);
    if (i % 100 === 99) await settle();
  }
  await settle();
  t.is(relay.sessions, 4096);
  t.is(stack.udp.listeners.size, before + 4096);
  t.is(relay.dropped.get('RELAY_LIMIT'), 104);
  await pass(180);
  await pass(30);
  t.is(relay.sessions, 0);
  t.is(stack.udp.listeners.size, before);
  t.is(changes.filter((change) => change.startsWith('closed')).length, 4096);
});

test('closing leaves no socket, also of a session that is just being opened', async (t) => {
  const { net, stack, client, relay, settle, send } = await sockets();
  await send(5000, initiation(1));
  client.udp.send(ipv4(outside), 5001, relayPort, new Payload(initiation(2)), net.now, net.sim);
  net.run(0.005);
  t.is(relay.sessions, 2);
  await relay.close();
  await settle();
  t.is(stack.udp.listeners.size, 0);
});

test('by the same datagrams in the same order, both relays let the same pass', async (t) => {
  const play = async (kind: 'on sockets' | 'simulated') => {
    const { arrived, relay, send, answer, pass, ways } = await gateway(kind);
    const random = new Random('both relays');
    for (let i = 0; i < 600; i += 1) {
      const port = random.between(5000, 5003);
      const mark = random.between(1, 3);
      const one = [
        () => initiation(mark),
        () => response(mark),
        () => data(mark, random.between(0, 1400)),
      ][random.between(0, 2)]!();
      const wait = random.between(0, 19) === 0 ? random.between(1, 200) : 0;
      if (wait > 0) await pass(wait);
      if (random.between(0, 1) === 0) await send(port, one);
      else {
        const at = random.between(0, 1) === 0 ? 1195 : 1197;
        await answer(at, ways.get(`${at}`) ?? 1, one);
      }
    }
    return { arrived, sessions: relay.sessions };
  };
  const [onSockets, simulated] = [await play('on sockets'), await play('simulated')];
  t.deepEqual(onSockets, simulated);
  for (const what of ['target 1195', 'target 1197', 'client 5000', 'client 5003'])
    t.true(
      simulated.arrived.some((line) => line.startsWith(what)),
      what,
    );
});
