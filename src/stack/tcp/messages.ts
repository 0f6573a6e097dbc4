/** What the TCP of one host is told, and what it answers. */

import type { Reason } from '../../trace/reasons.ts';
import { type Ipv4, showIpv4 } from '../../wire/address.ts';

/** RFC 9293 section 3.3.2. LISTEN belongs to a port, the rest to a connection. */
export type TcpState =
  | 'CLOSED'
  | 'SYN-SENT'
  | 'SYN-RECEIVED'
  | 'ESTABLISHED'
  | 'FIN-WAIT-1'
  | 'FIN-WAIT-2'
  | 'CLOSE-WAIT'
  | 'CLOSING'
  | 'LAST-ACK'
  | 'TIME-WAIT';

export interface Endpoint {
  readonly address: Ipv4;
  readonly port: number;
}

/**
 * What waits behind a port. All close their half when the other end has closed its own: `accept`
 * reads and says nothing, `echo` says what it reads, `send` says so many bytes and closes first.
 */
export type Service =
  | { readonly kind: 'accept' }
  | { readonly kind: 'echo' }
  | { readonly kind: 'send'; readonly bytes: number };

export interface ConnectRequest {
  readonly local: Ipv4;
  readonly remote: Ipv4;
  readonly remotePort: number;
  /** A free one of 49152 up to 65535 where none is given. */
  readonly localPort?: number;
  /** How many bytes of the pattern to send, and how many must come. */
  readonly send: number;
  readonly expect: number;
  /** The MTU of the interface; the MSS offered is 40 less. */
  readonly mtu: number;
  /** Stays open when both are done, for `send` and `close` to follow. */
  readonly hold?: boolean;
}

/** What an ICMP error quotes of a segment that we are said to have sent. */
export interface Quoted {
  readonly local: Ipv4;
  readonly localPort: number;
  readonly remote: Ipv4;
  readonly remotePort: number;
  /** Checked, where given, against what is on the way: a forger must guess it (RFC 5927 section 4.1). */
  readonly sequence?: number;
}

export type TcpInput =
  | { readonly kind: 'listen'; readonly port: number; readonly service: Service }
  /** Connections that are already there stay. */
  | { readonly kind: 'unlisten'; readonly port: number }
  /** A segment has arrived; `mtu` is that of the interface, 1500 where none is given. */
  | {
      readonly kind: 'segment';
      readonly source: Ipv4;
      readonly destination: Ipv4;
      readonly bytes: Uint8Array;
      readonly mtu?: number;
    }
  /** ICMP says that a segment did not get there. `hard`: protocol or port unreachable. */
  | {
      readonly kind: 'unreachable';
      readonly quoted: Quoted;
      readonly hard: boolean;
      readonly because: Reason;
    }
  /** ICMP 3/4 says that a segment was too long; `mtu` is what the next link carries. */
  | { readonly kind: 'path-mtu'; readonly quoted: Quoted; readonly mtu: number }
  /** The application sends more, and waits for more: a next transfer, with a `done` of its own. */
  | {
      readonly kind: 'send';
      readonly connection: number;
      readonly bytes: number;
      readonly expect: number;
    }
  | { readonly kind: 'close'; readonly connection: number }
  | { readonly kind: 'abort'; readonly connection: number }
  /** The application stops reading, or goes on. */
  | { readonly kind: 'pause'; readonly connection: number; readonly paused: boolean };

export type Result =
  | 'completed'
  | 'refused'
  | 'timeout'
  | 'reset'
  | 'unreachable'
  /** There was no room for one more connection here; nothing was sent. */
  | 'exhausted';

export type TcpOutput =
  | {
      readonly kind: 'segment';
      readonly source: Ipv4;
      readonly destination: Ipv4;
      readonly bytes: Uint8Array;
      /** Always, but where the path is said to carry less than a host need believe. */
      readonly dontFragment: boolean;
    }
  | {
      readonly kind: 'state';
      readonly connection: number;
      readonly local: Endpoint;
      readonly remote: Endpoint;
      readonly state: TcpState;
      readonly because?: Reason;
    }
  /** So many bytes more arrived in order; whether they are what a peer of ours sends. */
  | {
      readonly kind: 'delivered';
      readonly connection: number;
      readonly bytes: number;
      readonly intact: boolean;
    }
  /** A transfer that was asked for here is over. */
  | {
      readonly kind: 'done';
      readonly connection: number;
      readonly result: Result;
      /** Bytes that arrived in order during this transfer. */
      readonly received: number;
      /** Bytes of this transfer that the other end has acknowledged. */
      readonly acknowledged: number;
      readonly because?: Reason;
    }
  | {
      readonly kind: 'dropped';
      readonly reason: Reason;
      readonly source: Ipv4;
      readonly destination: Ipv4;
      readonly length: number;
      /** Where it belonged to one. */
      readonly connection?: number;
      /** For malformed bytes: where the trouble was found. */
      readonly offset?: number;
    };

export const showEndpoint = (endpoint: Endpoint): string =>
  `${showIpv4(endpoint.address)}:${endpoint.port}`;
