import { readFileSync } from 'node:fs';
import test from 'ava';
import fc from 'fast-check';
import { seconds } from '../../src/base/time.ts';
import { catalogueText, reasonText } from '../../src/report/catalogue.ts';
import {
  cut,
  inWords,
  pad,
  safe,
  type TextKind,
  widthOf,
  wrap,
} from '../../src/report/terminal.ts';
import { rerunCommand, runsText, runText, type TextOptions } from '../../src/report/text.ts';
import { reasonList } from '../../src/trace/reasons.ts';
import type { RunResult } from '../../src/trace/result.ts';
import { needsCorpus } from '../needs.ts';
import { idle, limited, ms, passing, planned, source, timed } from './sample.ts';

const options: TextOptions = { version: '0.1.0', realTime: ms(480), source: () => source };

const block = ` ✗ scenarios/05-planned.yaml:6  ping web01 -> sql01 within 3s  (seed 7)
   no reply in 3 s (3 sent, 0 received)

   hop  where  in     out   what happened                               time
     1  web01  –      eth0  ARP cache: 10.0.10.20 is 00:50:56:01:00:20  +0.000 ms
     2  esx1   port3  ✗     port is down (VM powered off at 31.2 s)     +1.000 ms

   why   STALE_ARP: web01 still holds the original's MAC; no gratuitous ARP was sent.
   try   appliances.nea-hq.gratuitous_arp: both, or within: 60s
   see   standin reasons STALE_ARP

     4 |   - failover: { vms: [sql01], planned: true }
     5 |   - expect:
   > 6 |       - { ping: web01 -> sql01, within: 3s }
       |           ^^^^
`;

test('one run is told step by step, then its first answered ping, then what broke', (t) => {
  t.is(
    runText(planned, options),
    ` standin 0.1.0 · scenarios/05-planned.yaml · seed 7

 planned failover
 sql01 moves while web01 talks to it.

  1  before the disaster  at 0 s
     ✓ ping web01 -> sql01
       answered after 0.412 ms

  2  failover sql01  at 31.2 s
     · restore point: latest
     warning: no static IP address (NO_STATIC_IP_DETECTED)
     operation succeeded: failover of sql01
     ✗ ping web01 -> sql01 within 3s
     ✓ ping web01 -> 10.0.10.30 (DHCP_NO_STATIC_IP)  limitation reproduced
     – tcp web01 -> sql01:1433
       the run ended before its deadline

 the way of ping web01 -> sql01
   hop  where  in     out    what happened                           time
     1  web01  –      eth0   echo request to 10.0.10.20              +0.000 ms
     2  lan10  port1  port3  MAC 00:50:56:01:00:20 learned on port3  +0.100 ms
     3  sql01  eth0   –      answered                                +0.206 ms

${block}
 2 met · 1 broken · 1 not checked · 1 limitation reproduced
 simulated 1 m 35 s in 0.48 s · 1234 events · seed 7
 capture  standin-out/05-planned.pcapng
 rerun    standin run scenarios/05-planned.yaml --seed 7
`,
  );
});

test('many runs have a line each, then what broke, then the sum of it', (t) => {
  const results = [
    timed(passing, 12),
    timed(limited, 31),
    timed({ ...limited, case: 'lease=expired' }, 2),
    timed(planned, 120),
    timed({ ...planned, case: 'n=2' }, 120),
    timed(idle, 1),
  ];
  t.is(
    runsText(results, options),
    ` standin 0.1.0 · 4 scenarios · 6 cases · seed 7

 ✓ 01-partial-static         1 case   2 expectations   12 ms
 ✓ 02-partial-dhcp           2 cases  2 expectations   33 ms  limitation reproduced
 ✗ 05-planned                2 cases  8 expectations  0.24 s  2 broken
 – 09-idle                   1 case   0 expectations    1 ms  nothing was checked

${block}
   rerun  standin run scenarios/05-planned.yaml --seed 7
   and 1 more with the same reason

 3 passed · 2 failed · 1 not fully checked · simulated 1 h 23 m in 0.48 s
`,
  );
});

test('a run without expectations says so, and no run at all is no pass', (t) => {
  t.regex(runText(idle, options), /^ nothing was checked$/m);
  t.regex(runsText([], options), /0 scenarios · 0 cases · 0 seeds[\s\S]*0 passed/);
});

test('an operation that succeeded has no tick: ticks are for expectations', (t) => {
  for (const line of runText(planned, options).split('\n'))
    if (/operation/.test(line)) t.notRegex(line, /[✓✗–]/);
});

