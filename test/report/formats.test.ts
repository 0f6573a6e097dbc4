/** Every format of reports against its schema or whoever reads it, over all that the gallery comes to, and over names that mean harm. */
import test from 'ava';
import { type EvidenceRun, evidenceIndex } from '../../src/report/evidence.ts';
import { type Annotation, annotationsOf, workflowCommands } from '../../src/report/github.ts';
import { jobSummary } from '../../src/report/job-summary.ts';
import { runsJson, showJson } from '../../src/report/json.ts';
import { runsJunit } from '../../src/report/junit.ts';
import { ladder } from '../../src/report/ladder.ts';
import { endNdjson, runNdjson } from '../../src/report/ndjson.ts';
import { resultSchema } from '../../src/report/result-schema.ts';
import { runsSarif } from '../../src/report/sarif.ts';
import { beginTap, endTap, runTap } from '../../src/report/tap.ts';
import { safe } from '../../src/report/terminal.ts';
import { troublesOf } from '../../src/report/troubles.ts';
import type { Json, JsonObject } from '../../src/scenario/json.ts';
import {
  expectationsOf,
  type TimedResult,
  type Unplayed,
  verdictOfRun,
} from '../../src/trace/result.ts';
import { fits } from '../scenario/draft07.ts';
import {
  elements,
  junitFaults,
  readLadder,
  readMarkdown,
  readTap,
  sarifSchema,
  workflowCommandsIn,
} from './consumers.ts';
import { asFailed, playedGallery } from './played-gallery.ts';
import { everywhere, finding, hostile, idle, limited, ms, planned, timed } from './sample.ts';
import { parseXml } from './xml.ts';

const version = '0.1.0';
const realTime = ms(480);
const unplayed = (text: string): Unplayed => ({
  file: text,
  case: text,
  obstacles: [{ because: text, check: undefined }],
});

/** Results by where they come from: as the gallery is, as if all of it had failed, and hostile ones. */
const sources: Record<string, TimedResult[]> = {
  'the gallery': [],
  'the gallery as if all had failed': [],
  'hostile names': hostile.map((text) => timed(everywhere(text), 1)),
  samples: [planned, limited, idle].map((result) => timed(result, 1)),
  nothing: [],
};

test.before(async () => {
  const results = await playedGallery();
  sources['the gallery']!.push(...results);
  sources['the gallery as if all had failed']!.push(...results.map(asFailed));
});

// JSON and NDJSON

/** The schema with nothing allowed that it does not describe: what is written has to be in it. */
function closed(schema: Json): Json {
  if (Array.isArray(schema)) return (schema as Json[]).map(closed);
  if (typeof schema !== 'object' || schema === null) return schema;
  const inner = Object.fromEntries(
    Object.entries(schema).map(([key, part]) => [key, closed(part)]),
  );
  return 'properties' in schema && 'required' in schema
    ? { ...inner, additionalProperties: false }
    : inner;
}

const schema = closed(resultSchema() as JsonObject) as JsonObject;
const isResult = (value: Json): boolean => fits(value, schema, schema);

test('JSON: every document is as the schema says, and has nothing that it does not tell of', (t) => {
  for (const [from, results] of Object.entries(sources)) {
    const unsupported = [unplayed(from)];
    const text = runsJson(results, { version, realTime, unsupported });
    t.true(isResult(JSON.parse(text) as Json), from);
  }
  const timeless = runsJson([timed(planned, 1)], { version });
  t.true(isResult(JSON.parse(timeless) as Json));
  t.notRegex(timeless, /realNanoseconds/);
  const problem = { code: 'E1', severity: 'error', message: 'x', file: 'f', line: 1, column: 1 };
  t.true(isResult({ schema: 1, standin: version, files: 1, problems: [problem] }));
});

test('the schema of results refuses what is not one', (t) => {
  const whole = JSON.parse(runsJson([timed(planned, 1)], { version, realTime })) as {
    runs: { verdict: string; steps: { line: number }[] }[];
    schema: number;
  };
  t.true(isResult(whole as unknown as Json));
  t.false(isResult({ ...whole, schema: 2 } as unknown as Json));
  t.false(isResult({ ...whole, extra: 1 } as unknown as Json));
  const [run] = whole.runs;
  t.false(isResult({ ...whole, runs: [{ ...run, verdict: 'passed' }] } as unknown as Json));
  const steps = run!.steps.map((step) => ({ ...step, line: 0 }));
  t.false(isResult({ ...whole, runs: [{ ...run, steps }] } as unknown as Json));
});

