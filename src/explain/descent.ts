/**
 * From a question down to what became of it: how far a packet got, and how far the ARP questions
 * got that it had to wait for.
 */
import type { FrameDropped, TraceEvent } from '../trace/event.ts';
import type { EventLog } from '../trace/log.ts';
import type { Reason } from '../trace/reasons.ts';
import { isArp, isComplaint, isTunnelTalk } from './carried.ts';
import { isCrossing, isMove, isNoise, type Tree, treeOf } from './tree.ts';
import { type World, worldOf } from './world.ts';

/** How far a packet got. */
export interface LastHop {
  readonly node: string;
  /** Undefined where it came to its end without a word. */
  readonly reason?: Reason;
  /** The event that tells: a drop, the last crossing, or the question itself. */
  readonly event: number;
}

const silent = 1;
const dropped = 2;
const answered = 3;

interface End extends LastHop {
  readonly rank: number;
  /** Crossings since the question. */
  readonly depth: number;
}

/**
 * How far the packet of a probe got, replies included, its ARP questions not. Where it never left
 * because nobody answered these, that is the machine that asked, with ARP_UNANSWERED.
 */
export function lastHop(log: EventLog, sentId: number): LastHop {
  const { node, reason, event } = new Descent(log).packet(sentId);
  return reason === undefined ? { node, event } : { node, reason, event };
}

/** Where the ARP questions ended that were asked because of an event, as far as anything stopped them. */
export function questionStops(log: EventLog, causeId: number): FrameDropped[] {
  return new Descent(log).stops(causeId);
}

class Descent {
  readonly #log: EventLog;
  readonly #tree: Tree;
  readonly #world: World;

  constructor(log: EventLog) {
    this.#log = log;
    this.#tree = treeOf(log);
    this.#world = worldOf(log);
  }

  packet(sentId: number): End {
    const log = this.#log;
    const asker = log.read(sentId).node;
    // Depth first without recursion, because a TCP connection is one long chain: an event's end is
    // worked out once those of its effects are.
    const ends = new Map<number, End>();
    const open = [sentId];
    while (open.length > 0) {
      const id = open.at(-1)!;
      const effects = this.#tree.effects(id);
      const goingOn = this.#goingOn(effects);
      const missing = goingOn.filter((event) => !ends.has(event.id));
      if (missing.length > 0) {
        for (const event of missing) open.push(event.id);
        continue;
      }
      open.pop();
      ends.set(id, this.#end(id, asker, effects, goingOn, ends));
      for (const event of goingOn) ends.delete(event.id);
    }
    return ends.get(sentId)!;
  }

  stops(causeId: number): FrameDropped[] {
    const stops: FrameDropped[] = [];
    const open = this.#tree.effects(causeId).filter((one) => isCrossing(one) && isArp(one));
    for (let event = open.pop(); event !== undefined; event = open.pop()) {
      const effects = this.#tree.effects(event.id);
      for (const effect of effects) {
        if (effect.kind === 'drop' && !isNoise(effect.reason)) stops.push(effect);
        else if (isMove(effect) || effect.kind === 'proxy-decision') open.push(effect);
      }
    }
    return stops.sort((a, b) => a.id - b.id);
  }

  /** Those effects of an event that are still the packet, or the answer to it. */
  #goingOn(effects: readonly TraceEvent[]): TraceEvent[] {
    const endedAt = new Set<string>();
    return effects.filter((event) => {
      if (event.kind === 'drop' && !isNoise(event.reason)) endedAt.add(event.node);
      // What a machine sends because of what it has just dropped is word of that to the sender.
      if (!isMove(event) || endedAt.has(event.node)) return false;
      return event.kind === 'packet' || (!isArp(event) && !isComplaint(event));
    });
  }

  #end(
    id: number,
    asker: string,
    effects: readonly TraceEvent[],
    goingOn: readonly TraceEvent[],
    ends: ReadonlyMap<number, End>,
  ): End {
    const event = this.#log.read(id);
    const found: End[] = goingOn.map(({ id: effect }) => {
      const end = ends.get(effect)!;
      return { ...end, depth: end.depth + 1 };
    });
    for (const effect of effects) {
      if (effect.kind === 'probe' && effect.what === 'answered')
        found.push({ node: asker, event: effect.id, rank: answered, depth: 0 });
      // The machine itself could not send it, and says why.
      if (effect.kind === 'probe' && effect.what === 'error' && effect.because !== undefined)
        found.push({
          node: asker,
          reason: effect.because,
          event: effect.id,
          rank: silent,
          depth: 0,
        });
      if (effect.kind !== 'drop' || isNoise(effect.reason)) continue;
      const { node, reason } = effect;
      found.push({ node, reason, event: effect.id, rank: dropped, depth: 0 });
    }
    // Copies of one frame: the one that got furthest was meant, the others only came by.
    const copies =
      event.kind === 'flood' ||
      goingOn.filter(({ node }) => node === goingOn[0]!.node && this.#world.isSwitch(node)).length >
        1;
    let best: End | undefined;
    for (const end of found) {
      if (best === undefined || (copies ? isFurther(end, best) : isLater(end, best))) best = end;
    }
    return best ?? this.#quietEnd(event, effects);
  }

  /** Nothing came of it: it waits there, or was taken in silence. */
  #quietEnd(event: TraceEvent, effects: readonly TraceEvent[]): End {
    const node = this.#arrivedAt(event, effects);
    const talk = isCrossing(event) && isTunnelTalk(event);
    const asks = effects.some((one) => isCrossing(one) && isArp(one) && one.node === node);
    const waits = asks || (!this.#world.isSwitch(node) && this.#waitsForArp(node, event));
    const end = { node, event: event.id, rank: talk ? 0 : silent, depth: 0 };
    return waits ? { ...end, reason: 'ARP_UNANSWERED', rank: dropped } : end;
  }

  #waitsForArp(node: string, event: TraceEvent): boolean {
    const { end } = this.#world;
    return this.#world
      .unresolved(node, end)
      .some((ip) => this.#world.neighbour(node, ip, end)!.since >= event.at - patience);
  }

  #arrivedAt(event: TraceEvent, effects: readonly TraceEvent[]): string {
    if (!isCrossing(event)) return event.node;
    const refused = new Set(
      effects.flatMap((one) =>
        one.kind === 'drop' && one.reason === 'NOT_FOR_US' ? one.node : [],
      ),
    );
    if (event.kind === 'frame') {
      const node = this.#world.nodeOf(event.to);
      return refused.has(node) ? event.node : node;
    }
    const took = event.to
      .map((port) => this.#world.nodeOf(port))
      .filter((one) => !refused.has(one));
    return took.length === 1 ? took[0]! : event.node;
  }
}

/** Longer than any profile goes on asking before it gives up. */
const patience = 10e9;

const isLater = (a: End, b: End): boolean =>
  a.rank !== b.rank ? a.rank > b.rank : a.event > b.event;

const isFurther = (a: End, b: End): boolean =>
  a.depth !== b.depth ? a.depth > b.depth : isLater(a, b);
