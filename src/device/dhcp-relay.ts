/** A DHCP relay agent on one interface of a router: joins `relay` to the stack. */
import { utf8 } from '../base/bytes.ts';
import type { Instant } from '../base/time.ts';
import type { Sink } from '../stack/device.ts';
import { relay } from '../stack/dhcp-relay.ts';
import type { Interface } from '../stack/interface.ts';
import type { IpStack } from '../stack/ip-stack.ts';
import type { Datagram, UdpListener } from '../stack/udp.ts';
import type { Ipv4 } from '../wire/address.ts';
import { decodeDhcp } from '../wire/dhcp.ts';
import { Malformed } from '../wire/malformed.ts';
import { sendDhcp, serverPort } from './dhcp-send.ts';

export class DhcpRelay implements UdpListener {
  readonly #stack: IpStack;
  /** In the network of the clients. */
  readonly #interface: Interface;
  readonly #server: Ipv4;
  readonly #circuit: Uint8Array;

  constructor(stack: IpStack, on: Interface, server: Ipv4) {
    this.#stack = stack;
    this.#interface = on;
    this.#server = server;
    this.#circuit = utf8(on.name);
    stack.udp.listeners.set(serverPort, this);
  }

  datagram({ frame, from, payload }: Datagram, now: Instant, sink: Sink): void {
    const message = decodeDhcp(payload);
    if (message instanceof Malformed) {
      this.#stack.ends(frame, 'MALFORMED', from, sink);
      return;
    }
    // Replies come from wherever the server is; requests of other networks are not for us.
    if (message.op === 'request' && from !== this.#interface) {
      this.#stack.ends(frame, 'PORT_CLOSED', from, sink);
      return;
    }
    const address = this.#interface.ip;
    const relayed = relay(message, { address, server: this.#server, circuit: this.#circuit });
    if (relayed.kind === 'dropped') this.#stack.ends(frame, relayed.reason, from, sink);
    else
      sendDhcp(this.#stack, this.#interface, relayed.message, relayed.to, frame.cause, now, sink);
  }
}