test('a failed operation, a reason without words of its own and a line from another file', (t) => {
  const [, step] = planned.steps;
  const result: RunResult = {
    ...planned,
    steps: [
      {
        ...step!,
        happened: [{ kind: 'failed', text: 'failover of sql01', code: 'VCD_ADAPTER_LIMIT' }],
        expectations: [
          {
            text: 'operation: success',
            file: 'base/two-sites.yaml',
            line: 2,
            column: 5,
            verdict: 'broken',
            detail: 'it failed',
            at: step!.at,
            code: 'NO_NEA',
          },
        ],
      },
    ],
  };
  const files: string[] = [];
  const text = runText(result, {
    ...options,
    source: (file) => {
      files.push(file);
      return ['a:', '  - b'];
    },
    see: (one, run) => [`show ${run.file}#${one.line}`, 'more'],
    rerun: () => 'again',
  });
  t.deepEqual(files, ['base/two-sites.yaml']);
  t.true(text.includes('     operation failed: failover of sql01 (VCD_ADAPTER_LIMIT)\n'));
  t.true(
    text.includes('   why   NO_NEA: The network of the VM has no network extension appliance.\n'),
  );
  t.true(text.includes('   see   show scenarios/05-planned.yaml#2\n         more\n'));
  t.true(text.includes('     1 | a:\n   > 2 |   - b\n       |     ^\n'));
  t.true(text.endsWith(' rerun    again\n'));
});

test('a broken expectation says what would turn it, by when it heals, and how to have it explained', (t) => {
  const [first, ...steps] = planned.steps;
  const { change, healsAt } = {
    change: { text: 'nea-hq.gratuitous_arp: both', file: 'base/site.yaml', line: 17, column: 3 },
    healsAt: 84e9 as typeof planned.simulatedTime,
  };
  const turned = steps.map((step) => ({
    ...step,
    expectations: step.expectations.map((one) =>
      one.verdict === 'broken' ? { ...one, change, healsAt, probe: 3 } : one,
    ),
  }));
  const result = { ...planned, case: 'os=linux x=1', steps: [first!, ...turned] };
  const text = runText(result, options);
  t.true(text.includes('   heal  by itself by 84 s\n'));
  t.true(text.includes('   try   nea-hq.gratuitous_arp: both (base/site.yaml:17)\n'));
  const command = `standin explain scenarios/05-planned.yaml:6 --case 'os=linux x=1' --seed 7 --verify`;
  t.true(text.includes(`   see   standin reasons STALE_ARP\n         ${command}\n`));
  const played = { ...result, platform: { kernel: 'Linux 6', latest: ms(1) } };
  t.false(runText(played, options).includes('standin explain'), 'kernels play nothing again');
});

test('colours come from outside and change nothing else', (t) => {
  const kinds = new Set<TextKind>();
  const text = runText(planned, {
    ...options,
    style: (kind, piece) => {
      kinds.add(kind);
      return `\x1b[1m${piece}\x1b[0m`;
    },
  });
  const bare = text.replaceAll('\x1b[1m', '').replaceAll('\x1b[0m', '');
  const trimmed = (all: string): string[] => all.split('\n').map((line) => line.trimEnd());
  t.deepEqual(trimmed(bare), trimmed(runText(planned, options)));
  const wanted: TextKind[] = ['title', 'good', 'bad', 'warning', 'faint', 'limit', 'operation'];
  for (const kind of wanted) t.true(kinds.has(kind), kind);
});

test('the command to run a thing again is one line for a shell, whatever the names', (t) => {
  t.is(
    rerunCommand({ ...planned, file: "it's $(here).yaml", case: 'lease=valid n=1' }),
    "standin run 'it'\\''s $(here).yaml' --grep 'lease=valid n=1' --seed 7",
  );
});

/** The same result with one text in every place that text can come from outside. */
function everywhere(name: string): RunResult {
  return {
    ...planned,
    file: name,
    name,
    about: name,
    case: name,
    capture: name,
    steps: planned.steps.map((step) => ({
      ...step,
      title: name,
      happened: step.happened.map((happening) => ({ ...happening, text: name })),
      expectations: step.expectations.map((one) => ({
        ...one,
        text: name,
        detail: name,
        why: name,
        remedy: name,
        hops: [{ where: name, in: name, out: name, what: name, at: one.at }],
      })),
    })),
  };
}

const forbidden = /(?!\n)\p{Cc}|[\u061c\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff]/u;

test('no text from outside can move the cursor, break a line or turn the reading order', (t) => {
  const path = needsCorpus(t, 'text-inputs', 'blns.json');
  if (path === undefined) return;
  const naughty = JSON.parse(readFileSync(path, 'utf8')) as string[];
  const own = [
    '\x1b[2J\x1b]0;owned\x07',
    '\x9b31m',
    'a\nb\r\nc',
    '\u202egpj.exe',
    '\0',
    '\ud800',
    '\u2028',
  ];
  t.true(naughty.length > 400);
  const lines = runText(everywhere('x'), { ...options, width: 10_000 }).split('\n').length;
  for (const name of [...naughty, ...own]) {
    const result = everywhere(name);
    const text = runText(result, {
      ...options,
      width: 10_000,
      source: () => [name, name, name, name, name, name],
    });
    t.notRegex(text, forbidden, JSON.stringify(name));
    t.true(text.split('\n').length <= lines + 6, `more lines by ${JSON.stringify(name)}`);
    t.notRegex(runsText([timed(result, 1)], options), forbidden, JSON.stringify(name));
  }
});

