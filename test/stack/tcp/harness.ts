/** Two hosts and a path between them that loses, repeats, delays and refuses, in virtual time. */
import { Random } from '../../../src/base/random.ts';
import {
  after,
  type Duration,
  type Instant,
  labStart,
  milliseconds,
  nanoseconds,
} from '../../../src/base/time.ts';
import { type Profile, strict } from '../../../src/stack/profile.ts';
import { TcpLayer } from '../../../src/stack/tcp/layer.ts';
import type { ConnectRequest, TcpInput, TcpOutput } from '../../../src/stack/tcp/messages.ts';
import { ipv4 } from '../../../src/wire/address.ts';
import { Malformed } from '../../../src/wire/malformed.ts';
import { decodeTcp, type TcpSegment, tcpFlag } from '../../../src/wire/tcp.ts';

export const addressOf = { a: ipv4('10.0.0.1'), b: ipv4('10.0.0.2') } as const;
export type Side = 'a' | 'b';
export type Out<Kind extends TcpOutput['kind']> = Extract<TcpOutput, { kind: Kind }>;
type Segment = Out<'segment'>;

export interface Path {
  readonly delay: Duration;
  /** Up to so much more, for each segment anew: overtaking is allowed. */
  readonly jitter?: Duration;
  readonly loss?: number;
  readonly duplicate?: number;
  /** Of the narrowest link; `tells`: a segment that is too long is answered by ICMP 3/4. */
  readonly mtu?: number;
  readonly tells?: boolean;
  readonly loses?: (segment: TcpSegment, from: Side, now: Instant) => boolean;
}

export class Pair {
  now = labStart;
  path: Path;
  readonly layers: Record<Side, TcpLayer>;
  /** Everything but segments and deliveries; and deliveries added up. */
  readonly log: { readonly at: Instant; readonly side: Side; readonly what: TcpOutput }[] = [];
  readonly delivered = { a: 0, b: 0 };
  readonly damaged = { a: 0, b: 0 };
  readonly sent: { readonly at: Instant; readonly side: Side; readonly segment: TcpSegment }[] = [];
  segments = 0;
  #largest = 0;
  readonly #random: Random;
  #queue: { at: Instant; order: number; run: () => void }[] = [];
  #order = 0;

  constructor(
    path: Path,
    options: { seed?: number | string; profile?: Profile; isn?: number; keep?: boolean } = {},
  ) {
    this.path = path;
    const seed = options.seed ?? 1;
    this.#random = new Random(`path/${seed}`);
    const profile = options.profile ?? strict;
    this.layers = {
      a: new TcpLayer({ profile, random: randomWith(`a/${seed}`, options.isn) }),
      b: new TcpLayer({ profile, random: randomWith(`b/${seed}`, options.isn) }),
    };
    this.#keep = options.keep ?? false;
  }
  readonly #keep: boolean;

  /** Payload of the longest segment so far. */
  get largest(): number {
    return this.#largest;
  }

  tell(side: Side, input: TcpInput): void {
    this.#perform(side, this.layers[side].handle(input, this.now));
  }

  connect(request: Partial<ConnectRequest> & { remotePort: number }, side: Side = 'a'): number {
    const remote = side === 'a' ? 'b' : 'a';
    const whole = {
      local: addressOf[side],
      remote: addressOf[remote],
      send: 0,
      expect: 0,
      mtu: 1500,
    };
    const { connection, outputs } = this.layers[side].connect({ ...whole, ...request }, this.now);
    this.#perform(side, outputs);
    return connection;
  }

  /** A power failure: the host comes back without any memory of its connections. */
  restart(side: Side, profile: Profile = strict): void {
    this.layers[side] = new TcpLayer({ profile, random: new Random(`restarted/${side}`) });
  }

