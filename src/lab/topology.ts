/**
 * What a lab is made of, as plain data: nodes, the switches they are plugged into, the cables. A
 * backend builds it of simulated devices or of real namespaces; nothing here is either.
 */
import type { Duration } from '../base/time.ts';
import type { PlaneMode } from '../device/data-plane.ts';
import type { TrackingOptions } from '../device/device-tracking.ts';
import type { PortRights } from '../device/port-security.ts';
import type { ProxyScope } from '../device/proxy-plane.ts';
import type { Selector } from '../stack/ipsec/selectors.ts';
import type { Ipv4, Mac, Prefix } from '../wire/address.ts';
import type { LinkOptions } from './fabric.ts';

export interface Topology {
  /** Everything left to chance comes from here. */
  readonly seed: string;
  readonly switches: readonly SwitchPlan[];
  /** Between switches. */
  readonly trunks: readonly TrunkPlan[];
  readonly nodes: readonly NodePlan[];
  readonly cables: readonly CablePlan[];
  /** Made only by who plays in real time and was told to. */
  readonly attachments: readonly AttachmentPlan[];
  readonly tunnel: TunnelPlan;
  readonly timings: Timings;
}

export interface SwitchPlan {
  readonly name: string;
  /** What is set for some of its VLANs; all others are those of a plain switch. */
  readonly portGroups: readonly PortGroupPlan[];
}

export interface PortGroupPlan {
  readonly vlan: number;
  /** What virtual adapters may do; without it nobody asks. */
  readonly rights: PortRights | undefined;
  /** Without it the switch leaves machines alone. */
  readonly tracking: TrackingOptions | undefined;
}

/** From one switch to another: each end carries VLANs of its own, tagged. */
export interface TrunkPlan {
  readonly ends: readonly [TrunkEnd, TrunkEnd];
  readonly link: LinkOptions;
}

export interface TrunkEnd {
  readonly switch: string;
  readonly vlans: readonly number[];
}

/** From an adapter of a node to a port of a switch, or to an adapter of another node. */
export interface CablePlan {
  readonly node: string;
  readonly adapter: string;
  readonly to:
    | { readonly kind: 'switch'; readonly name: string; readonly vlan: number }
    /** Connected to nothing: a replica without a network mapping. */
    | { readonly kind: 'nothing' }
    | { readonly kind: 'adapter'; readonly node: string; readonly adapter: string };
  readonly link: LinkOptions;
}

/** A network that is joined to a real one, by VXLAN. */
export interface AttachmentPlan {
  readonly network: string;
  /** The only end point that frames come from and go to. */
  readonly to: { readonly ip: Ipv4; readonly port: number; readonly vni: number };
  /** What goes there besides IP. */
  readonly allows: readonly Allowance[];
  /** The largest inner packet that fits into a datagram which need not be cut (RFC 7348 section 4.3). */
  readonly mtu: number;
}

/** By its name: what a simulated machine may say to real ones. */
export type Allowance = 'arp' | 'proxy_arp' | 'announcements' | 'dhcp';

export interface AdapterPlan {
  readonly name: string;
  readonly mac: Mac;
  readonly mtu: number;
}

export type NodePlan =
  | GuestPlan
  | RouterPlan
  | InternetPlan
  | DhcpServerPlan
  | ClientPlan
  | ProviderRouterPlan
  | TenantAppliancePlan
  | ProviderAppliancePlan
  | CloudGatewayPlan
  | EdgeGatewayPlan;

interface Owned {
  /** Whose it is; empty for the provider's, and for the only tenant of a lab that does not name it. */
  readonly tenant: string;
}

export type AddressPlan =
  | { readonly kind: 'static'; readonly prefix: Prefix; readonly gateway: Ipv4 | undefined }
  | { readonly kind: 'dhcp' };

export interface PortPlan {
  readonly protocol: 'tcp' | 'udp';
  readonly port: number;
}

