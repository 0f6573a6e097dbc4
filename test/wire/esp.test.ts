import test from 'ava';
import fc from 'fast-check';
import { hex } from '../../src/base/bytes.ts';
import {
  decodeEsp,
  decodeEspContent,
  encodeEsp,
  encodeEspContent,
  espPadding,
  kindOfEncapsulated,
} from '../../src/wire/esp.ts';
import { Malformed } from '../../src/wire/malformed.ts';

const bytes = (options: { minLength?: number; maxLength: number }) => fc.uint8Array(options);

test('RFC 4303 section 2: SPI, sequence number and IV in front of what is sealed', (t) => {
  const sealed = hex('aabbccdd' + '00112233445566778899aabbccddeeff');
  const packet = hex(
    '0000a5f8 0000000a facedbaddecaf888' + 'aabbccdd00112233445566778899aabbccddeeff',
  );
  t.deepEqual(decodeEsp(packet), {
    spi: 0xa5f8,
    sequence: 10,
    iv: hex('facedbaddecaf888'),
    sealed,
  });
});

test('RFC 4303 section 2: ESP is no shorter than its fields, ends on a word, and its SPI is not 0', (t) => {
  const packet = hex('00000001 00000001 0000000000000001' + '00'.repeat(20));
  t.false(decodeEsp(packet) instanceof Malformed);
  t.deepEqual(decodeEsp(packet.subarray(0, 35)), new Malformed('esp', 'truncated', 35));
  for (const more of [1, 2, 3])
    t.deepEqual(
      decodeEsp(new Uint8Array([...packet, ...new Uint8Array(more)])),
      new Malformed('esp', 'bad-length', 36 + more),
    );
  t.deepEqual(decodeEsp(packet.with(3, 0)), new Malformed('esp', 'bad-value', 0));
});

test('ESP that is written is read as it was', (t) => {
  const word = fc.nat({ max: 0xffff_ffff });
  const sealed = fc.nat({ max: 400 }).map((words) => new Uint8Array(20 + 4 * words).fill(words));
  const any = fc.record({
    spi: word.filter((spi) => spi > 0),
    sequence: word,
    iv: bytes({ minLength: 8, maxLength: 8 }),
    sealed,
  });
  fc.assert(fc.property(any, (esp) => t.deepEqual(decodeEsp(encodeEsp(esp)), esp)));
});

test('RFC 4303 section 2.4: padding counts up from 1, and brings the trailer to the end of a word', (t) => {
  for (const [length, padding] of [
    [0, 2],
    [1, 1],
    [2, 0],
    [3, 3],
    [84, 2],
  ] as const) {
    t.is(espPadding(length), padding);
    const content = encodeEspContent({ payload: new Uint8Array(length), padding, next: 4 });
    t.is(content.length % 4, 0);
    t.deepEqual([...content.subarray(length, -2)], [1, 2, 3].slice(0, padding));
    t.deepEqual([...content.subarray(-2)], [padding, 4]);
  }
});

test('RFC 4303 section 2.4: a trailer that says more padding than there is, or other padding, is refused', (t) => {
  t.deepEqual(decodeEspContent(hex('04')), new Malformed('esp', 'truncated', 1));
  t.deepEqual(decodeEspContent(hex('01 02 04')), new Malformed('esp', 'bad-length', 1));
  t.deepEqual(decodeEspContent(hex('45 01 03 02 04')), new Malformed('esp', 'bad-value', 2));
  t.deepEqual(decodeEspContent(hex('45 01 02 02 04')), {
    payload: hex('45'),
    padding: 2,
    next: 4,
  });
});

test('RFC 3948 section 2: ESP, IKE and keepalives are told apart on port 4500', (t) => {
  t.is(kindOfEncapsulated(hex('ff')), 'nat-keepalive');
  t.is(kindOfEncapsulated(hex('00000000 11')), 'ike');
  t.is(kindOfEncapsulated(hex('00000100 00000001')), 'esp');
  t.is(kindOfEncapsulated(hex('000000')), 'esp'); // and too short for one: the decoder says so
});
