/** What the log has to say about one question: the way of an answer, the reason for there being none. */
import type { Instant } from '../base/time.ts';
import type { EventLog } from '../trace/log.ts';
import type { Reason } from '../trace/reasons.ts';
import type { Hop } from '../trace/result.ts';
import type { Ipv4 } from '../wire/address.ts';

export interface Way {
  readonly hops: readonly Hop[];
  /** Machines and switches on the way there, in order. */
  readonly there: readonly string[];
}

export interface Question {
  readonly probe: number;
  /** Id of the fact that the last attempt was made. */
  readonly sent: number;
  readonly from: string;
  readonly to: Ipv4;
  readonly at: Instant;
  /** Length of the log when the first attempt was made. */
  readonly since: number;
}

export interface Finding {
  readonly code: Reason;
  readonly lastHop: string;
  readonly sentence: string;
  readonly hops: readonly Hop[];
  readonly remedy?: string;
  readonly event: number;
}

export class Account {
  readonly #log: EventLog;

  constructor(log: EventLog) {
    this.#log = log;
  }

  way(_answered: number): Way {
    return { hops: [], there: [] };
  }

  why(question: Question): Finding {
    return {
      code: 'ARP_UNANSWERED',
      lastHop: question.from,
      sentence: '',
      hops: [],
      event: question.sent,
    };
  }

  longestOutage(
    probe: number,
    from: number,
    now: Instant,
  ): { readonly lost: Instant; readonly restored: Instant | undefined } | undefined {
    void probe;
    void from;
    void now;
    void this.#log;
    return undefined;
  }
}
