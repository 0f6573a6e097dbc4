/**
 * A site and an organization VDC with the same subnet on both sides, joined by IPsec:
 *
 *    web01 ── lan ── router ───────── wan ── edge ── vdc ── replica
 *    10.0.10.11      │ .10     203.0.113     .20            10.0.10.20
 *    client ─ lan20 ─┘
 *
 * With a NAT the router is at 192.168.0.2 and the NAT has its address.
 */

import { Random } from '../../src/base/random.ts';
import { type Instant, milliseconds } from '../../src/base/time.ts';
import { nodeCrypto } from '../../src/crypto/node.ts';
import { addDefaultRoute } from '../../src/device/appliance.ts';
import { Firewall } from '../../src/device/guards.ts';
import { HostRoutes } from '../../src/device/host-routes.ts';
import { IpsecEnd } from '../../src/device/ipsec-end.ts';
import { Probes } from '../../src/device/probes.ts';
import { Switch } from '../../src/device/switch.ts';
import { TcpPart } from '../../src/device/tcp-part.ts';
import { simulatedWorks } from '../../src/device/works.ts';
import { gigabit } from '../../src/sim/link.ts';
import type { IpStack } from '../../src/stack/ip-stack.ts';
import type { SecurityAssociation } from '../../src/stack/ipsec/association.ts';
import type { IpsecTunnel } from '../../src/stack/ipsec/ipsec.ts';
import { RouteTable } from '../../src/stack/routes.ts';
import { type Ipv4, ipv4, type Prefix, prefix } from '../../src/wire/address.ts';
import { SmallNet } from './small-net.ts';

export const subnet = prefix('10.0.10.0/24');
export const failedOver = ipv4('10.0.10.20');
const gateway = ipv4('10.0.10.1');

export function association(spi: number): SecurityAssociation {
  const random = new Random(spi);
  return { spi, key: random.bytes(32), salt: random.bytes(4) };
}
export const outward = association(0x1001);
export const homeward = association(0x1002);
const production = prefix('10.0.0.0/16');

export class TwoGateways {
  readonly net = new SmallNet();
  readonly wan = new Switch('wan', 0);
  readonly vdc = new Switch('vdc', 0);
  readonly router: IpStack;
  readonly edge: IpStack;
  readonly web01: IpStack;
  readonly client: IpStack;
  readonly replica: IpStack;
  /** What is between the router and the others, where something is. */
  readonly nat: IpStack | undefined;
  readonly ends: Readonly<Record<'router' | 'edge', IpsecEnd>>;
  readonly routes: Readonly<Record<'tenant' | 'provider', HostRoutes>>;
  #probe = 0;

  constructor(
    options: {
      readonly proxyArp?: boolean;
      /** What the gateways take to be at the other end. */
      readonly remote?: readonly Prefix[];
      readonly nat?: boolean;
      /** What either end has otherwise. */
      readonly router?: Partial<IpsecTunnel>;
      readonly edge?: Partial<IpsecTunnel>;
    } = {},
  ) {
    const { net, wan, vdc } = this;
    const { sim, now } = net;
    this.web01 = net.machine('web01', '10.0.10.11/24');
    this.router = net.machine('router', '10.0.10.1/24', { forwarding: true });
    const lan20 = new Switch('lan20', 0);
    net.plug(this.router, 'eth1', '10.0.20.1/24', { on: lan20 });
    this.client = net.machine('client', '10.0.20.9/24', { on: lan20 });
    addDefaultRoute(this.client, this.client.interfaces[0]!, ipv4('10.0.20.1'), now, sim);
    this.nat = options.nat ? this.#addNat() : undefined;
    if (this.nat === undefined) net.plug(this.router, 'wan', '203.0.113.10/24', { on: wan });
    this.edge = net.machine('edge', '203.0.113.20/24', { forwarding: true, on: wan });
    const inside = net.plug(this.edge, 'inside', undefined, { on: vdc });
    this.replica = net.machine('replica', '10.0.10.20/24', { on: vdc });
    for (const host of [this.web01, this.replica])
      addDefaultRoute(host, host.interfaces[0]!, gateway, now, sim);
    const nat = this.nat !== undefined;
    const dontFragment = 'copy';
    const toEdge: IpsecTunnel = {
      name: 'hq',
      endpoint: { ip: ipv4('203.0.113.20'), port: nat ? 4500 : undefined },
      keepsMapping: nat,
      selectors: [{ local: production, remote: subnet }],
      dontFragment,
      outbound: outward,
      inbound: homeward,
      ...options.router,
    };
    const toRouter: IpsecTunnel = {
      name: 'hq',
      endpoint: nat ? undefined : { ip: ipv4('203.0.113.10'), port: undefined },
      keepsMapping: false,
      selectors: [{ local: subnet, remote: production }],
      dontFragment,
      outbound: homeward,
      inbound: outward,
      ...options.edge,
    };
    this.ends = {
      router: new IpsecEnd(this.router, this.router.interface('wan'), [toEdge], nodeCrypto),
      edge: new IpsecEnd(this.edge, this.edge.interface('eth0'), [toRouter], nodeCrypto),
    };
    for (const end of Object.values(this.ends)) end.start(now, sim);
    const table = new RouteTable();
    const remote = options.remote ?? [production];
    const about = {
      network: 'lan10',
      subnet,
      proxyArp: options.proxyArp ?? true,
      inside: table,
      remote,
    };
    this.routes = {
      tenant: new HostRoutes({
        ...about,
        side: 'tenant',
        stack: this.router,
        segment: this.router.interface('eth0'),
        tunnel: this.ends.router.tunnel('hq'),
      }),
      provider: new HostRoutes({
        ...about,
        side: 'provider',
        stack: this.edge,
        segment: inside,
        tunnel: this.ends.edge.tunnel('hq'),
      }),
    };
    for (const routes of Object.values(this.routes)) routes.begin(gateway, now, sim);
    net.run(1);
  }

