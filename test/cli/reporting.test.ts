/** Which reports go where, what GitHub makes of them, and evidence packs as folders. */
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { exitCodes } from '../../src/cli/exit-codes.ts';
import { type ReporterFlags, reportersFor, WrongList } from '../../src/cli/reporter-list.ts';
import { Reporting } from '../../src/cli/reporting.ts';
import { resultSchema } from '../../src/report/result-schema.ts';
import type { Json, JsonObject } from '../../src/scenario/json.ts';
import {
  junitFaults,
  readMarkdown,
  readTap,
  sarifSchema,
  workflowCommandsIn,
} from '../report/consumers.ts';
import { passing, planned, timed } from '../report/sample.ts';
import { parseXml } from '../report/xml.ts';
import { fits } from '../scenario/draft07.ts';
import { checkText, onlyCase, scenario } from '../scenario/memory.ts';
import { bad, flagship, folderWith, standin, wrong } from '../support/cli.ts';

test('what lists of reporters mean', (t) => {
  const cases: [ReporterFlags, boolean, string][] = [
    [{}, false, 'text'],
    [{}, true, 'text github'],
    [{ json: true }, false, 'json'],
    [{ junit: 'a.xml' }, false, 'text junit=a.xml'],
    [{ json: true, junit: 'a.xml' }, true, 'json junit=a.xml github'],
    [{ reporter: 'tap' }, true, 'tap'],
    [{ reporter: 'text=a,ndjson,sarif=b=c' }, false, 'text=a ndjson sarif=b=c'],
    [{ reporter: 'text,github=s.md,evidence=drill' }, false, 'text github=s.md evidence=drill'],
    [{ reporter: 'github,json' }, false, 'github json'],
    [{ reporter: 'json=a,tap', junit: 'b' }, false, 'json=a tap junit=b'],
  ];
  for (const [flags, annotates, meant] of cases) {
    const wanted = reportersFor(flags, annotates);
    const told = wanted.map(({ name, file }) => (file === undefined ? name : `${name}=${file}`));
    t.is(told.join(' '), meant);
  }
});

test('lists of reporters that cannot be are refused, with a word about why', async (t) => {
  const cases: [ReporterFlags, RegExp][] = [
    [{ reporter: 'jnuit=a' }, /no reporter "jnuit": did you mean "junit"\?/],
    [{ reporter: '' }, /no reporter "": there are text, json/],
    [{ reporter: 'tap,' }, /no reporter ""/],
    [{ reporter: 'junit=' }, /junit= needs the name of a file/],
    [{ reporter: 'evidence' }, /evidence=FOLDER/],
    [{ reporter: 'text,json' }, /text and json would share standard output: .* json=FILE/],
    [{ reporter: 'tap,sarif=x,tap' }, /tap and tap would share/],
    [{ reporter: 'tap', json: true }, /tap and json would share/],
    [{ reporter: 'json=a,tap=a' }, /two reports would go to "a"/],
    [{ reporter: 'junit=a', junit: 'a' }, /two reports would go to "a"/],
    [{ reporter: 'github,github=a' }, /github is there twice/],
  ];
  for (const [flags, said] of cases) {
    const error = t.throws(() => reportersFor(flags), { instanceOf: WrongList });
    t.regex(error!.message, said);
  }
  const folder = folderWith(t, { 'a.yaml': bad });
  for (const words of [
    ['--reporter', 'json,tap'],
    ['--held-at', 'today'],
  ]) {
    const { code, stdout, stderr } = await standin(['run', 'a.yaml', ...words], { cwd: folder });
    t.is(code, exitCodes.invalid);
    t.is(stdout, '');
    t.regex(stderr, /^standin: .*\n$/);
  }
});

/** As far as a scenario may call itself something, it does. */
const nasty =
  '::error::pwned <script>]]>&amp;%0A::error::%0D |a|`b` ```c [d](javascript:e) "f" \'g\' @h #1 $i$ {0} # SKIP {';
const hostileFile = bad
  .replace('name: small', `name: ${JSON.stringify(nasty)}`)
  .replace(/about: .*/, `about: ${JSON.stringify(nasty)}`)
  .replace('- expect:', `- name: ${JSON.stringify(nasty)}\n    expect:`)
  .replace('within: 3s', `within: 3s, name: ${JSON.stringify(nasty)}`);