test('NDJSON: each line is as the schema says, and together they are the JSON document', (t) => {
  for (const [from, results] of Object.entries(sources)) {
    const text =
      results.map((one, i) => runNdjson(one, { version, run: i + 1 })).join('') +
      endNdjson(results, { version, realTime, unsupported: [unplayed(from)] });
    const lines = text.split('\n');
    t.is(lines.pop(), '');
    const objects = lines.map((line) => JSON.parse(line) as JsonObject & { kind: string });
    t.true(objects.every(isResult), from);
    const document = JSON.parse(runsJson(results, { version, realTime })) as {
      totals: unknown;
      runs: { steps: { expectations: object[] }[]; findings: object[] }[];
    };
    const of = (kind: string): JsonObject[] => objects.filter((one) => one.kind === kind);
    t.deepEqual(of('end')[0]!['totals'] as unknown, document.totals);
    t.is(of('run-start').length, results.length);
    t.is(of('run-end').length, results.length);
    const expectations = document.runs.flatMap(({ steps }) =>
      steps.flatMap((step) => step.expectations),
    );
    const without = (one: JsonObject): object => {
      const { schema: _s, kind: _k, run: _r, step: _n, ...rest } = one;
      return rest;
    };
    t.deepEqual(of('expectation').map(without), expectations);
    t.is(of('finding').length, document.runs.flatMap(({ findings }) => findings).length);
    t.notRegex(text, /[<>&]|(?!\n)[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u, 'nothing but lines');
  }
});

// JUnit

test('JUnit: every document is what junit-10.xsd allows, and counts right', (t) => {
  for (const [from, results] of Object.entries(sources)) {
    const root = parseXml(runsJunit(results, { version, realTime }));
    t.deepEqual(junitFaults(root), [], from);
    const suites = elements(root, 'testsuite');
    t.is(suites.length, results.length);
    for (const suite of [root, ...suites]) {
      const cases =
        suite === root
          ? suites.flatMap((one) => elements(one, 'testcase'))
          : elements(suite, 'testcase');
      const having = (name: string): string =>
        String(cases.filter((one) => elements(one, name).length > 0).length);
      const { tests, failures, errors, skipped } = suite.attributes;
      t.deepEqual(
        [tests, failures, errors],
        [String(cases.length), having('failure'), having('error')],
      );
      if (suite !== root) t.is(skipped, having('skipped'));
    }
  }
});

test('JUnit: a finding is a case, which fails where the run has not passed for it', (t) => {
  const findings = [finding('broken', 'two answer', 1), finding('warned', 'late', 0)];
  const root = parseXml(runsJunit([timed({ ...planned, findings }, 1)], { version, realTime }));
  const cases = elements(elements(root, 'testsuite')[0]!, 'testcase');
  t.is(cases.length, 4);
  t.is(elements(cases[2]!, 'failure')[0]!.attributes['message'], 'two answer (2 times)');
  t.deepEqual(elements(cases[3]!, 'system-out')[0]!.children, ['warned: late']);
});

// TAP

test('TAP: a parser finds what we meant, with nothing that is no TAP', (t) => {
  for (const [from, results] of Object.entries(sources)) {
    const text = [
      beginTap(version),
      ...results.map(({ result }, i) => runTap(result, i + 1)),
      endTap(results.length, [unplayed(from)]),
    ].join('');
    const runs = readTap(text);
    t.is(runs.length, results.length + 1);
    for (const [i, { result }] of results.entries()) {
      const { point, points } = runs[i]!;
      const all = expectationsOf(result);
      const ends = result.brokenOff === undefined ? 0 : 1;
      t.is(points.length, all.length + result.findings.length + ends, from);
      t.is(point.ok, verdictOfRun(result) === 'met' && !points.some(({ ok }) => !ok));
      for (const [n, one] of all.entries()) {
        const { ok, skip, name, diag } = points[n]!;
        t.is(ok, one.verdict !== 'broken', one.text);
        t.is(skip !== false, one.verdict === 'not-checked', one.text);
        if (one.verdict !== 'broken') continue;
        t.is(diag.line, one.line);
        t.is(diag.hops?.length ?? 0, one.hops?.length ?? 0);
        const shown = safe(one.text).trim();
        if (!/[{\\]\s*$|[#\\]/.test(shown)) t.true(name.endsWith(shown), `${name}: ${shown}`);
      }
    }
  }
  t.is(readTap(beginTap(version) + endTap(0)).length, 0);
});

// SARIF

interface Sarif {
  readonly runs: readonly {
    readonly tool: {
      readonly driver: { readonly rules: readonly { id: string; help: { text: string } }[] };
    };
    readonly invocations: readonly {
      readonly executionSuccessful: boolean;
      readonly toolExecutionNotifications: readonly object[];
    }[];
    readonly results: readonly {
      readonly ruleId: string;
      readonly ruleIndex: number;
      readonly level: string;
      readonly partialFingerprints: Record<string, string>;
      readonly locations: readonly {
        physicalLocation: {
          artifactLocation: { uri: string };
          region: { startLine: number; startColumn: number };
        };
      }[];
      readonly codeFlows?: readonly { threadFlows: readonly { locations: readonly object[] }[] }[];
    }[];
  }[];
}

test('SARIF: every document is what the schema of SARIF 2.1.0 allows, with a result for each trouble', (t) => {
  for (const [from, results] of Object.entries(sources)) {
    const document = JSON.parse(
      runsSarif(results, { version, unsupported: [unplayed(from)] }),
    ) as Sarif;
    t.true(fits(document as unknown as Json, sarifSchema, sarifSchema), from);
    const [run] = document.runs;
    const { rules } = run!.tool.driver;
    const troubles = results.flatMap(({ result }) => troublesOf(result));
    t.is(run!.results.length, troubles.length);
    t.is(new Set(rules.map(({ id }) => id)).size, rules.length);
    t.true(rules.every(({ help }) => help.text.length > 10));
    const prints = run!.results.map((one) => JSON.stringify(one.partialFingerprints));
    t.is(new Set(prints).size, prints.length, 'each problem has a fingerprint of its own');
    for (const [i, one] of run!.results.entries()) {
      const { file, line, column, severity, hops } = troubles[i]!;
      t.is(rules[one.ruleIndex]!.id, one.ruleId);
      t.is(one.level, severity);
      const { artifactLocation, region } = one.locations[0]!.physicalLocation;
      t.is(
        decodeURIComponent(artifactLocation.uri).replace(/^file:\/\//, ''),
        file.replace(/\p{Cs}/gu, '\ufffd'),
      );
      t.deepEqual(region, { startLine: line, startColumn: column });
      t.is(one.codeFlows?.[0]?.threadFlows[0]?.locations.length ?? 0, Math.min(hops.length, 1000));
    }
  }
});

test('SARIF: fingerprints go with the expectation, not with its line, its seed or its time', (t) => {
  const print = (line: number, seed: number): unknown => {
    const steps = planned.steps.map((step) => ({
      ...step,
      expectations: step.expectations.map((one) => ({ ...one, line })),
    }));
    const document = JSON.parse(runsSarif([timed({ ...planned, steps, seed }, 1)], { version }));
    return (document as Sarif).runs[0]!.results[0]!.partialFingerprints;
  };
  t.deepEqual(print(6, 7), print(60, 8));
});

// GitHub

test('GitHub: the runner finds the annotations that we meant and no other command', (t) => {
  for (const [from, results] of Object.entries(sources)) {
    const annotations = annotationsOf(results.map(({ result }) => result));
    const commands = workflowCommandsIn(workflowCommands(annotations));
    const of = (severity: string): Annotation[] =>
      annotations.filter((one) => one.severity === severity);
    for (const severity of ['error', 'warning']) {
      const shown = commands.filter(({ name }) => name === severity);
      t.is(shown.length, Math.min(of(severity).length, 10), from);
      for (const [i, { properties, message }] of shown.entries()) {
        if (properties['title'] === 'Standin') continue; // how many there are besides
        const meant = of(severity)[i]!;
        t.is(properties['file'], safe(meant.file));
        t.is(properties['line'], String(meant.line));
        t.is(properties['title'], safe(meant.title));
        t.is(message, meant.message.split('\n').map(safe).join('\n'));
      }
    }
    t.is(commands.length, commands.filter(({ name }) => /^(error|warning)$/.test(name)).length);
  }
});

test('GitHub: the same trouble in many cases is one annotation that says so', (t) => {
  const results = ['a', 'b', 'c'].map((of) => ({ ...planned, case: of }));
  const [only, ...others] = annotationsOf(results);
  t.is(others.length, 0);
  t.regex(only!.message, /and in 2 more$/);
});

test('the job summary: Markdown in which names are nothing but names, and a picture that is drawn', (t) => {
  const unsupported = [unplayed('<b>|`::error::`|</b>')];
  for (const [from, results] of Object.entries(sources)) {
    const page = jobSummary(results, { version, realTime, unsupported });
    const { ladders } = readMarkdown(page);
    const troubles = results.flatMap(({ result }) => troublesOf(result));
    const first = troubles.find(({ severity }) => severity === 'error');
    t.is(ladders.length, first?.hops.length ? 1 : 0, from);
    for (const text of ladders) readLadder(text);
    t.true(Buffer.byteLength(page) < 1 << 20);
  }
  for (const one of sources['hostile names']!) {
    const { texts, ladders } = readMarkdown(jobSummary([one], { version, realTime }));
    t.true(texts.join('').includes(safe(one.result.file).trim()), one.result.file);
    t.deepEqual(readLadder(ladders[0]!).places, [safe(one.result.file)]);
  }
});

test('the job summary keeps to its size: whole blocks are left out, and that is said', (t) => {
  const results = sources['the gallery as if all had failed']!;
  for (const bytesMax of [0, 300, 2000, 20_000]) {
    const page = jobSummary(results, { version, realTime, bytesMax });
    t.true(Buffer.byteLength(page) <= Math.max(bytesMax, 100), String(bytesMax));
    t.regex(page, /left out: there is no room for it here/);
    t.notThrows(() => readMarkdown(page));
  }
});

test('the ladder: each hop is handed to the next one, and a long way is cut', (t) => {
  const hops = planned.steps[1]!.expectations[0]!.hops!;
  t.is(
    ladder(hops),
    `sequenceDiagram
  participant p1 as web01
  participant p2 as esx1
  p1->>p2: ARP cache#58; 10.0.10.20 is 00#58;50#58;56#58;01#58;00#58;20
  Note over p2: dropped#58; port is down (VM powered off at 31.2 s)
`,
  );
  const long = Array.from({ length: 500 }, (_, i) => ({ ...hops[0]!, where: `sw${i}` }));
  const { places, words } = readLadder(ladder(long));
  t.is(places.length, 60);
  t.is(words.at(-1), 'and 440 hops more');
});

// Evidence

const asRun = ({ result }: TimedResult, i: number): EvidenceRun => ({
  result,
  folder: `runs/${i}`,
  assumptions: [{ name: result.name, value: result.name, by: 'scenario' }],
  replicated: [result.name],
});

test('the page of an evidence pack: Markdown in which names are nothing but names', (t) => {
  for (const results of Object.values(sources)) {
    const files = [{ path: 'inputs/x.yaml', bytes: 1, sha256: 'a'.repeat(64), from: '|`<b>' }];
    const page = evidenceIndex(results.map(asRun), files, {
      version,
      node: 'v20.19.0',
      backend: 'sim',
      heldAt: '`|<script>',
      unplayed: [unplayed('`|<script>')],
      unchosen: 0,
      left: 0,
    });
    t.deepEqual(readMarkdown(page).ladders, []);
  }
});

test('the page of an evidence pack says how long VMs were out of reach, and where nobody measured', (t) => {
  const seconds = (n: number): number => n * 1e9;
  const outage = { lostAt: seconds(15), restoredAt: seconds(40), length: seconds(25), lost: 50 };
  const open = { lostAt: seconds(60), length: seconds(35), lost: 70 };
  const watched = [
    { flow: 'web01 -> sql01', vm: 'sql01', sent: 200, answered: 80, outages: [outage, open] },
    { flow: 'web01 -> hq.gateway', vm: '', sent: 9, answered: 9, outages: [] },
  ];
  const result = { ...planned, watched } as unknown as typeof planned;
  const run = { result, folder: 'runs/a', assumptions: [], replicated: ['sql01', 'db02'] };
  const page = evidenceIndex([run], [], {
    version,
    node: 'v20.19.0',
    backend: 'sim',
    unplayed: [],
    unchosen: 3,
    left: 1,
  });
  const rows = page.split('\n').filter((line) => line.startsWith('| planned failover'));
  t.true(
    rows.includes(
      '| planned failover | sql01 | web01 -> sql01 | 35 s, not restored by the end | 60 s | 15 s – 40 s<br>60 s – the end |',
    ),
    rows.join('\n'),
  );
  t.true(rows.includes('| planned failover | db02 |  | not measured |  |  |'));
  t.true(rows.includes('| planned failover |  | web01 -> hq.gateway | none | 0 s |  |'));
  t.regex(page, /- 3 cases of these files that nobody asked for\n- 1 case left when it stopped/);
  t.regex(page, /- how long these are out of reach, at least in one run: db02\n/);
  t.regex(
    page,
    /- in planned failover: tcp web01 -> sql01:1433: the run ended before its deadline\n/,
  );
});

test('what programs read of a document is the same in one line', (t) => {
  t.deepEqual(JSON.parse(showJson({ a: ['<', '\u202e'] }, 0)), { a: ['<', '\u202e'] });
  t.is(showJson({ a: '<' }, 0), '{"a":"\\u003c"}\n');
});
