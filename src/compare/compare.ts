/**
 * Compares two runs, layer by layer: what came of it, and what was on the wire and in the tables. Of one in
 * the simulation and one on kernels only what a rule of `legitimate` recognises may differ; of two in
 * the simulation nothing.
 */
import { describeFrame, describePacket } from '../wire/describe.ts';
import { Account, type Run } from './account.ts';
import { align, type Gap } from './align.ts';
import { type Comparison, type Difference, type Layer, layers } from './comparison.ts';
import { type Item, isSame, type Part } from './item.ts';
import { type Candidate, type LegitimateId, legitimateId } from './legitimate.ts';
import { readers } from './readers.ts';

/** By which rule a difference may be; undefined where none allows it. */
type Judge = (candidate: Candidate) => LegitimateId | undefined;

/** Two runs in the simulation: the second stands in for the one on kernels. */
export const compareAlike = (left: Run, right: Run): Comparison =>
  compareRuns(left, right, () => undefined);

export function compareRuns(
  simulated: Run,
  emulated: Run,
  judge: Judge = legitimateId,
): Comparison {
  const sides: Sides = { simulated: new Account(simulated), emulated: new Account(emulated) };
  const compared = {} as Record<Layer, number>;
  const found: Found[] = [];
  for (const layer of layers) {
    const [left, right] = [readers[layer](sides.simulated), readers[layer](sides.emulated)];
    compared[layer] = Math.max(left.length, right.length);
    found.push(...compareItems(layer, left, right, judge));
  }
  inherit(found, sides);
  found.sort((a, b) => timeOf(a) - timeOf(b) || layers.indexOf(a.layer) - layers.indexOf(b.layer));
  const shown = found.find(
    (one) => one.legitimate === undefined && frameOf(one, sides) !== undefined,
  );
  const differences = found.map((one) => told(one, sides, shown));
  const first = differences.find((one) => one.legitimate === undefined);
  return { compared, differences, ...(first && { first }) };
}

interface Sides {
  readonly simulated: Account;
  readonly emulated: Account;
}

interface Found extends Candidate {
  readonly stream: string;
  legitimate: Difference['legitimate'];
}

/** What comes of something that may be on one side only may be there only as well. */
function inherit(found: readonly Found[], sides: Sides): void {
  for (const side of ['simulated', 'emulated'] as const) {
    const grounds = new Map<number, LegitimateId>();
    for (const { legitimate, [side]: item } of found)
      if (legitimate && item?.frame !== undefined) grounds.set(item.frame, legitimate);
    const other = side === 'simulated' ? 'emulated' : 'simulated';
    for (const one of found) {
      const frame = one[side]?.frame;
      if (one.legitimate || one[other] !== undefined || frame === undefined) continue;
      for (const cause of sides[side].causesOf(frame)) one.legitimate ??= grounds.get(cause);
    }
  }
}

const itemOf = ({ simulated, emulated }: Candidate): Item => (simulated ?? emulated)!;
const timeOf = ({ simulated, emulated }: Candidate): number =>
  Math.min(simulated?.at ?? Infinity, emulated?.at ?? Infinity);

function compareItems(
  layer: Layer,
  left: readonly Item[],
  right: readonly Item[],
  judge: Judge,
): Found[] {
  const streamOf = ({ stream }: Item): string => stream;
  const [lefts, rights] = [grouped(left, streamOf), grouped(right, streamOf)];
  const found: Found[] = [];
  for (const stream of new Set([...lefts.keys(), ...rights.keys()])) {
    const [one, other] = [lefts.get(stream) ?? [], rights.get(stream) ?? []];
    for (const candidate of compareStream(layer, one, other, judge))
      found.push({ ...candidate, stream, legitimate: judge(candidate) });
  }
  return found;
}

function grouped(items: Iterable<Item>, key: (item: Item) => string): Map<string, Item[]> {
  const groups = new Map<string, Item[]>();
  for (const item of items) {
    const group = groups.get(key(item));
    if (group === undefined) groups.set(key(item), [item]);
    else group.push(item);
  }
  return groups;
}

/** Where some of the items stand. */
function placesOf(items: readonly Item[], some: ReadonlySet<Item>): Map<Item, number> {
  const places = new Map<Item, number>();
  if (some.size > 0) for (const [i, item] of items.entries()) places.set(item, i);
  return places;
}