test('all reports at once of a scenario whose names mean harm: each is read by its parser, and GitHub obeys none', async (t) => {
  const folder = folderWith(t, { 'a.yaml': hostileFile, 'summary.md': 'before\n\n' });
  const list =
    'text,json=o/a.json,ndjson=o/a.ndjson,junit=o/a.xml,tap=o/a.tap,sarif=o/a.sarif,github,evidence=o/drill';
  const { code, stdout, stderr } = await standin(['run', 'a.yaml', '--reporter', list], {
    cwd: folder,
    env: { GITHUB_ACTIONS: 'true', GITHUB_STEP_SUMMARY: join(folder, 'summary.md') },
  });
  t.is(code, exitCodes.expectationFailed);
  t.regex(
    stderr,
    /^standin: evidence of 6 files in o\/drill; its manifest has SHA-256 [0-9a-f]{64}\n$/,
  );
  const [command, ...others] = workflowCommandsIn(stdout);
  t.deepEqual(others, []);
  t.is(command!.name, 'error');
  t.deepEqual(command!.properties, { file: 'a.yaml', line: '12', col: '16', title: nasty });
  t.true(
    workflowCommandsIn(stdout.replace(/::stop-commands::\S+/, '')).length > 1,
    'the text would be obeyed',
  );

  const read = (name: string): string => readFileSync(join(folder, name), 'utf8');
  const schema = resultSchema() as JsonObject;
  const isResult = (text: string): boolean => fits(JSON.parse(text) as Json, schema, schema);
  t.true(isResult(read('o/a.json')));
  t.true(read('o/a.ndjson').trimEnd().split('\n').every(isResult));
  t.deepEqual(junitFaults(parseXml(read('o/a.xml'))), []);
  const [run] = readTap(read('o/a.tap'));
  t.false(run!.point.ok);
  t.false(run!.points[0]!.ok);
  t.true(fits(JSON.parse(read('o/a.sarif')) as Json, sarifSchema, sarifSchema));
  t.true(read('summary.md').startsWith('before\n\n## Standin: 0 passed, 1 failed\n'));
  for (const page of ['summary.md', 'o/drill/index.md'])
    t.true(readMarkdown(read(page)).texts.join('').includes(nasty), page);
});

test('on GitHub annotations come by themselves, and never into a document', async (t) => {
  const folder = folderWith(t, { 'a.yaml': bad });
  const env = { GITHUB_ACTIONS: 'true' };
  const plain = await standin(['run', 'a.yaml', '--pcap', 'off'], { cwd: folder, env });
  t.is(workflowCommandsIn(plain.stdout).length, 1);
  const json = await standin(['run', 'a.yaml', '--pcap', 'off', '--json'], { cwd: folder, env });
  t.notThrows(() => JSON.parse(json.stdout));
  t.is(workflowCommandsIn(json.stderr).length, 1);
  const elsewhere = await standin(['run', 'a.yaml', '--pcap', 'off'], { cwd: folder });
  t.notRegex(elsewhere.stdout, /::/);
});

test('scenarios that are wrong: programs that wait for a report are told', async (t) => {
  const folder = folderWith(t, { 'a.yaml': wrong });
  const list = 'json=a.json,ndjson=a.ndjson,tap=a.tap,github';
  const { code, stdout, stderr } = await standin(['run', 'a.yaml', '--reporter', list], {
    cwd: folder,
  });
  t.is(code, exitCodes.invalid);
  t.is(stdout, '');
  const [command] = workflowCommandsIn(stderr);
  t.is(command!.properties['title'], 'E104: not a scenario');
  t.is(command!.properties['line'], '11');
  const schema = resultSchema() as JsonObject;
  for (const name of ['a.json', 'a.ndjson']) {
    const document = JSON.parse(readFileSync(join(folder, name), 'utf8')) as Json;
    t.true(fits(document, schema, schema));
  }
  t.regex(
    readFileSync(join(folder, 'a.tap'), 'utf8'),
    /^TAP version 14\n# .*\nBail out! 1 problem in the scenarios\n$/,
  );
});

