/** Cables, lines, tunnels, and how long things take, with their defaults. */
import { milliseconds, seconds } from '../base/time.ts';
import type { TunnelPlan } from '../lab/topology.ts';
import type { RawScenario } from './format.ts';
import { values } from './raw.ts';
import type { Link, Links, Timings } from './scenario.ts';
import type { At } from './shape.ts';

/** 1420 is what wg-quick leaves of 1500: 40 bytes of IPv6, 8 of UDP, 32 of WireGuard. */
export function buildTunnel({ tunnel: raw, policies }: RawScenario): TunnelPlan {
  const keepalive = raw?.keepalive?.value ?? seconds(25);
  return {
    gatewayList: policies?.gateway_list?.value ?? 'cycle',
    mode: raw?.mode?.value ?? 'proxy-arp-l3',
    mtu: raw?.mtu?.value ?? 1420,
    mssClamp: raw?.mss_clamp?.value ?? false,
    pmtud: raw?.pmtud?.value ?? true,
    keepalive: keepalive === 'none' ? undefined : keepalive,
    presharedKey: raw?.preshared_key?.value ?? true,
    allowedIps: {
      tenant: raw?.allowed_ips?.tenant && values(raw.allowed_ips.tenant),
      provider: raw?.allowed_ips?.provider && values(raw.allowed_ips.provider),
    },
  };
}

const defaultLinks: Links = {
  lan: { rate: 1e9, latency: milliseconds(0.1), mtu: 1500, loss: 0 },
  internet: { rate: 100e6, latency: milliseconds(10), mtu: 1500, loss: 0 },
  provider: { rate: 10e9, latency: milliseconds(0.05), mtu: 1500, loss: 0 },
};

type RawLink = Partial<{
  readonly rate: At<number> | undefined;
  readonly latency: At<Link['latency']> | undefined;
  readonly mtu: At<number> | undefined;
  readonly loss: At<number> | undefined;
}>;

export const withDefaults = (raw: RawLink | undefined, link: Link): Link => ({
  rate: raw?.rate?.value ?? link.rate,
  latency: raw?.latency?.value ?? link.latency,
  mtu: raw?.mtu?.value ?? link.mtu,
  loss: raw?.loss?.value ?? link.loss,
});

export const buildLinks = ({ links: raw }: RawScenario): Links => ({
  lan: withDefaults(raw?.lan, defaultLinks.lan),
  internet: withDefaults(raw?.internet, defaultLinks.internet),
  provider: withDefaults(raw?.provider, defaultLinks.provider),
});

export const buildTimings = ({ timings: raw }: RawScenario): Timings => ({
  bootLinux: raw?.boot_linux?.value ?? seconds(15),
  bootWindows: raw?.boot_windows?.value ?? seconds(25),
  bootAppliance: raw?.boot_appliance?.value ?? seconds(8),
  revertSnapshot: raw?.revert_snapshot?.value ?? seconds(2),
  powerOff: raw?.power_off?.value ?? seconds(1),
  shutDown: raw?.shut_down?.value ?? seconds(10),
  replication: raw?.replication?.value ?? seconds(30),
  configureAppliance: raw?.configure_appliance?.value ?? seconds(1),
});
