/**
 * A machine that may end at any moment, for tests of the controller's journal: a disk in memory that
 * knows what a power failure would leave of it, and a world of VMs that outlives whoever acts on it.
 * Everything that is done to either goes through `Moments`, which tells of it before and after.
 */
import type { Files, Processes } from '../../src/emu/files.ts';
import type { Command } from '../../src/failover/decision.ts';
import type { Seen } from '../../src/failover/journal.ts';

/** Each of these changes what is on a disk, by what is there: a list of the tests' own. */
export const notTwice: ReadonlySet<Command['kind']> = new Set([
  'revert-snapshot',
  'create-delta',
  'discard-delta',
  'remove-delta',
  'merge-delta',
  'transfer-changes',
  'create-failback-snapshot',
  'revert-failback-snapshot',
  'remove-failback-snapshot',
  'run-replication',
]);

/** What has just been, or is about to be. A part of a write is between the two. */
export type Moment = 'before' | 'part' | 'during' | 'after';

/** Told of every write, sync, rename and act; whoever wants to end the world there clones it. */
export class Moments {
  count = 0;
  readonly #on: (name: string, moment: Moment) => void;

  constructor(on: (name: string, moment: Moment) => void = () => {}) {
    this.#on = on;
  }

  do<Result>(name: string, deed: () => Result, parts: readonly (() => () => void)[] = []): Result {
    this.count += 1;
    this.#on(name, 'before');
    for (const part of parts) {
      const takeBack = part();
      this.#on(name, name === 'write' ? 'part' : 'during');
      takeBack();
    }
    const result = deed();
    this.#on(name, 'after');
    return result;
  }
}

class Inode {
  bytes = new Uint8Array(0);
  size = 0;
  /** How much of it a power failure leaves. */
  durable = 0;

  append(more: Uint8Array): void {
    if (this.size + more.length > this.bytes.length) {
      const bytes = new Uint8Array(2 * (this.size + more.length));
      bytes.set(this.bytes.subarray(0, this.size));
      this.bytes = bytes;
    }
    this.bytes.set(more, this.size);
    this.size += more.length;
  }

  clone(size: number): Inode {
    const other = new Inode();
    other.append(this.bytes.subarray(0, size));
    other.durable = Math.min(this.durable, size);
    return other;
  }
}

const fails = (code: string): never => {
  throw Object.assign(new Error(code), { code });
};

export class MemoryDisk {
  #names = new Map<string, Inode>();
  /** What they were when their folder was last synced. */
  #durableNames = new Map<string, Inode>();
  #notes = new Map<string, string>();
  #open: Inode[] = [];
  /** Writes beyond this many bytes find the disk full. */
  room = Number.MAX_SAFE_INTEGER;

