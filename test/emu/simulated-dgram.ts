/** As much of `node:dgram` as our sockets need, on the stack of a simulated machine. */
import { EventEmitter } from 'node:events';
import type { Dgram } from '../../src/emu/udp.ts';
import type { IpStack } from '../../src/stack/ip-stack.ts';
import { Payload } from '../../src/stack/packet.ts';
import { type Ipv4, ipv4, showIpv4 } from '../../src/wire/address.ts';
import type { SmallNet } from '../device/small-net.ts';

type Received = (bytes: Uint8Array, from: { address: string; port: number }) => void;

export function simulatedDgram(net: SmallNet, stack: IpStack): Dgram {
  const createSocket = (_: unknown, received?: Received): SimulatedSocket => {
    const socket = new SimulatedSocket(net, stack);
    if (received !== undefined) socket.on('message', received);
    return socket;
  };
  return { createSocket } as unknown as Dgram;
}

class SimulatedSocket extends EventEmitter {
  readonly #net: SmallNet;
  readonly #stack: IpStack;
  #local: { address: string; port: number } | undefined;

  constructor(net: SmallNet, stack: IpStack) {
    super();
    this.#net = net;
    this.#stack = stack;
  }

  bind({ port, address }: { port: number; address: string }): void {
    const { listeners } = this.#stack.udp;
    let free = port;
    if (port === 0) for (free = 32_768; listeners.has(free); ) free += 1;
    this.#local = { address, port: free };
    listeners.set(free, {
      datagram: ({ payload, source, sourcePort }) => {
        this.emit('message', payload.slice(), {
          address: showIpv4(source as Ipv4),
          port: sourcePort,
        });
      },
    });
    process.nextTick(() => this.emit('listening'));
  }

  address() {
    return { ...this.#local!, family: 'IPv4' };
  }

  send(
    bytes: Uint8Array,
    _offset: number,
    _length: number,
    port: number,
    address: string,
    done: (error: Error | null, sent: number) => void,
  ): void {
    const { now, sim } = this.#net;
    const payload = new Payload(bytes);
    this.#stack.udp.send(ipv4(address), this.#local!.port, port, payload, now, sim, -1, false);
    process.nextTick(() => done(null, bytes.length));
  }

  close(): void {
    this.#stack.udp.listeners.delete(this.#local!.port);
    process.nextTick(() => this.emit('close'));
  }
}
