/** A topology while it is being drawn: what there is so far, and the addresses that are taken. */
import { Random } from '../base/random.ts';
import type { LinkOptions } from '../lab/fabric.ts';
import type {
  AdapterPlan,
  CablePlan,
  InternetPlan,
  NodePlan,
  PortGroupPlan,
  SwitchPlan,
  TrunkPlan,
} from '../lab/topology.ts';
import { type Ipv4, ipv4, type Mac } from '../wire/address.ts';
import type { GratuitousArp, Link, PortGroup, Scenario } from './scenario.ts';

/** The near end of every line into the internet, as providers do with unnumbered customers. */
export const internetAddress = ipv4('100.64.0.1');
const internetName = 'internet';
/** Public addresses of sites that were given none: TEST-NET-2 (RFC 5737), then half of what RFC 2544 set aside. */
const publicRanges = [
  { first: ipv4('198.51.100.10'), last: ipv4('198.51.100.254') },
  { first: ipv4('198.19.0.1'), last: ipv4('198.19.255.254') },
];
const vmwareOui = 0x0050_5600_0000;
const frameOverhead = 18; // Ethernet header and one tag

export class Draft {
  readonly scenario: Scenario;
  readonly switches: SwitchPlan[] = [];
  readonly trunks: TrunkPlan[] = [];
  readonly nodes: NodePlan[] = [];
  readonly cables: CablePlan[] = [];
  readonly #lines: InternetPlan['lines'][number][] = [];
  readonly #random: Random;
  readonly #macs = new Set<number>();
  /** Public addresses that are taken. */
  readonly #public: Set<Ipv4>;
  readonly #free = publicRanges.map(({ first, last }) => ({ next: first, last }));

  constructor(scenario: Scenario) {
    this.scenario = scenario;
    this.#random = new Random(scenario.seed).child('addresses');
    const sites = scenario.tenants.flatMap((tenant) => tenant.sites);
    const edges = scenario.tenants.flatMap(({ plans }) => plans.flatMap(({ edge }) => edge ?? []));
    this.#public = new Set([
      ...sites.flatMap(({ internet }) => internet.publicIp ?? []),
      ...edges
        .flatMap(({ publicIp, nat }) => [publicIp ?? [], ...nat.map((rule) => rule.publicIp)])
        .flat(),
      ...(scenario.provider?.gateways.map(({ publicIp }) => publicIp) ?? []),
      ...scenario.clients.map(({ ip }) => ip),
      ...scenario.tenants.flatMap(({ failoverPlans }) =>
        failoverPlans.flatMap(({ rules }) => rules.map(({ publicIp }) => publicIp)),
      ),
    ]);
    for (const { vms, appliances } of sites)
      for (const { mac } of [...vms, ...appliances]) if (mac !== undefined) this.#macs.add(mac);
  }

  adapter(node: string, name: string, mtu: number, mac?: Mac): AdapterPlan {
    return { name, mac: mac ?? this.mac(`${node} ${name}`), mtu };
  }

  mac(owner: string): Mac {
    const random = this.#random.child(`mac ${owner}`);
    for (;;) {
      const mac = vmwareOui + random.between(1, 0x3f_ffff);
      if (this.#macs.has(mac)) continue; // ends: there are four million, and a lab has far fewer
      this.#macs.add(mac);
      return mac as Mac;
    }
  }

  /** The first that nobody has. */
  publicAddress(): Ipv4 {
    for (const range of this.#free) {
      while (range.next <= range.last) {
        const ip = range.next;
        range.next = (ip + 1) as Ipv4;
        if (!this.#public.has(ip)) return ip;
      }
    }
    throw new RangeError('more sites than there are public addresses');
  }

  /** What the switch does with these networks beyond switching. */
  portGroups(
    networks: readonly (PortGroup & { readonly name: string; readonly vlan: number })[],
  ): PortGroupPlan[] {
    return networks
      .filter(({ rights, tracking }) => rights !== undefined || tracking !== undefined)
      .map(({ name, vlan, rights, tracking }) => {
        const asks = tracking && { ...tracking, mac: this.mac(`${name} switch`) };
        return { vlan, rights, tracking: asks };
      });
  }

  /** Plugs an adapter of a node into a switch. */
  plug(node: string, adapter: AdapterPlan, to: string, vlan: number, link: Link): void {
    this.cables.push({
      node,
      adapter: adapter.name,
      to: { kind: 'switch', name: to, vlan },
      link: cable(link, adapter.mtu),
    });
  }

  /** @param behind Further addresses that the node knows the way to. */
  line(node: string, adapter: string, ip: Ipv4, link: Link, behind: readonly Ipv4[] = []): void {
    const near = this.adapter(internetName, node, link.mtu);
    this.#lines.push({ adapter: near, ip, behind });
    const to = { kind: 'adapter', node: internetName, adapter: node } as const;
    this.cables.push({ node, adapter, to, link: cable(link, link.mtu) });
  }

  addClients(): void {
    const { clients, links } = this.scenario;
    for (const { name, ip, listen } of clients) {
      const adapter = this.adapter(name, 'eth0', links.internet.mtu);
      const via = internetAddress;
      this.nodes.push({ kind: 'client', name, tenant: '', adapter, ip, via, listen });
      this.line(name, 'eth0', ip, links.internet);
    }
  }

  /** The internet itself, once all its lines are known. */
  addInternet(): void {
    if (this.#lines.length === 0) return;
    const lines = this.#lines;
    this.nodes.push({
      kind: 'internet',
      name: internetName,
      tenant: '',
      ip: internetAddress,
      lines,
    });
  }
}

export function cable({ rate, latency, loss }: Link, mtu: number): LinkOptions {
  return { rate, latency, loss, frameMax: mtu + frameOverhead };
}

export const announcements = (
  when: GratuitousArp,
): { readonly announcesUp: boolean; readonly announcesDown: boolean } => ({
  announcesUp: when === 'up' || when === 'both',
  announcesDown: when === 'down' || when === 'both',
});
