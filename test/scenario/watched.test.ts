/** What a scenario says to what is found without being asked, and what comes of the run. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { withSeverity } from '../../src/scenario/watched.ts';
import { verdictOfRun } from '../../src/trace/result.ts';
import { expectations, played, scenarios } from '../playing.ts';
import { folderWith, standin } from '../support/cli.ts';
import { programWith } from '../support/without.ts';
import { found, scenario } from './memory.ts';

/** The original stays on, and nobody expects anything of it. */
const bothOn = (more = '', expected = '{ ping: web01 -> hq.gateway }'): string =>
  `tenant: { sites: { hq: { vms: { sql01: { os: linux } } } } }
steps: [{ failover: { vms: [sql01] } }, { wait: 30s }, { expect: [${expected}] }]
${more}`;

const run = async (more = '', ...expected: string[]) =>
  played(scenarios('01-partial-static.yaml', bothOn(more, ...expected))[0]!);

test('what nobody expects fails the run, though all that was asked is so', async (t) => {
  const { result } = await run();
  t.true(expectations({ result } as never).every(({ verdict }) => verdict === 'met'));
  t.is(verdictOfRun(result), 'broken');
  t.like(result.findings[0], {
    invariant: 'two_lives',
    code: 'DUPLICATE_ADDRESS',
    step: 1,
    count: 1,
    verdict: 'broken',
  });
});

test('expected, only warned of, ignored', async (t) => {
  const verdicts = async (...of: Parameters<typeof run>) => {
    const { result } = await run(...of);
    return [verdictOfRun(result), ...result.findings.map(({ verdict }) => verdict)];
  };
  t.deepEqual(await verdicts('', 'finding: two_lives'), ['met', 'expected']);
  t.deepEqual(await verdicts('invariants: { two_lives: warn }'), ['met', 'warned']);
  t.deepEqual(await verdicts('invariants: { two_lives: ignore }'), ['met']);
  const asked = await verdicts('invariants: { two_lives: ignore }', 'finding: two_lives');
  t.deepEqual(asked, ['met', 'expected'], 'who asks is answered all the same');
  t.deepEqual(await verdicts('invariants: { loop: ignore }'), ['broken', 'broken']);
  t.deepEqual(await verdicts('', 'not: { finding: two_lives }'), ['broken', 'broken']);
});

test('what does not come is broken, and within waits for what comes', async (t) => {
  const { result } = await run('', 'finding: storm');
  const [never] = expectations({ result } as never);
  t.deepEqual([never!.verdict, never!.detail], ['broken', 'nothing of storm was found']);
  const [one] = scenarios(
    '07-stale-arp-no-garp.yaml',
    `matrix: { announces: [none] }
invariants: { no_announcement: { within: 15s } }
steps:
  - expect: [tcp: web01 -> sql01:1433]
  - fault: { power_off: sql01 }
  - failover: { vms: [sql01] }
  - expect: [not: { finding: no_announcement }, { finding: no_announcement, within: 30s }]`,
  );
  const later = await played(one!);
  t.deepEqual(
    expectations(later).map(({ verdict }) => verdict),
    ['met', 'met', 'met'],
  );
  t.true(expectations(later)[2]!.at < later.result.findings[0]!.at + 2e9, 'and no longer');
});

test('the command line has the last word', (t) => {
  const [one] = scenarios('01-partial-static.yaml', 'invariants: { two_lives: ignore }');
  t.is(one!.invariants.severity.two_lives, 'ignore');
  const same = withSeverity(one!, 'warn').invariants;
  t.deepEqual([...new Set(Object.values(same.severity))], ['warn']);
  t.is(same.announcedWithin, one!.invariants.announcedWithin);
});

