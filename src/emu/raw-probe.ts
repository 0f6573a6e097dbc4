/**
 * Echo requests by `raw-socket`, with the time to live and the ICMP errors as they were received. The
 * package is optional, because it has to be compiled: without it the system's `ping` is asked.
 */
import { spawn } from 'node:child_process';
import type { Echo, EchoRequest } from './agent-words.ts';
import { environment, tool } from './tools.ts';

export interface Echoes {
  send(request: EchoRequest): void;
}

export async function openEchoes(tell: (echo: Echo) => void): Promise<Echoes> {
  try {
    const { default: raw } = await import('raw-socket');
    return new RawEchoes(raw, tell);
  } catch {
    return new PingProgram(tell);
  }
}

type Raw = typeof import('raw-socket').default;

const echoReply = 0;
const echoRequest = 8;
const complaints: ReadonlySet<number> = new Set([3, 11, 12]);
/** IP_MTU_DISCOVER and its values (linux/in.h); the package has no names for them. */
const mtuDiscover = 10;
const discoverDo = 2;
const discoverWant = 1;
/** SO_BROADCAST (asm-generic/socket.h): without it the system sends nothing to a broadcast address. */
const broadcast = 6;

class RawEchoes implements Echoes {
  readonly #raw: Raw;
  // Kept here: a socket that nobody refers to is collected while it listens.
  readonly #socket: ReturnType<Raw['createSocket']>;
  readonly #tell: (echo: Echo) => void;
  readonly #mine = new Set<number>();

  constructor(raw: Raw, tell: (echo: Echo) => void) {
    this.#raw = raw;
    this.#tell = tell;
    this.#socket = raw.createSocket({ protocol: raw.Protocol.ICMP, bufferSize: 65_536 });
    this.#socket.setOption(raw.SocketLevel.SOL_SOCKET, broadcast, 1);
    // The buffer is used again for the next message: it is read at once and not kept.
    this.#socket.on('message', (buffer) => this.#read(buffer));
    this.#socket.on('error', () => {});
  }

  send({ identifier, sequence, to, size, whole }: EchoRequest): void {
    this.#mine.add(identifier);
    const packet = Buffer.alloc(8 + size);
    packet[0] = echoRequest;
    packet.writeUInt16BE(identifier, 4);
    packet.writeUInt16BE(sequence & 0xffff, 6);
    for (let i = 0; i < size; i += 1) packet[8 + i] = i & 255;
    this.#raw.writeChecksum(packet, 2, this.#raw.createChecksum(packet));
    const option = whole ? discoverDo : discoverWant;
    this.#socket.setOption(this.#raw.SocketLevel.IPPROTO_IP, mtuDiscover, option);
    this.#socket.send(packet, 0, packet.length, to, (error) => {
      if (error) this.#refused(identifier, sequence, error);
      else this.#tell({ identifier, sequence, outcome: { kind: 'sent' } });
    });
  }

  #refused(identifier: number, sequence: number, error: Error): void {
    const name = (error as NodeJS.ErrnoException).code ?? error.message;
    this.#tell({ identifier, sequence, outcome: { kind: 'refused', error: name } });
  }

  #read(packet: Buffer): void {
    const at = (packet[0]! & 15) * 4;
    if (packet.length < at + 8) return;
    const type = packet[at]!;
    if (type === echoReply) {
      const identifier = packet.readUInt16BE(at + 4);
      const sequence = packet.readUInt16BE(at + 6);
      if (this.#mine.has(identifier))
        this.#tell({ identifier, sequence, outcome: { kind: 'reply', ttl: packet[8]! } });
      return;
    }
    if (!complaints.has(type) || packet.length < at + 8 + 28) return;
    const quoted = at + 8 + (packet[at + 8]! & 15) * 4;
    if (packet[at + 8 + 9] !== 1 || packet[quoted] !== echoRequest) return;
    const identifier = packet.readUInt16BE(quoted + 4);
    const sequence = packet.readUInt16BE(quoted + 6);
    if (this.#mine.has(identifier))
      this.#tell({ identifier, sequence, outcome: { kind: 'icmp', type, code: packet[at + 1]! } });
  }
}

/** What `ping` prints of ICMP errors, and which they are. */
const words: readonly (readonly [RegExp, number, number])[] = [
  [/Destination Net Unreachable/, 3, 0],
  [/Destination Host Unreachable/, 3, 1],
  [/Destination Protocol Unreachable/, 3, 2],
  [/Destination Port Unreachable/, 3, 3],
  [/Frag needed/, 3, 4],
  [/Packet filtered|Communication Administratively/, 3, 13],
  [/Time to live exceeded/, 11, 0],
];

class PingProgram implements Echoes {
  readonly #tell: (echo: Echo) => void;

  constructor(tell: (echo: Echo) => void) {
    this.#tell = tell;
  }

  send({ identifier, sequence, to, size, whole }: EchoRequest): void {
    const own = [
      '-n',
      '-b',
      '-c',
      '1',
      '-W',
      '10',
      '-s',
      String(size),
      ...(whole ? ['-M', 'do'] : []),
    ];
    const child = spawn(tool('ping'), [...own, to], { env: environment });
    let said = '';
    const hear = (text: Buffer): void => {
      said += text.toString();
    };
    child.stdout.on('data', hear);
    child.stderr.on('data', hear);
    child.on('error', () => {});
    child.on('spawn', () => this.#tell({ identifier, sequence, outcome: { kind: 'sent' } }));
    child.on('close', () => {
      const outcome = outcomeOf(said);
      if (outcome) this.#tell({ identifier, sequence, outcome });
    });
  }
}

export function outcomeOf(said: string): Echo['outcome'] | undefined {
  const ttl = /\bttl=(\d+)/.exec(said)?.[1];
  if (ttl !== undefined) return { kind: 'reply', ttl: Number(ttl) };
  for (const [pattern, type, code] of words)
    if (pattern.test(said)) return { kind: 'icmp', type, code };
  if (/Network is unreachable/.test(said)) return { kind: 'refused', error: 'ENETUNREACH' };
  if (/message too long/i.test(said)) return { kind: 'refused', error: 'EMSGSIZE' };
  return undefined;
}