test('whatever the names and the width, a report is made; from 100 columns on its tables fit', (t) => {
  const anyText = fc.string({ unit: 'grapheme', maxLength: 60 });
  fc.assert(
    fc.property(anyText, fc.integer({ min: 40, max: 200 }), (name, width) => {
      const text = runText(everywhere(name), { ...options, width });
      const tables = text.split('\n').filter((line) => /^ {3} +\d+ {2}/.test(line));
      t.true(tables.length > 0);
      if (width >= 100) for (const line of tables) t.true(widthOf(line) <= width, line);
      runsText([timed(everywhere(name), 1)], { ...options, width });
    }),
    { seed: 33 },
  );
});

test('a long decision goes over several lines of the table, under itself', (t) => {
  const [first, ...rest] = planned.steps;
  const [one] = first!.expectations;
  const hops = [
    { ...one!.hops![0]!, what: 'one two three four five six seven eight nine ten eleven twelve' },
  ];
  const result = { ...planned, steps: [{ ...first!, expectations: [{ ...one!, hops }] }, ...rest] };
  const text = runText(result, { ...options, width: 60 });
  t.true(
    text.includes(`   hop  where  in  out   what happened             time
     1  web01  –   eth0  one two three four five   +0.000 ms
                         six seven eight nine ten
                         eleven twelve
`),
    text,
  );
});

test('names of any length leave a table of 100 columns whole', (t) => {
  const text = runText(everywhere('x'.repeat(64)), { ...options, width: 100 });
  const tables = text.split('\n').filter((line) => /^ {3} +\d+ {2}/.test(line));
  t.is(tables.length, 2);
  for (const line of tables) t.true(widthOf(line) <= 100, line);
});

test('a ping that had to fail is no answered ping: its way is not shown', (t) => {
  t.notRegex(runText(limited, options), /the way of/);
  t.regex(runText(passing, options), /the way of ping web01 -> sql01/);
});

test('columns: wide characters count two, marks none, and a cut says that it cut', (t) => {
  t.is(widthOf('abc'), 3);
  t.is(widthOf('東京'), 4);
  t.is(widthOf('e\u0301'), 1);
  t.is(widthOf('🖧'), 1);
  t.is(widthOf('😀'), 2);
  t.is(pad('東京', 6), '東京  ');
  t.is(cut('東京タワー', 5), '東京…');
  t.is(cut('東京', 4), '東京');
  t.deepEqual(wrap('a bb ccc dddd', 4), ['a bb', 'ccc', 'dddd']);
  t.deepEqual(wrap('', 4), ['']);
  t.deepEqual(wrap('toolong x', 3), ['too', 'lon', 'g x']);
  t.deepEqual(wrap('a 東京タワー', 5), ['a', '東京', 'タワ', 'ー']);
});

test('controls are shown as what they are; joiners that scripts need stay', (t) => {
  t.is(safe('a\x1b[31mb\x7f\x9b\n\t'), 'a\\x1b[31mb\\x7f\\x9b\\x0a\\x09');
  t.is(
    safe('\u202e\u2066\u2028\ufeff\ud800\u{e0041}'),
    '\\u202e\\u2066\\u2028\\ufeff\\ud800\\u{e0041}',
  );
  t.is(safe('👩\u200d💻 می\u200cخواهم'), '👩\u200d💻 می\u200cخواهم');
});

test('times are said in two units at most', (t) => {
  const said: [number, string][] = [
    [0, '0 s'],
    [412_000, '0.412 ms'],
    [12e6, '12 ms'],
    [480e6, '0.48 s'],
    [31.2e9, '31.2 s'],
    [59.9999e9, '1 m 0 s'],
    [95e9, '1 m 35 s'],
    [4320e9, '1 h 12 m'],
    [90_000e9, '1 d 1 h'],
  ];
  for (const [time, text] of said) t.is(inWords(seconds(time / 1e9)), text);
});

test('the catalogue lists every code in its order, within the width', (t) => {
  const lines = catalogueText({ width: 80 }).split('\n');
  t.is(lines[1], ' LINK_LOSS                The link lost the frame.');
  const codes = lines
    .map((line) => line.trim().split(' ')[0]!)
    .filter((word) => /^[A-Z]/.test(word));
  t.deepEqual(codes, [...reasonList]);
  for (const line of lines) t.true(widthOf(line) <= 80, line);
});

test('one code is told with meaning, causes, remedy and source', (t) => {
  t.is(
    reasonText('STALE_ARP', { width: 80 }),
    ` STALE_ARP

 meaning   The sender still holds the MAC address of the machine that had the IP
           address before.
 causes    The address moved and no gratuitous ARP told its neighbours.
 remedy    Let the appliance announce addresses (\`gratuitous_arp: both\`), or
           wait for the entry to age.
 source    RFC 1122 section 2.3.2.1; RFC 5227 section 3
`,
  );
});
