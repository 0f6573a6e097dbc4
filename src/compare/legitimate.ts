/**
 * The differences that a simulation and a kernel may have, and there are no others. Most of them
 * cannot show: what a kernel draws by chance is in no layer. The others are recognised one by one.
 */
import { milliseconds } from '../base/time.ts';
import type { Layer } from './comparison.ts';
import type { Item } from './item.ts';

/** Something that is on one side and not on the other, or not in the same place. */
export interface Candidate {
  readonly layer: Layer;
  readonly simulated?: Item;
  readonly emulated?: Item;
  /** What it changed places with, in the simulation. */
  readonly passed?: readonly Item[];
}

interface Rule {
  readonly meaning: string;
  /** None: no layer compares it. */
  readonly recognises?: (candidate: Candidate) => boolean;
}

/** Replies that the simulation sends so soon after one another may swap in a kernel. */
const swapMost = milliseconds(1);

const one = ({ simulated, emulated }: Candidate): Item | undefined =>
  simulated === undefined || emulated === undefined ? (simulated ?? emulated) : undefined;

export const legitimate = {
  L1: {
    meaning:
      'drawn by chance: IP identification, initial sequence numbers, ephemeral ports and keys, TCP timestamps, indices, xid',
  },
  L2: {
    meaning: 'checksums that a kernel leaves to its adapter',
  },
  L3: {
    meaning:
      'timers with chance in them: how long a neighbour counts as reachable (15 to 45 s) before it is asked again, backoff and jitter',
    recognises: (candidate) => {
      const { layer, simulated, emulated } = candidate;
      if (layer === 'ARP') return one(candidate)?.traits?.refresh === true;
      if (layer === 'neighbours')
        return isExpiry(simulated, emulated) || isExpiry(emulated, simulated);
      if (layer === 'WireGuard') return one(candidate)?.traits?.timed === true;
      return false;
    },
  },
  L16: {
    meaning:
      'what a kernel has asked and been told before: how long it keeps an entry that nobody uses, and so how often it asks for it again, depends on its table',
    recognises: (candidate) => candidate.layer === 'ARP' && one(candidate)?.traits?.again === true,
  },
  L4: {
    meaning: 'background traffic: IPv6, IGMP, LLDP',
    recognises: (candidate) => one(candidate)?.traits?.background === true,
  },
  L6: {
    meaning: 'a Linux kernel neither asks whether an address is free nor announces it (RFC 5227)',
    recognises: ({ layer, simulated, emulated }) =>
      layer === 'ARP' && simulated?.traits?.claim === true && emulated === undefined,
  },
  L13: {
    meaning:
      'DHCP programs beside a kernel: busybox udhcpc asks anew for the address that it had, where RFC 2131 section 3.2 confirms it; dnsmasq notes a client as neighbour before it answers by unicast',
    recognises: ({ layer, simulated, emulated }) => {
      const reboots = [simulated, emulated].every(
        (item) => item?.traits?.reboots !== undefined || !item,
      );
      if (layer === 'DHCP') return reboots;
      return layer === 'neighbours' && simulated === undefined && emulated?.traits?.leased === true;
    },
  },
  L15: {
    meaning: 'the scheduling of a kernel: what is sent within one millisecond may swap',
    recognises: ({ simulated, passed }) =>
      passed?.every(({ at }) => Math.abs(at - simulated!.at) <= swapMost) === true,
  },
} as const satisfies Record<string, Rule>;

export type LegitimateId = keyof typeof legitimate;

/** The entry has expired on one side, because nobody answered, and on the other its time has not come. */
const isExpiry = (gone: Item | undefined, there: Item | undefined): boolean =>
  gone?.traits?.expired === true && there !== undefined && gone.traits.was === there.what;

export function legitimateId(candidate: Candidate): LegitimateId | undefined {
  for (const [id, rule] of Object.entries<Rule>(legitimate))
    if (rule.recognises?.(candidate)) return id as LegitimateId;
  return undefined;
}
