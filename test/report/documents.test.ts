import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import test from 'ava';
import fc from 'fast-check';
import { runsJson } from '../../src/report/json.ts';
import { runsJunit } from '../../src/report/junit.ts';
import { runText } from '../../src/report/text.ts';
import type { RunResult } from '../../src/trace/result.ts';
import { verdictOf } from '../../src/trace/result.ts';
import { needs, needsCorpus } from '../needs.ts';
import { everywhere, hostile, idle, limited, ms, planned, timed } from './sample.ts';
import { parseXml } from './xml.ts';

const options = { version: '0.1.0', realTime: ms(480) };

test('JUnit: a run is a suite, a step with expectations a case, and nothing checked is not passed', (t) => {
  t.is(
    runsJunit([timed(planned, 120), timed(limited, 31), timed(idle, 1)], options),
    `<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="standin" tests="4" failures="1" errors="0" time="0.480">
  <testsuite name="planned failover" tests="2" failures="1" errors="0" skipped="0" time="0.120" file="scenarios/05-planned.yaml">
    <properties>
      <property name="standin" value="0.1.0"/>
      <property name="file" value="scenarios/05-planned.yaml"/>
      <property name="case" value=""/>
      <property name="seed" value="7"/>
      <property name="simulated-nanoseconds" value="95000000000"/>
      <property name="events" value="1234"/>
      <property name="capture" value="standin-out/05-planned.pcapng"/>
    </properties>
    <testcase name="1: before the disaster" classname="scenarios/05-planned.yaml"/>
    <testcase name="2: failover sql01" classname="scenarios/05-planned.yaml">
      <failure type="STALE_ARP" message="ping web01 -&gt; sql01 within 3s: no reply in 3 s (3 sent, 0 received)">scenarios/05-planned.yaml:6:11: ping web01 -&gt; sql01 within 3s
no reply in 3 s (3 sent, 0 received)
reason: STALE_ARP: web01 still holds the original&apos;s MAC; no gratuitous ARP was sent.
hop 1: web01 - -&gt; eth0: ARP cache: 10.0.10.20 is 00:50:56:01:00:20
hop 2: esx1 port3 -&gt; dropped: port is down (VM powered off at 31.2 s)</failure>
    </testcase>
    <system-out>step 2: note: restore point: latest
step 2: warning: no static IP address (NO_STATIC_IP_DETECTED)
step 2: success: failover of sql01</system-out>
  </testsuite>
  <testsuite name="partial dhcp [lease=valid]" tests="1" failures="0" errors="0" skipped="0" time="0.031" file="scenarios/02-partial-dhcp.yaml">
    <properties>
      <property name="standin" value="0.1.0"/>
      <property name="file" value="scenarios/02-partial-dhcp.yaml"/>
      <property name="case" value="lease=valid"/>
      <property name="seed" value="7"/>
      <property name="simulated-nanoseconds" value="1200000000000"/>
      <property name="events" value="100"/>
    </properties>
    <testcase name="1: all" classname="scenarios/02-partial-dhcp.yaml">
      <system-out>1 limitation reproduced: ping web01 -&gt; sql01</system-out>
    </testcase>
  </testsuite>
  <testsuite name="idle" tests="1" failures="0" errors="0" skipped="1" time="0.001" file="scenarios/09-idle.yaml">
    <properties>
      <property name="standin" value="0.1.0"/>
      <property name="file" value="scenarios/09-idle.yaml"/>
      <property name="case" value=""/>
      <property name="seed" value="7"/>
      <property name="simulated-nanoseconds" value="1200000000000"/>
      <property name="events" value="100"/>
    </properties>
    <testcase name="no expectations" classname="scenarios/09-idle.yaml">
      <skipped message="the run checks nothing"/>
    </testcase>
  </testsuite>
</testsuites>
`,
  );
});

