/** The tunnels of a lab, with the proxy-ARP daemons that need them and the relays they lead through. */
import { after, type Duration, seconds } from '../base/time.ts';
import type { CloudGateway } from '../device/appliance.ts';
import type { Side } from '../device/data-plane.ts';
import { type Extension, type TunnelConfig, tunnelPort } from '../device/extension.ts';
import { relayPort, type TunnelTarget, tunnelTarget } from '../device/relay-sessions.ts';
import type { Tunnel, TunnelKeys } from '../device/tunnel.ts';
import { protocolUdp } from '../stack/packet.ts';
import type { WireGuardCrypto } from '../stack/wireguard/crypto.ts';
import type { Ipv4, Mac } from '../wire/address.ts';
import type { Fabric, Traffic } from './fabric.ts';
import type { Machines } from './machines.ts';
import type { ProviderAppliancePlan, TenantAppliancePlan, TunnelPlan } from './topology.ts';

/** Assumed, for no figure is documented: the `ping-restart 60` of OpenVPN's `keepalive 10 60`. */
const silenceMax = seconds(60);
/** The port that the tenant's end of a tunnel sends from, by the index of its network. */
const dialPort = (index: number): number => 51_820 + index;
/** What the tenant's end of a tunnel sends and gets. */
export const tunnelTraffic = (index: number): Traffic => ({
  protocol: protocolUdp,
  port: dialPort(index),
});
/** Where keepalives are rare, silence takes as many that do not come. */
const keepalivesMissed = 2;

export type TunnelListener = (network: string, state: 'up' | 'failed' | 'down') => void;

export class Tunnels {
  readonly #fabric: Fabric;
  readonly #machines: Machines;
  readonly #crypto: WireGuardCrypto;
  readonly #plan: TunnelPlan;
  /** Of tunnels that have ended. */
  readonly #keys: TunnelKeys[] = [];
  /** Told what the tenant's end of a tunnel sees. */
  onState: TunnelListener = () => {};

  constructor(fabric: Fabric, machines: Machines, crypto: WireGuardCrypto, plan: TunnelPlan) {
    this.#fabric = fabric;
    this.#machines = machines;
    this.#crypto = crypto;
    this.#plan = plan;
  }