export interface GuestPlan extends Owned {
  readonly kind: 'guest';
  readonly name: string;
  /** The VM that it is, or whose replica it is. */
  readonly vm: string;
  readonly replica: boolean;
  readonly network: string;
  readonly os: 'linux' | 'windows' | 'strict';
  readonly adapter: AdapterPlan;
  /** The MAC address that the guest gives its adapter, if another. */
  readonly guestMac: Mac | undefined;
  readonly address: AddressPlan;
  /** What a replica remembers of the lease that its original had. */
  readonly lease: 'valid' | 'expired' | 'none';
  readonly listen: readonly PortPlan[];
  /** What it leases, if it is a DHCP server. */
  readonly dhcp: DhcpPlan | undefined;
  /** Whether it answers a ping. */
  readonly echo: boolean;
  /** Addresses of others that it answers ARP for. */
  readonly answersFor: readonly Ipv4[];
  readonly boot: Duration;
  readonly running: boolean;
  /** What it writes to its disks while it runs, in bytes per second. */
  readonly writes: number;
  /** Whether its operating system does not shut down when asked to. */
  readonly hangs: boolean;
}

/** What a DHCP server is told: it may serve another network than its own. */
export interface DhcpPlan {
  readonly address: Ipv4;
  readonly subnet: Prefix;
  readonly from: Ipv4;
  readonly to: Ipv4;
  readonly router: Ipv4 | undefined;
  readonly lease: Duration;
  readonly reservations: ReadonlyMap<Mac, Ipv4>;
}

/** The router of a site: default gateway of its networks, translating towards the internet. */
export interface RouterPlan extends Owned {
  readonly kind: 'router';
  readonly name: string;
  readonly inside: readonly {
    readonly adapter: AdapterPlan;
    readonly network: string;
    readonly prefix: Prefix;
    readonly dhcp: DhcpPlan | undefined;
    /** The DHCP server of another network, to which requests of this one are passed. */
    readonly dhcpRelayTo: Ipv4 | undefined;
  }[];
  readonly outside:
    | { readonly adapter: AdapterPlan; readonly ip: Ipv4; readonly via: Ipv4 }
    | undefined;
  readonly block: readonly PortPlan[];
  /** Where it is the tenant's end of a VPN. */
  readonly vpn: VpnPlan | undefined;
}

/** An NSX Edge: the edge gateway of an organization VDC, or the far end of its L2 VPN at a site. */
export interface EdgeGatewayPlan extends Owned {
  readonly kind: 'edge-gateway';
  readonly name: string;
  readonly outside: { readonly adapter: AdapterPlan; readonly prefix: Prefix; readonly via: Ipv4 };
  /** One for each network that it leads to. */
  readonly inside: readonly AdapterPlan[];
  /** Undefined where appliances carry partial failover. */
  readonly vpn: VpnPlan | undefined;
  /** Undefined at a site, where the router translates. */
  readonly nat: EdgeNatPlan | undefined;
}

/** Between the routed networks of an organization VDC and the internet. */
export interface EdgeNatPlan {
  readonly networks: readonly {
    readonly adapter: string;
    /** What replicas have as their default gateway, with the mask. */
    readonly prefix: Prefix;
    /** Where it has that address because of a routed VPN already. */
    readonly byVpn: boolean;
  }[];
  readonly rules: readonly {
    readonly publicIp: Ipv4;
    readonly port: number;
    readonly to: { readonly ip: Ipv4; readonly port: number };
  }[];
}

/** A gateway of an IPsec VPN between production and the organization VDC. */
export interface VpnPlan {
  readonly side: 'tenant' | 'provider';
  /** The adapter towards the other gateways. */
  readonly outside: string;
  /** One for each site. */
  readonly ends: readonly VpnEndPlan[];
}

export interface VpnEndPlan {
  /** Called the same at both ends: its keys are made from that. */
  readonly tunnel: string;
  /** Of the other end; undefined where that is behind a NAT. */
  readonly peer: Ipv4 | undefined;
  readonly nat: 'none' | 'here' | 'there';
  readonly selectors: readonly Selector[];
  readonly networks: readonly VpnNetworkPlan[];
}

/** A production network whose addresses may be on either side. */
export interface VpnNetworkPlan {
  readonly network: string;
  /** In it, or in the network that its replicas are in. */
  readonly adapter: string;
  readonly carries: /** To and from failed-over addresses; the gateways may answer ARP for the other side. */
    | {
        readonly kind: 'packets';
        readonly subnet: Prefix;
        /** What replicas have as their default gateway. */
        readonly gateway: Ipv4;
        readonly proxyArp: boolean;
        /** What is at the other end, and not on the internet. */
        readonly remote: readonly Prefix[];
      }
    /** Of the whole network: it is stretched. Its number tells it from others. */
    | { readonly kind: 'frames'; readonly index: number };
}

