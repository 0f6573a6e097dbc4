/** Ranges of addresses that nobody uses yet, for what the emulation has to address by itself. */
import { isIPv4 } from 'node:net';
import ip from 'ip';

/** Of the addresses that are for tests between networks (RFC 2544), which no scenario should need. */
const room = '198.18.0.0/15';
const linkLength = 30;

/** Two ends of a link. */
export interface LinkRange {
  readonly length: number;
  readonly here: string;
  readonly there: string;
}

/**
 * The first range of a link that overlaps with nothing that is taken.
 *
 * @param taken Prefixes such as `10.0.10.0/24`. Anything else is no range and is passed over.
 * @throws where none is left
 */
export function freeLink(taken: readonly string[]): LinkRange {
  const ranges = taken.filter(isPrefix).map(rangeOf);
  const [first, last] = rangeOf(room);
  for (let at = first; at <= last; ) {
    const until = at + 2 ** (32 - linkLength) - 1;
    const inTheWay = ranges.find(([from, to]) => from <= until && to >= at);
    if (inTheWay === undefined)
      return { length: linkLength, here: ip.fromLong(at + 1), there: ip.fromLong(at + 2) };
    at = roundedUp(inTheWay[1] + 1);
  }
  throw new Error(`nothing is free in ${room}`);
}

/** The package checks nothing: what is no prefix must not reach it. */
function isPrefix(text: string): boolean {
  const [address = '', length = ''] = text.split('/');
  return isIPv4(address) && /^\d{1,2}$/.test(length) && Number(length) <= 32;
}

/** First and last address, as numbers. */
function rangeOf(prefix: string): readonly [number, number] {
  const { networkAddress, length } = ip.cidrSubnet(prefix);
  const first = ip.toLong(networkAddress);
  return [first, first + length - 1];
}

const roundedUp = (address: number): number => {
  const size = 2 ** (32 - linkLength);
  return Math.ceil(address / size) * size;
};
