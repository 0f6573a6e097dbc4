import type { EspCrypto } from '../stack/ipsec/crypto.ts';
import type { WireGuardCrypto } from '../stack/wireguard/crypto.ts';

/** The cryptography of all tunnels of a lab. */
export type LabCrypto = WireGuardCrypto & EspCrypto;
