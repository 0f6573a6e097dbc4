import type { Ipv4 } from '../../wire/address.ts';

/** Where a peer is reached by UDP. Never changed in place. */
export interface Endpoint {
  readonly ip: Ipv4;
  readonly port: number;
}