test('mistakes in what a file says of invariants', (t) => {
  const says = (invariants: string): string[] => found(scenario({ invariants }));
  t.deepEqual(says('{ two_answers: warn, no_announcement: { within: 5s, broken: ignore } }'), []);
  const codes = (invariants: string): string[] =>
    says(invariants).map((words) => words.replace(/ \d+:\d+ /, ' '));
  t.deepEqual(codes('{ two_anwers: warn }'), ['E103 two_anwers']);
  t.deepEqual(codes('{ two_answers: off }'), ['E210 off']);
  t.deepEqual(codes('{ two_answers: { within: 5s } }'), ['E107 {']);
  t.deepEqual(codes('{ no_announcement: { within: 5 } }'), ['E204 5']);
  t.deepEqual(codes('[two_answers]'), ['E107 [two_answers]']);
  const probe = found(scenario({ steps: '\n  - expect: [{ finding: two_anwers }]' }));
  t.deepEqual(
    probe.map((words) => words.replace(/ \d+:\d+ /, ' ')),
    ['E210 two_anwers'],
  );
});

test('every report tells what was found, and the exit code is that of what came of it', async (t) => {
  const folder = folderWith(t, {
    'base.yaml': readFileSync('scenarios/01-partial-static.yaml', 'utf8'),
    'a.yaml': `name: both are on\nextends: ./base.yaml\n${bothOn()}`,
  });
  const words = ['run', 'a.yaml', '--pcap', 'off', '--junit', 'j.xml'];
  const text = await standin(words, { cwd: folder });
  t.is(text.code, 1, text.stderr);
  t.regex(text.stdout, /found on the wire\n {5}✗ two_lives \(DUPLICATE_ADDRESS\)\n/);
  t.regex(text.stdout, /first at [\d.]+ s · step 1 · event \d+\n/);
  t.regex(text.stdout, / 1 met · 0 broken · \d findings? that nobody expected\n/);
  const junit = readFileSync(join(folder, 'j.xml'), 'utf8');
  t.regex(junit, /<testcase name="invariant two_lives" /);
  t.regex(junit, /<failure type="DUPLICATE_ADDRESS" message="sql01-replica and sql01 are both on/);
  const json = await standin([...words, '--json', '--invariants', 'warn'], { cwd: folder });
  t.is(json.code, 0);
  t.is(JSON.parse(json.stdout).runs[0].findings[0].verdict, 'warned');
  const quiet = await standin([...words, '--invariants', 'ignore'], { cwd: folder });
  t.is(quiet.code, 0);
  t.notRegex(quiet.stdout, /found on the wire/);
  t.is((await standin([...words, '--invariants', 'off'], { cwd: folder })).code, 2);
});

test('standin invariants: all, one, or none of that name', async (t) => {
  const all = await standin(['invariants']);
  t.is(all.code, 0);
  t.is([...all.stdout.matchAll(/^ remedy /gm)].length, 9);
  const one = await standin(['invariants', 'two_lives', '--json']);
  t.deepEqual(Object.keys(JSON.parse(one.stdout).invariants), ['two_lives']);
  const none = await standin(['invariants', 'two_live']);
  t.is(none.code, 2);
  t.regex(none.stderr, /^standin: there is no invariant two_live: did you mean "two_lives"\?\n$/);
});

test('drop_without_reason: a device that swallows what is not for it, because its drop was taken out', async (t) => {
  const program = programWith(t, {
    file: 'stack/ip-stack',
    from: "this.ends(frame, 'NOT_FORWARDING', from, sink);",
    to: ';',
  });
  const file = 'scenarios/09-two-proxies-one-lan.yaml';
  const { stdout } = await standin(['run', file, '--first', '--json', '--pcap', 'off'], {
    program,
  });
  const { findings } = JSON.parse(stdout).runs[0];
  const [own] = findings.filter(
    ({ invariant }: { invariant: string }) => invariant === 'drop_without_reason',
  );
  t.regex(
    own.text,
    /^a frame came to old-nea\.eth0 and nothing came of it: 10\.0\.10\.1\d > 10\.0\.10\.20 ICMP/,
  );
});
