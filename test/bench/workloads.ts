/**
 * The five workloads that simulators are compared by, on the classes that scenarios run on.
 * Equal to the nanosecond with ns-3's CSMA model where both do the same work.
 */
import { Random } from '../../src/base/random.ts';
import { type Instant, seconds } from '../../src/base/time.ts';
import { Switch } from '../../src/device/switch.ts';
import { EventQueue } from '../../src/sim/event-queue.ts';
import { gigabit } from '../../src/sim/link.ts';
import { Simulation, type SimulationOptions } from '../../src/sim/simulation.ts';
import { sendArp } from '../../src/stack/arp.ts';
import type { Interface } from '../../src/stack/interface.ts';
import { IpStack } from '../../src/stack/ip-stack.ts';
import { Payload } from '../../src/stack/packet.ts';
import { type Profile, strict } from '../../src/stack/profile.ts';
import { type Ipv4, ipv4, type Mac } from '../../src/wire/address.ts';

/**
 * ns-3's hosts learn nothing from requests they overhear or answer, believe an entry for 120 s and
 * have no states between: the same is asked of ours, so that both send the same frames.
 */
export const comparable: Profile = {
  ...strict,
  arp: {
    ...strict.arp,
    learnsFromRequests: false,
    merges: false,
    entriesMax: 1 << 20,
    reachable: seconds(86_400),
  },
};

export interface Sizes {
  readonly n: number;
  readonly k: number;
  readonly m: number;
  readonly size: number;
  readonly b: number;
  readonly gap: number;
}

export interface Workload {
  readonly simulation: Simulation;
  result(): Record<string, number>;
}

interface Host {
  readonly stack: IpStack;
  readonly interface: Interface;
}

class Builder {
  readonly simulation: Simulation;
  readonly #profile: Profile;
  readonly #random = new Random('bench');
  #macs = 0;

  constructor(options: SimulationOptions, profile: Profile) {
    this.simulation = new Simulation(options);
    this.#profile = profile;
  }

