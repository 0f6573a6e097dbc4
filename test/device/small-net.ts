/** A switch and a few machines in virtual time, every checksum verified: for tests of single parts. */
import { Random } from '../../src/base/random.ts';
import { type Instant, seconds } from '../../src/base/time.ts';
import { Switch } from '../../src/device/switch.ts';
import { gigabit } from '../../src/sim/link.ts';
import { Simulation } from '../../src/sim/simulation.ts';
import type { Interface } from '../../src/stack/interface.ts';
import { IpStack } from '../../src/stack/ip-stack.ts';
import { linux, type Profile } from '../../src/stack/profile.ts';
import type { Fact, FrameDropped } from '../../src/trace/event.ts';
import { EventLog } from '../../src/trace/log.ts';
import { mac, prefix, showMac } from '../../src/wire/address.ts';
import { type Arp, decodeArp } from '../../src/wire/arp.ts';
import { decodeEthernet, etherType } from '../../src/wire/ethernet.ts';
import { Malformed } from '../../src/wire/malformed.ts';

export interface MachineOptions {
  readonly profile?: Profile;
  readonly forwarding?: boolean;
  readonly mac?: string;
  /** Which switch; the first unless told. */
  readonly on?: Switch;
}

export interface SeenArp extends Arp {
  readonly at: Instant;
  /** Who put it on the cable. */
  readonly by: string;
  readonly to: string;
}

export class SmallNet {
  readonly log = new EventLog('full');
  readonly sim: Simulation;
  readonly lan = new Switch('lan', 0);
  #macs = 0;

  constructor(seed = 1) {
    this.sim = new Simulation({ seed, log: this.log, strict: true });
  }

  get now(): Instant {
    return this.sim.now;
  }

  /** A machine with one adapter, `eth0`, and an address like `10.0.0.1/24` if one is given. */
  machine(name: string, address?: string, options: MachineOptions = {}): IpStack {
    const { profile = linux, forwarding = false } = options;
    const stack = new IpStack(name, { profile, random: new Random(name), forwarding });
    this.plug(stack, 'eth0', address, options);
    return stack;
  }

  /** One more adapter, with a cable to a switch. */
  plug(stack: IpStack, adapter: string, address?: string, options: MachineOptions = {}): Interface {
    this.#macs += 1;
    const own = options.mac ?? `52:54:00:00:00:${this.#macs.toString(16).padStart(2, '0')}`;
    const added = stack.addInterface({ name: adapter, mac: mac(own) });
    const socket = (options.on ?? this.lan).addPort(undefined, `${stack.name}.${adapter}`);
    this.sim.connect(added.port!, socket, gigabit);
    if (address) stack.addAddress(added, networkAt(address), 'static', this.now, this.sim);
    return added;
  }

  run(forSeconds: number): void {
    this.sim.run((this.now + seconds(forSeconds)) as Instant);
  }

  /** Every ARP packet that a machine put on its cable, from event `from` of the log on. */
  arps(from = 0): SeenArp[] {
    const seen: SeenArp[] = [];
    for (const event of this.log.events(from)) {
      if (event.kind !== 'frame' || event.from.startsWith('lan.')) continue;
      const ethernet = decodeEthernet(event.bytes);
      if (ethernet instanceof Malformed || ethernet.type !== etherType.arp) continue;
      const arp = decodeArp(ethernet.payload);
      if (arp instanceof Malformed) continue;
      seen.push({ ...arp, at: event.at, by: event.node, to: showMac(ethernet.target) });
    }
    return seen;
  }

  facts<K extends Fact['kind']>(kind: K, from = 0): Extract<Fact, { kind: K }>[] {
    return [...this.log.facts([kind], from)] as never;
  }

  drops(from = 0): FrameDropped[] {
    return [...this.log.events(from)].filter((event) => event.kind === 'drop');
  }
}

/** `prefix` refuses host bits, which an address of a machine has. */
export function networkAt(text: string): { address: never; length: number } {
  const [ip, length] = text.split('/');
  return { address: prefix(`${ip}/32`).address as never, length: Number(length) };
}
