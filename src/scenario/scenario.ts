/**
 * A scenario as the rest of the program sees it: one case of a file, complete, with every default
 * filled in and every name known to exist. Plain data; what a verdict may point at has its place.
 */
import type { Duration } from '../base/time.ts';
import type { Daemon } from '../lab/ailments.ts';
import type { LinkOptions } from '../lab/fabric.ts';
import type { RecoveryPlan } from '../lab/lab.ts';
import type { AttachmentPlan, PortGroupPlan, TunnelPlan } from '../lab/topology.ts';
import type { PlanState } from '../trace/event.ts';
import type { InvariantName } from '../trace/invariants.ts';
import type { Reason } from '../trace/reasons.ts';
import type { Ipv4, Mac, Prefix } from '../wire/address.ts';
import type { Filter } from './filter.ts';
import type { Place } from './place.ts';
import type { MatrixValue } from './scalars.ts';
import type { Closable, Pool, ServicePort, VlanRange } from './units.ts';
import type { Comparison } from './when.ts';

export interface Scenario {
  /** The file that was asked for; places may lie in files that it extends. */
  readonly file: string;
  readonly name: string;
  readonly about: string;
  readonly tags: readonly string[];
  readonly seed: number;
  /** `lease=valid plan_dhcp=none`; empty without a matrix. */
  readonly case: string;
  readonly variables: ReadonlyMap<string, MatrixValue>;
  /** Where its parts begin, by key: `tunnel`, `links`. A part that the file does not have is not among them. */
  readonly parts: ReadonlyMap<string, Place>;
  readonly tenants: readonly Tenant[];
  readonly provider: Provider | undefined;
  readonly clients: readonly Client[];
  readonly policies: Policies;
  readonly invariants: WatchedInvariants;
  readonly tunnel: TunnelPlan;
  readonly links: Links;
  readonly timings: Timings;
  /** Only those that happen in this case. */
  readonly steps: readonly Step[];
}

// Tenants

/** One customer of the provider. The names of all that is its own begin with its name: `acme/web01`. */
export interface Tenant {
  /** Empty for the only tenant of a file that does not name it. */
  readonly name: string;
  readonly sites: readonly Site[];
  readonly jobs: readonly Job[];
  readonly failoverPlans: readonly FailoverPlan[];
  /** What it may use at the provider. */
  readonly plans: readonly Plan[];
  /** The provider's for this tenant: one on each host or cluster where it has networks. */
  readonly appliances: readonly ProviderAppliance[];
  /** The cloud gateways that it may dial, in the order in which it tries them. */
  readonly gateways: readonly Gateway[];
}

export interface Site {
  readonly name: string;
  readonly networks: readonly Network[];
  readonly vms: readonly Vm[];
  readonly appliances: readonly Appliance[];
  readonly dhcp: DhcpServer | undefined;
  readonly edge: SiteEdge | undefined;
  readonly internet: Internet;
  readonly place: Place;
}

/** The far end of an L2 VPN. */
export interface SiteEdge {
  readonly name: string;
  /** That it sends through. */
  readonly network: string;
  readonly ip: Ipv4;
}

/** What the switch of a network does beyond switching. */
export interface PortGroup {
  /** What adapters of virtual machines may do; undefined where nobody asks. */
  readonly rights: PortGroupPlan['rights'];
  /** Undefined: the switch leaves machines alone. */
  readonly tracking: { readonly delay: Duration; readonly interval: Duration } | undefined;
}

export interface Network extends PortGroup {
  readonly name: string;
  readonly site: string;
  readonly subnet: Prefix;
  /** The address of the router of the site. */
  readonly gateway: Ipv4 | undefined;
  readonly mtu: number;
  readonly vlan: number | undefined;
  /** The real network that it is joined to, by those who play it with real ones. */
  readonly attach: Omit<AttachmentPlan, 'network'> | undefined;
  readonly place: Place;
}

export type Os = 'linux' | 'windows' | 'strict';
export type Platform = 'vmware' | 'hyperv';

