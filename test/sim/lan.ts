/** What tests of devices build with: a bare port that sends bytes and keeps what comes, hosts, cables. */

import { showHex } from '../../src/base/bytes.ts';
import type { Frame } from '../../src/base/frame.ts';
import { Random } from '../../src/base/random.ts';
import { type Duration, type Instant, seconds } from '../../src/base/time.ts';
import { Simulation, type SimulationOptions } from '../../src/sim/simulation.ts';
import { type Device, Port, type Sink } from '../../src/stack/device.ts';
import type { Interface } from '../../src/stack/interface.ts';
import { IpStack } from '../../src/stack/ip-stack.ts';
import { linux, type Profile } from '../../src/stack/profile.ts';
import { EventLog } from '../../src/trace/log.ts';
import { type Ipv4, ipv4, mac, prefix, showIpv4, showMac } from '../../src/wire/address.ts';

/** Long enough to be out of the way, short enough not to be seen: a veth pair. */
export const cable = { latency: 1000 as Duration, rate: 1e9 } as const;

/** A frame that came, with the moment when it did. */
export interface Arrival {
  readonly at: number;
  readonly hex: string;
}

/** The raw end of a cable: no addresses, no mind of its own. */
export class Raw implements Device {
  readonly name: string;
  readonly port: Port;
  readonly got: Arrival[] = [];
  /** Does what an owner of the frame may do when set, and what nobody else may when misused. */
  onFrame: ((frame: Frame, now: Instant, sink: Sink) => void) | undefined;

  constructor(name: string) {
    this.name = name;
    this.port = new Port(this, 0, 'p0');
  }

  receive(_port: Port, frame: Frame, now: Instant, sink: Sink): void {
    this.got.push({ at: now, hex: showHex(frame.bytes()) });
    this.onFrame?.(frame, now, sink);
  }

  wake(): void {}
  carrier(): void {}

  /** Everything that came since the last time somebody asked. */
  take(): string[] {
    return this.got.splice(0).map(({ hex }) => hex);
  }
}

/** One run with its odds and ends. Strict, and with a full log, unless a test wants otherwise. */
export class Lan {
  readonly simulation: Simulation;
  readonly log: EventLog;
  #macs = 0;

  constructor(options: SimulationOptions = {}) {
    this.log = options.log ?? new EventLog('full');
    this.simulation = new Simulation({ strict: true, ...options, log: this.log });
  }

  get now(): Instant {
    return this.simulation.now;
  }

  raw(name: string): Raw {
    return new Raw(name);
  }

  /** A machine with one adapter for each `address/length`, and MAC addresses 02:00:00:00:00:01 and up. */
  host(name: string, addresses: readonly string[], profile: Profile = linux): IpStack {
    const stack = new IpStack(name, { profile, random: new Random(name) });
    for (const address of addresses) this.adapter(stack, address);
    return stack;
  }

  adapter(
    stack: IpStack,
    address: string,
    options: { mac?: string; mtu?: number; name?: string } = {},
  ): Interface {
    this.#macs += 1;
    const number = this.#macs.toString(16).padStart(2, '0');
    const added = stack.addInterface({
      name: options.name ?? `eth${stack.interfaces.length}`,
      mac: mac(options.mac ?? `02:00:00:00:00:${number}`),
      mtu: options.mtu ?? 1500,
    });
    if (address !== '')
      stack.addAddress(added, prefix(address), 'static', this.now, this.simulation);
    return added;
  }

  connect(a: Port, b: Port, options = cable as Parameters<Simulation['connect']>[2]): void {
    this.simulation.connect(a, b, options);
  }

  route(stack: IpStack, to: string, via: string, on = stack.interfaces[0]!): void {
    const kind = 'unicast';
    stack.addRoute(
      { prefix: prefix(to), kind, interface: on, via: ipv4(via), metric: 0 },
      this.now,
      this.simulation,
    );
  }

  /** A route that ends packets. */
  wall(stack: IpStack, to: string, kind: 'unreachable' | 'prohibited' | 'blackhole'): void {
    const on = stack.interfaces[0]!;
    const route = { prefix: prefix(to), kind, interface: on, via: 0 as Ipv4, metric: 0 };
    stack.addRoute(route, this.now, this.simulation);
  }

  /** Puts bytes on the cable of a raw port, as they are. */
  inject(from: Raw, bytes: Uint8Array): void {
    this.simulation.send(from.port, this.simulation.frames.from(bytes));
  }

  run(time = seconds(1)): void {
    this.simulation.run((this.now + time) as Instant);
  }

  /** The reasons for which frames ended on a machine since event `from`. */
  drops(node: string, from = 0): string[] {
    const reasons: string[] = [];
    for (const event of this.log.events(from))
      if (event.kind === 'drop' && event.node === node) reasons.push(event.reason);
    return reasons;
  }
}

/** Like `ip neigh`: what a machine knows, in the words of the fixtures. */
export function neighbours(on: Interface, now: Instant): string[] {
  return [...on.neighbours.entries.values()]
    .filter(({ state }) => state !== 'none')
    .map((entry) => {
      const text = entry.hasMac ? ` lladdr ${showMac(entry.mac)}` : '';
      return `${showIpv4(entry.ip)}${text} ${on.neighbours.stateOf(entry, now).toUpperCase()}`;
    });
}
