/** What an agent in a namespace is asked, and what it answers. */
export type Request =
  | ({ readonly ask: 'echo' } & EchoRequest)
  | {
      readonly ask: 'tcp';
      readonly id: number;
      readonly to: string;
      readonly port: number;
      readonly send: number;
      readonly expect: number;
    }
  | { readonly ask: 'udp'; readonly id: number; readonly to: string; readonly port: number }
  | { readonly ask: 'serve'; readonly protocol: 'tcp' | 'udp'; readonly port: number }
  /** A process takes what comes to a port, or no more. */
  | { readonly ask: 'listen' | 'leave'; readonly port: number }
  | {
      readonly ask: 'send';
      /** One that is listened on. */
      readonly from: number;
      readonly to: string;
      readonly port: number;
      readonly hex: string;
    };

export interface EchoRequest {
  /** Of the ICMP header: which ping it belongs to. */
  readonly identifier: number;
  readonly sequence: number;
  readonly to: string;
  readonly size: number;
  /** It must not be cut, not even here. */
  readonly whole: boolean;
}

/** What became of one echo request. */
export interface Echo {
  readonly identifier: number;
  readonly sequence: number;
  readonly outcome: /** It has gone to the kernel. */
    | { readonly kind: 'sent' }
    | { readonly kind: 'reply'; readonly ttl: number }
    /** An ICMP error that quotes it. */
    | { readonly kind: 'icmp'; readonly type: number; readonly code: number }
    /** The system would not send it. */
    | { readonly kind: 'refused'; readonly error: string };
}

export type Answer =
  /** A connection is being made, a datagram has been sent. */
  | { readonly what: 'begun'; readonly id: number }
  | ({ readonly what: 'echo' } & Echo)
  | {
      readonly what: 'tcp';
      readonly id: number;
      readonly received: number;
      readonly acknowledged: number;
      /** As the system calls it: `ECONNREFUSED`. */
      readonly error?: string;
    }
  | { readonly what: 'udp'; readonly id: number; readonly error?: string }
  | {
      readonly what: 'datagram';
      /** That it came to. */
      readonly port: number;
      readonly from: string;
      readonly fromPort: number;
      readonly hex: string;
    }
  | { readonly what: 'broken'; readonly because: string };
