import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { isMap, isPair, isSeq, parseDocument } from 'yaml';
import { Random } from '../../src/base/random.ts';
import { prescan } from '../../src/scenario/prescan.ts';
import { renderProblem } from '../../src/scenario/problem.ts';
import { checkFiles, checkText, complaints, found, scenario } from './memory.ts';

// conformance.md section 4, the rows that concern scenario files

const many = (count: number, one: (i: number) => string): string =>
  Array.from({ length: count }, (_, i) => one(i)).join('');

const tooMuch: Record<string, string> = {
  'more than 1 MiB': `name: ${'x'.repeat(1 << 20)}`,
  'more than 1 MiB as UTF-8': `name: ${'ü'.repeat(600_000)}`,
  '100,000 brackets': '['.repeat(100_000),
  '100,000 braces': '{'.repeat(100_000),
  '65 levels of brackets': `name: ${'['.repeat(65)}${']'.repeat(65)}`,
  '65 levels of mixed brackets over lines': many(33, () => '{a:\n [').concat('x'),
  '65 levels of indentation': many(65, (i) => `${' '.repeat(i)}a:\n`),
  '65 levels of lists in one line': '- '.repeat(66),
  '65 levels of lists and maps': many(
    33,
    (i) => `${'    '.repeat(i)}- a:\n${'    '.repeat(i)}    b:\n`,
  ),
  '100,000 explicit keys in one line': '? '.repeat(100_000),
  'brackets behind a quote in a plain scalar': `a: don't ${'\nb: '}${'['.repeat(100)}`,
  'brackets behind closers in quotes': `a: ${'[ "]" '.repeat(100)}`,
  'brackets behind closers in comments': `a:\n${' [ # ]\n'.repeat(100)}`,
  '10,001 keys by indentation': many(10_001, (i) => `k${i}: 1\n`),
  '10,001 keys in braces': `{${many(10_001, (i) => `k${i}: 1, `)}}`,
  '200,000 keys': many(90_000, (i) => `k${i}: 1\n`),
  '101 aliases': `a: &a 1\nb: [${'*a, '.repeat(101)}]`,
  'a million empty lines': '\n'.repeat(1_000_000),
  'a list of 300,000': `[${'a,'.repeat(300_000)}]`,
};

for (const [title, text] of Object.entries(tooMuch)) {
  test(`refused before any parser sees it, in less than 100 ms: ${title}`, (t) => {
    let best = Number.POSITIVE_INFINITY;
    // The best of several, and in proportion where more runs than there are processors.
    const most = 100 * Math.max(1, loadavg()[0]! / cpus().length);
    for (let i = 0; i < 3 || (best >= most && i < 10); i += 1) {
      const start = performance.now();
      const { refusals } = prescan(text);
      best = Math.min(best, performance.now() - start);
      t.true(refusals.some(({ code }) => code === 'E101'));
    }
    t.true(best < most, `${best} ms of ${most} ms`);
    const checked = checkText(text);
    t.deepEqual(complaints(checked, { 'scenarios/x.yaml': text }), []);
  });
}

test('900,000 brackets that close nothing do not keep anybody waiting', (t) => {
  const start = performance.now();
  t.deepEqual(found(']'.repeat(900_000)), ['E102 1:1 ]']);
  t.true(performance.now() - start < 1000);
});

test('what is just allowed is not refused', (t) => {
  t.deepEqual(refused('['.repeat(64) + ']'.repeat(64)), []);
  t.deepEqual(
    refused(many(200, (i) => `k${i}:\n- a\n- b: c\n`)),
    [],
    'lists as far left as their keys',
  );
  t.deepEqual(refused(many(10_000, (i) => `k${i}: 1\n`)), []);
  t.deepEqual(refused(`a: &a 1\nb: [${'*a, '.repeat(100)}]`), []);
  t.deepEqual(
    refused('a: "[[[[[[[[[[ # { {{{{"\nb: |\n  [[[[[[\n  {{{{{\n# [[[[\n'.repeat(20)),
    [],
  );
});

const refused = (text: string): string[] => prescan(text).refusals.map(({ code }) => code);

