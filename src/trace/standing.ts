/** A lab on kernels, as plain data: what would be made for it, and how it stands. */

/** Who handles the packets of a machine: a kernel, or Standin itself. */
export type Host = 'kernel' | 'standin';

/** What would be made for one machine. */
export interface MachineSketch {
  readonly name: string;
  /** `guest`, `router`, `cloud gateway`, … */
  readonly kind: string;
  readonly host: Host;
  /** From the beginning. */
  readonly running: boolean;
  readonly adapters: readonly {
    readonly name: string;
    readonly mac: string;
    readonly mtu: number;
    /** `10.0.10.20/24`, `by DHCP`; empty where it has none. */
    readonly address: string;
  }[];
  /** Programs that run in its namespace. */
  readonly programs: readonly string[];
}

export interface LabSketch {
  readonly machines: readonly MachineSketch[];
  /** Switches that are bridges of a kernel. */
  readonly bridges: readonly { readonly name: string; readonly ports: number }[];
  /** From the beginning, with the one that all cables lead through. */
  readonly namespaces: number;
  readonly cables: number;
  /** From the beginning, with those that serve the lab as a whole. */
  readonly processes: number;
}

export interface MachineStatus {
  readonly name: string;
  readonly host: Host;
  readonly power: string;
  /** What the kernel calls it, where there is one. */
  readonly namespace: string | undefined;
  readonly adapters: readonly {
    readonly name: string;
    /** What the kernel calls it. */
    readonly device: string | undefined;
    readonly mac: string;
    readonly addresses: readonly string[];
    readonly neighbours: readonly {
      readonly ip: string;
      readonly mac: string;
      readonly state: string;
    }[];
  }[];
}

export interface LabStatus {
  /** In nanoseconds since it began. */
  readonly now: number;
  /** How late something happened at worst, in nanoseconds. */
  readonly latest: number;
  readonly machines: readonly MachineStatus[];
  readonly tunnels: readonly {
    readonly node: string;
    readonly tunnel: string;
    readonly state: string;
  }[];
}
