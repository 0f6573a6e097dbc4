/** What an extension does with its tunnel, so that machines on one side reach those on the other. */
import type { Instant } from '../base/time.ts';
import type { Sink } from '../stack/device.ts';
import type { Interface } from '../stack/interface.ts';
import type { IpStack } from '../stack/ip-stack.ts';
import { type Ipv4, ipv4, type Mac, type Prefix } from '../wire/address.ts';
import type { FarSide } from './proxy-arp.ts';

export type Side = 'tenant' | 'provider';
/** `proxy-arp-l3` answers for the other side and routes; `l2-bridge` carries frames as they are. */
export type PlaneMode = 'proxy-arp-l3' | 'l2-bridge';

export interface DataPlane {
  /** What may come out of the tunnel, besides what the two appliances have to say to each other. */
  readonly allowedIps: readonly Prefix[];
  /** The operation has reached this appliance: from now on it stands between the two sides. */
  begin(now: Instant, sink: Sink, cause: number): void;
  /** The tunnel has been started, for the first time or anew. */
  tunnelStarted(now: Instant, sink: Sink, cause: number): void;
  /** The address is failed over. */
  adopt(ip: Ipv4, now: Instant, sink: Sink, cause: number): void;
  /** It is not any more. The owner is who has it from now on, as far as known. */
  release(ip: Ipv4, owner: Mac | undefined, now: Instant, sink: Sink, cause: number): void;
  /** Its process hangs or goes on. Says whether it has one. */
  hang(hung: boolean, sink: Sink): boolean;
  /** The operation is undone, and nothing is adopted any more. */
  end(now: Instant, sink: Sink, cause: number): void;
}

/** Where a data plane stands. */
export interface PlaneOptions {
  readonly side: Side;
  /** The production network. */
  readonly network: string;
  /** Its place among those of the tenant, from 0. */
  readonly index: number;
  readonly stack: IpStack;
  /** The adapter in the production network, or in the network of the replicas. */
  readonly segment: Interface;
  /** The end of the tunnel, as an interface of the stack. */
  readonly inner: Interface;
  readonly far: () => FarSide;
}

const sideNumber = { provider: 1, tenant: 2 } as const;

/** The appliances' own addresses in a tunnel, for what they have to say to each other. */
export const innerAddress = (index: number, side: Side): Ipv4 =>
  (ipv4('169.254.200.0') + index * 256 + sideNumber[side]) as Ipv4;

/** The other appliance's address in the tunnel. */
export const farAddress = ({ index, side }: Pick<PlaneOptions, 'index' | 'side'>): Ipv4 =>
  innerAddress(index, side === 'tenant' ? 'provider' : 'tenant');
