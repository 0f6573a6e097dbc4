/**
 * What bridges tell each other: bridge protocol data units of the spanning tree, with the LLC header
 * before them (IEEE 802.1D-1998 section 9.3, IEEE 802.2 section 3.2). They follow the length field
 * of an IEEE 802.3 frame.
 *
 *    0 LLC: 42 42 03   3 protocol=0   5 version   6 type: 0x80 topology change, end; or 0 configuration
 *    7 flags   8 root bridge (8)   16 root path cost   20 bridge (8)   28 port   30 message age
 *   32 maximum age   34 hello time   36 forward delay   38 end; times in 256ths of a second
 */
import { view } from '../base/bytes.ts';
import type { Duration } from '../base/time.ts';
import { type Mac, readMac, writeMac } from './address.ts';
import { Malformed } from './malformed.ts';

/** The lower one wins: by priority, then by address. */
export interface BridgeId {
  readonly priority: number;
  readonly mac: Mac;
}

export interface ConfigurationBpdu {
  readonly kind: 'configuration';
  /** Newer protocols say more than 0 and are read as this one; left out if 0. */
  readonly version?: number;
  readonly flags: number;
  readonly root: BridgeId;
  readonly rootPathCost: number;
  readonly bridge: BridgeId;
  readonly port: number;
  readonly messageAge: Duration;
  readonly maxAge: Duration;
  readonly helloTime: Duration;
  readonly forwardDelay: Duration;
}

export interface TopologyChangeBpdu {
  readonly kind: 'topology-change';
  readonly version?: number;
}

export type Bpdu = ConfigurationBpdu | TopologyChangeBpdu;

export const bpduFlag = { topologyChange: 0x01, topologyChangeAcknowledgment: 0x80 } as const;

/** 01:80:c2:00:00:00, which no bridge forwards (table 7-9). */
export const bridgeGroupMac = 0x0180_c200_0000 as Mac;

const fixedStart = [0x42, 0x42, 0x03, 0, 0];
const topologyChangeSize = 7;
const configurationSize = 38;
const topologyChangeType = 0x80;
const tick = 1e9 / 256;

/** Reads one BPDU and its LLC header. What follows is Ethernet padding and is ignored. */
export function decodeBpdu(bytes: Uint8Array): Bpdu | Malformed {
  if (bytes.length < topologyChangeSize) return new Malformed('bpdu', 'truncated', bytes.length);
  const stranger = fixedStart.findIndex((byte, i) => bytes[i] !== byte);
  if (stranger >= 0) return new Malformed('bpdu', 'unsupported', stranger);
  const data = view(bytes);
  const version = data.getUint8(5) === 0 ? {} : { version: data.getUint8(5) };
  if (bytes[6] === topologyChangeType) return { kind: 'topology-change', ...version };
  if (bytes[6] !== 0) return new Malformed('bpdu', 'unsupported', 6);
  if (bytes.length < configurationSize) return new Malformed('bpdu', 'truncated', bytes.length);
  const time = (at: number): Duration => (data.getUint16(at) * tick) as Duration;
  return {
    kind: 'configuration',
    ...version,
    flags: data.getUint8(7),
    root: readBridge(data, 8),
    rootPathCost: data.getUint32(16),
    bridge: readBridge(data, 20),
    port: data.getUint16(28),
    messageAge: time(30),
    maxAge: time(32),
    helloTime: time(34),
    forwardDelay: time(36),
  };
}

/** Writes one BPDU with its LLC header. Times are rounded up to what can be said. */
export function encodeBpdu(bpdu: Bpdu): Uint8Array {
  const isConfiguration = bpdu.kind === 'configuration';
  const bytes = new Uint8Array(isConfiguration ? configurationSize : topologyChangeSize);
  bytes.set(fixedStart);
  bytes[5] = bpdu.version ?? 0;
  bytes[6] = isConfiguration ? 0 : topologyChangeType;
  if (!isConfiguration) return bytes;
  const data = view(bytes);
  data.setUint8(7, bpdu.flags);
  writeBridge(data, 8, bpdu.root);
  data.setUint32(16, bpdu.rootPathCost);
  writeBridge(data, 20, bpdu.bridge);
  data.setUint16(28, bpdu.port);
  const { messageAge, maxAge, helloTime, forwardDelay } = bpdu;
  [messageAge, maxAge, helloTime, forwardDelay].forEach((time, i) => {
    data.setUint16(30 + 2 * i, Math.ceil(time / tick));
  });
  return bytes;
}

const readBridge = (data: DataView, at: number): BridgeId => ({
  priority: data.getUint16(at),
  mac: readMac(data, at + 2),
});

function writeBridge(data: DataView, at: number, { priority, mac }: BridgeId): void {
  data.setUint16(at, priority);
  writeMac(data, at + 2, mac);
}
