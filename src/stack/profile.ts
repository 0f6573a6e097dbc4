/**
 * How operating systems differ where the standards leave room or are not followed: data, so that a
 * guest's behaviour is a choice of the scenario. The figures of `linux` were measured on Linux 6.18
 * or read in its source; those of `windows` come from secondary sources and are not verified here;
 * `strict` does what the RFCs say.
 */
import { type Duration, milliseconds, seconds } from '../base/time.ts';

export interface Profile {
  readonly name: 'linux' | 'windows' | 'strict';
  /** Time to live of what it sends. */
  readonly ttl: number;
  readonly arp: {
    /** A request for our own address makes an entry for its sender (RFC 826, "Packet Reception"). */
    readonly learnsFromRequests: boolean;
    /** A reply that nobody asked for, but addressed to us, makes an entry (RFC 826 does not ask whether it was asked for). */
    readonly learnsFromReplies: boolean;
    /** Any packet with a known sender updates that sender's entry (RFC 826, the merge flag). */
    readonly merges: boolean;
    /** A second reply within this time of the last change is ignored. 0: the newest wins. */
    readonly locktime: Duration;
    /** Refuses a sender whose hardware address is a group or all zero (RFC 1812 section 3.3.2). */
    readonly refusesGroupSender: boolean;
    /** Mean time for which an entry is believed without a sign of life. */
    readonly reachable: Duration;
    /** The mean is multiplied by something between 0.5 and 1.5 (RFC 4861 section 6.3.2). */
    readonly randomises: boolean;
    /** An unconfirmed entry is used this long before it is checked; 0: it is dropped when it ages. */
    readonly delayFirstProbe: Duration;
    readonly unicastProbes: number;
    readonly broadcastProbes: number;
    readonly retransmit: Duration;
    /** How much may wait for one reply: bytes (with their bookkeeping, as Linux counts) or packets. */
    readonly queueBytes: number;
    readonly queuePackets: number;
    /** Entries that are left alone, that may stay for long, and that there may be (gc_thresh1 to 3). */
    readonly entriesKept: number;
    readonly entriesSoft: number;
    readonly entriesMax: number;
    /** Answers for an address of another of its adapters (weak host, arp_ignore=0). */
    readonly answersForOtherInterfaces: boolean;
  };
  /** Address conflict detection (RFC 5227), or none at all. */
  readonly conflictDetection: {
    readonly probes: boolean;
    readonly announces: number;
    /** `never`: hold on silently. `once`: defend once in 10 s, then give up. `always`: hold on and defend. */
    readonly defends: 'never' | 'once' | 'always';
    /** Gives the address up when a probe of its own meets a conflict, and falls back to 169.254/16. */
    readonly fallsBackToLinkLocal: boolean;
  };
  readonly icmp: {
    /** One error a second and destination, after a burst, for types 3, 4, 11 and 12 (icmp_ratelimit). */
    readonly rateLimit: boolean;
    /** One "no route" a second and sender, whatever `rateLimit` says. */
    readonly noRouteLimit: boolean;
    readonly answersBroadcastEcho: boolean;
  };
  readonly reassembly: { readonly timeout: Duration; readonly memory: number };
  readonly pathMtuLeast: number;
  readonly tcp: {
    /** Waits before the second, third, … SYN; after the last, the attempt has failed. */
    readonly synWaits: readonly Duration[];
    readonly synAckWaits: readonly Duration[];
    readonly rtoLeast: Duration;
    /** How many segments may be on the way at first: RFC 6928's ten, or RFC 5681's two to four. */
    readonly initialWindow: 'ten' | 'few';
    /** An open connection is given up when both are reached without an answer (RFC 9293 3.8.3, R2). */
    readonly giveUp: { readonly after: Duration; readonly retries: number };
    /** An ICMP error that may pass, such as host unreachable, ends an attempt to connect at once. */
    readonly softErrorsEndConnecting: boolean;
    readonly timeWait: Duration;
  };
  readonly dhcp: {
    /** Keeps an unexpired lease when no server answers at start (RFC 2131 section 3.2: MAY). */
    readonly keepsLeaseUnanswered: boolean;
    /** How long it looks for a server before it takes a link-local address; undefined: never. */
    readonly linkLocalAfter: Duration | undefined;
    /** How long it rests after it has found no server. */
    readonly retryEvery: Duration;
    /** Waits at random before it says its first word, so that a site that is powered on does not shout. */
    readonly startDelay: { readonly least: Duration; readonly most: Duration };
    /** How long it waits after each DISCOVER; after the last it has found no server. */
    readonly discoverWaits: readonly Duration[];
    /** The same for a REQUEST while it has no address; after the last it starts over. */
    readonly requestWaits: readonly Duration[];
    /** Each of these waits is longer or shorter by up to this much. */
    readonly jitter: Duration;
    /** Asks for broadcast replies, because it cannot hear unicast without an address. */
    readonly broadcastFlag: boolean;
  };
}

const atOnce = { least: seconds(0), most: seconds(0) };

/** busybox udhcpc with its defaults: three times, 3 s apart (measured), again after 20 s (its usage text). */
const udhcpc: Profile['dhcp'] = {
  keepsLeaseUnanswered: true,
  linkLocalAfter: undefined,
  retryEvery: seconds(20),
  startDelay: atOnce,
  discoverWaits: [3, 3, 3].map(seconds),
  requestWaits: [3, 3, 3].map(seconds),
  jitter: seconds(0),
  broadcastFlag: false,
};