test('streams are written as runs end', async (t) => {
  const folder = folderWith(t);
  const wanted = [
    { name: 'ndjson', file: join(folder, 'a.ndjson') },
    { name: 'tap', file: join(folder, 'a.tap') },
  ] as const;
  const reporting = await Reporting.open(wanted, {
    backend: 'sim',
    verbose: false,
    heldAt: undefined,
    inputs: [],
    unchosen: 0,
  });
  const lines = (name: string): string[] =>
    readFileSync(join(folder, name), 'utf8').trimEnd().split('\n');
  const rest = {
    scenario: onlyCase(checkText(scenario())),
    comparison: undefined,
    log: undefined,
    capture: undefined,
    packed: undefined,
  };
  const [first, second] = [timed(passing, 1), timed(planned, 1)];
  reporting.run({ timed: first, ...rest });
  t.regex(lines('a.ndjson').at(-1)!, /"kind":"run-end","run":1/);
  t.regex(lines('a.tap').at(-1)!, /^ok 1 - /);
  reporting.run({ timed: second, ...rest });
  t.regex(lines('a.ndjson').at(-1)!, /"kind":"run-end","run":2/);
  await reporting.end({
    results: [first, second],
    comparisons: new Map(),
    unplayed: [],
    left: 0,
    realTime: first.realTime,
    locks: undefined,
  });
  t.regex(lines('a.ndjson').at(-1)!, /"kind":"end"/);
  t.is(lines('a.tap').at(-1), '1..2');
});

test('schema --result prints the schema of results', async (t) => {
  const { code, stdout } = await standin(['schema', '--result']);
  t.is(code, 0);
  t.deepEqual(JSON.parse(stdout), JSON.parse(JSON.stringify(resultSchema())));
});

/** Nobody switches it on again: pinged twice a second, it answers last half a second before 15 s. */
const derived = `name: derived
extends: ./base.yaml
matrix: { a: [1, 2] }
timings: { shut_down: 11s }
policies: { missing_nea: fail }
steps:
  - { when: a == 2, fault: { power_off: sql01 } }
  - wait: 20s
  - expect: [{ outage: web01 -> sql01, at_most: 1s }]
`;

/** Every file of a folder by its path, as its SHA-256 is. */
function contents(folder: string): Record<string, string> {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((one) =>
    one.isFile(),
  );
  const entries = files.map(({ parentPath, name }) => {
    const path = join(parentPath, name);
    return [
      path.slice(folder.length + 1),
      createHash('sha256').update(readFileSync(path)).digest('hex'),
    ];
  });
  return Object.fromEntries(entries.sort()) as Record<string, string>;
}

