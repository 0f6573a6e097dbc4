import test from 'ava';
import fc from 'fast-check';
import { type Filter, parseFilter } from '../../src/scenario/filter.ts';
import { Wrong } from '../../src/scenario/units.ts';
import { showIpv4, showPrefix } from '../../src/wire/address.ts';

/** With a pair of brackets around everything that is joined, so that grouping can be read. */
function show(filter: Filter): string {
  switch (filter.kind) {
    case 'and':
    case 'or':
      return `(${show(filter.left)} ${filter.kind} ${show(filter.right)})`;
    case 'not':
      return `not ${show(filter.inner)}`;
    case 'protocol':
      return filter.protocol;
    case 'icmp-type':
      return `icmp of type ${filter.type}`;
  }
  const sides = { source: 'src ', destination: 'dst ', either: '' };
  const start = `${filter.protocol ? `${filter.protocol} ` : ''}${sides[filter.direction]}${filter.kind}`;
  if (filter.kind === 'host') return `${start} ${showIpv4(filter.ip)}`;
  return `${start} ${filter.kind === 'net' ? showPrefix(filter.net) : filter.port}`;
}

// Grouping and implied qualifiers as pcap-filter(7) describes them.
const meanings: Record<string, string> = {
  arp: 'arp',
  'udp port 67 or udp port 68': '(udp port 67 or udp port 68)',
  'udp port 67 or 68': '(udp port 67 or udp port 68)',
  'arp or icmp and udp': '((arp or icmp) and udp)',
  'arp and icmp or udp': '((arp and icmp) or udp)',
  'arp or (icmp and udp)': '(arp or (icmp and udp))',
  'not arp and icmp': '(not arp and icmp)',
  'not (arp or icmp)': 'not (arp or icmp)',
  '!arp && !icmp || tcp': '((not arp and not icmp) or tcp)',
  'not not arp': 'not not arp',
  'host 10.0.10.20': 'host 10.0.10.20',
  'src 10.0.10.20': 'src host 10.0.10.20',
  'dst host 10.0.10.20 and tcp': '(dst host 10.0.10.20 and tcp)',
  'arp host 10.0.10.20': 'arp host 10.0.10.20',
  'src 10.0.10.20 or 10.0.10.21': '(src host 10.0.10.20 or src host 10.0.10.21)',
  'net 10.0.10.0/24': 'net 10.0.10.0/24',
  'dst net 10.0.0.0/8': 'dst net 10.0.0.0/8',
  'tcp dst port 1433': 'tcp dst port 1433',
  'port 53': 'port 53',
  'icmp[icmptype] == icmp-redirect': 'icmp of type 5', // RFC 792
  'icmp[icmptype] = icmp-echo or arp': '(icmp of type 8 or arp)',
  'ip and not host 10.0.10.1': '(ip and not host 10.0.10.1)',
};

for (const [text, meaning] of Object.entries(meanings)) {
  test(`the filter "${text}" means ${meaning}`, (t) => {
    const filter = parseFilter(text);
    t.is(filter instanceof Wrong ? filter.message : show(filter), meaning);
  });
}

/** A broken filter, and the characters to blame; empty where it ends too early. */
const broken: Record<string, string> = {
  '': '',
  'udp prt 67': 'prt',
  'icmp[icmptype]': 'icmp[icmptype]',
  'icmp[icmptype] == ping': 'ping',
  'upd port 67': 'upd',
  'udp port': '',
  'udp port x': 'x',
  'port 65536': '65536',
  'icmp port 8': '8',
  'tcp host 10.0.0.1': '10.0.0.1',
  'host web01': 'web01',
  'host 10.0.0.256': '10.0.0.256',
  'net 10.0.10.5/24': '10.0.10.5/24',
  'arp or': '',
  'or arp': 'or',
  '(arp': '(',
  'arp)': ')',
  'arp icmp': 'icmp',
  '10.0.0.1': '10.0.0.1',
  'arp and and icmp': 'and',
  'arp & icmp': '&',
  'ether proto 0x806': 'ether',
};

for (const [text, blamed] of Object.entries(broken)) {
  test(`the filter "${text}" is refused at "${blamed}"`, (t) => {
    const wrong = parseFilter(text);
    if (!(wrong instanceof Wrong)) return t.fail();
    t.is(wrong.code, 'E211');
    const shown = text.slice(wrong.at, wrong.at + (wrong.length ?? 0));
    t.is(shown, blamed);
    if (blamed === '') t.is(wrong.at, text.length);
  });
}

test('nesting and length of a filter are bounded', (t) => {
  t.true(parseFilter(`${'('.repeat(200)}arp${')'.repeat(200)}`) instanceof Wrong);
  t.true(parseFilter('! '.repeat(200) + 'arp') instanceof Wrong);
  t.true(parseFilter('arp or '.repeat(100) + 'arp') instanceof Wrong);
  t.false(parseFilter(`${'('.repeat(20)}arp${')'.repeat(20)}`) instanceof Wrong);
});

const words =
  'arp icmp udp tcp ip src dst host net port and or not ( ) && || ! 10.0.0.1 10.0.0.0/8 53 x';

test('whatever is written, a filter is understood or refused within its own length', (t) => {
  const soup = fc.array(fc.constantFrom(...words.split(' ')), { maxLength: 30 });
  fc.assert(
    fc.property(soup, (parts) => {
      const text = parts.join(' ');
      const filter = parseFilter(text);
      if (!(filter instanceof Wrong)) {
        // What was understood can be written again, and means the same.
        const again = parseFilter(show(filter));
        t.is(again instanceof Wrong ? again.message : show(again), show(filter));
      } else t.true(filter.at <= text.length);
    }),
    { seed: 7, numRuns: 3000 },
  );
});
