/**
 * What a run did, as lines in layers: something to keep, and to hold a later run against. All layers but
 * `timing` are free of times: they say what there was, and of each thing in which order. So a line that
 * has become slower shows in one layer, and an answer that has another sender in another.
 */
import { Account, type Run } from './account.ts';
import type { Layer } from './comparison.ts';
import type { Item } from './item.ts';
import { type Line, type LockLayer, sorted } from './line.ts';
import { operationLines } from './operations.ts';
import { readers } from './readers.ts';
import { tableChanges } from './table-changes.ts';
import { momentOf, timingLines } from './timing.ts';
import { messageLines, tunnelLines } from './tunnels.ts';
import { findingLines } from './verdicts.ts';

export type Behaviour = Readonly<Record<LockLayer, readonly Line[]>>;

export function behaviourOf(run: Run): Behaviour {
  const account = new Account(run);
  const read = (...layers: readonly Layer[]): Item[] =>
    layers.flatMap((layer) => readers[layer](account));
  let passing: readonly Item[] = [];
  /** What was there by its own right; what a timer or the instant decided belongs to `timing`. */
  const lasting = (items: readonly Item[]): Item[] => {
    passing = passing.concat(items.filter((item) => !isLasting(item)));
    return items.filter(isLasting);
  };
  const wireguard = read('WireGuard');
  const layers = {
    verdicts: sorted([...read('verdicts'), ...findingLines(account)]),
    operations: sorted(operationLines(account)),
    arp: sorted(lasting(read('ARP'))),
    dhcp: sorted(read('DHCP')),
    tunnel: sorted([...tunnelLines(account), ...messageLines(lasting(wireguard), wireguard)]),
    // A single echo in the middle of a change is in no layer: in `timing` its probe has a line.
    ip: sorted(read('arrivals', 'deliveries', 'ICMP errors').filter(isLasting)),
    tcp: sorted(lasting(read('TCP'))),
    tables: sorted(tableChanges(account, read('neighbours', 'switch entries', 'addresses'))),
    other: sorted(read('other frames')),
  };
  const moments = passing.map(({ step, stream, what, at }) => ({
    step,
    stream: withoutEnd(stream, `: ${what}`),
    what: momentOf(what, at),
  }));
  return { ...layers, timing: sorted([...timingLines(account), ...moments]) };
}

const isLasting = ({ fleeting, traits }: Item): boolean =>
  !fleeting && !traits?.refresh && !traits?.timed;

const withoutEnd = (text: string, end: string): string =>
  text.endsWith(end) ? text.slice(0, -end.length) : text;