test('evidence: the same drill makes the same bytes, and whatever is changed later is noticed', async (t) => {
  const folder = folderWith(t, { 'base.yaml': flagship, 'A.yaml': derived, 'b/a.yaml': bad });
  const drill = async (name: string, env: Record<string, string>): Promise<string> => {
    const words = [
      'run',
      'A.yaml',
      'b/a.yaml',
      '--reporter',
      `evidence=${name}`,
      '--held-at',
      '2026-11-30T19:00Z',
      '--pcap',
      'off',
    ];
    const { code, stdout, stderr } = await standin(words, { cwd: folder, env });
    t.is(code, exitCodes.expectationFailed);
    t.is(stdout, '');
    return / SHA-256 ([0-9a-f]{64})\n$/.exec(stderr)![1]!;
  };
  const [one, two] = [join(folder, 'one'), join(folder, 'two')];
  const sums = [
    await drill('one', { TZ: 'UTC', LANG: 'C' }),
    await drill('two', { TZ: 'Asia/Kathmandu', LANG: 'tr_TR.UTF-8' }),
  ];
  const files = contents(one);
  t.deepEqual(contents(two), files);
  t.is(sums[0], sums[1]);
  t.deepEqual(Object.keys(files), [
    'index.md',
    'inputs/A.yaml',
    'inputs/a-2.yaml',
    'inputs/base.yaml',
    'manifest.json',
    'result.json',
    ...['A-a=1', 'A-a=2', 'a'].flatMap((run) => [
      `runs/${run}/capture.pcapng`,
      `runs/${run}/events.ndjson`,
    ]),
  ]);
  const manifest = JSON.parse(readFileSync(join(one, 'manifest.json'), 'utf8'));
  t.is(manifest.heldAt, '2026-11-30T19:00Z');
  t.is(manifest.node, process.version);
  const listed = manifest.files.map(({ path, sha256 }: Record<string, string>) => [path, sha256]);
  const { 'manifest.json': own, ...others } = files;
  t.deepEqual(Object.fromEntries(listed), others);
  t.is(own, sums[0]);
  t.deepEqual(manifest.files.map(({ from }: Record<string, string>) => from).filter(Boolean), [
    'A.yaml',
    'base.yaml',
    'b/a.yaml',
  ]);

  const page = readFileSync(join(one, 'index.md'), 'utf8');
  const measured = page.split('\n').filter((line) => line.includes('| web01 -> sql01 |'));
  t.true(measured[0]!.endsWith('| sql01 | web01 -> sql01 | none | 0 s |  |'));
  const row = '| 20.5 s, not restored by the end | 20.5 s | 14.5 s – the end |';
  t.true(measured[1]!.endsWith(row), measured[1]!);
  const policy =
    '<code>policies.missing_nea</code> | fail | the scenario | derived &#91;a=1&#93;, derived &#91;a=2&#93; |';
  t.true(page.includes(policy));
  t.regex(
    page,
    /<code>timings\.power_off<\/code> \| 1s \| Standin: the scenario says nothing \| all \|/,
  );
  t.regex(page, /### Failed: <code>ping web01 -> 10\.0\.10\.99 within 3s<\/code>/);

  const again = await standin(['run', 'b', '--reporter', 'evidence=one'], { cwd: folder });
  t.is(again.code, exitCodes.environmentLacks);
  t.regex(
    again.stderr,
    /^standin: the folder one is not empty, and evidence is never overwritten\n$/,
  );

  const verify = (...words: string[]) => standin(['evidence', 'verify', ...words], { cwd: folder });
  const good = await verify('one');
  t.deepEqual(
    [good.code, good.stdout],
    [0, ` ✓ 11 files as listed\n manifest.json has SHA-256 ${own}\n`],
  );

  const size = Buffer.byteLength(page);
  const result = join(two, 'result.json');
  writeFileSync(result, readFileSync(result, 'utf8').replace('"met"', '"MET"'));
  writeFileSync(join(two, 'index.md'), `${page} `);
  rmSync(join(two, 'inputs/A.yaml'));
  symlinkSync(join(one, 'inputs/A.yaml'), join(two, 'inputs/A.yaml'));
  rmSync(join(two, 'runs/a/capture.pcapng'));
  mkdirSync(join(two, 'more'));
  writeFileSync(join(two, 'more/other'), '');
  const outside = {
    ...manifest,
    files: [...manifest.files, { path: '../base.yaml', bytes: 1, sha256: own }],
  };
  writeFileSync(join(two, 'manifest.json'), JSON.stringify(outside));
  const bent = await verify('two', '--json');
  t.is(bent.code, exitCodes.expectationFailed);
  const { differences } = JSON.parse(bent.stdout) as {
    differences: { path: string; what: string }[];
  };
  t.deepEqual(differences.map(({ path, what }) => `${path}: ${what}`).sort(), [
    '../base.yaml: the manifest names a place outside of the folder',
    `index.md: ${size + 1} bytes, and ${size} when it was written`,
    'inputs/A.yaml: it is a symbolic link',
    'more/other: the manifest does not list it',
    'result.json: its content is another (SHA-256)',
    'runs/a/capture.pcapng: no such file or folder',
  ]);
  for (const [path, text] of [
    ['none', undefined],
    ['b', undefined],
    ['c', '{}'],
    ['d', 'no JSON'],
    ['e', '{"schema":1,"kind":"standin-evidence","files":[{"path":1}]}'],
  ] as const) {
    if (text !== undefined) {
      mkdirSync(join(folder, path));
      writeFileSync(join(folder, path, 'manifest.json'), text);
    }
    const { code, stderr } = await verify(path);
    t.is(code, exitCodes.invalid);
    t.regex(stderr, /^standin: \w+ is no evidence pack: /);
  }
});
