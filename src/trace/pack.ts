/**
 * An event log as few bytes, and back: columns of small numbers (differences where they are smaller), every
 * frame's bytes once. Meant to be compressed by whoever stores it. A packed log may come from a stranger:
 * what `packLog` cannot have made is refused.
 */
import { concat, equalBytes, utf8 } from '../base/bytes.ts';
import { readUtf8 } from '../base/utf8.ts';
import type { Fact } from './event.ts';
import { EventLog, type LogColumns, type LogLevel, type PortName } from './log.ts';
import { reasonList } from './reasons.ts';

/** A file that begins otherwise is none. */
const magic = utf8('standin log 1\n');

export class BadLog extends Error {
  override readonly name = 'BadLog';
}

/** What is not numbers, as JSON. */
interface Rest {
  readonly level: LogLevel;
  readonly events: number;
  readonly memory: number;
  readonly facts: readonly { readonly node: string; readonly fact: Fact }[];
  readonly groups: readonly (readonly (readonly [number, number])[])[];
  readonly ports: readonly PortName[];
  readonly loose: readonly PortName[];
  readonly tunnels: readonly { readonly node: string; readonly name: string }[];
}

export function packLog(log: EventLog): Uint8Array {
  const { kinds, memory, times, causes, a, b, delays, lengths, starts, ...others } = log.columns();
  const events = kinds.length;
  const { level, facts, groups, ports, loose, tunnels } = others;
  const rest: Rest = { level, events, memory: memory.length, facts, groups, ports, loose, tunnels };
  const said = utf8(JSON.stringify(rest));
  const numbers = new Writer();
  let last = 0;
  for (const time of times) {
    numbers.put(time - last);
    last = time;
  }
  // 0: none; else how many events back.
  for (let id = 0; id < events; id += 1) numbers.put(causes[id]! < 0 ? 0 : id - causes[id]!);
  for (const one of a) numbers.putSigned(one);
  for (const one of b) numbers.putSigned(one);
  for (const delay of delays) numbers.put(delay);
  for (const length of lengths) numbers.put(length);
  // 0: no bytes; 1: the next that are not yet there; else one more than how far back they begin.
  let total = 0;
  for (let id = 0; id < events; id += 1) {
    const start = starts[id]!;
    numbers.put(start < 0 ? 0 : 1 + total - start);
    if (start === total) total += lengths[id]!;
  }
  const head = new Writer();
  head.put(said.length);
  head.put(numbers.bytes.length);
  return concat(magic, head.bytes, said, kinds, numbers.bytes, memory);
}

/** @throws BadLog */
export function unpackLog(packed: Uint8Array): EventLog {
  if (!equalBytes(packed.subarray(0, magic.length), magic)) refuse('this is no packed log');
  const head = new Reader(packed, magic.length, packed.length);
  const [saidLength, numbersLength] = [head.take(), head.take()];
  const restEnd = head.at + saidLength;
  if (restEnd > packed.length) refuse('it is cut short');
  const rest = readRest(readUtf8(packed.subarray(head.at, restEnd)));
  const { events } = rest;
  const numbersAt = restEnd + events;
  const memoryAt = numbersAt + numbersLength;
  if (memoryAt + rest.memory !== packed.length) refuse('its length is not what it says');
  const columns: LogColumns = {
    ...rest,
    kinds: packed.slice(restEnd, numbersAt),
    times: new Float64Array(events),
    causes: new Int32Array(events),
    a: new Int32Array(events),
    b: new Int32Array(events),
    delays: new Float64Array(events),
    lengths: new Int32Array(events),
    starts: new Int32Array(events),
    memory: packed.subarray(memoryAt),
  };
  fill(columns, new Reader(packed, numbersAt, memoryAt));
  examine(columns);
  return EventLog.of(columns);
}

function fill(columns: LogColumns, numbers: Reader): void {
  const { times, causes, a, b, delays, lengths, starts } = columns;
  const events = times.length;
  let last = 0;
  for (let id = 0; id < events; id += 1) times[id] = last += numbers.take();
  for (let id = 0; id < events; id += 1) {
    const back = numbers.take();
    if (back > id) refuse(`event ${id} has a cause that is not there`);
    causes[id] = back === 0 ? -1 : id - back;
  }
  for (let id = 0; id < events; id += 1) a[id] = numbers.takeSigned();
  for (let id = 0; id < events; id += 1) b[id] = numbers.takeSigned();
  for (let id = 0; id < events; id += 1) delays[id] = numbers.take();
  for (let id = 0; id < events; id += 1) lengths[id] = numbers.take();
  let total = 0;
  for (let id = 0; id < events; id += 1) {
    const back = numbers.take();
    const start = (starts[id] = back === 0 ? -1 : 1 + total - back);
    if (start === total && back !== 0) total += lengths[id]!;
    if (back !== 0 && (start < 0 || start + lengths[id]! > columns.memory.length))
      refuse(`the bytes of event ${id} are not there`);
  }
  if (!numbers.atEnd) refuse('there are more numbers than events');
}

