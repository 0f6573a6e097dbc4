/**
 * The four messages of WireGuard, as they travel in UDP (whitepaper section 5.4). Numbers are
 * little-endian; the first byte is the type and the three after it are zero.
 *
 *    initiation  0 type=1   4 sender   8 ephemeral  40 static+16  88 timestamp+16
 *                116 mac1  132 mac2   148 end
 *    response    0 type=2   4 sender   8 receiver   12 ephemeral  44 nothing+16
 *                60 mac1   76 mac2    92 end
 *    cookie      0 type=3   4 receiver 8 nonce      32 cookie+16  64 end
 *    data        0 type=4   4 receiver 8 counter    16 packet+16  32 or more
 *
 * What a sealed field says only the holder of a key can tell: see `stack/wireguard`.
 */
import { Malformed } from './malformed.ts';

export interface WireguardInitiation {
  readonly kind: 'initiation';
  /** What the initiator calls the session it asks for. */
  readonly sender: number;
  readonly ephemeral: Uint8Array;
  readonly sealedStatic: Uint8Array;
  readonly sealedTimestamp: Uint8Array;
  readonly mac1: Uint8Array;
  /** All zero, unless the responder has asked for a cookie. */
  readonly mac2: Uint8Array;
}

export interface WireguardResponse {
  readonly kind: 'response';
  readonly sender: number;
  readonly receiver: number;
  readonly ephemeral: Uint8Array;
  readonly sealedNothing: Uint8Array;
  readonly mac1: Uint8Array;
  readonly mac2: Uint8Array;
}

export interface WireguardCookieReply {
  readonly kind: 'cookie-reply';
  readonly receiver: number;
  readonly nonce: Uint8Array;
  readonly sealedCookie: Uint8Array;
}

export interface WireguardData {
  readonly kind: 'data';
  readonly receiver: number;
  /** The upper and lower 32 bits of the counter: together they exceed what a number holds. */
  readonly counterHigh: number;
  readonly counterLow: number;
  /** The inner packet, padded and sealed; 16 bytes for a keepalive. */
  readonly sealed: Uint8Array;
}

export type WireguardMessage =
  | WireguardInitiation
  | WireguardResponse
  | WireguardCookieReply
  | WireguardData;

export const wireguardSize = {
  initiation: 148,
  response: 92,
  cookieReply: 64,
  /** Of a data message, in front of the sealed packet. */
  dataHeader: 16,
  /** The whole of the shortest data message, a keepalive. */
  dataMin: 32,
} as const;

/** Both macs stand at the end of a handshake message, 16 bytes each. */
export const macSize = 16;

/** Reads one datagram. What is neither of the four in type and length is malformed. */
export function decodeWireguard(bytes: Uint8Array): WireguardMessage | Malformed {
  if (bytes.length < 4) return new Malformed('wireguard', 'truncated', bytes.length);
  if ((bytes[1]! | bytes[2]! | bytes[3]!) !== 0) return new Malformed('wireguard', 'bad-value', 1);
  switch (bytes[0]) {
    case 4:
      if (bytes.length < wireguardSize.dataMin)
        return new Malformed('wireguard', 'truncated', bytes.length);
      return {
        kind: 'data',
        receiver: word(bytes, 4),
        counterLow: word(bytes, 8),
        counterHigh: word(bytes, 12),
        sealed: bytes.subarray(wireguardSize.dataHeader),
      };
    case 1:
      if (bytes.length !== wireguardSize.initiation)
        return wrongLength(bytes, wireguardSize.initiation);
      return {
        kind: 'initiation',
        sender: word(bytes, 4),
        ephemeral: bytes.subarray(8, 40),
        sealedStatic: bytes.subarray(40, 88),
        sealedTimestamp: bytes.subarray(88, 116),
        mac1: bytes.subarray(116, 132),
        mac2: bytes.subarray(132, 148),
      };
    case 2:
      if (bytes.length !== wireguardSize.response)
        return wrongLength(bytes, wireguardSize.response);
      return {
        kind: 'response',
        sender: word(bytes, 4),
        receiver: word(bytes, 8),
        ephemeral: bytes.subarray(12, 44),
        sealedNothing: bytes.subarray(44, 60),
        mac1: bytes.subarray(60, 76),
        mac2: bytes.subarray(76, 92),
      };
    case 3:
      if (bytes.length !== wireguardSize.cookieReply)
        return wrongLength(bytes, wireguardSize.cookieReply);
      return {
        kind: 'cookie-reply',
        receiver: word(bytes, 4),
        nonce: bytes.subarray(8, 32),
        sealedCookie: bytes.subarray(32, 64),
      };
    default:
      return new Malformed('wireguard', 'unsupported', 0);
  }
}

/** Writes one message. Fields must have the lengths that the layout above gives them. */
export function encodeWireguard(message: WireguardMessage): Uint8Array {
  switch (message.kind) {
    case 'initiation': {
      const bytes = begin(1, wireguardSize.initiation, message.sender);
      bytes.set(message.ephemeral, 8);
      bytes.set(message.sealedStatic, 40);
      bytes.set(message.sealedTimestamp, 88);
      bytes.set(message.mac1, 116);
      bytes.set(message.mac2, 132);
      return bytes;
    }
    case 'response': {
      const bytes = begin(2, wireguardSize.response, message.sender);
      writeWord(bytes, 8, message.receiver);
      bytes.set(message.ephemeral, 12);
      bytes.set(message.sealedNothing, 44);
      bytes.set(message.mac1, 60);
      bytes.set(message.mac2, 76);
      return bytes;
    }
    case 'cookie-reply': {
      const bytes = begin(3, wireguardSize.cookieReply, message.receiver);
      bytes.set(message.nonce, 8);
      bytes.set(message.sealedCookie, 32);
      return bytes;
    }
    case 'data': {
      const length = wireguardSize.dataHeader + message.sealed.length;
      const bytes = beginData(length, message.receiver, message.counterHigh, message.counterLow);
      bytes.set(message.sealed, wireguardSize.dataHeader);
      return bytes;
    }
  }
}

/** The header of a data message of `length` bytes in all; whoever asks seals the packet into the rest. */
export function beginData(
  length: number,
  receiver: number,
  counterHigh: number,
  counterLow: number,
): Uint8Array {
  const bytes = begin(4, length, receiver);
  writeWord(bytes, 8, counterLow);
  writeWord(bytes, 12, counterHigh);
  return bytes;
}

function begin(type: number, length: number, index: number): Uint8Array {
  const bytes = new Uint8Array(length);
  bytes[0] = type;
  writeWord(bytes, 4, index);
  return bytes;
}

const wrongLength = (bytes: Uint8Array, right: number): Malformed =>
  bytes.length < right
    ? new Malformed('wireguard', 'truncated', bytes.length)
    : new Malformed('wireguard', 'bad-length', right);

// By hand and not through a DataView: one less object for every data message.
const word = (bytes: Uint8Array, at: number): number =>
  (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0;

/** Writes the lower 32 bits, little-endian. */
export function writeWord(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value;
  bytes[at + 1] = value >>> 8;
  bytes[at + 2] = value >>> 16;
  bytes[at + 3] = value >>> 24;
}