export interface Vm {
  readonly name: string;
  readonly site: string;
  readonly network: string;
  readonly ip: Ipv4 | 'dhcp';
  /** Undefined: made from the seed. */
  readonly mac: Mac | undefined;
  /** What the guest makes of it; undefined: it leaves it as it is. */
  readonly guestMac: Mac | undefined;
  readonly os: Os;
  readonly listen: readonly ServicePort[];
  /** What its replica remembers of its lease when it starts. */
  readonly lease: 'valid' | 'expired' | 'none';
  /** Its own setting, else that of its network. With dhcp the server's word counts instead. */
  readonly gateway: Ipv4 | undefined;
  readonly running: boolean;
  readonly boot: Duration;
  readonly echo: boolean;
  /** Addresses of others that it answers ARP for. */
  readonly answersFor: readonly Ipv4[];
  readonly platform: Platform;
  /** Whether its guest does not shut down when asked to. */
  readonly hangs: boolean;
  /** Bits per second. */
  readonly writes: number;
  readonly place: Place;
}

export type ProxyArp = 'relay' | 'static' | 'kernel' | 'none';
export type GratuitousArp = 'up' | 'down' | 'both' | 'none';
export type ProxyScope = 'as-told' | 'subnet' | 'everything';

export interface Appliance {
  readonly name: string;
  readonly site: string;
  readonly network: string;
  readonly ip: Ipv4 | 'dhcp';
  readonly mac: Mac | undefined;
  readonly proxyArp: ProxyArp;
  readonly gratuitousArp: GratuitousArp;
  readonly scope: ProxyScope;
  readonly boot: Duration;
  readonly place: Place;
}

export interface DhcpServer {
  readonly network: string;
  readonly server: Machine;
  readonly pool: Pool;
  readonly lease: Duration;
  /** The server is in another network, and the router of the site passes messages between the two. */
  readonly relay: boolean;
  /** By VM. */
  readonly reservations: ReadonlyMap<string, Ipv4>;
  readonly place: Place;
}

export interface Internet {
  /** Undefined: any that is free. */
  readonly publicIp: Ipv4 | undefined;
  readonly link: Link;
  readonly block: readonly ServicePort[];
}

// The service provider

export interface Provider {
  readonly gateways: readonly Gateway[];
  readonly clusters: readonly Cluster[];
  readonly platform: Platform;
  readonly place: Place;
}

export interface Gateway {
  readonly name: string;
  readonly publicIp: Ipv4;
  readonly block: readonly ServicePort[];
  readonly place: Place;
}

/** Hosts that run replicas, joined by a physical switch if there are several. */
export interface Cluster {
  /** At least one; the first carries the appliances. */
  readonly hosts: readonly string[];
  /** The VLANs that the physical switch carries between them; undefined for all. */
  readonly trunk: readonly VlanRange[] | undefined;
}

/** What one tenant has of a hardware plan, or its organization VDC: either way, networks for replicas. */
export interface Plan {
  readonly kind: 'hardware-plan' | 'org-vdc';
  readonly name: string;
  /** Those of a cluster. */
  readonly hosts: readonly string[];
  readonly networks: readonly PlanNetwork[];
  /** The edge gateway of an organization VDC that has one. */
  readonly edge: Edge | undefined;
}

export interface Edge {
  readonly name: string;
  /** Undefined: any that is free. */
  readonly publicIp: Ipv4 | undefined;
  /** What carries partial failover. */
  readonly connectivity: 'appliances' | 'edge-gateway' | 'ipsec-vpn';
  readonly proxyArp: boolean;
  /** What the internet reaches through it. */
  readonly nat: readonly PublicIpRule[];
}

export interface PlanNetwork extends PortGroup {
  readonly name: string;
  /** This tenant's own. */
  readonly vlan: number;
  readonly internet: boolean;
  readonly type: 'isolated' | 'routed';
  readonly dhcp: 'none' | 'foreign';
  readonly place: Place;
}

export interface ProviderAppliance {
  readonly name: string;
  readonly host: string;
  readonly proxyArp: ProxyArp;
  readonly gratuitousArp: GratuitousArp;
  readonly scope: ProxyScope;
  readonly boot: Duration;
  /** By production network: where its tunnel ends, if not where replication maps it. */
  readonly networks: ReadonlyMap<string, string>;
}

// Replication and tunnels

