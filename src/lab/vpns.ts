/**
 * The VPNs of organization VDCs: what carries partial failover there in place of appliances. They
 * stand from the beginning, because they are the tenant's and the provider's own and no operation
 * starts them; their keys are made from the seed.
 */
import { farAddress, innerAddress, type Side } from '../device/data-plane.ts';
import { HostRoutes } from '../device/host-routes.ts';
import { IpsecEnd } from '../device/ipsec-end.ts';
import { Stretch } from '../device/stretch.ts';
import type { Interface } from '../stack/interface.ts';
import type { IpStack } from '../stack/ip-stack.ts';
import type { SecurityAssociation } from '../stack/ipsec/association.ts';
import type { EspCrypto } from '../stack/ipsec/crypto.ts';
import type { EspEndpoint, IpsecTunnel } from '../stack/ipsec/ipsec.ts';
import type { Selector } from '../stack/ipsec/selectors.ts';
import { protocolUdp } from '../stack/packet.ts';
import { RouteTable } from '../stack/routes.ts';
import type { Ipv4 } from '../wire/address.ts';
import { espUdpPort, protocolEsp } from '../wire/esp.ts';
import type { Fabric, Traffic } from './fabric.ts';
import type { GuestPlan, VpnEndPlan, VpnNetworkPlan, VpnPlan } from './topology.ts';

/** SPIs up to 255 are reserved (RFC 4303 section 2.1). */
const firstSpi = 256;
/**
 * A gateway that starts again must use no sequence number twice, and without IKE it gets no new key:
 * it is taken to note down every so often how far it has come, and to go on beyond that.
 */
const numbersOfALife = 2 ** 24;

/** What the ends of a VPN send each other. */
export const espTraffic: Traffic = { protocol: protocolEsp, port: undefined };
export const espBehindNat: Traffic = { protocol: protocolUdp, port: espUdpPort };

/** What of a machine's present life matters here. */
interface GatewayLife {
  readonly life: { readonly stack: IpStack };
  readonly lives: number;
}

export class Vpns {
  readonly #fabric: Fabric;
  readonly #crypto: EspCrypto;
  /** By production network and side. */
  readonly #routes = new Map<string, Map<Side, HostRoutes>>();
  /** Replicas that run. */
  readonly #running = new Set<GuestPlan>();
  /** By guest: replicas whose addresses Cloud Director has been told. */
  readonly #known = new Map<string, Ipv4>();
  readonly #associations = new Map<number, SecurityAssociation>();

  constructor(fabric: Fabric, crypto: EspCrypto) {
    this.#fabric = fabric;
    this.#crypto = crypto;
  }

  /** The keys of all tunnels, for a capture. */
  get associations(): readonly SecurityAssociation[] {
    return [...this.#associations.values()];
  }

  /** Sets up the VPN on one of its gateways, which has come up. */
  begin({ side, outside, ends }: VpnPlan, { life: { stack }, lives }: GatewayLife): void {
    const { now } = this.#fabric;
    const tunnels = ends.map((end) => this.#tunnel(end, side, lives));
    const ipsec = new IpsecEnd(stack, stack.interface(outside), tunnels, this.#crypto);
    ipsec.start(now, this.#fabric);
    const inside = new RouteTable();
    const out = stack.routes.all.find(({ prefix }) => prefix.length === 0);
    if (out !== undefined) inside.add(out);
    for (const { tunnel, networks } of ends)
      for (const network of networks)
        this.#lead(network, side, stack, ipsec.tunnel(tunnel), inside);
    for (const guest of this.#running) this.notePower(guest, true, -1);
  }

  /** A replica whose address is known at the provider. */
  know(guest: string, ip: Ipv4): void {
    this.#known.set(guest, ip);
  }

  /** Somebody was switched on or off: the gateways hear of it, if it is a replica that they know. */
  notePower(guest: GuestPlan, on: boolean, cause: number): void {
    const ip = this.#known.get(guest.name);
    if (ip === undefined) return;
    if (on) this.#running.add(guest);
    else this.#running.delete(guest);
    const { now } = this.#fabric;
    for (const routes of this.#routes.get(guest.network)?.values() ?? []) {
      if (on) routes.adopt(ip, now, this.#fabric, cause);
      else routes.release(ip, now, this.#fabric, cause);
    }
  }

  /** From a network into its tunnel. */
  #lead(
    { network, adapter, carries }: VpnNetworkPlan,
    side: Side,
    stack: IpStack,
    tunnel: Interface,
    inside: RouteTable,
  ): void {
    const { now } = this.#fabric;
    const segment = stack.interface(adapter);
    if (carries.kind === 'frames') {
      new Stretch({ side, network, index: carries.index, stack, segment, tunnel }).begin(
        now,
        this.#fabric,
      );
      return;
    }
    const { gateway, ...leads } = carries;
    const routes = new HostRoutes({ side, network, stack, segment, tunnel, inside, ...leads });
    routes.begin(gateway, now, this.#fabric);
    const known = this.#routes.get(network) ?? new Map<Side, HostRoutes>();
    this.#routes.set(network, known.set(side, routes));
  }

  #tunnel(
    { tunnel, peer, nat, selectors, networks }: VpnEndPlan,
    side: Side,
    lives: number,
  ): IpsecTunnel {
    const [outbound, inbound] =
      side === 'tenant'
        ? [this.#association(tunnel, 'provider'), this.#association(tunnel, 'tenant')]
        : [this.#association(tunnel, 'tenant'), this.#association(tunnel, 'provider')];
    const port = nat === 'none' ? undefined : espUdpPort;
    const endpoint: EspEndpoint | undefined = peer === undefined ? undefined : { ip: peer, port };
    return {
      name: tunnel,
      endpoint,
      keepsMapping: nat === 'here',
      outbound,
      inbound,
      selectors: [...selectors, ...networks.flatMap((network) => ownSelectors(network, side))],
      dontFragment: 'copy',
      used: lives * numbersOfALife,
    };
  }

  #association(tunnel: string, to: Side): SecurityAssociation {
    const random = this.#fabric.random.child(`ipsec ${tunnel} to ${to}`);
    const spi = random.between(firstSpi, 0xffff_ffff);
    const association = { spi, key: random.bytes(32), salt: random.bytes(4) };
    this.#associations.set(spi, association);
    return association;
  }
}

/** Frames travel between addresses of the gateways' own. */
function ownSelectors({ carries }: VpnNetworkPlan, side: Side): Selector[] {
  if (carries.kind === 'packets') return [];
  const { index } = carries;
  const local = { address: innerAddress(index, side), length: 32 };
  return [{ local, remote: { address: farAddress({ index, side }), length: 32 } }];
}
