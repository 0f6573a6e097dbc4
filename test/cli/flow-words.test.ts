/** How flows are written on a command line. */
import test from 'ava';
import { askingStep, readFlow, withFlows } from '../../src/cli/flow-words.ts';

test('one word in quotes, three words and two words are the same flow', (t) => {
  for (const words of [
    ['web01 -> sql01:53/udp'],
    ['web01', '->', 'sql01:53/udp'],
    ['web01', 'sql01:53/udp'],
  ])
    t.deepEqual(readFlow(words), { probe: 'udp', flow: 'web01 -> sql01:53' }, words.join('|'));
  t.deepEqual(readFlow(['a->b:80']), { probe: 'tcp', flow: 'a->b:80' });
  t.deepEqual(readFlow(['a -> b:80/tcp']), { probe: 'tcp', flow: 'a -> b:80' });
  t.deepEqual(readFlow(['acme/web01 -> hq.gateway']), {
    probe: 'ping',
    flow: 'acme/web01 -> hq.gateway',
  });
});

test('an arrow of its own is joined before it can be taken for an option, and nothing else is', (t) => {
  t.deepEqual(withFlows(['probe', 'f.yaml', 'a', '->', 'b', '--json']), [
    'probe',
    'f.yaml',
    'a -> b',
    '--json',
  ]);
  t.deepEqual(withFlows(['->', 'b']), ['->', 'b']);
  t.deepEqual(withFlows(['a', '->']), ['a', '->']);
});

test('what a shell has made of an arrow without quotes is told as that', (t) => {
  t.regex(readFlow(['web01', '-']) as string, /^"web01 -" is no flow: .* in quotes/);
  t.regex(readFlow(['web01']) as string, /is no flow/);
  t.regex(readFlow(['a -> b/udp']) as string, /says no port/);
});

test('nothing in a flow gets out of its quotes', (t) => {
  const step = askingStep({ probe: 'ping', flow: 'a -> b" }, { wait: 5s }, { "x' });
  t.is(step, 'expect: [{ ping: "a -> b\\" }, { wait: 5s }, { \\"x" }]');
});