function compareStream(
  layer: Layer,
  left: readonly Item[],
  right: readonly Item[],
  judge: Judge,
): Candidate[] {
  const gaps = align(left, right, isSame);
  const missing = new Set(gaps.flatMap(({ left: [from, to] }) => left.slice(from, to)));
  const extra = new Set(gaps.flatMap(({ right: [from, to] }) => right.slice(from, to)));
  const candidates: Candidate[] = [];
  const unmatched = grouped(extra, ({ what }) => what);
  const [lefts, rights] = [placesOf(left, missing), placesOf(right, extra)];
  for (const simulated of missing) {
    const emulated = unmatched.get(simulated.what)?.shift();
    if (emulated === undefined) continue;
    missing.delete(simulated);
    extra.delete(emulated);
    candidates.push({
      layer,
      simulated,
      emulated,
      passed: passedBy(lefts.get(simulated)!, rights.get(emulated)!, gaps, left),
    });
  }
  for (const { left: one, right: other } of gaps) {
    const [simulated, emulated] = [
      alone(
        layer,
        'simulated',
        left.slice(...one).filter((item) => missing.has(item)),
        candidates,
        judge,
      ),
      alone(
        layer,
        'emulated',
        right.slice(...other).filter((item) => extra.has(item)),
        candidates,
        judge,
      ),
    ];
    for (let i = 0; i < Math.max(simulated.length, emulated.length); i += 1)
      candidates.push({
        layer,
        ...(simulated[i] && { simulated: simulated[i] }),
        ...(emulated[i] && { emulated: emulated[i] }),
      });
  }
  return candidates;
}

/** What may well be on one side only is told so; the rest stands in place of something on the other side. */
function alone(
  layer: Layer,
  side: 'simulated' | 'emulated',
  items: readonly Item[],
  candidates: Candidate[],
  judge: Judge,
): Item[] {
  return items.filter((item) => {
    if (item.fleeting) return false;
    const candidate = { layer, [side]: item };
    const isLegitimate = judge(candidate) !== undefined;
    if (isLegitimate) candidates.push(candidate);
    return !isLegitimate;
  });
}

/** What was before it on one side and after it on the other. */
function passedBy(at: number, there: number, gaps: readonly Gap[], left: readonly Item[]): Item[] {
  const passed: Item[] = [];
  let [i, j] = [0, 0];
  for (const { left: one, right: other } of [...gaps, end]) {
    // From the last gap to this one both sides are the same.
    for (; i < Math.min(one[0], left.length); i += 1, j += 1)
      if (i < at !== j < there) passed.push(left[i]!);
    [i, j] = [one[1], other[1]];
  }
  return passed;
}

const end: Gap = { left: [Infinity, Infinity], right: [Infinity, Infinity] };

function told(one: Found, sides: Sides, shown: Found | undefined): Difference {
  const { layer, simulated, emulated, stream, legitimate, passed } = one;
  const { step } = itemOf(one);
  const own = frameOf(one, sides);
  // A verdict or a table has no frame of its own: what made it differ has.
  const frame = own ?? (shown && timeOf(shown) <= timeOf(one) ? frameOf(shown, sides) : undefined);
  const apart = firstApart(one);
  return {
    layer,
    step,
    title: sides.simulated.titleOf(step),
    about: stream,
    ...(simulated && { simulated: apart ? (apart.simulated?.what ?? ended) : simulated.what }),
    ...(emulated && { emulated: apart ? (apart.emulated?.what ?? ended) : emulated.what }),
    ...(passed && { moved: true as const }),
    ...(frame !== undefined && { frame }),
    ...(legitimate && { legitimate }),
  };
}

const ended = 'nothing more';

/** Of two things made of several, the first parts that are not the same. */
function firstApart({ simulated, emulated }: Candidate): Sided<Part> | undefined {
  const [left, right] = [simulated?.parts, emulated?.parts];
  if (left === undefined || right === undefined) return undefined;
  const at = left.findIndex(({ what }, i) => what !== right[i]?.what);
  const place = at < 0 ? left.length : at;
  return { simulated: left[place], emulated: right[place] };
}

interface Sided<T> {
  readonly simulated: T | undefined;
  readonly emulated: T | undefined;
}

function frameOf(one: Found, sides: Sides): string | undefined {
  const apart = firstApart(one);
  for (const side of ['emulated', 'simulated'] as const) {
    const item = one[side];
    const id = apart ? apart[side]?.frame : (item?.parts?.[0]?.frame ?? item?.frame);
    const event = id === undefined ? undefined : sides[side].event(id);
    if (event === undefined || !('bytes' in event)) continue;
    const line = event.kind === 'packet' ? describePacket(event.bytes) : describeFrame(event.bytes);
    return `${event.node}: ${line}`;
  }
  return undefined;
}