/** One level more around or below, in any of the ways of YAML, with brackets that are none. */
const wraps: readonly ((inner: string, indent: number) => string)[] = [
  (inner) => `[${inner}]`,
  (inner) => `["]", ${inner}]`,
  (inner) => `{ a: ${inner} }`,
  (inner) => `[don't, ${inner}, "}"]`,
  (inner) => `[ # ]\n${' '.repeat(150)}${inner}]`,
  (inner) => `{ 'it''s }]': 1, b: ${inner} }`,
];
const blocks: readonly ((inner: string, indent: number) => string)[] = [
  (inner, indent) => `a: b\n${' '.repeat(indent)}c:\n${' '.repeat(indent + 1)}${inner}`,
  (inner, indent) => `- ]\n${' '.repeat(indent)}- ${inner}`.replace('- ]', '- "]"'),
  (inner, indent) => `? a ]\n${' '.repeat(indent)}: ${inner}`,
  (inner, indent) =>
    `a: |\n${' '.repeat(indent + 1)}]]}}\n${' '.repeat(indent)}b:\n${' '.repeat(indent + 1)}${inner}`,
];
const indents = [1, 2, 2, 1];

test('however 70 levels are made, the scan sees at least 65 of them', (t) => {
  const luck = new Random('depth');
  let deep = 0;
  for (let i = 0; i < 300; i += 1) {
    const flow = luck.between(0, 70);
    let text = 'x';
    for (let n = 0; n < flow; n += 1) text = wraps[luck.between(0, wraps.length - 1)]!(text, 0);
    const chosen = Array.from({ length: 70 - flow }, () => luck.between(0, blocks.length - 1));
    let indent = chosen.reduce((sum, which) => sum + indents[which]!, 0);
    for (const which of chosen) {
      indent -= indents[which]!;
      text = blocks[which]!(text, indent);
    }
    const real = depthOf(parseDocument(text, { uniqueKeys: false, logLevel: 'silent' }).contents);
    if (real <= 65) continue;
    deep += 1;
    t.deepEqual(refused(text), ['E101'], `${real} levels:\n${text}`);
  }
  t.true(deep > 150, `${deep} were deep`);
});

function depthOf(node: unknown): number {
  if (!isMap(node) && !isSeq(node)) return 0;
  const inner = node.items.map((item) =>
    isPair(item) ? Math.max(depthOf(item.key), depthOf(item.value)) : depthOf(item),
  );
  return 1 + Math.max(0, ...inner);
}

test('5,000 and then 100,000 brackets leave the process alive', (t) => {
  // In one process: it was the second parse that aborted Node with yaml 2.9.1.
  const checkUrl = new URL('../../src/scenario/check.js', import.meta.url).href;
  const program = `
    const { check } = await import(${JSON.stringify(checkUrl)});
    for (const n of [5000, 100000]) {
      const { problems } = check('x.yaml', () => '['.repeat(n));
      console.log(problems.map((p) => p.code + ' ' + p.line + ':' + p.column).join());
    }`;
  const child = spawnSync(process.execPath, ['--input-type=module', '-e', program], {
    encoding: 'utf8',
  });
  t.is(child.signal, null, child.stderr);
  t.is(child.status, 0, child.stderr);
  t.is(child.stdout, 'E101 1:65\nE101 1:65\n');
});

test('an alias bomb within the limits of the scan is refused by what it unfolds to', (t) => {
  const line = (i: number) =>
    `b${i}: &b${i} [${Array(9)
      .fill(`*b${i - 1}`)
      .join(', ')}]\n`;
  const text = `b0: &b0 [x, x, x]\n${many(10, (i) => line(i + 1))}`;
  const start = performance.now();
  t.deepEqual(found(text), ['E101 1:1 b']);
  t.true(performance.now() - start < 1000);
  t.true(found('name: &a [*a]\n').includes('E109 1:11 *a'));
  t.true(found('name: *a\n').includes('E109 1:7 *a'));
});

test('an honest alias is followed', (t) => {
  const text = scenario({ tags: '[&t smoke, other]', name: '*t' }).replace('name: *t\n', '');
  t.deepEqual(found(`${text}name: *t\n`), []);
});