/** Everything between the sites: one router that knows every public address. */
export interface InternetPlan extends Owned {
  readonly kind: 'internet';
  readonly name: string;
  readonly ip: Ipv4;
  readonly lines: readonly {
    readonly adapter: AdapterPlan;
    readonly ip: Ipv4;
    /** Further addresses that the other end of the line knows the way to. */
    readonly behind: readonly Ipv4[];
  }[];
}

/** Somebody on the internet. */
export interface ClientPlan extends Owned {
  readonly kind: 'client';
  readonly name: string;
  readonly adapter: AdapterPlan;
  readonly ip: Ipv4;
  readonly via: Ipv4;
  readonly listen: readonly PortPlan[];
}

/** The provider's router: the way from the internet to appliances and back, without any translation. */
export interface ProviderRouterPlan extends Owned {
  readonly kind: 'provider-router';
  readonly name: string;
  readonly outside: { readonly adapter: AdapterPlan; readonly ip: Ipv4; readonly via: Ipv4 };
  readonly inside: { readonly adapter: AdapterPlan; readonly prefix: Prefix };
  /** Public addresses, and the appliances that they lead to. */
  readonly routes: readonly { readonly to: Ipv4; readonly via: Ipv4 }[];
}

/** Somebody else's DHCP server on a network of the provider. */
export interface DhcpServerPlan extends Owned {
  readonly kind: 'dhcp-server';
  readonly name: string;
  readonly adapter: AdapterPlan;
  readonly prefix: Prefix;
  readonly dhcp: DhcpPlan;
}

export type ProxyArpMode = 'relay' | 'static' | 'kernel' | 'none';

export interface ApplianceSettings {
  readonly proxyArp: ProxyArpMode;
  readonly scope: ProxyScope;
  readonly announcesUp: boolean;
  readonly announcesDown: boolean;
  readonly boot: Duration;
}

export interface TenantAppliancePlan extends ApplianceSettings, Owned {
  readonly kind: 'tenant-appliance';
  readonly name: string;
  readonly network: string;
  readonly subnet: Prefix;
  readonly adapter: AdapterPlan;
  readonly address: AddressPlan;
  /** The cloud gateways that it may dial, in the order in which it tries them. */
  readonly gateways: readonly Ipv4[];
  /** Position of its network among those of the tenant, from 0: names ports and inner addresses. */
  readonly index: number;
}

export interface ProviderAppliancePlan extends ApplianceSettings, Owned {
  readonly kind: 'provider-appliance';
  readonly name: string;
  readonly host: string;
  readonly external: { readonly adapter: AdapterPlan; readonly prefix: Prefix };
  /** The provider's router; undefined where nothing leads from the appliance to the internet. */
  readonly router: Ipv4 | undefined;
  /** Names of the cloud gateways through which the tenant may come. */
  readonly gateways: readonly string[];
  /** One adapter per network of the hardware plan or org VDC. */
  readonly inside: readonly {
    readonly adapter: AdapterPlan;
    readonly network: string;
    readonly internet: boolean;
  }[];
  readonly tunnels: readonly {
    readonly network: string;
    readonly subnet: Prefix;
    readonly providerNetwork: string;
    readonly index: number;
  }[];
}

export interface CloudGatewayPlan extends Owned {
  readonly kind: 'cloud-gateway';
  readonly name: string;
  readonly outside: { readonly adapter: AdapterPlan; readonly ip: Ipv4; readonly via: Ipv4 };
  readonly inside: { readonly adapter: AdapterPlan; readonly prefix: Prefix };
  readonly block: readonly PortPlan[];
}

export interface TunnelPlan {
  /** How machines on one side reach those on the other. */
  readonly mode: PlaneMode;
  readonly mtu: number;
  readonly mssClamp: boolean;
  readonly pmtud: boolean;
  readonly keepalive: Duration | undefined;
  /** What the tenant's end does once it has dialled all its cloud gateways: begin again, or stay. */
  readonly gatewayList: 'cycle' | 'once';
  readonly presharedKey: boolean;
  /** In place of what the operation sets: for labs that show what goes wrong then. */
  readonly allowedIps: {
    readonly tenant: readonly Prefix[] | undefined;
    readonly provider: readonly Prefix[] | undefined;
  };
}

export interface Timings {
  readonly revertSnapshot: Duration;
  readonly powerOff: Duration;
  /** By the guest, when it is asked to. */
  readonly shutDown: Duration;
  /** A run of a replication job, or as much the other way. */
  readonly replication: Duration;
  readonly configureAppliance: Duration;
}
