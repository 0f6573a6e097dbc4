import test from 'ava';
import fc from 'fast-check';
import { hex } from '../../src/base/bytes.ts';
import { finishChecksum } from '../../src/emu/finish-checksum.ts';

/** UDP from 10.0.0.1:4660 to 10.0.0.2:22136 with four bytes; tests put the checksum in. */
const whole = hex(
  '020000000002 020000000001 0800 4500 0020 0001 0000 40 11 66ca 0a000001 0a000002' +
    '1234 5678 000c 0000 01020304',
);

/** What is added up before the packet itself: addresses, protocol and length (RFC 768). */
function pseudoSum(frame: Uint8Array): number {
  const data = new DataView(frame.buffer, frame.byteOffset);
  const length = data.getUint16(16) - 20;
  let sum = frame[23]! + length;
  for (let at = 26; at < 34; at += 2) sum += data.getUint16(at);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return sum;
}

/** Adds all 16-bit words of a UDP datagram with its pseudo-header: 0xffff where its checksum is right. */
function totalOf(frame: Uint8Array): number {
  const data = new DataView(frame.buffer, frame.byteOffset);
  const length = data.getUint16(16) - 20;
  let sum = pseudoSum(frame);
  for (let at = 0; at < length; at += 1) sum += frame[34 + at]! << (at % 2 === 0 ? 8 : 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return sum;
}

test('a checksum that a kernel has left to the network card is finished', (t) => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 0, maxLength: 64 }), (payload) => {
      const frame = new Uint8Array(42 + payload.length);
      frame.set(whole.subarray(0, 40));
      frame.set(payload, 42);
      const data = new DataView(frame.buffer);
      data.setUint16(16, 28 + payload.length);
      data.setUint16(38, 8 + payload.length);
      data.setUint16(40, pseudoSum(frame)); // what Linux writes: CHECKSUM_PARTIAL
      finishChecksum(frame);
      t.is(totalOf(frame), 0xffff);
      t.not(data.getUint16(40), 0);
    }),
    { seed: 768 },
  );
});

test('a checksum that is there is left alone, whether it is right or not', (t) => {
  for (const sum of [0x1111, 0xbeef, 0]) {
    const frame = whole.slice();
    new DataView(frame.buffer).setUint16(40, sum);
    const before = frame.slice();
    finishChecksum(frame);
    t.deepEqual(frame, before);
  }
});

test('no prefix of a frame, and no claim of a length, makes it read or write past the end', (t) => {
  for (let length = 0; length <= whole.length; length += 1) {
    const short = whole.slice(0, length);
    t.notThrows(() => finishChecksum(short));
  }
  const liar = whole.slice();
  new DataView(liar.buffer).setUint16(16, 0xffff);
  t.notThrows(() => finishChecksum(liar));
});
