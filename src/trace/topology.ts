/**
 * What a scenario is made of, as nodes and lines, for whoever draws it: from left to right the sites of
 * the tenants, the internet, the service provider.
 */

export interface TopologyGraph {
  readonly title: string;
  readonly areas: readonly GraphArea[];
  readonly edges: readonly GraphEdge[];
}

/** A frame around nodes. */
export interface GraphArea {
  readonly title: string;
  readonly side: 'tenant' | 'internet' | 'provider';
  readonly nodes: readonly GraphNode[];
}

export type GraphRole =
  | 'vm'
  | 'network'
  | 'appliance'
  | 'router'
  | 'internet'
  | 'client'
  | 'cloud-gateway'
  | 'provider-appliance'
  | 'edge-gateway'
  | 'plan-network'
  | 'replica';

export interface GraphNode {
  /** `n1`, in the order of the file: nothing of a name is in it. */
  readonly id: string;
  readonly role: GraphRole;
  /** As the user named it. */
  readonly title: string;
  /** An address, a subnet, a VLAN; may be empty. */
  readonly detail: string;
}

export interface GraphEdge {
  readonly from: string;
  readonly to: string;
  /** A cable or a virtual one; what is in a tunnel; a VM and its replica, or a network and that of its replicas. */
  readonly kind: 'cable' | 'tunnel' | 'mapping';
  /** May be empty. */
  readonly title: string;
}
