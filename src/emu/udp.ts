/**
 * UDP sockets, by `dgram-as-promised`: the only file that imports it. Datagrams are taken by its
 * callback: its iterator has a listener only while somebody waits, and loses what comes in between.
 */
import type * as dgram from 'node:dgram';
import { DgramAsPromised, type SocketAsPromised } from 'dgram-as-promised';

export interface UdpAddress {
  readonly address: string;
  readonly port: number;
}

export type UdpReceiver = (datagram: Uint8Array, from: UdpAddress) => void;

/** The part of `node:dgram` that a socket is made with: another network may be put in its place. */
export type Dgram = Pick<typeof dgram, 'createSocket'>;

/** More than this many sends may not be under way: what comes on top is lost, as in a full queue. */
const sendsMost = 4096;
/** Without it a burst of a few hundred datagrams is lost. The system may grant less. */
const bufferSize = 4 << 20;

/**
 * Opens a socket bound to `local`; port 0 lets the system choose.
 *
 * @throws where the address is not ours or the port is taken
 */
export async function openUdp(
  local: UdpAddress,
  receive: UdpReceiver,
  network?: Dgram,
): Promise<UdpSocket> {
  const options = {
    type: 'udp4',
    recvBufferSize: bufferSize,
    sendBufferSize: bufferSize,
    // It calls nothing but `createSocket`, though it asks for the whole module.
    ...(network && { dgram: network as typeof dgram }),
  } as const;
  const socket = DgramAsPromised.createSocket(options, receive);
  try {
    await socket.bind({ address: local.address, port: local.port });
  } catch (error) {
    socket.socket.close();
    throw error;
  }
  return new UdpSocket(socket);
}

export class UdpSocket {
  readonly local: UdpAddress;
  readonly #socket: SocketAsPromised;
  #sends = 0;
  #closing: Promise<void> | undefined;
  /** Datagrams that did not leave: too many at a time, or refused by the system. */
  lost = 0;
  /** What the system last complained of. */
  failure: Error | undefined;

  constructor(socket: SocketAsPromised) {
    const { address, port } = socket.address();
    this.local = { address, port };
    this.#socket = socket;
    // Theirs remembers an error and fails the next send for it; without any, it would end the process.
    socket.socket.removeAllListeners('error').on('error', (error) => this.#failed(error));
  }

  /** Never fails: what cannot be sent is lost, and counted. The bytes must stay as they are. */
  send(datagram: Uint8Array, port: number, address: string): void {
    if (this.#closing || this.#sends >= sendsMost) {
      this.lost += 1;
      return;
    }
    this.#sends += 1;
    this.#socket.send(datagram, 0, datagram.length, port, address).then(
      () => {
        this.#sends -= 1;
      },
      (error: Error) => {
        this.#sends -= 1;
        this.lost += 1;
        this.#failed(error);
      },
    );
  }

  /** Nothing is received from now on. May be asked again. */
  close(): Promise<void> {
    this.#closing ??= this.#socket.close();
    return this.#closing;
  }

  #failed(error: Error): void {
    this.failure = error;
  }
}