  /** As another process finds it: after the end of this one, or of the whole machine. */
  clone(after: 'kill' | 'power failure' = 'kill'): MemoryDisk {
    const disk = new MemoryDisk();
    const names = after === 'kill' ? this.#names : this.#durableNames;
    for (const [name, inode] of names) {
      const copy = inode.clone(after === 'kill' ? inode.size : inode.durable);
      disk.#names.set(name, copy);
      if (this.#durableNames.get(name) === inode) disk.#durableNames.set(name, copy);
    }
    disk.#notes = new Map(this.#notes);
    return disk;
  }

  bytes(path: string): Uint8Array {
    const { bytes, size } = this.#names.get(path)!;
    return bytes.subarray(0, size);
  }

  names(): string[] {
    return [...this.#names.keys(), ...this.#notes.keys()].sort();
  }

  /** @param everyByte Whether a write is cut at each of its bytes, and not only at some. */
  files(moments: Moments, everyByte = false): Files {
    const inode = (file: number): Inode => this.#open[file]!;
    const open = (one: Inode): number => this.#open.push(one) - 1;
    return {
      open: (path) => {
        const there = this.#names.get(path);
        return there && open(there);
      },
      create: (path) => {
        if (this.#names.has(path)) fails('EEXIST');
        return moments.do('create', () => {
          const young = new Inode();
          this.#names.set(path, young);
          return open(young);
        });
      },
      read: (file) => inode(file).bytes.slice(0, inode(file).size),
      write: (file, bytes) => {
        if (this.room === 0) fails('ENOSPC');
        const fitting = bytes.subarray(0, this.room);
        const all = Array.from({ length: fitting.length - 1 }, (_, i) => i + 1);
        const some = [fitting.length >> 1];
        const parts = (everyByte ? all : some).map((size) => () => {
          const before = inode(file).size;
          inode(file).append(fitting.subarray(0, size));
          return () => {
            inode(file).size = before;
          };
        });
        moments.do('write', () => inode(file).append(fitting), parts);
        this.room -= fitting.length;
        return fitting.length;
      },
      truncate: (file, size) =>
        moments.do('truncate', () => {
          inode(file).size = size;
          inode(file).durable = Math.min(inode(file).durable, size);
        }),
      sync: (file) =>
        moments.do('sync', () => {
          inode(file).durable = inode(file).size;
        }),
      close: () => {},
      rename: (from, to) =>
        moments.do('rename', () => {
          this.#names.set(to, this.#names.get(from) ?? fails('ENOENT'));
          this.#names.delete(from);
        }),
      remove: (path) => {
        if (this.#names.has(path) || this.#notes.has(path))
          moments.do('remove', () => {
            this.#names.delete(path);
            this.#notes.delete(path);
          });
      },
      syncFolder: () =>
        moments.do('sync folder', () => {
          this.#durableNames = new Map(this.#names);
        }),
      list: (folder) =>
        this.names()
          .filter((name) => name.startsWith(`${folder}/`))
          .map((name) => name.slice(folder.length + 1)),
      leaveNote: (path, text) => {
        if (this.#notes.has(path)) return false;
        moments.do('note', () => this.#notes.set(path, text));
        return true;
      },
      readNote: (path) => this.#notes.get(path),
    };
  }
}

/** One process at a time: whoever came before is dead. */
export const successive = (): Processes => {
  started += 1;
  const self = `process.${started}`;
  return { self: () => self, lives: (other) => other === self };
};
let started = 0;

interface Machine {
  original: boolean;
  replica: boolean;
  /** The restore point that the replica's disks were last brought to. */
  point: string;
  points: string[];
  delta: boolean;
  saved: boolean;
  /** What the replica has written: all of it, and what production has got. */
  written: number;
  sent: number;
  held: boolean;
  excluded: boolean;
}

/** The two sites, whose machines know nothing of journals. */
export class World {
  readonly complaints: string[] = [];
  machines: Record<string, Machine> = {};
  /** Appliances, VPNs, proxies and gateways that run, with what they were told. */
  services: Record<string, string> = {};
  /** How often each command that must not be repeated was carried out. */
  once: Record<string, number> = {};
  /** A command that was broken off. */
  half: number | undefined;
  /** Commands that fail, by their first words. */
  readonly refuses: string | undefined;

  constructor(vms: readonly string[], original: boolean, refuses?: string) {
    this.refuses = refuses;
    for (const vm of vms)
      this.machines[vm] = {
        original,
        replica: false,
        point: 'restore point 3',
        points: ['restore point 1', 'restore point 2', 'restore point 3'],
        delta: false,
        saved: false,
        written: 0,
        sent: 0,
        held: false,
        excluded: false,
      };
  }

  clone(): World {
    return World.from(JSON.stringify(this), this.refuses);
  }

  /** @param text What `JSON.stringify` made of another. */
  static from(text: string, refuses?: string): World {
    return Object.assign(new World([], false, refuses), JSON.parse(text));
  }

  /** All that is to be the same, whoever has died on the way. */
  state(): unknown {
    return { machines: this.machines, services: Object.entries(this.services).sort() };
  }

  /** Whoever is asked to look at a command that was broken off puts all back to before it. */
  tidyUp(): void {
    this.half = undefined;
  }

  look(command: Command): Seen {
    if (this.half === command.id) return 'in doubt';
    const machine = 'vm' in command ? this.machines[command.vm]! : undefined;
    if (machine === undefined) throw new Error(`${command.kind} need not be looked at`);
    const isDone = ((): boolean => {
      switch (command.kind) {
        case 'revert-snapshot':
          return machine.point === command.restorePoint && !machine.delta;
        case 'create-delta':
          return machine.delta;
        case 'discard-delta':
          return !machine.delta && machine.point === machine.points.at(-1);
        case 'remove-delta':
          return !machine.delta;
        case 'merge-delta':
          return machine.point === 'merged';
        case 'create-failback-snapshot':
          return machine.saved;
        case 'revert-failback-snapshot':
        case 'remove-failback-snapshot':
          return !machine.saved;
        case 'transfer-changes':
          return machine.sent === machine.written;
        case 'run-replication':
          return machine.points.includes(command.restorePoint);
        default:
          throw new Error(`${command.kind} need not be looked at`);
      }
    })();
    return isDone ? 'done' : 'not begun';
  }

  /** False where it cannot be done. */
  perform(command: Command): boolean {
    if (this.refuses !== undefined && `${command.kind} ${where(command)}` === this.refuses)
      return false;
    if (notTwice.has(command.kind)) {
      this.once[command.id] = (this.once[command.id] ?? 0) + 1;
      this.#demand(this.once[command.id] === 1, `${command.kind} was carried out twice`);
    }
    if ('vm' in command) this.#performAt(this.machines[command.vm]!, command);
    else this.#serve(command);
    return true;
  }

  #performAt(machine: Machine, command: Extract<Command, { vm: string }>): void {
    const { kind, vm } = command;
    const demand = (holds: boolean, otherwise: string): void =>
      this.#demand(holds, `${kind} of ${vm}: ${otherwise}`);
    switch (kind) {
      case 'revert-snapshot':
        demand(!machine.replica && !machine.delta, 'it has changes');
        machine.point = command.restorePoint;
        break;
      case 'create-delta':
        demand(!machine.delta, 'there is one');
        machine.delta = true;
        break;
      case 'discard-delta':
      case 'remove-delta':
        demand(!machine.replica, 'the replica runs');
        demand(kind === 'discard-delta' || machine.sent === machine.written, 'not all was sent');
        machine.delta = false;
        machine.written = machine.sent;
        machine.point = machine.points.at(-1)!;
        break;
      case 'merge-delta':
        machine.delta = false;
        machine.points = [];
        machine.point = 'merged';
        break;
      case 'power-on-replica':
        demand(machine.delta, 'it has no disk to write to');
        // "The original VM remains powered on" in a failover that is not planned.
        demand(!machine.original || /^failover/.test(command.operation), 'two primaries');
        if (!machine.replica) machine.written += 5;
        machine.replica = true;
        break;
      case 'power-off-replica':
      case 'shut-down-replica':
        if (machine.replica) machine.written += 3;
        machine.replica = false;
        break;
      case 'power-on-original':
        demand(!machine.replica, 'two primaries');
        machine.original = true;
        break;
      case 'power-off-original':
      case 'shut-down-original':
        machine.original = false;
        break;
      case 'transfer-changes':
        demand(!machine.original, 'its disks are in use');
        machine.sent = machine.written;
        break;
      case 'create-failback-snapshot':
        demand(!machine.saved && !machine.replica, 'there is one, or it runs');
        machine.saved = true;
        break;
      case 'revert-failback-snapshot':
      case 'remove-failback-snapshot':
        machine.saved = false;
        break;
      case 'hold-replication':
      case 'resume-replication':
        machine.held = kind === 'hold-replication';
        break;
      case 'exclude-from-job':
        machine.excluded = true;
        break;
      case 'run-replication':
        demand(!machine.replica && !machine.held, 'the replica is in use');
        machine.points = [...machine.points, command.restorePoint].slice(-3);
        machine.point = command.restorePoint;
        break;
      case 'await-address':
      case 'ping-replica':
        break;
    }
  }

  #serve(command: Exclude<Command, { vm: string }>): void {
    const { kind } = command;
    const service = `${kind.replace(/^[a-z]+-(?:on-|off-)?/, '')} ${where(command)}`;
    if (/^(power-on|start|configure)/.test(kind))
      this.services[service] = 'scope' in command ? JSON.stringify(command.scope) : kind;
    else if (!kind.startsWith('check')) delete this.services[service];
  }

  #demand(holds: boolean, otherwise: string): void {
    if (!holds) this.complaints.push(otherwise);
  }
}

const where = (command: Command): string =>
  [
    'side' in command ? command.side : '',
    'vm' in command ? command.vm : '',
    'network' in command ? command.network : '',
    'host' in command ? command.host : '',
  ].join('');