  host(name: string): IpStack {
    return new IpStack(name, { profile: this.#profile, random: this.#random });
  }

  interface(stack: IpStack, name: string, address: Ipv4, length: number): Interface {
    this.#macs += 1;
    const added = stack.addInterface({ name, mac: (0x0200_0000_0000 + this.#macs) as Mac });
    stack.addAddress(added, { address, length }, 'static', 0 as Instant, this.simulation);
    return added;
  }

  lan(count: number): Host[] {
    const center = new Switch('switch', count);
    return Array.from({ length: count }, (_, i) => {
      const stack = this.host(`h${i}`);
      const address = (ipv4('10.0.0.0') + i + 1) as Ipv4;
      const added = this.interface(stack, 'eth0', address, 16);
      this.simulation.connect(added.port!, center.ports[i]!, gigabit);
      return { stack, interface: added };
    });
  }

  default(stack: IpStack, on: Interface, via: Ipv4): void {
    const prefix = { address: 0 as Ipv4, length: 0 };
    stack.routes.add({ prefix, kind: 'unicast', interface: on, via, metric: 0 });
  }
}

type Make = (sizes: Sizes, options: SimulationOptions, profile: Profile) => Workload;

export const workloads: Record<string, Make> = {
  /** All-pairs ping on one segment, one after another. */
  w1(sizes, options, profile) {
    const builder = new Builder(options, profile);
    const { simulation } = builder;
    const hosts = builder.lan(sizes.n);
    const each = sizes.k || sizes.n - 1;
    const gap = sizes.gap || 100_000;
    const payload = new Payload(new Uint8Array(56));
    let replies = 0;
    let last = 0;
    hosts.forEach(({ stack }, i) => {
      stack.icmp.listeners.set(i & 0xffff, {
        reply(_source, _sequence, _ttl, _frame, now) {
          replies += 1;
          last = now;
        },
        failed() {},
      });
    });
    let from = 0;
    let nth = 0;
    let pings = 0;
    const task = {
      run() {
        const { stack } = hosts[from]!;
        const to = hosts[(from + 1 + nth) % sizes.n]!.interface.ip;
        pings += 1;
        stack.icmp.sendEcho(to, from & 0xffff, nth & 0xffff, payload, simulation.now, simulation);
        nth += 1;
        if (nth === each) {
          nth = 0;
          from += 1;
          if (from === sizes.n) return;
        }
        simulation.at((simulation.now + gap) as Instant, task);
      },
    };
    simulation.at(1000 as Instant, task);
    return { simulation, result: () => ({ n: sizes.n, k: each, pings, replies, lastRx: last }) };
  },

  /** UDP through switch, router and switch. */
  w2(sizes, options, profile) {
    const builder = new Builder(options, profile);
    const { simulation } = builder;
    const payload = new Payload(new Uint8Array(sizes.size).fill(0x5a));
    const gap = sizes.gap || (sizes.size + 66) * 8 + 9000;
    const [a, router, b] = [builder.host('a'), builder.host('r'), builder.host('b')];
    router.forwarding = true;
    const left = new Switch('s1', 2);
    const right = new Switch('s2', 2);
    const onA = builder.interface(a, 'eth0', ipv4('10.0.1.1'), 24);
    const onLeft = builder.interface(router, 'eth0', ipv4('10.0.1.2'), 24);
    const onRight = builder.interface(router, 'eth1', ipv4('10.0.2.1'), 24);
    const onB = builder.interface(b, 'eth0', ipv4('10.0.2.2'), 24);
    simulation.connect(onA.port!, left.ports[0]!, gigabit);
    simulation.connect(left.ports[1]!, onLeft.port!, gigabit);
    simulation.connect(onRight.port!, right.ports[0]!, gigabit);
    simulation.connect(right.ports[1]!, onB.port!, gigabit);
    builder.default(a, onA, onLeft.ip);
    builder.default(b, onB, onRight.ip);
    let got = 0;
    let gotBytes = 0;
    let last = 0;
    b.udp.listeners.set(9, {
      datagram(datagram, now) {
        got += 1;
        gotBytes += datagram.length;
        last = now;
      },
    });
    let sent = 0;
    const task = {
      run() {
        a.udp.send(onB.ip, 49_153, 9, payload, simulation.now, simulation);
        sent += 1;
        if (sent < sizes.m) simulation.at((simulation.now + gap) as Instant, task);
      },
    };
    simulation.at(1000 as Instant, task);
    const pkts = sizes.m;
    return {
      simulation,
      result: () => ({ size: sizes.size, m: sizes.m, got, gotBytes, lastRx: last, pkts }),
    };
  },

  /** Broadcast fan-out. */
  w3(sizes, options, profile) {
    const builder = new Builder(options, profile);
    const { simulation } = builder;
    const first = builder.lan(sizes.n)[0]!.interface;
    const asked = ipv4('10.0.255.1');
    let sent = 0;
    const task = {
      run() {
        sendArp(first, 1, 0xffff, -1, first.ip, 0, 0, asked, -1, simulation);
        sent += 1;
        if (sent < sizes.b) simulation.at((simulation.now + 10_000) as Instant, task);
      },
    };
    simulation.at(1000 as Instant, task);
    return { simulation, result: () => ({ n: sizes.n, b: sizes.b }) };
  },

  /** Many LANs of a hundred behind one router; every host pings one host of another LAN. */
  w5(sizes, options, profile) {
    const builder = new Builder(options, profile);
    const { simulation } = builder;
    const router = builder.host('r');
    router.forwarding = true;
    const payload = new Payload(new Uint8Array(56));
    const hosts: Host[] = [];
    let replies = 0;
    let last = 0;
    const listener = {
      reply(_source: Ipv4, _sequence: number, _ttl: number, _frame: unknown, now: Instant) {
        replies += 1;
        last = now;
      },
      failed() {},
    };
    for (let lan = 0; hosts.length < sizes.n; lan += 1) {
      const center = new Switch(`s${lan}`, 101);
      const base = ((10 << 24) | (lan << 8)) as Ipv4;
      const uplink = builder.interface(router, `lan${lan}`, (base | 254) as Ipv4, 24);
      simulation.connect(uplink.port!, center.ports[100]!, gigabit);
      for (let i = 0; i < 100 && hosts.length < sizes.n; i += 1) {
        const stack = builder.host(`h${hosts.length}`);
        const added = builder.interface(stack, 'eth0', (base | (i + 1)) as Ipv4, 24);
        builder.default(stack, added, uplink.ip);
        simulation.connect(added.port!, center.ports[i]!, gigabit);
        stack.icmp.listeners.set(hosts.length & 0xffff, listener);
        hosts.push({ stack, interface: added });
      }
    }
    let count = 0;
    const task = {
      run() {
        const { stack } = hosts[count]!;
        const to = hosts[(count * 7919 + 12_345) % sizes.n]!.interface.ip;
        stack.icmp.sendEcho(to, count & 0xffff, 1, payload, simulation.now, simulation);
        count += 1;
        if (count < sizes.n) simulation.at((simulation.now + (sizes.gap || 1000)) as Instant, task);
      },
    };
    simulation.at(1000 as Instant, task);
    return { simulation, result: () => ({ n: sizes.n, pings: count, replies, lastRx: last }) };
  },
};

/** The bare event queue: takes an event, puts one back (the hold model). */
export function hold(
  pending: number,
  distribution: number,
  events: number,
): Record<string, number | string> {
  let x = 12_345;
  let left = events;
  let order = 0;
  let handled = 0;
  const random = (): number => {
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    return x >>> 0;
  };
  const delay = (): number => {
    if (distribution === 0) return 1000;
    const r = random();
    if (distribution === 1) return 1 + (r % 1_000_000);
    return r & 15 ? 500 + ((r >>> 8) % 12_000) : 1e9;
  };
  const queue = new EventQueue();
  const load = {};
  for (let i = 0; i < pending; i += 1)
    queue.after(distribution === 0 ? i % 1000 : random() % 1_000_000, 1, i, load);
  const started = process.hrtime.bigint();
  while (queue.next(Infinity)) {
    handled += 1;
    order = (Math.imul(order, 31) + queue.subject) | 0;
    if (left-- === 0) break;
    queue.after(delay(), queue.kind, queue.subject, queue.load);
  }
  const run = Number(process.hrtime.bigint() - started) / 1e9;
  return {
    w: 'W4',
    p: pending,
    dist: distribution,
    events: handled,
    run_s: run,
    events_s: Math.round(handled / run),
    order: (order >>> 0).toString(16),
    now: queue.now,
  };
}