/** ISC dhclient: measured 6, 11, 14, 8, 13, 9 s; the spread and the five minutes are not verified. */
export const dhclient: Profile['dhcp'] = {
  ...udhcpc,
  retryEvery: seconds(300),
  discoverWaits: [10, 10, 10, 10, 10, 10].map(seconds),
  requestWaits: [10, 10, 10, 10].map(seconds),
  jitter: seconds(5),
};

const linuxSynWaits = [1, 1, 1, 1, 1, 2, 4, 8, 16, 32, 64].map(seconds);

export const linux: Profile = {
  name: 'linux',
  ttl: 64,
  arp: {
    learnsFromRequests: true,
    learnsFromReplies: false,
    merges: true,
    locktime: seconds(1),
    refusesGroupSender: false,
    reachable: seconds(30),
    randomises: true,
    delayFirstProbe: seconds(5),
    unicastProbes: 3,
    broadcastProbes: 3,
    retransmit: seconds(1),
    queueBytes: 212_992,
    queuePackets: 4096,
    entriesKept: 128,
    entriesSoft: 512,
    entriesMax: 1024,
    answersForOtherInterfaces: true,
  },
  conflictDetection: { probes: false, announces: 0, defends: 'never', fallsBackToLinkLocal: false },
  icmp: { rateLimit: true, noRouteLimit: true, answersBroadcastEcho: false },
  reassembly: { timeout: seconds(30), memory: 4 << 20 },
  pathMtuLeast: 552,
  tcp: {
    synWaits: linuxSynWaits,
    synAckWaits: [1, 2, 4, 8, 16, 32].map(seconds),
    rtoLeast: milliseconds(200),
    initialWindow: 'ten', // TCP_INIT_CWND
    giveUp: { after: milliseconds(924_600), retries: 0 }, // tcp_retries2=15: the sum of its waits
    softErrorsEndConnecting: true,
    timeWait: seconds(60),
  },
  dhcp: udhcpc,
};

export const windows: Profile = {
  name: 'windows',
  ttl: 128,
  arp: {
    ...linux.arp,
    locktime: milliseconds(0),
    refusesGroupSender: true,
    queueBytes: 1 << 20,
    queuePackets: 256,
    answersForOtherInterfaces: false,
  },
  conflictDetection: { probes: true, announces: 2, defends: 'once', fallsBackToLinkLocal: true },
  icmp: { rateLimit: false, noRouteLimit: false, answersBroadcastEcho: false },
  reassembly: { timeout: seconds(60), memory: 4 << 20 },
  pathMtuLeast: 576,
  tcp: {
    synWaits: [1, 2, 4, 8, 16].map(seconds),
    synAckWaits: [1, 2, 4, 8, 16].map(seconds),
    rtoLeast: milliseconds(300),
    initialWindow: 'ten', // InitialCongestionWindow of Get-NetTCPSetting
    giveUp: { after: seconds(0), retries: 5 }, // TcpMaxDataRetransmissions
    softErrorsEndConnecting: false,
    timeWait: seconds(120),
  },
  dhcp: {
    keepsLeaseUnanswered: true,
    linkLocalAfter: seconds(6),
    retryEvery: seconds(300),
    startDelay: atOnce, // not verified, as all that follows
    discoverWaits: [4, 8, 16, 32].map(seconds),
    requestWaits: [4, 8, 16, 32].map(seconds),
    jitter: seconds(1),
    broadcastFlag: true,
  },
};

export const strict: Profile = {
  name: 'strict',
  ttl: 64,
  arp: {
    ...linux.arp,
    learnsFromReplies: true,
    locktime: milliseconds(0),
    refusesGroupSender: true,
    reachable: seconds(1200),
    randomises: false,
    delayFirstProbe: seconds(0),
    answersForOtherInterfaces: false,
    queueBytes: 1 << 20,
    queuePackets: 64,
  },
  conflictDetection: { probes: true, announces: 2, defends: 'once', fallsBackToLinkLocal: false },
  icmp: { rateLimit: false, noRouteLimit: false, answersBroadcastEcho: false },
  reassembly: { timeout: seconds(60), memory: 4 << 20 },
  pathMtuLeast: 68,
  tcp: {
    synWaits: [1, 2, 4, 8, 16, 32, 64].map(seconds),
    synAckWaits: [1, 2, 4, 8, 16, 32].map(seconds),
    rtoLeast: seconds(1),
    initialWindow: 'few',
    giveUp: { after: seconds(100), retries: 3 },
    softErrorsEndConnecting: false,
    timeWait: seconds(240),
  },
  dhcp: {
    keepsLeaseUnanswered: false,
    linkLocalAfter: undefined,
    retryEvery: seconds(300), // ours: the RFC has no rest, and no end of the series
    startDelay: { least: seconds(1), most: seconds(10) }, // RFC 2131 section 4.4.1
    discoverWaits: [4, 8, 16, 32, 64].map(seconds), // section 4.1
    requestWaits: [4, 8, 16, 32].map(seconds), // section 3.1: four times, 60 s in all
    jitter: seconds(1),
    broadcastFlag: true,
  },
};

export const profiles = { linux, windows, strict } as const;
