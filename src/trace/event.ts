/**
 * The closed set of everything that can be recorded. Plain data: it survives JSON. Addresses are
 * written as people read them, because the log is read far more often than it is computed with.
 */
import type { Instant } from '../base/time.ts';
import type { Reason } from './reasons.ts';

/** Something that happened beside the movement of frames: rare enough to be an object. */
export type Fact =
  // What there is, told once when the lab is built
  | {
      readonly kind: 'machine';
      readonly role: MachineRole;
      /** Whose it is; empty for the provider's, and for the only tenant where that has no name. */
      readonly tenant: string;
      /** The VM that it is, or is the replica of; else empty. */
      readonly vm: string;
      /** The production network it belongs to, where there is one. */
      readonly network: string;
      /** How it gets its address, and which one where that is fixed. */
      readonly address: 'static' | 'dhcp' | 'none';
      readonly ip: string;
    }
  // What a line did
  /** A bit of the frame that is the cause was turned on its way from this port: counted from 0, as on the wire. */
  | { readonly kind: 'bit-error'; readonly port: string; readonly bit: number }
  // What a device knows
  | {
      readonly kind: 'neighbour';
      readonly interface: string;
      readonly ip: string;
      /** Empty while unknown. */
      readonly mac: string;
      readonly state: NeighbourState;
      readonly was: NeighbourState;
    }
  | {
      readonly kind: 'address';
      readonly interface: string;
      readonly ip: string;
      readonly length: number;
      readonly change: 'tentative' | 'added' | 'removed' | 'conflict' | 'defended';
      readonly origin: AddressOrigin;
      /** Who else uses it, for a conflict. */
      readonly mac?: string;
    }
  | {
      readonly kind: 'route';
      readonly prefix: string;
      readonly via: string;
      readonly interface: string;
      readonly change: 'added' | 'removed';
    }
  | {
      readonly kind: 'switch-entry';
      readonly mac: string;
      readonly vlan: number;
      readonly port: string;
      readonly change: 'learned' | 'moved' | 'removed';
    }
  | {
      readonly kind: 'switch-port';
      readonly port: string;
      /** What the spanning tree lets it do. */
      readonly state: 'disabled' | 'blocking' | 'listening' | 'learning' | 'forwarding';
    }
  | {
      readonly kind: 'lease';
      readonly role: 'client' | 'server';
      readonly state: string;
      readonly ip: string;
      readonly mac: string;
      readonly server: string;
      readonly until: Instant;
      readonly because?: Reason;
    }
  | { readonly kind: 'path-mtu'; readonly ip: string; readonly mtu: number }
  | {
      readonly kind: 'connection';
      readonly protocol: 'tcp';
      readonly local: string;
      readonly remote: string;
      readonly state: string;
      readonly because?: Reason;
    }
  // What a daemon decided
  | {
      readonly kind: 'proxy-entry';
      readonly network: string;
      readonly ip: string;
      readonly change: 'added' | 'removed';
    }
  | {
      readonly kind: 'proxy-decision';
      readonly network: string;
      readonly side: 'local' | 'far';
      readonly ip: string;
      readonly asker: string;
      readonly decision: 'answered' | 'asked' | 'told' | 'ignored' | 'announced';
      readonly because?: Reason;
    }
  /** An appliance carries the frames of a network to the other side, or does so no longer. */
  | { readonly kind: 'bridge'; readonly network: string; readonly state: 'on' | 'off' }
  | {
      readonly kind: 'bridge-entry';
      readonly network: string;
      readonly mac: string;
      readonly side: 'local' | 'far';
      readonly change: 'learned' | 'moved';
    }
  | {
      readonly kind: 'tunnel';
      readonly tunnel: string;
      readonly state: 'starting' | 'connecting' | 'up' | 'failed' | 'down';
      readonly endpoint: string;
      readonly because?: Reason;
    }
  | {
      readonly kind: 'relay';
      readonly session: string;
      readonly to: string;
      readonly change: 'opened' | 'closed';
    }
  | {
      /** A machine of one tenant received a frame of another's. */
      readonly kind: 'trespass';
      readonly from: string;
      readonly to: string;
      readonly mac: string;
      readonly port: string;
    }
  | {
      readonly kind: 'translation';
      readonly inside: string;
      readonly outside: string;
      readonly change: 'added' | 'removed';
    }
  // What was asked of the network, and what came of it
  | {
      readonly kind: 'probe';
      /** The same number for everything that belongs to one probe. */
      readonly probe: number;
      readonly protocol: 'ping' | 'tcp' | 'udp' | 'arp';
      readonly what: 'sent' | 'answered' | 'refused' | 'error' | 'timeout';
      readonly sequence: number;
      readonly to: string;
      /** Time to live of the answer, or bytes transferred. */
      readonly value?: number;
      readonly mac?: string;
      readonly because?: Reason;
    }
  // What the controller did
  | { readonly kind: 'power'; readonly state: 'on' | 'booting' | 'off' }
  | {
      readonly kind: 'operation';
      readonly operation: string;
      readonly vms: readonly string[];
      readonly state: 'started' | 'success' | 'failed';
      readonly because?: Reason;
      /** What the code leaves out: the state that refused it, and what that allows. */
      readonly text?: string;
    }
  | {
      readonly kind: 'operation-step';
      readonly operation: string;
      readonly number: number;
      readonly text: string;
      /** Where it is about some of the VMs of the operation only. */
      readonly vms?: readonly string[];
    }
  | {
      readonly kind: 'replica';
      readonly vm: string;
      readonly state: ReplicaState;
      readonly was: ReplicaState;
      readonly restorePoint: string;
    }
  | {
      readonly kind: 'plan';
      readonly plan: string;
      readonly state: PlanState;
      readonly was: PlanState;
    }
  | {
      readonly kind: 'replication';
      readonly vm: string;
      readonly state: 'started' | 'run' | 'failed' | 'skipped' | 'held' | 'resumed' | 'excluded';
    }
  | {
      readonly kind: 'delta';
      readonly vm: string;
      readonly disk: string;
      readonly change: 'created' | 'discarded' | 'transferred' | 'merged';
      /** How much is in it, in bytes. */
      readonly written: number;
    }
  | { readonly kind: 'warning'; readonly code: Reason; readonly about: string }
  // What the scenario did
  | {
      readonly kind: 'step';
      readonly number: number;
      readonly title: string;
      readonly line: number;
    }
  | {
      readonly kind: 'fault';
      readonly fault: string;
      readonly target: string;
      /** As seen from the target, where that makes a difference. */
      readonly direction?: 'in' | 'out' | 'both' | 'back' | 'forward';
      /** The process that hangs or goes on. */
      readonly daemon?: 'vpn' | 'proxy_arp' | 'dhcp';
      /** Of a process that serves several networks, the one that it hangs for. */
      readonly network?: string;
      /** The ports whose frames are concerned, of what is done to cables. */
      readonly ports?: readonly string[];
      /** How bad a line has become: the share of frames, nanoseconds, bits per second or bytes. */
      readonly amount?: number;
      readonly line: number;
    }
  | {
      readonly kind: 'verdict';
      readonly expectation: string;
      readonly line: number;
      readonly verdict: 'met' | 'broken' | 'not-checked';
      readonly because?: string;
    };