export interface Job {
  readonly name: string;
  readonly vms: readonly Named[];
  readonly mapping: readonly { readonly from: Named; readonly to: Named }[];
  /** Where its replicas run; undefined for the first host of the plan. */
  readonly host: string | undefined;
  readonly restorePoints: number;
  readonly detect: 'auto' | 'always' | 'never';
  /** Undefined: it does not run by itself. */
  readonly schedule: { readonly first: Duration; readonly every: Duration } | undefined;
  readonly place: Place;
}

export interface Named {
  readonly name: string;
  readonly place: Place;
}

export interface Link {
  /** Bits per second. */
  readonly rate: number;
  readonly latency: Duration;
  readonly mtu: number;
  /** From 0 to 1. */
  readonly loss: number;
}

export interface Links {
  readonly lan: Link;
  readonly internet: Link;
  readonly provider: Link;
}

export interface Timings {
  readonly bootLinux: Duration;
  readonly bootWindows: Duration;
  readonly bootAppliance: Duration;
  readonly revertSnapshot: Duration;
  readonly powerOff: Duration;
  readonly shutDown: Duration;
  readonly replication: Duration;
  readonly configureAppliance: Duration;
}

// Full site failover

export interface FailoverPlan {
  readonly name: string;
  readonly vms: readonly { readonly vm: Named; readonly delay: Duration }[];
  readonly routing: boolean;
  readonly rules: readonly PublicIpRule[];
  /** Those that differ from what replication learned, by production network. */
  readonly defaultGateways: readonly { readonly network: string; readonly ip: Ipv4 }[];
  readonly place: Place;
}

export interface PublicIpRule {
  readonly publicIp: Ipv4;
  readonly port: number;
  readonly to: { readonly vm: string; readonly ip: Ipv4; readonly port: number };
}

/** A machine on the internet. */
export interface Client {
  readonly name: string;
  readonly ip: Ipv4;
  readonly listen: readonly ServicePort[];
  readonly place: Place;
}

/** Where the documents leave something open or contradict each other: what the file chooses. */
export type Policies = NonNullable<RecoveryPlan['configuration']['policies']>;

// What is watched without being asked

/** What becomes of the run where an invariant is broken and the file does not expect it. */
export type Severity = 'fail' | 'warn' | 'ignore';

export interface WatchedInvariants {
  readonly severity: Readonly<Record<InvariantName, Severity>>;
  /** How long after an address has moved it may be announced. */
  readonly announcedWithin: Duration;
}

// What happens

/** A machine that is known to exist, or the router of a site as one of its networks sees it. */
export type Machine = (
  | {
      readonly kind:
        | 'vm'
        | 'replica'
        | 'appliance'
        | 'gateway'
        | 'provider-appliance'
        | 'edge'
        | 'client';
      readonly name: string;
    }
  /** `hq.gateway` has no network: the one that the asker is in. `lan10.gateway` has. */
  | { readonly kind: 'router'; readonly site: string; readonly network: string | undefined }
) & { readonly text: string; readonly place: Place };

export type Target =
  | Machine
  | { readonly kind: 'address'; readonly ip: Ipv4; readonly text: string; readonly place: Place };

export interface Flow {
  readonly text: string;
  readonly from: Machine;
  readonly to: Target;
  readonly port: number | undefined;
  readonly place: Place;
}

/** Where frames are: at a machine's adapters, in a network of either side, on the line, in a tunnel. */
export type Whereabouts =
  | Machine
  | {
      /** A `line` joins the site or cloud gateway of that name to the internet. */
      readonly kind: 'network' | 'tunnel' | 'internet' | 'line';
      readonly name: string;
      readonly text: string;
      readonly place: Place;
    }
  | {
      readonly kind: 'plan-network';
      readonly name: string;
      /** Undefined: on all that have it. */
      readonly host: string | undefined;
      readonly text: string;
      readonly place: Place;
    };

/** All that a site has, or that runs on a host of the provider. */
export interface Premises {
  readonly kind: 'site' | 'host';
  readonly name: string;
  readonly text: string;
  readonly place: Place;
}

export type Initiator = 'tenant' | 'provider';

