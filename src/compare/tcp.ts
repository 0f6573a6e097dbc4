/** The shape of TCP connections as whoever opened them saw it: how they began, how they ended, how much went through. */
import { ipProtocol } from '../wire/ipv4.ts';
import { Malformed } from '../wire/malformed.ts';
import { decodeTcp, type TcpSegment, tcpFlag } from '../wire/tcp.ts';
import type { Account, Sent } from './account.ts';
import { type Item, window } from './item.ts';

const { syn, fin, rst, ack } = tcpFlag;

export function tcpItems(account: Account): Item[] {
  const items: Item[] = [];
  for (const [number, { told, echoes }] of account.probes) {
    if (told.protocol !== 'tcp') continue;
    const name = `probe ${number}, tcp ${told.node} -> ${told.to}`;
    const ways = {
      sent: new Way(`${name}, sent`, items),
      received: new Way(`${name}, received`, items),
    };
    for (const share of [...echoes.values()].flatMap(({ shares }) => shares)) {
      if (share.kind === 'sent' && share.sent.event.node === told.node) ways.sent.take(share.sent);
      if (share.kind === 'arrived' && share.arrived.node === told.node)
        ways.received.take(share.arrived);
    }
    ways.sent.end();
    ways.received.end();
  }
  return items.map((item) => (isCutShort(account, item) ? { ...item, fleeting: true } : item));
}

/** Once a probe has its answer the next step may begin, and take the other side away while the connection closes. */
function isCutShort({ steps }: Account, { what, at }: Item): boolean {
  if (what !== 'FIN') return false;
  return steps.some(({ ends, thenChanges }) => thenChanges && Math.abs(ends - at) <= window);
}

/** One direction of a connection. Segments that come again are one, however they were cut. */
class Way {
  readonly #stream: string;
  readonly #items: Item[];
  readonly #seen = new Set<string>();
  #begins: number | undefined;
  #bytes = 0;
  #last: Sent | undefined;
  #isCut = false;

  constructor(stream: string, items: Item[]) {
    this.#stream = stream;
    this.#items = items;
  }

  take(sent: Sent): void {
    const { packet } = sent;
    if (packet?.protocol !== ipProtocol.tcp) return;
    if (packet.fragmentOffset > 0 || packet.moreFragments) {
      this.#isCut = true;
      this.#last = sent;
      return; // it has no header, or not all of its bytes
    }
    const segment = decodeTcp(packet.payload);
    if (segment instanceof Malformed) return;
    const { flags, sequence, payload } = segment;
    if (flags & syn) this.#begins = sequence + 1;
    this.#begins ??= sequence;
    if (payload.length > 0) {
      const upTo = (sequence + payload.length - this.#begins) >>> 0;
      if (upTo > this.#bytes) [this.#bytes, this.#last] = [upTo, sent];
    }
    const name = nameOf(segment);
    if (name === undefined || this.#seen.has(`${name} ${sequence}`)) return;
    this.#seen.add(`${name} ${sequence}`);
    this.#tell(name, sent);
  }

  end(): void {
    if (this.#last === undefined) return;
    this.#tell(this.#isCut ? 'bytes, some in fragments' : `${this.#bytes} bytes`, this.#last);
  }

  #tell(what: string, { event, step }: Sent): void {
    this.#items.push({ stream: this.#stream, what, at: event.at, step, frame: event.id });
  }
}

function nameOf({ flags }: TcpSegment): string | undefined {
  if (flags & rst) return 'RST';
  if (flags & syn) return flags & ack ? 'SYN ACK' : 'SYN';
  return flags & fin ? 'FIN' : undefined;
}
