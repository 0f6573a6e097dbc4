/** The frames of one question in order, device by device, with the ARP questions that it waited for. */
import type { TraceEvent } from '../trace/event.ts';
import type { Arrow } from '../trace/explained.ts';
import type { EventLog } from '../trace/log.ts';
import { describeFrame } from '../wire/describe.ts';
import { isArp } from './carried.ts';
import type { Hop } from './hops.ts';
import { isCrossing, treeOf } from './tree.ts';
import { type World, worldOf } from './world.ts';

/** A packet waits for no longer than so many others are sent after it. */
const attemptsMost = 100;
/** More ARP frames of one wait say nothing new. */
const asideMost = 12;

/** @param attempts What was sent, newest first. */
export function ladderOf(
  log: EventLog,
  attempts: readonly number[],
  hops: readonly Hop[],
): Arrow[] {
  const world = worldOf(log);
  const arrows: Arrow[] = hops.slice(0, -1).map((hop, i) => {
    const { where, at, what, event } = hop;
    return {
      from: where,
      to: hops[i + 1]!.where,
      what: shortened(log, event, what),
      at,
      event,
      aside: false,
    };
  });
  const last = hops.at(-1);
  if (last?.dropped) {
    const { where, what, at, event } = last;
    arrows.push({ from: where, to: '', what, at, event, aside: false });
  }
  const asked = attempts
    .slice(0, attemptsMost)
    .map((id) => arpOf(log, world, id))
    .find((some) => some.length > 0);
  const waits = [...(asked ?? []), ...arrows.flatMap(({ event }) => arpOf(log, world, event))];
  const seen = new Set(arrows.map(({ event }) => event));
  const aside = waits
    .filter(({ event }) => !seen.has(event) && seen.add(event))
    .slice(0, asideMost);
  return [...arrows, ...aside].sort((a, b) => a.at - b.at || a.event - b.event);
}

/** What the frame itself says. Where it began, the hop says that first, and then why it went that way. */
function shortened(log: EventLog, event: number, what: string): string {
  const isCrossing = event >= 0 && log.sortOf(event) !== 'fact' && log.sortOf(event) !== 'drop';
  const bytes = isCrossing ? log.bytesOf(event) : undefined;
  return bytes === undefined || bytes.length === 0 ? what.split(', ')[0]! : describeFrame(bytes);
}

/** The ARP frames that an event led to. */
function arpOf(log: EventLog, world: World, id: number): Arrow[] {
  const tree = treeOf(log);
  const found: Arrow[] = [];
  const open: TraceEvent[] = id < 0 ? [] : tree.effects(id);
  while (open.length > 0 && found.length < asideMost) {
    const event = open.shift()!;
    if (event.kind === 'proxy-decision') open.push(...tree.effects(event.id));
    if (!isCrossing(event) || !isArp(event)) continue;
    const to = event.kind === 'frame' ? world.nodeOf(event.to) : allOf(event.to, world);
    const { node: from, at } = event;
    found.push({ from, to, what: describeFrame(event.bytes), at, event: event.id, aside: true });
    open.push(...tree.effects(event.id));
  }
  return found;
}

/** Whom a flood got to: the one, or nobody in particular. */
function allOf(ports: readonly string[], world: World): string {
  const nodes = new Set(ports.map((port) => world.nodeOf(port)));
  return nodes.size === 1 ? [...nodes][0]! : '*';
}
