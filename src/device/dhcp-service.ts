/** A DHCP server on one interface of a machine: joins `DhcpServer` to the stack. */
import type { Instant } from '../base/time.ts';
import type { Sink } from '../stack/device.ts';
import { DhcpServer, type DhcpServerConfig, type DhcpServerOutput } from '../stack/dhcp-server.ts';
import type { Interface } from '../stack/interface.ts';
import type { IpStack, Part } from '../stack/ip-stack.ts';
import { Payload, protocolUdp, udpPacket } from '../stack/packet.ts';
import type { Datagram, UdpListener } from '../stack/udp.ts';
import { broadcastIpv4, type Ipv4, showIpv4, showMac } from '../wire/address.ts';
import { decodeDhcp, encodeDhcp } from '../wire/dhcp.ts';
import { Malformed } from '../wire/malformed.ts';

const clientPort = 68;
const serverPort = 67;

export class DhcpService implements Part, UdpListener {
  readonly server: DhcpServer;
  readonly #stack: IpStack;
  readonly #interface: Interface;

  constructor(stack: IpStack, on: Interface, config: DhcpServerConfig) {
    this.#stack = stack;
    this.#interface = on;
    this.server = new DhcpServer(config);
    stack.udp.listeners.set(serverPort, this);
    stack.attach(this);
  }

  datagram(datagram: Datagram, now: Instant, sink: Sink): void {
    const { frame, from } = datagram;
    if (from !== this.#interface) {
      this.#stack.ends(frame, 'PORT_CLOSED', from, sink);
      return;
    }
    const message = decodeDhcp(datagram.payload);
    if (message instanceof Malformed) {
      this.#stack.ends(frame, 'MALFORMED', from, sink);
      return;
    }
    const input = { kind: 'message', message, from: datagram.source as Ipv4 } as const;
    this.#carryOut(this.server.handle(input, now), frame.cause, now, sink);
    this.#stack.arm(sink);
  }

  wake(now: Instant, sink: Sink): void {
    this.#carryOut(this.server.wake(now), -1, now, sink);
  }

  nextWake(): Instant | undefined {
    return this.server.nextWake();
  }

  #carryOut(outputs: readonly DhcpServerOutput[], cause: number, now: Instant, sink: Sink): void {
    for (const output of outputs) {
      if (output.kind === 'send') this.#send(output, cause, now, sink);
      else if (output.kind === 'lease') {
        const { ip, mac, until, change } = output;
        sink.log.tell(now, this.#stack.name, cause, {
          kind: 'lease',
          role: 'server',
          state: change,
          ip: showIpv4(ip),
          mac: showMac(mac),
          server: showIpv4(this.#interface.ip),
          until,
        });
      }
    }
  }

  #send(
    { message, to }: Extract<DhcpServerOutput, { kind: 'send' }>,
    cause: number,
    now: Instant,
    sink: Sink,
  ): void {
    const destination = to.kind === 'broadcast' ? broadcastIpv4 : to.ip;
    const source = this.#interface.ip;
    const fields = { source, destination, protocol: protocolUdp, ttl: this.#stack.ttl };
    const port = to.kind === 'relay' ? serverPort : clientPort;
    const id = this.#stack.nextIdentification();
    const payload = new Payload(encodeDhcp(message));
    const frame = udpPacket(sink.frames, id, fields, serverPort, port, payload);
    frame.cause = cause;
    if (to.kind === 'broadcast')
      this.#stack.outputOn(this.#interface, broadcastIpv4, frame, now, sink);
    else if (to.kind === 'hardware') this.#stack.outputTo(this.#interface, to.mac, frame, sink);
    else this.#stack.output(frame, now, sink);
  }
}
