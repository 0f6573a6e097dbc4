import test from 'ava';
import fc from 'fast-check';
import { base64 } from '../../src/base/base64.ts';
import { hex, utf8 } from '../../src/base/bytes.ts';
import { nanoseconds, roughly } from '../../src/base/time.ts';
import { boundedUtf8, readUtf8, wellFormed } from '../../src/base/utf8.ts';

test('base64: the vectors of RFC 4648 section 10', (t) => {
  const vectors = ['', 'Zg==', 'Zm8=', 'Zm9v', 'Zm9vYg==', 'Zm9vYmE=', 'Zm9vYmFy'];
  for (const [n, text] of vectors.entries()) t.is(base64(utf8('foobar'.slice(0, n))), text);
});

test('base64 says what Node says', (t) => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 70 }), (bytes) => {
      t.is(base64(bytes), Buffer.from(bytes).toString('base64'));
    }),
    { seed: 4648 },
  );
});

const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

test('bytes that are not UTF-8 are read as the platform reads them (WHATWG Encoding)', (t) => {
  const pieces = [
    'c0',
    'af',
    'e0',
    '80',
    '9f',
    'a0',
    'ed',
    'a0',
    'bf',
    'f0',
    '8f',
    '90',
    'f4',
    '41',
  ];
  const more = ['f5', 'ff', 'c2', 'df', 'ef', 'bb', 'e2', '82', 'ac', 'f1', '00'];
  const byte = fc.oneof(
    fc.constantFrom(...pieces, ...more).map((digits) => hex(digits)[0]!),
    fc.nat(255),
  );
  fc.assert(
    fc.property(fc.array(byte, { maxLength: 12 }), (bytes) => {
      t.is(readUtf8(Uint8Array.from(bytes)), decoder.decode(Uint8Array.from(bytes)));
    }),
    { seed: 3629, numRuns: 20_000 },
  );
});

test('a text is written as well-formed UTF-8 and cut between characters', (t) => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 30 }), fc.nat(40), (text, most) => {
      const whole = new TextEncoder().encode(text);
      const bytes = boundedUtf8(text, most);
      t.deepEqual(bytes, whole.slice(0, bytes.length));
      t.true(bytes.length <= most && (whole.length <= most || most - bytes.length < 4));
      t.true(wellFormed(text).startsWith(decoder.decode(bytes)));
    }),
    { seed: 8, numRuns: 2000 },
  );
  const halves = '\ud800a\udc00\ud83d\ude00\ud83d';
  t.is(wellFormed(halves), '\ufffda\ufffd\u{1f600}\ufffd');
  t.deepEqual(boundedUtf8(halves, 100), new TextEncoder().encode(halves));
});

test('lengths of time in sentences have three digits, and from 100 s on two units', (t) => {
  const said: Record<string, number> = {
    '0 s': 0,
    '0.000001 ms': 1,
    '0.806 ms': 806_128,
    '41.3 ms': 41_265_000,
    '124 ms': 123_771_000,
    '999 ms': 999_400_000,
    '1 s': 999_600_000,
    '24.6 s': 24_582_000_000,
    '60 s': 60e9,
    '1 m 40 s': 99.6e9,
    '3 m': 180e9,
    '1 h 12 m': 4_322e9,
    '2 h 5 s': 7_205e9,
    '720 h': 30 * 86_400e9,
  };
  for (const [text, wait] of Object.entries(said)) t.is(roughly(nanoseconds(wait)), text);
});