const small = scenario();
/** A line put in front of a good scenario, or in place of its name; what must be found there. */
const table: Record<string, [string, string]> = {
  'a duplicate key': [`${small}name: again\n`, 'E108 21:1 name'],
  'a tab in the indentation': ['name: x\ntenant:\n\tsites: {}\n', 'E102 3:1 \t'],
  'a second document': [`${small}---\nname: y\n`, 'E109 21:1 ---'],
  'an unknown key': [`${small}nmae: y\n`, 'E103 21:1 nmae'],
  'a function as a tag': ['name: !!js/function "x"\n', 'E109 1:7 !!js/function'],
  'a binary tag': ['name: !!binary aGk=\n', 'E109 1:7 !!binary'],
  'a tag of its own': ['name: !x y\n', 'E109 1:7 !x'],
  'a YAML 1.1 directive, where "no" is false': ['%YAML 1.1\n---\nname: x\n', 'E109 1:1 %YAML 1.1'],
  'the key __proto__': [`${small}__proto__: { x: 1 }\n`, 'E109 21:1 __proto__'],
  'the key constructor': [
    'name: x\ntenant: { sites: { constructor: {} } }\n',
    'E109 2:20 constructor',
  ],
  'the key prototype': ['name: x\ntenant: { prototype: {} }\n', 'E109 2:11 prototype'],
  'a merge key': ['a: &a { b: 1 }\nc:\n  <<: *a\n', 'E109 3:3 <<'],
  'a number where a name is wanted, which quotes would not make one: 010': [
    scenario({ tags: '[010]' }),
    'E207 21:8 010',
  ],
  'a number where a name is wanted, which quotes would not make one: 1e3': [
    scenario({ tags: '[1e3]' }),
    'E207 21:8 1e3',
  ],
  'a number where a name is wanted: 1.10': [scenario({ name: '1.10' }), 'E215 1:7 1.10'],
  'a number where a name is wanted: 0x2a': [scenario({ name: '0x2a' }), 'E215 1:7 0x2a'],
  'a truth value where text is wanted': [scenario({ name: 'true' }), 'E215 1:7 true'],
  'a number that is written in another way': [scenario({ seed: '010' }), 'E206 21:7 010'],
  '20 digits': [scenario({ seed: '12345678901234567890' }), 'E206 21:7 12345678901234567890'],
  'a key that is a number': [scenario({ replication: '{ 010: {} }' }), 'E215 17:16 010'],
  'a newline in a name': [
    scenario({ replication: '{ "a\\nb": { vms: [sql01] } }' }),
    'E207 17:16 "a\\nb"',
  ],
  'a NUL in a title': [scenario({ name: '"a\\0b"' }), 'E216 1:7 "a\\0b"'],
  'an ESC in a title': [scenario({ name: '"\\e[31m"' }), 'E216 1:7 "\\e[31m"'],
  'a right-to-left override in a title': [scenario({ name: '"\\u202e"' }), 'E216 1:7 "\\u202e"'],
  'a raw ESC in the file': ['name: \u001b[31m\n', 'E109 1:7 \u001b'],
  'a raw right-to-left override in the file': ['name: \u202e\n', 'E109 1:7 \u202e'],
  'half a character': ['name: \ud800\n', 'E109 1:7 \ud800'],
  'a name of 10 kB': [
    scenario({ tags: `[${'x'.repeat(10_000)}]` }),
    `E207 21:8 ${'x'.repeat(10_000)}`,
  ],
  'a name with markup': [scenario({ tags: '["<img onerror>"]' }), 'E207 21:8 "<img onerror>"'],
  'MTU 67': [scenario({ tunnel: '{ mtu: 67 }' }), 'E206 21:16 67'],
  'MTU 70000': [scenario({ tunnel: '{ mtu: 70000 }' }), 'E206 21:16 70000'],
  'a wait of 1e308': [scenario({ steps: '\n  - wait: 1e308' }), 'E204 20:11 1e308'],
  'a wait of -1': [scenario({ steps: '\n  - wait: -1s' }), 'E204 20:11 -1s'],
  'a wait of NaN': [scenario({ steps: '\n  - wait: .nan' }), 'E204 20:11 .nan'],
  'a wait of 10^9 s': [scenario({ steps: '\n  - wait: 100000000s' }), 'E206 20:11 100000000s'],
  'more names in a range than anybody means': [
    scenario({ replication: '\n  "j{1..1000000}": { vms: [sql01] }' }),
    'E113 18:3 "j{1..1000000}"',
  ],
  'an empty file': ['', 'E107 1:1 '],
  'only a comment': ['# nothing\n', 'E107 1:1 #'],
  'a list': ['- a\n', 'E107 1:1 - a'],
  'a stray bracket': ['name: x ]\n]\n', 'E102 2:1 ]'],
};

for (const [title, [text, expected]] of Object.entries(table)) {
  test(`bad input: ${title}`, (t) => {
    const lines = found(text);
    t.true(lines.includes(expected), `${JSON.stringify(lines)} lacks ${expected}`);
    t.deepEqual(complaints(checkText(text), { 'scenarios/x.yaml': text }), []);
  });
}

