/**
 * UDP sockets, by `dgram-as-promised`: the only file that imports it. Datagrams are received by its
 * callback, because its iterator listens only while somebody waits and loses what comes meanwhile.
 *
 * `dgram` can be handed in, so that what is built on these sockets runs on a simulated network too.
 */
import type * as dgram from 'node:dgram';
import { DgramAsPromised, type SocketAsPromised } from 'dgram-as-promised';

/** So many datagrams wait to leave; the next are lost, as in a full queue of a network card. */
const inFlightMax = 256;
/** What Linux grants without asking for more is filled by a burst of a few hundred datagrams. */
const bufferSize = 4 << 20;

export interface UdpOptions {
  readonly address: string;
  /** The system chooses one for 0. */
  readonly port: number;
  readonly dgram?: Pick<typeof dgram, 'createSocket'>;
}

export interface UdpPeer {
  readonly address: string;
  readonly port: number;
}

export type UdpReceiver = (datagram: Uint8Array, from: UdpPeer) => void;

/** Binds a socket. @throws where the address is not ours or the port is taken */
export async function openUdp(options: UdpOptions, receive: UdpReceiver): Promise<UdpSocket> {
  const { address, port } = options;
  const socket = DgramAsPromised.createSocket(
    {
      type: 'udp4',
      recvBufferSize: bufferSize,
      sendBufferSize: bufferSize,
      ...(options.dgram && { dgram: options.dgram as typeof dgram }),
    },
    receive,
  );
  try {
    await socket.bind(port, address);
  } catch (error) {
    socket.socket.close();
    throw error;
  }
  return new UdpSocket(socket);
}

export class UdpSocket {
  readonly #socket: SocketAsPromised;
  #inFlight = 0;
  #closing: Promise<void> | undefined;
  /** Datagrams that did not leave: too many at a time, or refused by the system. */
  lost = 0;
  /** What the system last complained of. */
  failure: Error | undefined;

  constructor(socket: SocketAsPromised) {
    this.#socket = socket;
    // Theirs remembers an error and fails the next send for it; without any, it would end the process.
    socket.socket.removeAllListeners('error').on('error', (error) => this.#failed(error));
  }

  get local(): UdpPeer {
    const { address, port } = this.#socket.address();
    return { address, port };
  }

  /** Sends if it can; `lost` counts where it could not. The bytes must stay as they are. */
  send(bytes: Uint8Array, port: number, address: string): void {
    if (this.#closing || this.#inFlight >= inFlightMax) {
      this.lost += 1;
      return;
    }
    this.#inFlight += 1;
    this.#socket.send(bytes, port, address).then(
      () => {
        this.#inFlight -= 1;
      },
      (error: Error) => {
        this.#inFlight -= 1;
        this.lost += 1;
        this.#failed(error);
      },
    );
  }

  /** Receives nothing any more from now on. May be asked again. */
  close(): Promise<void> {
    this.#closing ??= this.#socket.close();
    return this.#closing;
  }

  #failed(error: Error): void {
    this.failure = error;
  }
}