  /** The replica has started, and both gateways know its address. */
  adopt(ip: Ipv4 = failedOver): void {
    for (const routes of Object.values(this.routes))
      routes.adopt(ip, this.net.now, this.net.sim, -1);
  }

  release(ip: Ipv4 = failedOver): void {
    for (const routes of Object.values(this.routes))
      routes.release(ip, this.net.now, this.net.sim, -1);
  }

  /** How many answer when this machine asks who has an address. */
  repliesTo(from: IpStack, ip: string): number {
    const { net } = this;
    const before = net.log.length;
    const probe = (this.#probe += 1);
    const probes = new Probes(from, new TcpPart(from));
    probes.arping(probe, from.interfaces[0]!, ipv4(ip), net.now, net.sim);
    net.run(1);
    probes.stopArping(probe);
    return [...net.log.facts(['probe'], before)].filter(
      (fact) => fact.probe === probe && fact.what === 'answered',
    ).length;
  }

  /** From now on every frame that the router sends to the others comes twice. */
  duplicate(): void {
    this.net.sim.impair(this.router.interface('wan').port!, { ...gigabit, duplication: 1 });
  }

  /** From now on the NAT carries no larger packets. */
  narrow(mtu: number): void {
    this.nat!.interface('wan').mtu = mtu;
  }

  #addNat(): IpStack {
    const { net, wan } = this;
    const { sim, now } = net;
    const inner = new Switch('inner', 0);
    const nat = net.machine('nat', '192.168.0.1/24', { forwarding: true, on: inner });
    const outside = net.plug(nat, 'wan', '203.0.113.10/24', { on: wan });
    simulatedWorks.guardSite(nat, outside, new Firewall([]), new Random('nat'));
    const inside = net.plug(this.router, 'wan', '192.168.0.2/24', { on: inner });
    addDefaultRoute(this.router, inside, ipv4('192.168.0.1'), now, sim);
    return nat;
  }

  /** One ping: whether it was answered within four seconds, and by what TTL. */
  ping(
    from: IpStack,
    to: string,
    size = 56,
  ): { readonly answered: boolean; readonly ttl?: number } {
    const { net } = this;
    const probe = (this.#probe += 1);
    const probes = new Probes(from, new TcpPart(from));
    const order = { probe, to: ipv4(to), size, every: milliseconds(10_000) };
    probes.ping(order, net.now, net.sim);
    net.run(4); // longer than ARP asks
    probes.stopPing(probe);
    const answer = [...net.log.facts(['probe'])].find(
      (fact) => fact.probe === probe && fact.what === 'answered',
    );
    return answer === undefined ? { answered: false } : { answered: true, ttl: answer.value! };
  }

  get now(): Instant {
    return this.net.now;
  }
}
