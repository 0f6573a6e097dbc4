/** Two appliances back to back: a LAN, a network of replicas, and a wire between them for the tunnels. */
import { Random } from '../../src/base/random.ts';
import { type Duration, seconds } from '../../src/base/time.ts';
import { nodeCrypto } from '../../src/crypto/node.ts';
import type { PlaneMode } from '../../src/device/data-plane.ts';
import { Extension, tunnelPort } from '../../src/device/extension.ts';
import { Probes, udpEcho } from '../../src/device/probes.ts';
import type { ProxyScope } from '../../src/device/proxy-plane.ts';
import { Switch } from '../../src/device/switch.ts';
import { TcpPart } from '../../src/device/tcp-part.ts';
import { simulatedWorks } from '../../src/device/works.ts';
import type { IpStack } from '../../src/stack/ip-stack.ts';
import type { PeerState } from '../../src/stack/wireguard/peer.ts';
import { anyIpv4, type Ipv4, ipv4, type Mac, prefix, showMac } from '../../src/wire/address.ts';
import { SmallNet } from './small-net.ts';

type Mode = 'relay' | 'static' | 'kernel' | 'none';

interface Made {
  readonly mode?: Mode;
  readonly plane?: PlaneMode;
  /** Of both appliances. */
  readonly scope?: ProxyScope;
  readonly keepalive?: Duration | 'none';
  readonly networks?: number;
  /** All production networks end in one network of the provider. */
  readonly shared?: boolean;
  readonly tenantAllows?: readonly string[];
}

const wanOf = { tenant: ipv4('192.0.2.1'), provider: ipv4('192.0.2.2') };
export const subnetOf = (i: number) => prefix(`10.0.${10 + i}.0/24`);
export const hostOf = (i: number, host: number): Ipv4 => (subnetOf(i).address + host) as Ipv4;

export class Two {
  readonly net = new SmallNet();
  readonly wan = new Switch('wan', 0);
  readonly lans: Switch[] = [];
  readonly plans: Switch[] = [];
  readonly tenants: { stack: IpStack; extension: Extension }[] = [];
  readonly provider: IpStack;
  readonly ends: Extension[] = [];
  readonly states: string[] = [];
  readonly #made: Made;

  constructor(made: Made = {}) {
    this.#made = made;
    const { networks = 1 } = made;
    this.provider = this.net.machine('sp-nea', '192.0.2.2/24', { forwarding: true, on: this.wan });
    for (let i = 0; i < networks; i += 1) this.#extend(i);
  }

  get tenant(): { stack: IpStack; extension: Extension } {
    return this.tenants[0]!;
  }

