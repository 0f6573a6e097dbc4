import test from 'ava';
import { type Comparison, type Difference, layers } from '../../src/compare/comparison.ts';
import { comparisonText } from '../../src/report/comparison.ts';

const nothing = Object.fromEntries(layers.map((layer) => [layer, 0])) as Comparison['compared'];
const compared = { ...nothing, verdicts: 31, ARP: 112, neighbours: 9 };
const kernel = 'Linux 6.18.44-fc';

const refresh: Difference = {
  layer: 'ARP',
  step: 6,
  title: 'what everybody believes',
  about: 'ARP of 00:50:56:2d:1e:95',
  simulated: 'web01: request from 00:50:56:2d:1e:95 10.0.10.11 about 10.0.10.20',
  legitimate: 'L3',
};
const late: Difference = {
  layer: 'arrivals',
  step: 4,
  title: 'the replica stands in',
  about: 'probe 2, ping web01 -> 10.0.10.20',
  simulated: 'at web01.eth0 00:50:56:2b:a8:32 > 00:50:56:2d:1e:95 ttl 126 ICMP echo reply',
  emulated: 'at web01.eth0 00:50:56:2b:a8:32 > 00:50:56:2d:1e:95 ttl 62 ICMP echo reply',
  frame: 'lan10: 10.0.10.20 > 10.0.10.11 ICMP echo reply id 1 seq 1 ttl 62',
};

test('runs that agree are one line, and what may differ says why', (t) => {
  t.is(
    comparisonText({ compared, differences: [] }, { kernel }),
    ' ✓ checked against Linux 6.18: agrees (31 verdicts, 112 ARP, 9 neighbours)\n',
  );
  const text = comparisonText({ compared, differences: [refresh, refresh] }, { kernel });
  t.true(
    text.startsWith(
      ' ✓ checked against Linux 6.18: agrees (31 verdicts, 112 ARP, 9 neighbours; L3 2 times)\n   L3 ',
    ),
    text,
  );
  t.regex(text, /counts as reachable/);
});

test('a difference shows both sides and the first frame', (t) => {
  const differences = [late, refresh, { ...late, step: 0, title: 'before the first step' }];
  const text = comparisonText({ compared, differences, first: late }, { kernel, width: 120 });
  t.true(text.includes('✗ checked against Linux 6.18: 2 differences (31 verdicts'), text);
  t.true(
    text.includes(`
 ✗ step 4, the replica stands in: arrivals, probe 2, ping web01 -> 10.0.10.20
   simulated  ${late.simulated}
   Linux      ${late.emulated}
   frame      ${late.frame}
`),
    text,
  );
  t.true(text.includes('\n ✗ before the first step: arrivals'), text);
  t.false(text.includes('web01: request from'), 'what may differ is only counted');
});

test('what one side lacks is said, many differences are cut short, and no name has power over a terminal', (t) => {
  const { emulated: _, ...one } = { ...late, about: 'probe \u001b[31m' };
  const differences = Array.from({ length: 8 }, () => one);
  const text = comparisonText({ compared, differences, first: one }, { kernel });
  t.regex(text, /Linux {6}nothing\n/);
  t.regex(text, /and 3 more differences\n$/);
  t.false(text.includes('\u001b'));
  for (const line of text.split('\n')) t.true(line.length <= 100, line);
});