export type MachineRole =
  | 'vm'
  | 'replica'
  | 'router'
  | 'tenant-appliance'
  | 'provider-appliance'
  | 'cloud-gateway'
  | 'edge-gateway'
  | 'internet'
  | 'dhcp-server'
  | 'client'
  | 'provider-router'
  | 'switch';
export type NeighbourState =
  | 'none'
  | 'incomplete'
  | 'reachable'
  | 'stale'
  | 'delay'
  | 'probe'
  | 'failed'
  | 'permanent';
export type AddressOrigin = 'static' | 'dhcp' | 'link-local' | 'appliance';
/** As the product has them: Ready, In progress, Completed, Failed, Undo in progress, Undo failed. */
export type PlanState =
  | 'ready'
  | 'in-progress'
  | 'completed'
  | 'failed'
  | 'undo-in-progress'
  | 'undo-failed';
export type ReplicaState =
  | 'ready'
  | 'processing'
  | 'failover'
  | 'failed-failover'
  | 'ready-to-switch'
  | 'failback'
  | 'permanent-failover';

interface Common {
  /** Position in the log, from 0. */
  readonly id: number;
  readonly at: Instant;
  /** The device it happened on; `lab` for the scenario and the controller. */
  readonly node: string;
  /** Id of the event that led to this one; -1 for none. */
  readonly cause: number;
}

/** One frame put on a link. Whether it arrived: it did at `arrives`, unless a later drop names it as its cause. */
export interface FrameSent extends Common {
  readonly kind: 'frame';
  /** `web01.eth0`. */
  readonly from: string;
  readonly to: string;
  readonly arrives: Instant;
  readonly length: number;
  /** Empty when the log was kept without bytes. */
  readonly bytes: Uint8Array;
}

/** One frame put on every port of a VLAN but the one it came from. */
export interface FrameFlooded extends Common {
  readonly kind: 'flood';
  readonly from: string;
  readonly to: readonly string[];
  readonly arrives: Instant;
  readonly length: number;
  readonly bytes: Uint8Array;
}

/** An IP packet that went into a tunnel, or came out of it, at one of its ends. */
export interface PacketTunnelled extends Common {
  readonly kind: 'packet';
  /** `nea-hq.wg-lan10`. */
  readonly interface: string;
  readonly direction: 'in' | 'out';
  readonly length: number;
  /** From the IP header on. */
  readonly bytes: Uint8Array;
}

export interface FrameDropped extends Common {
  readonly kind: 'drop';
  readonly port: string;
  readonly reason: Reason;
  readonly length: number;
  readonly bytes: Uint8Array;
}

export type TraceEvent =
  | FrameSent
  | FrameFlooded
  | FrameDropped
  | PacketTunnelled
  | (Common & Fact);
