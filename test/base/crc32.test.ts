import test from 'ava';
import fc from 'fast-check';
import { concat, utf8 } from '../../src/base/bytes.ts';
import { crc32 } from '../../src/base/crc32.ts';

test('the check value of the catalogues (Rocksoft model, CRC-32)', (t) => {
  t.is(crc32(utf8('123456789')), 0xcbf4_3926);
  t.is(crc32(new Uint8Array()), 0);
});

test('a sum over parts is that over the whole', (t) => {
  fc.assert(
    fc.property(fc.uint8Array(), fc.uint8Array(), (a, b) => {
      t.is(crc32(b, crc32(a)), crc32(concat(a, b)));
    }),
    { seed: 32 },
  );
});
