/**
 * A DHCP relay agent (RFC 1542 section 4.1, RFC 3046 section 2.1): passes what clients of one
 * network ask to a server in another, and its replies back. It keeps nothing between the two: what
 * a reply needs to find its way, the agent has written into the request.
 *
 * Nobody in the clients' network is trusted to have added option 82 (RFC 3046 section 2.1).
 */
import type { Reason } from '../trace/reasons.ts';
import { anyIpv4, type Ipv4 } from '../wire/address.ts';
import { type Dhcp, type DhcpOption, listOptions, macOf, optionCode } from '../wire/dhcp.ts';
import type { ReplyTo } from './dhcp-server.ts';

export interface RelayAgent {
  /** Ours in the network of the clients: tells the server where they are. */
  readonly address: Ipv4;
  readonly server: Ipv4;
  /** What the clients' network is called here. */
  readonly circuit: Uint8Array;
}

/** To a server, or from it to whom it means. */
export type RelayTo = ReplyTo | { readonly kind: 'server'; readonly ip: Ipv4 };

export type Relayed =
  | { readonly kind: 'send'; readonly message: Dhcp; readonly to: RelayTo }
  | { readonly kind: 'dropped'; readonly reason: Reason };

const hopsMost = 16; // RFC 1542 section 4.1.1
const agentCircuitId = 1; // RFC 3046 section 3.1

/** What becomes of a message that came to port 67: a request of a client, or a reply of a server. */
export function relay(message: Dhcp, agent: RelayAgent): Relayed {
  return message.op === 'request' ? relayRequest(message, agent) : relayReply(message, agent);
}

function relayRequest(message: Dhcp, { address, server, circuit }: RelayAgent): Relayed {
  const { giaddr, options } = message;
  if (message.hops > hopsMost) return { kind: 'dropped', reason: 'DHCP_HOPS' };
  if (giaddr === address) return { kind: 'dropped', reason: 'DHCP_GIADDR_FORGED' };
  const hops = message.hops + 1;
  const to = { kind: 'server', ip: server } as const;
  // A relay agent nearer to the client has been here first: all but the hops is its business.
  if (giaddr !== anyIpv4) return { kind: 'send', message: { ...message, hops }, to };
  if (options.some(isRelayAgent)) return { kind: 'dropped', reason: 'DHCP_OPTION_82_REFUSED' };
  const relayAgent = [{ code: agentCircuitId, data: circuit }];
  const marked = [...options, ...listOptions({ relayAgent })];
  return { kind: 'send', message: { ...message, hops, giaddr: address, options: marked }, to };
}

function relayReply(message: Dhcp, { address }: RelayAgent): Relayed {
  if (message.giaddr !== address) return { kind: 'dropped', reason: 'DHCP_OTHER_RELAY' };
  const options = message.options.filter((option) => !isRelayAgent(option));
  return { kind: 'send', message: { ...message, options }, to: towardsClient(message) };
}

/** RFC 1542 section 4.1.2: to the address that it is to have, if it can hear that already. */
function towardsClient(reply: Dhcp): ReplyTo {
  const { broadcast, yiaddr: ip } = reply;
  const mac = macOf(reply);
  const hears = !broadcast && ip !== anyIpv4 && mac !== undefined;
  return hears ? { kind: 'hardware', ip, mac } : { kind: 'broadcast' };
}

const isRelayAgent = ({ code }: DhcpOption): boolean => code === optionCode.relayAgent;