/** Everything that an event refers to has to be there. */
function examine({ kinds, a, b, facts, groups, ports, loose, tunnels }: LogColumns): void {
  const within = (index: number, list: readonly unknown[]): boolean => list[index] !== undefined;
  const isPort = (number: number): boolean =>
    number >= 0 ? within(number, ports) : within(-1 - number, loose);
  const fits = [
    (id: number) => within(a[id]!, ports) && within(b[id]!, ports),
    (id: number) => within(a[id]!, ports) && within(b[id]!, groups),
    (id: number) => isPort(a[id]!) && within(b[id]!, reasonList),
    (id: number) => within(a[id]!, facts),
    (id: number) => within(a[id]!, tunnels),
  ];
  for (let id = 0; id < kinds.length; id += 1)
    if (fits[kinds[id]!]?.(id) !== true) refuse(`event ${id} is about something that is not there`);
  for (const group of groups)
    for (const pair of group)
      if (!pair.every((one) => within(one, ports))) refuse('a group has a port that is not there');
}

function readRest(text: string): Rest {
  let rest: Partial<Rest> | null;
  try {
    rest = JSON.parse(text) as Partial<Rest> | null;
  } catch {
    refuse('its description cannot be read');
  }
  const { level, events, memory, facts, groups, ports, loose, tunnels } = rest ?? {};
  const isCount = (value: unknown): boolean => Number.isSafeInteger(value) && Number(value) >= 0;
  const isLevel = level === 'verdicts' || level === 'decisions' || level === 'full';
  const isName = ({ label, device }: PortName): boolean =>
    typeof label === 'string' && typeof device === 'string';
  const isOf = <T extends object>(list: unknown, is: (one: T) => boolean): boolean =>
    Array.isArray(list) &&
    list.every((one: unknown) => typeof one === 'object' && one !== null && is(one as T));
  const isWhole =
    isLevel &&
    isCount(events) &&
    isCount(memory) &&
    isOf<Rest['facts'][number]>(
      facts,
      ({ node, fact }) => typeof node === 'string' && typeof fact?.kind === 'string',
    ) &&
    isOf<Rest['groups'][number]>(groups, (group) =>
      isOf<readonly number[]>(group, (pair) => pair.length === 2 && pair.every(isCount)),
    ) &&
    isOf(ports, isName) &&
    isOf(loose, isName) &&
    isOf<Rest['tunnels'][number]>(
      tunnels,
      ({ node, name }) => typeof node === 'string' && typeof name === 'string',
    );
  if (!isWhole) refuse('its description is not one of a log');
  return rest as Rest;
}

function refuse(message: string): never {
  throw new BadLog(message);
}

/** Whole numbers of up to 53 bits, seven bits a byte, the lowest first. */
class Writer {
  #room = new Uint8Array(4096);
  #length = 0;

  get bytes(): Uint8Array {
    return this.#room.subarray(0, this.#length);
  }

  put(number: number): void {
    if (this.#length + 8 > this.#room.length) {
      const larger = new Uint8Array(this.#room.length * 4);
      larger.set(this.#room);
      this.#room = larger;
    }
    let left = number;
    while (left >= 128) {
      this.#room[this.#length++] = (left % 128) | 128;
      left = Math.floor(left / 128);
    }
    this.#room[this.#length++] = left;
  }

  putSigned(number: number): void {
    this.put(number < 0 ? -2 * number - 1 : 2 * number);
  }
}

class Reader {
  readonly #bytes: Uint8Array;
  readonly #end: number;
  at: number;

  constructor(bytes: Uint8Array, at: number, end: number) {
    this.#bytes = bytes;
    this.at = at;
    this.#end = end;
  }

  get atEnd(): boolean {
    return this.at === this.#end;
  }

  take(): number {
    let [number, scale] = [0, 1];
    for (let count = 0; count < 8; count += 1) {
      if (this.at >= this.#end) refuse('it is cut short');
      const byte = this.#bytes[this.at++]!;
      number += (byte & 127) * scale;
      if (byte < 128)
        return Number.isSafeInteger(number) ? number : refuse('a number is too large');
      scale *= 128;
    }
    return refuse('a number is too long');
  }

  takeSigned(): number {
    const number = this.take();
    return number % 2 === 0 ? number / 2 : -(number + 1) / 2;
  }
}
