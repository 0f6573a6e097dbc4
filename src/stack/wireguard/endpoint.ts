import type { Ipv4 } from '../../wire/address.ts';

/** Where a peer is reached by UDP. Never changed in place. */
export interface Endpoint {
  readonly ip: Ipv4;
  readonly port: number;
}

/** The known endpoint where `from` is the same, so that `===` tells a change. */
export const sameEndpoint = (known: Endpoint | undefined, from: Endpoint): Endpoint =>
  known !== undefined && known.ip === from.ip && known.port === from.port ? known : from;
