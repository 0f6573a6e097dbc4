/** Sockets on loopback, and on a `dgram` that does what no network would do on demand. */
import { EventEmitter } from 'node:events';
import { setTimeout } from 'node:timers/promises';
import test from 'ava';
import { type Dgram, openUdp } from '../../src/emu/udp.ts';

const here = { address: '127.0.0.1', port: 0 };

/** Waits until it is so; the test's own time is the limit. */
async function until(so: () => boolean): Promise<void> {
  while (!so()) await setTimeout(1);
}

test('every datagram is received, also by who does something slow with each', async (t) => {
  const got: number[] = [];
  const receiver = await openUdp(here, async (bytes) => {
    await setTimeout(1);
    got.push(bytes[0]! * 256 + bytes[1]!);
  });
  const sender = await openUdp(here, () => {});
  const { address, port } = receiver.local;
  for (let i = 0; i < 2000; i += 1) {
    sender.send(Uint8Array.of(i >> 8, i & 255), port, address);
    if (i % 100 === 99) await setTimeout(1);
  }
  await until(() => got.length === 2000);
  t.deepEqual(
    got.toSorted((a, b) => a - b),
    Array.from({ length: 2000 }, (_, i) => i),
  );
  t.is(sender.lost, 0);
  await Promise.all([sender.close(), receiver.close()]);
});

test('a receiver is told where a datagram came from', async (t) => {
  const from: unknown[] = [];
  const receiver = await openUdp(here, (_, { address, port }) => void from.push({ address, port }));
  const sender = await openUdp(here, () => {});
  sender.send(Uint8Array.of(1), receiver.local.port, '127.0.0.1');
  await until(() => from.length > 0);
  t.deepEqual(from, [sender.local]);
  await Promise.all([sender.close(), receiver.close()]);
});

test('a port that is taken and an address that is not ours are refused', async (t) => {
  const first = await openUdp(here, () => {});
  await t.throwsAsync(
    openUdp(first.local, () => {}),
    { message: /EADDRINUSE/ },
  );
  await t.throwsAsync(
    openUdp({ address: '192.0.2.1', port: 0 }, () => {}),
    {
      message: /EADDRNOTAVAIL/,
    },
  );
  await first.close();
});

test('closing twice is closing once; what is sent after is lost and counted', async (t) => {
  const socket = await openUdp(here, () => {});
  await Promise.all([socket.close(), socket.close()]);
  await socket.close();
  socket.send(Uint8Array.of(1), 9, '127.0.0.1');
  t.is(socket.lost, 1);
});

test('what the system refuses to send is lost, and the next is sent', async (t) => {
  const got: number[] = [];
  const receiver = await openUdp(here, (bytes) => void got.push(bytes.length));
  const sender = await openUdp(here, () => {});
  sender.send(new Uint8Array(65_536), receiver.local.port, '127.0.0.1');
  sender.send(Uint8Array.of(1), 0, '127.0.0.1');
  await until(() => sender.lost === 2);
  t.regex(sender.failure!.message, /EMSGSIZE|ERR_SOCKET_BAD_PORT|port/i);
  sender.send(Uint8Array.of(1), receiver.local.port, '127.0.0.1');
  await until(() => got.length > 0);
  t.deepEqual(got, [1]);
  await Promise.all([sender.close(), receiver.close()]);
});

/** Sends nothing until it is told that it could. */
class Slow extends EventEmitter {
  readonly waiting: ((error: Error | null, bytes: number) => void)[] = [];

  bind(): void {
    process.nextTick(() => this.emit('listening'));
  }

  address() {
    return { address: '10.0.0.1', port: 1, family: 'IPv4' };
  }

  send(...words: unknown[]): void {
    this.waiting.push(words.at(-1) as (typeof this.waiting)[number]);
  }

  close(): void {
    this.emit('close');
  }
}

async function slow() {
  const inner = new Slow();
  const network = { createSocket: () => inner } as unknown as Dgram;
  return { inner, socket: await openUdp(here, () => {}, network) };
}

test('no more than 4,096 datagrams wait to leave; once some have left, others may', async (t) => {
  const { inner, socket } = await slow();
  for (let i = 0; i < 4140; i += 1) socket.send(Uint8Array.of(1), 9, '10.0.0.2');
  t.is(inner.waiting.length, 4096);
  t.is(socket.lost, 44);
  for (const done of inner.waiting.splice(0, 10)) done(null, 1);
  await setTimeout();
  for (let i = 0; i < 20; i += 1) socket.send(Uint8Array.of(1), 9, '10.0.0.2');
  t.is(inner.waiting.length, 4096);
  t.is(socket.lost, 54);
});

test('an error of the socket ends nothing: the next datagram is sent all the same', async (t) => {
  const { inner, socket } = await slow();
  inner.emit('error', new Error('network is down'));
  t.is(socket.failure?.message, 'network is down');
  socket.send(Uint8Array.of(1), 9, '10.0.0.2');
  t.is(inner.waiting.length, 1);
  t.is(socket.lost, 0);
});