  /** The keys of every handshake so far, for a capture. */
  get keys(): readonly TunnelKeys[] {
    const live = [...this.#machines.appliances.values()].flatMap(({ life }) =>
      [...life.extensions.values()].flatMap(({ tunnel }) => tunnel?.keys ?? []),
    );
    return [...this.#keys, ...live];
  }

  /**
   * Starts this end of a network's tunnel: the provider's waits, the tenant's dials a cloud gateway.
   *
   * @returns Whether it could be: not on an appliance that does not run, or is not in this network.
   */
  start(name: string, network: string, cause: number): boolean {
    const slot = this.#machines.appliances.get(name);
    if (slot?.power !== 'on' || this.#extension(name, network) === undefined) return false;
    const { plan } = slot;
    if (plan.kind === 'tenant-appliance') this.#dial(plan, 0, cause);
    else this.#serve(plan, network, cause);
    return true;
  }

  /** A cloud gateway has been started anew, and has no memory of the tunnels that lead through it. */
  openRelaysAt(gateway: CloudGateway): void {
    for (const { plan, life } of this.#machines.appliances.values()) {
      if (plan.kind !== 'provider-appliance') continue;
      if (!plan.gateways.includes(gateway.stack.name)) continue;
      for (const [network, { tunnel }] of life.extensions) {
        if (tunnel !== undefined)
          gateway.relay.setTarget(network, this.#relayTarget(plan, network));
      }
    }
  }

  stop(name: string, network: string, cause: number): void {
    const extension = this.#extension(name, network);
    const tunnel = extension?.tunnel;
    if (extension === undefined || tunnel === undefined) return;
    this.#keys.push(...tunnel.keys);
    extension.stopTunnel(this.#fabric.now, this.#fabric, cause);
  }

  /**
   * @param owners Who has addresses that are no longer failed over, for a last announcement.
   * @returns Whether it could be: the daemon needs a tunnel that has been started.
   */
  configureProxy(
    name: string,
    network: string,
    addresses: readonly Ipv4[],
    owners: ReadonlyMap<Ipv4, Mac>,
    cause: number,
  ): boolean {
    const extension = this.#extension(name, network);
    if (extension?.tunnel === undefined) return false;
    extension.configureProxy(addresses, owners, this.#fabric.now, this.#fabric, cause);
    return true;
  }

  /** @param owners Who has the addresses again, for a last announcement on their behalf. */
  withdrawProxy(
    name: string,
    network: string,
    owners: ReadonlyMap<Ipv4, Mac>,
    cause: number,
  ): void {
    this.#extension(name, network)?.withdraw(owners, this.#fabric.now, this.#fabric, cause);
  }

  #extension(name: string, network: string): Extension | undefined {
    return this.#machines.appliances.get(name)?.life.extensions.get(network);
  }

  #serve(plan: ProviderAppliancePlan, network: string, cause: number): void {
    this.#run(plan.name, network, cause, {
      side: 'provider',
      port: portOf(plan, network),
      endpoint: undefined,
      // With a choice of gateways, so that the tenant's end notices a dead one.
      sendsKeepalives: plan.gateways.length > 1,
    });
    const target = this.#relayTarget(plan, network);
    for (const gateway of plan.gateways)
      this.#machines.gateways.get(gateway)?.relay.setTarget(network, target);
  }

  /**
   * Dials one of the gateways, and after some silence the next one: round and round, as OpenVPN, which
   * the product uses, does with a list of servers, or to the end of it.
   */
  #dial(plan: TenantAppliancePlan, attempt: number, cause: number): void {
    const { name, network, index, gateways } = plan;
    const ip = gateways[attempt % gateways.length];
    const tunnel = this.#run(name, network, cause, {
      side: 'tenant',
      port: dialPort(index),
      endpoint: ip === undefined ? undefined : { ip, port: relayPort },
      sendsKeepalives: true,
    });
    const { keepalive, gatewayList } = this.#plan;
    if (gateways.length < 2 || keepalive === undefined) return;
    if (gatewayList === 'once' && attempt + 1 >= gateways.length) return;
    const patience = Math.max(silenceMax, keepalivesMissed * keepalive) as Duration;
    this.#atSilence(plan, tunnel, patience, () => {
      this.#dial(plan, attempt + 1, cause);
    });
  }

  /** Does something once nothing has been heard through a tunnel for so long; never, if it ends before. */
  #atSilence(
    plan: TenantAppliancePlan,
    tunnel: Tunnel,
    patience: Duration,
    then: () => void,
  ): void {
    const { name, network } = plan;
    this.#fabric.at(after(tunnel.heardAt, patience), {
      run: () => {
        if (this.#extension(name, network)?.tunnel !== tunnel) return;
        if (after(tunnel.heardAt, patience) > this.#fabric.now)
          this.#atSilence(plan, tunnel, patience, then);
        else then();
      },
    });
  }

  #run(
    name: string,
    network: string,
    cause: number,
    {
      side,
      ...end
    }: Pick<TunnelConfig, 'port' | 'endpoint' | 'sendsKeepalives'> & {
      readonly side: Side;
    },
  ): Tunnel {
    this.stop(name, network, cause);
    const { keepalive, allowedIps, presharedKey } = this.#plan;
    const config: TunnelConfig = {
      ...end,
      privateKey: this.#key(side, network),
      peerKey: this.#publicKey(side === 'tenant' ? 'provider' : 'tenant', network),
      presharedKey: presharedKey ? this.#bytes(`preshared ${network}`) : undefined,
      crypto: this.#crypto,
      keepalive,
      allowedIps: allowedIps[side],
      onState: (state) => {
        if (side === 'tenant' && state !== 'connecting') this.onState(network, state);
      },
    };
    const extension = this.#extension(name, network)!;
    return extension.startTunnel(config, this.#fabric.now, this.#fabric, cause);
  }

  #relayTarget(plan: ProviderAppliancePlan, network: string): TunnelTarget {
    const at = { ip: plan.external.prefix.address, port: portOf(plan, network) };
    return tunnelTarget(this.#crypto, this.#publicKey('provider', network), at);
  }

  #bytes(purpose: string): Uint8Array {
    return this.#fabric.random.child(`key ${purpose}`).bytes(32);
  }

  #key(side: Side, network: string): Uint8Array {
    return this.#bytes(`${side} ${network}`);
  }

  #publicKey(side: Side, network: string): Uint8Array {
    return this.#crypto.publicKey(this.#key(side, network));
  }
}

const portOf = ({ tunnels }: ProviderAppliancePlan, network: string): number =>
  tunnelPort(tunnels.find((tunnel) => tunnel.network === network)!.index);