interface StepCommon {
  /** Position in the file, from 1; steps that do not happen count. */
  readonly number: number;
  /** Its own name, or one made from what it does. */
  readonly title: string;
  /** The verb. */
  readonly place: Place;
  /** What happens while it goes on. */
  readonly meanwhile: readonly Meanwhile[];
}

export interface Meanwhile {
  readonly fault: Fault;
  /** `nea-hq loses power at step 6`. */
  readonly text: string;
  /** The step of the operation that it waits for; undefined: none. */
  readonly atStep: number | undefined;
  /** So long after that, or after the beginning; undefined only where it waits for a step. */
  readonly after: Duration | undefined;
}

export type Step = StepCommon &
  (
    | {
        readonly kind: 'failover';
        readonly vms: readonly Named[];
        /** 1 is the newest, 2 the one before. */
        readonly restorePoint: number;
        readonly reason: string;
        readonly planned: boolean;
      }
    | { readonly kind: 'undo'; readonly vms: readonly Named[] }
    | {
        readonly kind: 'failback';
        readonly vms: readonly Named[];
        readonly switchover: 'auto' | 'manual' | Duration;
        readonly powerOn: boolean;
        readonly by: Initiator;
      }
    | {
        readonly kind: 'switch' | 'commit-failback' | 'undo-failback';
        readonly vms: readonly Named[];
        readonly by: Initiator;
      }
    | {
        readonly kind: 'permanent-failover' | 'reconnect';
        readonly vms: readonly Named[];
      }
    | { readonly kind: 'replicate'; readonly vms: readonly Named[] }
    | { readonly kind: 'set'; readonly vm: Named; readonly ip: Ipv4 }
    | {
        readonly kind: 'plan';
        readonly operation: 'start' | 'undo' | 'retry' | 'test';
        readonly plan: string;
        /** 1 is the newest restore point, 2 the one before; or the closest prior to so long ago. */
        readonly to: number | { readonly ago: Duration };
      }
    | {
        readonly kind: 'fault';
        readonly fault: Fault;
        /** `sql01 loses power`. */
        readonly text: string;
      }
    | { readonly kind: 'wait'; readonly duration: Duration }
    | {
        readonly kind: 'predict';
        readonly ask: string;
        readonly choices: readonly string[];
        readonly answer: string;
        readonly hint: string;
      }
    | { readonly kind: 'expect'; readonly probes: readonly Probe[] }
  );

/** As seen from what a fault is at: what comes to it, what leaves it. */
export type Direction = 'in' | 'out' | 'both';

export type Fault = { readonly place: Place } & (
  | { readonly kind: 'power_off' | 'power_on'; readonly at: Whereabouts | Premises }
  | {
      readonly kind:
        | 'link_down'
        | 'link_up'
        | 'port_off'
        | 'port_on'
        | 'interface_down'
        | 'interface_up';
      readonly at: Whereabouts;
    }
  | {
      readonly kind: 'block' | 'unblock';
      /** Undefined: at all cloud gateways. */
      readonly at: Machine | undefined;
      readonly ports: readonly Closable[];
      readonly direction: Direction;
    }
  | {
      /** Something that cables do to frames. */
      readonly kind: 'line';
      /** What the scenario calls it: `drop`, `mtu`. */
      readonly fault: string;
      readonly at: Whereabouts;
      readonly direction: Direction;
      readonly change: Partial<LinkOptions>;
    }
  | {
      readonly kind: 'hang' | 'resume';
      readonly at: Machine;
      readonly daemon: Daemon;
      /** Undefined: all that it serves. */
      readonly network: string | undefined;
    }
  | { readonly kind: 'nea_password' | 'redeploy' | 'lose_lease'; readonly at: Machine }
  | {
      readonly kind: 'clock_step';
      readonly at: Machine;
      readonly by: Duration;
      readonly direction: 'back' | 'forward';
    }
  /** Cables, lines and processes become what they were. */
  | { readonly kind: 'mend'; readonly at: Whereabouts }
);

export interface ProbeCommon {
  /** As it stands in the file: `ping web01 -> sql01 within 3s`. */
  readonly title: string;
  /** The word that says what it is. */
  readonly place: Place;
}

