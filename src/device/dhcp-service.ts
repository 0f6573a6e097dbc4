/** A DHCP server on one interface of a machine: joins `DhcpServer` to the stack. */
import type { Duration, Instant } from '../base/time.ts';
import type { Sink } from '../stack/device.ts';
import { DhcpServer, type DhcpServerConfig, type DhcpServerOutput } from '../stack/dhcp-server.ts';
import type { Interface } from '../stack/interface.ts';
import type { IpStack, Part } from '../stack/ip-stack.ts';
import { Payload } from '../stack/packet.ts';
import type { Datagram, UdpListener } from '../stack/udp.ts';
import type { Fact } from '../trace/event.ts';
import { anyIpv4, type Ipv4, type Mac, showIpv4, showMac } from '../wire/address.ts';
import { decodeDhcp } from '../wire/dhcp.ts';
import { Malformed } from '../wire/malformed.ts';
import { sendDhcp, serverPort } from './dhcp-send.ts';

/** Of the echo requests that find out whether an address is free; out of the way of other askers. */
const pingIdentifier = 0xdc67;
const pingPayload = new Payload(new Uint8Array(8));

/** What a server tells the log of a lease. */
type ServedLease = Omit<Extract<Fact, { kind: 'lease' }>, 'kind' | 'role' | 'server'>;

export class DhcpService implements Part, UdpListener {
  readonly server: DhcpServer;
  readonly #stack: IpStack;
  readonly #interface: Interface;
  #hung = false;

  constructor(stack: IpStack, on: Interface, config: DhcpServerConfig) {
    this.#stack = stack;
    this.#interface = on;
    this.server = new DhcpServer(config);
    stack.udp.listeners.set(serverPort, this);
    stack.attach(this);
    if (config.pingCheck !== true) return;
    stack.icmp.listeners.set(pingIdentifier, {
      reply: (ip, _sequence, _ttl, frame, now, sink) => {
        this.#carryOut(this.server.handle({ kind: 'pinged', ip }, now), frame.cause, now, sink);
        this.#stack.arm(sink);
      },
      failed: () => {}, // silence is what the server hopes for
    });
  }

  /** The process answers nobody, while its machine runs. */
  hang(hung: boolean, sink: Sink): void {
    this.#hung = hung;
    this.#stack.arm(sink);
  }

  /** The administrator gives the address of a client to somebody else. */
  revoke(ip: Ipv4, mac: Mac, now: Instant, sink: Sink): void {
    this.#carryOut(this.server.handle({ kind: 'revoke', ip, mac }, now), -1, now, sink);
    this.#stack.arm(sink);
  }

  /** @param by Back, if it is negative. */
  stepClock(by: Duration, now: Instant, sink: Sink): void {
    this.#carryOut(this.server.handle({ kind: 'clock', by }, now), -1, now, sink);
    this.#stack.arm(sink);
  }

  datagram(datagram: Datagram, now: Instant, sink: Sink): void {
    const { frame, from } = datagram;
    if (this.#hung) {
      this.#stack.ends(frame, 'DAEMON_HUNG', from, sink);
      return;
    }
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
    return this.#hung ? undefined : this.server.nextWake();
  }

  #carryOut(outputs: readonly DhcpServerOutput[], cause: number, now: Instant, sink: Sink): void {
    for (const output of outputs) {
      switch (output.kind) {
        case 'send':
          sendDhcp(this.#stack, this.#interface, output.message, output.to, cause, now, sink);
          break;
        case 'ping':
          this.#stack.icmp.sendEcho(output.ip, pingIdentifier, 1, pingPayload, now, sink, cause);
          break;
        case 'lease': {
          const { change: state, ip, mac, until } = output;
          this.#tell({ state, ip: showIpv4(ip), mac: showMac(mac), until }, cause, now, sink);
          break;
        }
        case 'exhausted': {
          const none = { state: 'exhausted', ip: showIpv4(anyIpv4), mac: showMac(output.mac) };
          const because = 'DHCP_POOL_EXHAUSTED';
          this.#tell({ ...none, until: now, because }, cause, now, sink);
          break;
        }
      }
    }
  }

  #tell(lease: ServedLease, cause: number, now: Instant, sink: Sink): void {
    const server = showIpv4(this.#interface.ip);
    const fact = { kind: 'lease', role: 'server', server, ...lease } as const;
    sink.log.tell(now, this.#stack.name, cause, fact);
  }
}
