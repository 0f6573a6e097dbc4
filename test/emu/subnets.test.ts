import test from 'ava';
import fc from 'fast-check';
import { freeLink } from '../../src/emu/subnets.ts';
import type { Ipv4 } from '../../src/wire/address.ts';
import { contains, ipv4, prefix, showIpv4 } from '../../src/wire/address.ts';

test('the first link of the room, where nothing is in its way', (t) => {
  t.deepEqual(freeLink([]), { length: 30, here: '198.18.0.1', there: '198.18.0.2' });
  t.is(freeLink(['10.0.0.0/8']).here, '198.18.0.1');
});

test('what overlaps is passed by, large or small', (t) => {
  t.is(freeLink(['198.18.0.0/24']).here, '198.18.1.1');
  t.is(freeLink(['198.18.0.3/32']).here, '198.18.0.5');
});

test('where all is taken there is none', (t) => {
  t.throws(() => freeLink(['198.0.0.0/8']), { message: /nothing is free/ });
});

test('what is no prefix is passed over, and never makes sense of', (t) => {
  for (const text of [
    '',
    '198.18.0.0',
    '198.18.0.0/33',
    '198.18.0.0/-1',
    '198.18.0/24',
    '::/0',
    'x/8',
    '198.18.0.0/8x',
  ])
    t.is(freeLink([text]).here, '198.18.0.1', text);
});

test('neither end is in anything that is taken, whatever is', (t) => {
  const taken = fc.array(
    fc.record({ low: fc.nat(0x1ffff), length: fc.integer({ min: 20, max: 32 }) }),
    { maxLength: 12 },
  );
  fc.assert(
    fc.property(taken, (ranges) => {
      const texts = ranges.map(({ low, length }) => {
        const address = ((198 << 24) + (18 << 16) + low) | 0;
        return `${showIpv4(address as Ipv4)}/${length}`;
      });
      const { here, there } = freeLink(texts);
      for (const text of texts)
        for (const end of [here, there])
          t.false(contains(prefix(text), ipv4(end)), `${end} ${text}`);
    }),
    { seed: 2544 },
  );
});