interface Reachability {
  readonly flow: Flow;
  readonly within: Duration | undefined;
  readonly via: readonly Whereabouts[] | undefined;
  readonly fails: Reason | 'any' | undefined;
  readonly lastHop: Machine | undefined;
  readonly count: number | undefined;
}

interface Echo {
  readonly size: number | undefined;
  /** Not to be cut on the way, nor where it is sent. */
  readonly whole: boolean;
  readonly ttl: Comparison | undefined;
  /** In nanoseconds. */
  readonly roundTrip: Comparison | undefined;
}

export type ReplicaState =
  | 'ready'
  | 'processing'
  | 'failover'
  | 'failed-failover'
  | 'ready-to-switch'
  | 'failback'
  | 'permanent-failover';
export type TunnelState = 'starting' | 'connecting' | 'up' | 'failed' | 'down';
export type Connectivity = 'none' | 'up' | 'failed' | 'down';
export type PowerState = 'on' | 'booting' | 'off';

export type StateClaim = { readonly place: Place } & (
  | { readonly kind: 'replica'; readonly vm: string; readonly state: ReplicaState }
  | { readonly kind: 'tunnel'; readonly network: string; readonly state: TunnelState }
  | { readonly kind: 'plan'; readonly plan: string; readonly state: PlanState }
  | { readonly kind: 'connectivity'; readonly vm: string; readonly state: Connectivity }
  /** Bytes in the disk with the replica's changes, or points to fail over to. */
  | {
      readonly kind: 'delta' | 'restore_points';
      readonly vm: string;
      readonly amount: Comparison;
    }
  | { readonly kind: 'power'; readonly machine: Machine; readonly state: PowerState }
);

export type PlainProbe = ProbeCommon &
  (
    | ({ readonly kind: 'ping' } & Echo & Reachability)
    | ({ readonly kind: 'tcp'; readonly bytes: number | undefined } & Reachability)
    | ({ readonly kind: 'udp' } & Reachability)
    | {
        readonly kind: 'arp';
        readonly at: Machine;
        readonly ip: Ipv4;
        readonly answeredBy: Machine | undefined;
        readonly replies: Comparison | undefined;
        readonly within: Duration | undefined;
      }
    | {
        readonly kind: 'neighbour';
        readonly at: Machine;
        readonly ip: Ipv4;
        readonly macOf: Machine | undefined;
        readonly within: Duration | undefined;
      }
    | {
        readonly kind: 'path_symmetric';
        readonly flow: Flow;
        /** What only one of the two ways passes. */
        readonly except: readonly Whereabouts[];
        readonly within: Duration | undefined;
      }
    | {
        readonly kind: 'lease';
        readonly vm: Named;
        readonly from: Machine | undefined;
        readonly within: Duration | undefined;
      }
    | {
        readonly kind: 'state';
        readonly claims: readonly StateClaim[];
        readonly within: Duration | undefined;
      }
    | {
        readonly kind: 'operation';
        readonly state: 'success' | 'failed';
        readonly because: Reason | undefined;
        /** In nanoseconds. */
        readonly took: Comparison | undefined;
      }
    | { readonly kind: 'warning'; readonly code: Reason }
    | {
        readonly kind: 'capture';
        readonly at: Whereabouts;
        readonly filter: Filter;
        readonly filterText: string;
        readonly direction: 'in' | 'out' | 'both';
        readonly packets: Comparison;
      }
    | {
        readonly kind: 'isolated';
        /** Names; empty for all. */
        readonly tenants: readonly string[];
      }
    | {
        readonly kind: 'isolated';
        /** Names; empty for all tenants. */
        readonly tenants: readonly string[];
      }
    | { readonly kind: 'outage'; readonly flow: Flow; readonly atMost: Duration }
    | {
        readonly kind: 'finding';
        readonly invariant: InvariantName;
        readonly within: Duration | undefined;
      }
  );

export type Probe =
  | PlainProbe
  | (ProbeCommon & { readonly kind: 'not'; readonly probe: PlainProbe });

/** What a probe asks, whether or not it must be so. */
export const plainOf = (probe: Probe): PlainProbe => (probe.kind === 'not' ? probe.probe : probe);