test('an address is a strict dotted quad, and a network has no host bits', (t) => {
  const bad = [
    '127.1',
    '010.0.0.1',
    '0x7f.1',
    '256.1.1.1',
    '::ffff:1.2.3.4',
    '1.2.3',
    '1.2.3.4.5',
    '+1.2.3.4',
    '1.2.3.4 5',
    '１.2.3.4',
  ];
  for (const ip of bad) {
    const text = small.replace('10.0.10.11', JSON.stringify(ip));
    t.regex(found(text).join(), /^E201 8:38 /, ip);
  }
  for (const subnet of [
    '1.2.3.4/33',
    '10.0.10.0',
    '10.0.10.0/',
    '10.0.10.0/024',
    '10.0.10.5/24',
    '10.0.10.0/-1',
  ]) {
    t.regex(found(small.replace('10.0.10.0/24', subnet)).join(), /E202 6:26 /, subnet);
  }
});

test('an unquoted MAC address is a MAC address', (t) => {
  const withMac = (mac: string) => small.replace('ip: 10.0.10.11 ', `ip: 10.0.10.11, mac: ${mac} `);
  t.deepEqual(found(withMac('52:54:00:12:34:56')), []);
  for (const mac of [
    '01:00:5e:00:00:01',
    '52-54-00-12-34-56',
    '00:00:00:00:00:00',
    '52:54:00:12:34',
    '525400123456',
  ]) {
    t.regex(found(withMac(mac)).join(), /E203|E215/, mac);
  }
});

test('a file that cannot be read is a problem, not an exception', (t) => {
  const none = checkFiles({ 'a.yaml': 'extends: ./b.yaml\n' });
  t.like(none.problems[0], { code: 'E110', file: 'a.yaml', line: 1, column: 10 });
  t.regex(none.problems[0]!.message, /b\.yaml: no such file/);
});

// The corpus

const corpus = join(process.env['STANDIN_CORPUS'] ?? '../shared/corpus', 'text-inputs');

function absent(t: ExecutionContext): boolean {
  if (existsSync(corpus)) return false;
  t.log(`skipped: ${corpus} is not there`);
  if (process.env['STANDIN_REQUIRE']) t.fail('STANDIN_REQUIRE is set');
  else t.pass();
  return true;
}

function survives(t: ExecutionContext, text: string, about: string): number {
  const start = performance.now();
  const checked = checkText(text);
  const took = performance.now() - start;
  t.deepEqual(complaints(checked, { 'scenarios/x.yaml': text }), [], about);
  for (const problem of checked.problems) {
    t.notRegex(renderProblem(problem).replaceAll('\n', ''), /\p{Cc}/u, about);
  }
  t.true(took < 2000, `${about} took ${took} ms`);
  return checked.problems.length;
}

test('every input of the yaml-test-suite gives a scenario or problems with their places', (t) => {
  if (absent(t)) return;
  const folder = join(corpus, 'yaml-test-suite');
  let texts = 0;
  for (const name of readdirSync(folder)) {
    const whole = readFileSync(join(folder, name), 'utf8');
    // The suite's files are YAML about YAML: each `yaml: |` block is an input, with its spaces and
    // tabs written as visible signs.
    const blocks = [...whole.matchAll(/^ {2}yaml: \|\d?\n((?: {4}.*\n|\n)+)/gm)].map(([, block]) =>
      block!
        .replace(/^ {4}/gm, '')
        .replaceAll('␣', ' ')
        .replace(/—*»/g, '\t')
        .replaceAll('↵', '')
        .replaceAll('∎\n', '')
        .replaceAll('←', '\r')
        .replaceAll('⇔', '\ufeff'),
    );
    for (const text of [whole, ...blocks]) {
      t.true(survives(t, text, name) > 0, `${name} is no scenario`);
      texts += 1;
    }
  }
  t.log(`${texts} texts`);
  t.true(texts > 300);
});

test('naughty strings do no harm as text, as a name, as a key, or as a file', (t) => {
  if (absent(t)) return;
  const strings = JSON.parse(readFileSync(join(corpus, 'blns.json'), 'utf8')) as string[];
  t.true(strings.length > 400);
  for (const naughty of strings) {
    const quoted = JSON.stringify(naughty);
    survives(t, naughty, quoted);
    survives(t, scenario({ name: quoted, about: quoted }), quoted);
    survives(t, scenario({ name: naughty }), quoted);
    survives(
      t,
      scenario({ tags: `[${quoted}]`, steps: `\n  - expect: [{ ping: ${quoted} }]` }),
      quoted,
    );
    survives(t, `${small}${quoted}: 1\n`, quoted);
    survives(t, scenario({ steps: `\n  - when: ${quoted}\n    expect: []` }), quoted);
  }
});