  /** Until nothing happens any more, or the time is up. */
  run(until: Instant = after(this.now, (3600e9 * 4) as Duration)): void {
    for (let steps = 0; ; steps += 1) {
      if (steps > 3_000_000) throw new Error(`goes on for ever, at ${this.now}`);
      const next = Math.min(
        this.#queue[0]?.at ?? Number.POSITIVE_INFINITY,
        this.layers.a.nextWake() ?? Number.POSITIVE_INFINITY,
        this.layers.b.nextWake() ?? Number.POSITIVE_INFINITY,
      ) as Instant;
      if (next > until) break;
      if (next < this.now) throw new Error(`asked for ${next} at ${this.now}`);
      this.now = next;
      const first = this.#queue[0];
      if (first !== undefined && first.at === next) {
        this.#queue.shift();
        first.run();
      } else {
        for (const side of ['a', 'b'] as const)
          this.#perform(side, this.layers[side].wake(this.now));
      }
    }
    if (until > this.now && until < Number.MAX_SAFE_INTEGER) this.now = until;
  }

  of<Kind extends TcpOutput['kind']>(kind: Kind, side: Side): Out<Kind>[] {
    return this.log
      .filter((entry) => entry.side === side && entry.what.kind === kind)
      .map(({ what }) => what as Out<Kind>);
  }

  states(side: Side): string[] {
    return this.of('state', side).map(({ state }) => state);
  }

  done(side: Side = 'a'): Out<'done'> | undefined {
    return this.of('done', side).at(-1);
  }

  #perform(side: Side, outputs: readonly TcpOutput[]): void {
    for (const what of outputs) {
      if (what.kind === 'segment') this.#carry(side, what);
      else if (what.kind === 'delivered') {
        this.delivered[side] += what.bytes;
        if (!what.intact) this.damaged[side] += 1;
      } else this.log.push({ at: this.now, side, what });
    }
  }

  #carry(from: Side, what: Segment): void {
    const { path } = this;
    const to = from === 'a' ? 'b' : 'a';
    const segment = decodeTcp(what.bytes, what.source, what.destination);
    if (segment instanceof Malformed) throw new Error('a segment that cannot be decoded');
    this.segments += 1;
    this.#largest = Math.max(this.#largest, segment.payload.length);
    if (this.#keep) this.sent.push({ at: this.now, side: from, segment });
    if (what.bytes.length + 20 > (path.mtu ?? 65_535)) {
      if (path.tells) this.#later(path.delay, () => this.#tooBig(from, what, segment));
      return;
    }
    if (path.loses?.(segment, from, this.now)) return;
    if (this.#random.fraction() < (path.loss ?? 0)) return;
    const copies = this.#random.fraction() < (path.duplicate ?? 0) ? 2 : 1;
    for (let copy = 0; copy < copies; copy += 1) {
      const more = Math.floor(this.#random.fraction() * (path.jitter ?? 0));
      this.#later(nanoseconds(path.delay + more), () =>
        this.tell(to, {
          kind: 'segment',
          source: what.source,
          destination: what.destination,
          bytes: what.bytes,
        }),
      );
    }
  }

  #tooBig(side: Side, what: Segment, segment: TcpSegment): void {
    const quoted = {
      local: what.source,
      localPort: segment.sourcePort,
      remote: what.destination,
      remotePort: segment.destinationPort,
      sequence: segment.sequence,
    };
    this.tell(side, { kind: 'path-mtu', quoted, mtu: this.path.mtu! });
  }

  #later(wait: Duration, run: () => void): void {
    const entry = { at: after(this.now, wait), order: this.#order++, run };
    let at = this.#queue.length;
    while (at > 0 && this.#queue[at - 1]!.at > entry.at) at -= 1;
    this.#queue.splice(at, 0, entry);
  }
}

/** The stream of a name, or one whose every 32-bit number is `fixed`. */
export function randomWith(name: string, fixed?: number): Random {
  const random = new Random(name);
  if (fixed !== undefined) random.uint32 = () => fixed;
  return random;
}

export const lan: Path = { delay: milliseconds(1) };
export const has = (segment: TcpSegment, ...names: (keyof typeof tcpFlag)[]): boolean =>
  names.every((name) => (segment.flags & tcpFlag[name]) !== 0);
/** So long after the start. */
export const instant = (wait: Duration): Instant => after(labStart, wait);
