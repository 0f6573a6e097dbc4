/**
 * What should never be so on any wire, asked or not. Scenario files switch each by its name, and
 * findings carry it; a name never changes its meaning. `explain/invariants.ts` watches them.
 */
export interface InvariantEntry {
  /** What is wrong when it is broken. */
  readonly meaning: string;
  readonly remedy: string;
}

/** In the order in which they are told. */
export const invariants = {
  two_answers: {
    meaning: 'Two machines answer ARP for one address while both could have it.',
    remedy: 'Find out which of them should have it, and silence the other.',
  },
  proxy_for_own_side: {
    meaning: 'A proxy answers ARP for a host that is alive on the same side as whoever asks.',
    remedy: 'Let the proxy answer for what is on the other side only: `scope: as-told`.',
  },
  two_lives: {
    meaning: 'A VM and its replica are both switched on and have the same address.',
    remedy: 'Power the original off before its replica starts.',
  },
  no_announcement: {
    meaning:
      'An address has moved to another MAC address, no gratuitous ARP told so in time, and a neighbour still sends to the old one.',
    remedy: 'Let the appliance announce what it stands in for: `gratuitous_arp: both`.',
  },
  loop: {
    meaning: 'A frame or packet goes round in a circle.',
    remedy: 'Look at the routes and bridges of the places that are named.',
  },
  storm: {
    meaning: 'More than five hundred broadcasts of one sender pass one port within a second.',
    remedy: 'Find the sender, or the loop that its frames go round in.',
  },
  foreign_tenant: {
    meaning: 'A machine of one tenant received a frame of another tenant.',
    remedy: 'Give every tenant VLANs of its own.',
  },
  silent_large_loss: {
    meaning: 'A large packet is dropped for its size, and its sender is not told.',
    remedy:
      'Let the appliances say so (`tunnel: { pmtud: true }`) or lower the MSS (`mss_clamp: true`).',
  },
  drop_without_reason: {
    meaning: 'A frame came to a device and nothing came of it, not even a reason.',
    remedy: 'It is a fault of Standin: please report it with the scenario and the seed.',
  },
} as const satisfies Record<string, InvariantEntry>;

export type InvariantName = keyof typeof invariants;
export const invariantNames = Object.keys(invariants) as readonly InvariantName[];