test('an expectation that was not checked makes its step skipped, and the run not met', (t) => {
  const [first, second] = planned.steps;
  const [, , unchecked] = second!.expectations;
  const step = { ...first!, expectations: [first!.expectations[0]!, unchecked!] };
  const xml = runsJunit([timed({ ...planned, steps: [step] }, 1)], options);
  t.regex(xml, /<skipped message="not checked: tcp web01 -&gt; sql01:1433: the run ended before/);
  t.is(verdictOf(step.expectations), 'not-checked');
  t.is(verdictOf([]), 'not-checked');
});

test('JUnit stays well-formed under hostile names, and the names can be read from it', (t) => {
  const path = needsCorpus(t, 'text-inputs', 'blns.json');
  if (path === undefined) return;
  const naughty = JSON.parse(readFileSync(path, 'utf8')) as string[];
  t.true(naughty.length > 400);
  for (const text of [...naughty, ...hostile]) {
    const root = parseXml(runsJunit([timed(everywhere(text), 1)], options));
    const [suite] = root.children.filter((child) => typeof child !== 'string');
    t.is(root.children.length, 3, 'one suite, with an end of line around it');
    const holdable = /^[\t\n\r\u0020-\u007e\u00a0-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]*$/u;
    if (holdable.test(text)) t.is(suite!.attributes['file'], text);
    const cases = suite!.children.filter(
      (child) => typeof child !== 'string' && child.name === 'testcase',
    );
    t.is(cases.length, 2 + 3 + 1, 'steps, findings, and that the run was broken off');
  }
});

test('whatever the text, JUnit is well-formed and JSON says the same again', (t) => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 40 }), (text) => {
      parseXml(runsJunit([timed(everywhere(text), 1)], options));
      const { runs } = JSON.parse(runsJson([timed(everywhere(text), 1)], options)) as {
        runs: RunResult[];
      };
      t.is(runs[0]!.name, text);
    }),
    { seed: 10 },
  );
});

test('expat finds the hostile documents well-formed', (t) => {
  const python = needs(t, 'python3');
  if (python === undefined) return;
  const input = runsJunit(
    hostile.map((text) => timed(everywhere(text), 1)),
    options,
  );
  const program = 'import sys, xml.dom.minidom as m; m.parse(sys.stdin.buffer)';
  t.notThrows(() => execFileSync(python, ['-c', program], { input, stdio: 'pipe' }));
});

test('JSON: one document with a number for its form, totals, and every run in full', (t) => {
  const document = JSON.parse(runsJson([timed(planned, 120), timed(limited, 31)], options));
  const { steps, simulatedTime, ...about } = planned;
  const { steps: otherSteps, simulatedTime: otherTime, ...other } = limited;
  t.deepEqual(document, {
    schema: 1,
    standin: '0.1.0',
    totals: {
      runs: 2,
      met: 1,
      broken: 1,
      notChecked: 0,
      expectations: { total: 5, met: 3, broken: 1, notChecked: 1, reproduced: 2 },
      realNanoseconds: 480_000_000,
    },
    runs: [
      {
        ...about,
        verdict: 'broken',
        expectations: { total: 4, met: 2, broken: 1, notChecked: 1, reproduced: 1 },
        simulatedNanoseconds: 95_000_000_000,
        realNanoseconds: 120_000_000,
        steps,
      },
      {
        ...other,
        verdict: 'met',
        expectations: { total: 1, met: 1, broken: 0, notChecked: 0, reproduced: 1 },
        simulatedNanoseconds: 1_200_000_000_000,
        realNanoseconds: 31_000_000,
        steps: otherSteps,
      },
    ],
  });
  t.true(runsJson([], options).startsWith('{\n  "schema": 1,\n'));
});

test('JSON can stand in a script element and on a terminal, whatever it quotes', (t) => {
  for (const text of [
    '</script><!--',
    '\x1b]0;x\x07',
    '\x9b31m',
    '\u2028\u2029',
    '\u202e\u{e0041}',
    '\ud800',
  ]) {
    const document = runsJson([timed(everywhere(text), 1)], options);
    t.notRegex(document, /[<>&]|(?!\n)[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u, JSON.stringify(text));
    t.is((JSON.parse(document) as { runs: RunResult[] }).runs[0]!.name, text);
  }
});

test('SW-10: what kept a run from its end is in the text, in JUnit and in JSON', (t) => {
  const brokenOffBy = 'broadcast storm on the links a.port1 – b.port2';
  const result: RunResult = { ...idle, brokenOff: 'BUDGET_EXCEEDED', brokenOffBy };
  const lines = runText(result, { ...options, source: () => [] }).split('\n');
  t.true(lines.includes(` the run was broken off: ${brokenOffBy} (BUDGET_EXCEEDED)`));
  const xml = runsJunit([timed(result, 1)], options);
  t.true(xml.includes(`<error type="BUDGET_EXCEEDED" message="broken off: ${brokenOffBy}"/>`));
  t.is(JSON.parse(runsJson([timed(result, 1)], options)).runs[0].brokenOffBy, brokenOffBy);
});
