import test from 'ava';
import { explanationJson, explanationText } from '../../src/report/explanation.ts';
import { plain } from '../../src/report/terminal.ts';
import type { Explained } from '../../src/trace/explained.ts';
import { ms } from './sample.ts';

const at = (milliseconds: number): Explained['at'] => ms(milliseconds) as number as Explained['at'];

const explained: Explained = {
  file: 'scenarios/05.yaml',
  case: 'os=linux',
  seed: 7,
  question: 'ping web01 -> sql01',
  place: { file: 'scenarios/05.yaml', line: 2, column: 5 },
  step: 3,
  asked: at(32_000),
  at: at(34_000),
  answered: false,
  sentence: 'web01 still sends to the adapter of sql01',
  code: 'STALE_ARP',
  lastHop: 'lan10',
  hops: [
    {
      where: 'web01',
      in: '',
      out: 'eth0',
      what: 'ping',
      at: at(32_000),
      event: 4,
      direction: 'there',
    },
    {
      where: 'sql01',
      in: 'eth0',
      out: 'eth0',
      what: 'answered',
      at: at(32_001),
      event: 5,
      direction: 'there',
    },
    {
      where: 'lan10',
      in: 'sql01',
      out: '',
      what: 'lost',
      at: at(32_002),
      event: 6,
      direction: 'back',
      dropped: true,
    },
  ],
  decision: { node: 'web01', what: 'web01 learned it at 13 s', at: at(13_000), event: 45 },
  healsAt: at(66_000),
  changes: [
    {
      text: 'nea.gratuitous_arp: both',
      file: 'scenarios/05.yaml',
      line: 2,
      column: 5,
      turned: true,
      seen: 'reply after 41.3 ms',
    },
    {
      text: 'web01.os: windows',
      file: 'scenarios/05.yaml',
      line: 2,
      column: 5,
      turned: false,
      seen: 'no answer in 2 s (STALE_ARP)',
    },
  ],
  arrows: [
    {
      from: 'web01',
      to: '*',
      what: 'ARP who has 10.0.10.20?',
      at: at(32_000),
      event: 2,
      aside: true,
    },
    { from: 'web01', to: 'sql01', what: 'ping', at: at(32_000), event: 4, aside: false },
    { from: 'sql01', to: 'lan10', what: 'reply', at: at(32_001), event: 5, aside: false },
    { from: 'lan10', to: '', what: 'lost', at: at(32_002), event: 6, aside: false },
  ],
};

const options = {
  version: '0.1.0',
  style: plain,
  width: 100,
  source: () => ['a:', '  - nea: {}'],
  ladder: false,
  see: ['standin reasons STALE_ARP', 'standin explain x.yaml --verify'],
};

test('the verdict, the ways there and back, the first wrong decision, and what came of the changes', (t) => {
  t.is(
    explanationText(explained, options),
    ` standin 0.1.0 · scenarios/05.yaml · os=linux · seed 7

 ✗ ping web01 -> sql01  (scenarios/05.yaml:2, step 3, at 32 s)
   STALE_ARP: web01 still sends to the adapter of sql01

   there
   hop  where  in    out   what happened  time
     1  web01  –     eth0  ping           +0.000 ms
     2  sql01  eth0  eth0  answered       +1.000 ms

   back
   hop  where  in     out  what happened  time
     3  lan10  sql01  ✗    lost           +2.000 ms

   first   web01 learned it at 13 s (event 45)
   heals   by itself by 66 s

   change  nea.gratuitous_arp: both (scenarios/05.yaml:2)
     1 | a:
   > 2 |   - nea: {}
       |     ^^^
   verified: with this change in line 2, ping web01 -> sql01 is answered: reply after 41.3 ms

   change  web01.os: windows (scenarios/05.yaml:2)
   did not turn: with this change in line 2, ping web01 -> sql01: no answer in 2 s (STALE_ARP)

   see     standin reasons STALE_ARP
           standin explain x.yaml --verify
`,
  );
});

test('nothing is called verified that was not played', (t) => {
  const changes = explained.changes.map(({ text, file, line, column }) => ({
    text,
    file,
    line,
    column,
  }));
  const text = explanationText({ ...explained, changes }, options);
  t.notRegex(text, /verified|did not turn/);
  const none = { ...explained, changes: [], noChange: 'Nothing has it.', remedy: 'open it' };
  t.regex(explanationText(none, options), /\n {3}try {5}open it\n {3}change {2}Nothing has it\.\n/);
});

test('the ladder has a column for each device and a rung for each frame', (t) => {
  const text = explanationText(
    { ...explained, hops: [], changes: [] },
    { ...options, ladder: true },
  );
  t.true(
    text.includes(`
   web01           sql01           lan10
   +0.000 ms  ARP who has 10.0.10.20?
   ├············································>
   +0.000 ms  ping
   ├──────────────>│               │
   +1.000 ms  reply
   │               ├──────────────>│
   +2.000 ms  lost
   │               │               ├─✗
`),
    text,
  );
});

test('names are escaped in the text, and in the document', (t) => {
  const evil = '\u001b[31mweb\u202e01';
  const named: Explained = {
    ...explained,
    question: evil,
    sentence: evil,
    place: { ...explained.place, file: evil },
    hops: explained.hops.map((hop) => ({ ...hop, where: evil, what: evil })),
    decision: { ...explained.decision!, what: evil },
    changes: explained.changes.map((one) => ({ ...one, text: evil, file: evil, seen: evil })),
    noChange: evil,
    remedy: evil,
    arrows: explained.arrows!.map((one) => ({ ...one, from: evil, to: evil, what: evil })),
  };
  const text = explanationText(named, { ...options, ladder: true, see: [evil] });
  const json = explanationJson(named, { version: '0.1.0', ladder: true });
  for (const said of [text, json])
    for (const character of ['\u001b', '\u202e']) t.false(said.includes(character));
  t.is(JSON.parse(json).sentence, evil);
});

test('the document has a version, and the arrows only where they are asked for', (t) => {
  const document = JSON.parse(explanationJson(explained, { version: '0.1.0', ladder: false }));
  t.is(document.schema, 1);
  t.is(document.code, 'STALE_ARP');
  t.is(document.changes[0].turned, true);
  t.false('arrows' in document);
  const drawn = JSON.parse(explanationJson(explained, { version: '0.1.0', ladder: true }));
  t.is(drawn.arrows.length, 4);
});
