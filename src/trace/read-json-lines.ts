/**
 * An event log read back from its lines, strictly: what `jsonLines` cannot have written is refused with
 * the number of its line. The lines may come from strangers.
 */
import type { TraceEvent } from './event.ts';
import { isReason } from './reasons.ts';

/** What is wrong, and where. */
export class BadLine extends Error {
  override readonly name = 'BadLine';
  /** From 1. */
  readonly line: number;

  constructor(line: number, message: string) {
    super(message);
    this.line = line;
  }
}

/** Nobody writes longer ones: a frame has 64 KiB at most. */
export const lineLengthMax = 1_000_000;

type Common = 'id' | 'at' | 'node' | 'cause' | 'kind';
type Field =
  | 'text'
  | 'texts'
  | 'count'
  | 'whole'
  | 'amount'
  | 'bytes'
  | 'reason'
  | readonly string[];
type FieldsOf<E> = {
  readonly [F in Exclude<keyof E, Common>]-?: undefined extends E[F]
    ? readonly ['maybe', Field]
    : Field;
};
type Forms = {
  readonly [K in TraceEvent['kind']]: FieldsOf<Extract<TraceEvent, { kind: K }>>;
};

const maybe = (field: Field) => ['maybe', field] as const;
const frame = { from: 'text', arrives: 'count', length: 'count', bytes: 'bytes' } as const;
const because = maybe('reason');

/** Every field of every kind of event: the compiler sees to it that none is missing. */
const forms: Forms = {
  frame: { ...frame, to: 'text' },
  flood: { ...frame, to: 'texts' },
  packet: { interface: 'text', direction: ['in', 'out'], length: 'count', bytes: 'bytes' },
  drop: { port: 'text', reason: 'reason', length: 'count', bytes: 'bytes' },
  machine: {
    role: 'text',
    tenant: 'text',
    vm: 'text',
    network: 'text',
    address: ['static', 'dhcp', 'none'],
    ip: 'text',
  },
  'bit-error': { port: 'text', bit: 'count' },
  neighbour: { interface: 'text', ip: 'text', mac: 'text', state: 'text', was: 'text' },
  address: {
    interface: 'text',
    ip: 'text',
    length: 'count',
    change: 'text',
    origin: 'text',
    mac: maybe('text'),
  },
  route: { prefix: 'text', via: 'text', interface: 'text', change: 'text' },
  'switch-entry': { mac: 'text', vlan: 'count', port: 'text', change: 'text' },
  'switch-port': { port: 'text', state: 'text' },
  lease: {
    role: ['client', 'server'],
    state: 'text',
    ip: 'text',
    mac: 'text',
    server: 'text',
    until: 'whole',
    because,
  },
  'path-mtu': { ip: 'text', mtu: 'count' },
  connection: { protocol: ['tcp'], local: 'text', remote: 'text', state: 'text', because },
  'proxy-entry': { network: 'text', ip: 'text', change: 'text' },
  'proxy-decision': {
    network: 'text',
    side: ['local', 'far'],
    ip: 'text',
    asker: 'text',
    decision: 'text',
    because,
  },
  bridge: { network: 'text', state: ['on', 'off'] },
  'bridge-entry': { network: 'text', mac: 'text', side: ['local', 'far'], change: 'text' },
  tunnel: { tunnel: 'text', state: 'text', endpoint: 'text', because },
  relay: { session: 'text', to: 'text', change: 'text' },
  trespass: { from: 'text', to: 'text', mac: 'text', port: 'text' },
  translation: { inside: 'text', outside: 'text', change: 'text' },
  probe: {
    probe: 'count',
    protocol: ['ping', 'tcp', 'udp', 'arp'],
    what: ['sent', 'answered', 'refused', 'error', 'timeout'],
    sequence: 'count',
    to: 'text',
    value: maybe('count'),
    mac: maybe('text'),
    because,
  },
  power: { state: ['on', 'booting', 'off'] },
  operation: {
    operation: 'text',
    vms: 'texts',
    state: ['started', 'success', 'failed'],
    because,
    text: maybe('text'),
  },
  'operation-step': { operation: 'text', number: 'count', text: 'text', vms: maybe('texts') },
  replica: { vm: 'text', state: 'text', was: 'text', restorePoint: 'text' },
  plan: { plan: 'text', state: 'text', was: 'text' },
  replication: { vm: 'text', state: 'text' },
  delta: { vm: 'text', disk: 'text', change: 'text', written: 'count' },
  warning: { code: 'reason', about: 'text' },
  step: { number: 'count', title: 'text', line: 'count' },
  fault: {
    fault: 'text',
    target: 'text',
    direction: maybe('text'),
    daemon: maybe('text'),
    network: maybe('text'),
    ports: maybe('texts'),
    amount: maybe('amount'),
    line: 'count',
  },
  verdict: {
    expectation: 'text',
    line: 'count',
    verdict: ['met', 'broken', 'not-checked'],
    because: maybe('text'),
  },
};