  #extend(i: number): void {
    const { net, wan, provider } = this;
    const {
      mode = 'relay',
      plane = 'proxy-arp-l3',
      scope = 'as-told',
      shared = false,
    } = this.#made;
    const lan = new Switch(`lan${i}`, 0);
    const plan = shared && i > 0 ? this.plans[0]! : new Switch(`plan${i}`, 0);
    this.lans.push(lan);
    this.plans.push(plan);
    const stack = net.machine(`nea${i}`, `10.0.${10 + i}.250/24`, { forwarding: true, on: lan });
    net.plug(stack, 'wan', `192.0.2.${11 + i}/24`, { on: wan });
    const inside =
      shared && i > 0
        ? provider.interfaces[1]!
        : net.plug(provider, `eth${i + 1}`, '169.254.0.1/32', { on: plan });
    const common = {
      mode: plane,
      scope,
      network: `net${i}`,
      subnet: subnetOf(i),
      index: i,
      proxyArp: mode,
      announcesUp: true,
      announcesDown: true,
      mtu: 1420,
      mssClamp: true,
      pmtud: true,
      works: simulatedWorks,
    };
    const here = new Extension({
      ...common,
      side: 'tenant',
      stack,
      segment: stack.interfaces[0]!,
      random: new Random(`tenant ${i}`),
    });
    const there = new Extension({
      ...common,
      side: 'provider',
      stack: provider,
      segment: inside,
      random: new Random(`provider ${i}`),
    });
    this.tenants.push({ stack, extension: here });
    this.ends.push(there);
  }

  start(i = 0, side: 'both' | 'tenant' | 'provider' = 'both'): void {
    const { net } = this;
    const { keepalive = seconds(25), tenantAllows } = this.#made;
    const key = (name: string) => new Random(`key ${name} ${i}`).bytes(32);
    const every = keepalive === 'none' ? undefined : keepalive;
    const common = { presharedKey: undefined, crypto: nodeCrypto, keepalive: every };
    if (side !== 'tenant')
      this.ends[i]!.startTunnel(
        {
          ...common,
          privateKey: key('provider'),
          peerKey: nodeCrypto.publicKey(key('tenant')),
          sendsKeepalives: false,
          port: tunnelPort(i),
          endpoint: undefined,
          allowedIps: undefined,
          onState: () => {},
        },
        net.now,
        net.sim,
        -1,
      );
    if (side !== 'provider')
      this.tenants[i]!.extension.startTunnel(
        {
          ...common,
          privateKey: key('tenant'),
          peerKey: nodeCrypto.publicKey(key('provider')),
          sendsKeepalives: true,
          port: 51_820 + i,
          endpoint: { ip: wanOf.provider, port: tunnelPort(i) },
          allowedIps: tenantAllows?.map(prefix),
          onState: (state: PeerState) => this.states.push(`net${i} ${state}`),
        },
        net.now,
        net.sim,
        -1,
      );
  }

  adopt(i: number, ...hosts: number[]): void {
    const { net } = this;
    const owners = new Map<Ipv4, Mac>();
    const addresses = hosts.map((host) => hostOf(i, host));
    this.ends[i]!.configureProxy(addresses, owners, net.now, net.sim, -1);
    this.tenants[i]!.extension.configureProxy(addresses, owners, net.now, net.sim, -1);
  }

  stop(i = 0): void {
    const { net } = this;
    for (const end of [this.tenants[i]!.extension, this.ends[i]!]) {
      end.withdraw(new Map(), net.now, net.sim, -1);
      end.stopTunnel(net.now, net.sim, -1);
    }
  }

  vm(i: number, side: 'lan' | 'plan', host: number, name = `${side}${i}-${host}`): Vm {
    const on = side === 'lan' ? this.lans[i]! : this.plans[i]!;
    const stack = this.net.machine(name, `10.0.${10 + i}.${host}/24`, { on });
    const route = {
      prefix: { address: anyIpv4, length: 0 },
      kind: 'unicast',
      interface: stack.interfaces[0]!,
      via: hostOf(i, 1),
      metric: 0,
    } as const;
    stack.addRoute(route, this.net.now, this.net.sim);
    udpEcho(stack, 7);
    return new Vm(this.net, stack);
  }
}

export class Vm {
  readonly net: SmallNet;
  readonly stack: IpStack;
  readonly probes: Probes;
  static number = 0;

  constructor(net: SmallNet, stack: IpStack) {
    this.net = net;
    this.stack = stack;
    this.probes = new Probes(stack, new TcpPart(stack));
  }

  /** How many of three pings come back. */
  ping(to: Ipv4, forSeconds = 4): number {
    const probe = ++Vm.number;
    const order = { probe, to, size: 56, every: seconds(1) };
    this.probes.ping(order, this.net.now, this.net.sim);
    this.net.run(forSeconds);
    this.probes.stopPing(probe);
    return this.#answers(probe).length;
  }

  /** The MAC addresses that answer. */
  arping(to: Ipv4): string[] {
    const probe = ++Vm.number;
    this.probes.arping(probe, this.stack.interfaces[0]!, to, this.net.now, this.net.sim);
    this.net.run(2);
    this.probes.stopArping(probe);
    return this.#answers(probe).map(({ mac }) => mac!);
  }

  neighbour(ip: Ipv4): string | undefined {
    const entry = this.stack.interfaces[0]!.neighbours.find(ip);
    return entry?.hasMac ? showMac(entry.mac) : undefined;
  }

  #answers(probe: number) {
    return this.net
      .facts('probe')
      .filter((fact) => fact.probe === probe && fact.what === 'answered');
  }
}

export const macOf = (stack: IpStack, i = 0): string => showMac(stack.interfaces[i]!.mac);

/** A pair that is up, web on the LAN, and the replica of .20 at the provider. */
export function standing(made: Made = {}): { two: Two; web: Vm; sql: Vm } {
  const two = new Two(made);
  const web = two.vm(0, 'lan', 11);
  const sql = two.vm(0, 'plan', 20);
  two.start();
  two.net.run(2);
  two.adopt(0, 20);
  two.net.run(3);
  return { two, web, sql };
}
