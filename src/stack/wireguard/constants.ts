/**
 * The numbers of WireGuard: whitepaper section 6.1, and for what it leaves open those that Linux
 * uses (drivers/net/wireguard/messages.h).
 */
import { utf8 } from '../../base/bytes.ts';
import { milliseconds, seconds } from '../../base/time.ts';

/** REKEY-AFTER-TIME: the initiator asks for a new session when it sends with one this old. */
export const rekeyAfter = seconds(120);
/** REJECT-AFTER-TIME: no session is used beyond this age. */
export const rejectAfter = seconds(180);
/** REKEY-ATTEMPT-TIME: how long a handshake is tried for. */
export const attemptFor = seconds(90);
/** REKEY-TIMEOUT: no two initiations to one peer come closer. */
export const rekeyTimeout = seconds(5);
/** Added to a retry so that two ends that started together fall apart (section 6.1; a third of a second in Linux). */
export const jitterMax = milliseconds(333);
/** KEEPALIVE-TIMEOUT: who has received and has nothing to say says so after this long. */
export const keepaliveTimeout = seconds(10);
/** A session this old is renewed by the initiator when it receives: there is just time to try. */
export const rekeyOnReceiveAfter = seconds(165);
/** Who has sent and heard nothing this long starts anew (KEEPALIVE-TIMEOUT + REKEY-TIMEOUT). */
export const silenceMax = seconds(15);
/** Everything secret is wiped this long after the last handshake (three times REJECT-AFTER-TIME). */
export const wipeAfter = seconds(540);

/** REKEY-AFTER-MESSAGES is 2^60: the upper half of the counter at that point. */
export const rekeyAfterMessagesHigh = 2 ** 28;
/** REJECT-AFTER-MESSAGES is 2^64 - 2^13 - 1: the two halves of the first counter not to be used. */
export const rejectCounterHigh = 0xffff_ffff;
export const rejectCounterLow = 0xffff_dfff;

/** Packets that wait for a session, per peer (MAX_STAGED_PACKETS). */
export const stagedMax = 128;
/** Two initiations of one peer must be this far apart: 50 a second (INITIATIONS_PER_SECOND). */
export const initiationEvery = milliseconds(20);
/** Peers of one tunnel (MAX_PEERS_PER_DEVICE). */
export const peersMax = 2 ** 20;
/** Inner packets are padded to a multiple of this (section 5.4.6). */
export const paddingMultiple = 16;

/** COOKIE-REFRESH-TIME: how long a cookie, and the secret it is made of, is good. */
export const cookieSecretFor = seconds(120);
/** An initiator stops using a cookie a little earlier, since it takes time to arrive (COOKIE_SECRET_LATENCY 5 s). */
export const cookieUsedFor = seconds(115);
/** How long one counts as busy after one was (Linux: 1 s). */
export const busyFor = seconds(1);
/** Handshake messages within a second that count as busy, as the length of Linux's queue does. */
export const busyAtDefault = 512;

/** Type of service of what asks for a session and what grants it: AF41, no ECN (Linux: HANDSHAKE_DSCP). A cookie reply goes without. */
export const handshakeTos = 0x88;

export const construction = utf8('Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s');
/** Part of the protocol's first hash; the name and address of its author (section 5.4). */
export const identifier = utf8('WireGuard v1 zx2c4 Jason@zx2c4.com');
export const labelMac1 = utf8('mac1----');
export const labelCookie = utf8('cookie--');
