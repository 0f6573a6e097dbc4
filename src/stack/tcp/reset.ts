/** Resets for segments that belong to no connection (RFC 9293 section 3.5.2, group 1). */
import { advance, sequence } from '../../base/sequence.ts';
import { type TcpSegment, tcpFlag } from '../../wire/tcp.ts';

/** How much of the sequence space a segment takes up; SEG.LEN. */
export const segmentLength = (segment: TcpSegment): number =>
  segment.payload.length +
  (segment.flags & tcpFlag.syn ? 1 : 0) +
  (segment.flags & tcpFlag.fin ? 1 : 0);

/** The reset that answers a segment, in the other direction; none if it is a reset itself. */
export function resetFor(segment: TcpSegment): TcpSegment | undefined {
  if (segment.flags & tcpFlag.rst) return undefined;
  const acks = (segment.flags & tcpFlag.ack) !== 0;
  return {
    sourcePort: segment.destinationPort,
    destinationPort: segment.sourcePort,
    sequence: acks ? segment.acknowledgment : sequence(0),
    acknowledgment: acks ? sequence(0) : advance(segment.sequence, segmentLength(segment)),
    flags: acks ? tcpFlag.rst : tcpFlag.rst | tcpFlag.ack,
    window: 0,
    urgent: 0,
    options: [],
    payload: nothing,
  };
}

const nothing = new Uint8Array(0);