/** Reads line after line of one run. */
export class LogReader {
  readonly events: TraceEvent[] = [];
  #line = 0;

  /** @throws BadLine */
  take(text: string): void {
    this.#line += 1;
    if (text === '') return;
    this.events.push(this.#event(this.#object(text)));
  }

  /** @throws BadLine */
  refuse(message: string): never {
    throw new BadLine(Math.max(1, this.#line), message);
  }

  #object(text: string): Record<string, unknown> {
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch {
      this.refuse('this is not JSON');
    }
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      this.refuse('this is no event');
    return value as Record<string, unknown>;
  }

  #event(raw: Record<string, unknown>): TraceEvent {
    const { id, at, node, cause, kind } = raw;
    const expected = this.events.length;
    if (id === 0 && expected > 0)
      this.refuse('another run begins here: a log that is compared is of one case');
    if (id !== expected) this.refuse(`the event has the id ${shown(id)}, not ${expected}`);
    if (!isCount(at)) this.refuse(`"at" is ${shown(at)}: nanoseconds are wanted`);
    if (at < (this.events.at(-1)?.at ?? 0)) this.refuse('time goes back here');
    if (typeof node !== 'string') this.refuse(`"node" is ${shown(node)}: a name is wanted`);
    if (!Number.isInteger(cause) || (cause as number) < -1 || (cause as number) >= expected)
      this.refuse(`"cause" is ${shown(cause)}: an earlier event is wanted, or -1`);
    if (typeof kind !== 'string' || !Object.hasOwn(forms, kind))
      this.refuse(`there is no kind of event ${shown(kind)}`);
    return this.#filled(raw, forms[kind as TraceEvent['kind']]);
  }

  #filled(raw: Record<string, unknown>, form: object): TraceEvent {
    const fields = Object.entries(form) as [string, Field | readonly ['maybe', Field]][];
    const event: Record<string, unknown> = { ...raw };
    for (const [name, wanted] of fields) {
      const isOptional = wanted[0] === 'maybe';
      const field = (isOptional ? wanted[1] : wanted) as Field;
      const value = raw[name];
      if (value === undefined && isOptional) continue;
      const read = readField(value, field);
      if (read === undefined) this.refuse(`"${name}" is ${shown(value)}`);
      event[name] = read;
    }
    for (const name of Object.keys(raw))
      if (!common.has(name) && !Object.hasOwn(form, name))
        this.refuse(`${shown(raw['kind'])} has no field ${shown(name)}`);
    return event as unknown as TraceEvent;
  }
}

const common: ReadonlySet<string> = new Set(['id', 'at', 'node', 'cause', 'kind']);

const isCount = (value: unknown): value is number =>
  Number.isSafeInteger(value) && Number(value) >= 0;

/** The value in the shape that events have; undefined where it is none. */
function readField(value: unknown, field: Field): unknown {
  if (typeof field !== 'string')
    return typeof value === 'string' && field.includes(value) ? value : undefined;
  switch (field) {
    case 'text':
      return typeof value === 'string' ? value : undefined;
    case 'texts': {
      const isList = Array.isArray(value) && value.every((one) => typeof one === 'string');
      return isList ? value : undefined;
    }
    case 'count':
      return isCount(value) ? value : undefined;
    case 'amount':
      return Number.isFinite(value) && Number(value) >= 0 ? value : undefined;
    case 'whole':
      return Number.isSafeInteger(value) ? value : undefined;
    case 'bytes':
      return typeof value === 'string' ? bytesIn(value) : undefined;
    case 'reason':
      return typeof value === 'string' && isReason(value) ? value : undefined;
  }
}

/** By character code: what a hexadecimal digit stands for, or 255. */
const digits = Uint8Array.from({ length: 128 }, (_, code) => {
  const value = '0123456789abcdef'.indexOf(String.fromCharCode(code));
  return value < 0 ? 255 : value;
});

/** There are hundreds of thousands of these in a log. */
function bytesIn(text: string): Uint8Array | undefined {
  if (text.length % 2 !== 0) return undefined;
  const bytes = new Uint8Array(text.length / 2);
  for (let i = 0; i < bytes.length; i += 1) {
    const high = digits[text.charCodeAt(2 * i)] ?? 255;
    const low = digits[text.charCodeAt(2 * i + 1)] ?? 255;
    if (high > 15 || low > 15) return undefined;
    bytes[i] = high * 16 + low;
  }
  return bytes;
}

/** A value in a message, short. */
function shown(value: unknown): string {
  const text = value === undefined ? 'missing' : JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}
