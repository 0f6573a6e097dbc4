/** How a DHCP message leaves a server or a relay agent (RFC 2131 section 4.1). */
import type { Instant } from '../base/time.ts';
import type { Sink } from '../stack/device.ts';
import type { RelayTo } from '../stack/dhcp-relay.ts';
import type { Interface } from '../stack/interface.ts';
import type { IpStack } from '../stack/ip-stack.ts';
import { Payload, protocolUdp, udpPacket } from '../stack/packet.ts';
import { broadcastIpv4 } from '../wire/address.ts';
import { type Dhcp, encodeDhcp } from '../wire/dhcp.ts';

const clientPort = 68;
/** Also of relay agents: they speak to clients as servers do. */
export const serverPort = 67;

/** @param on The interface in the network of the clients. */
export function sendDhcp(
  stack: IpStack,
  on: Interface,
  message: Dhcp,
  to: RelayTo,
  cause: number,
  now: Instant,
  sink: Sink,
): void {
  const destination = to.kind === 'broadcast' ? broadcastIpv4 : to.ip;
  const fields = { source: on.ip, destination, protocol: protocolUdp, ttl: stack.ttl };
  const port = to.kind === 'relay' || to.kind === 'server' ? serverPort : clientPort;
  const id = stack.nextIdentification();
  const payload = new Payload(encodeDhcp(message));
  const frame = udpPacket(sink.frames, id, fields, serverPort, port, payload);
  frame.cause = cause;
  if (to.kind === 'broadcast') stack.outputOn(on, broadcastIpv4, frame, now, sink);
  else if (to.kind === 'hardware') stack.outputTo(on, to.mac, frame, sink);
  else stack.output(frame, now, sink);
}
