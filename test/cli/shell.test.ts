/** `standin shell`: a scenario by hand. What is typed comes from a script here, as it may from anywhere. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { completed } from '../../src/cli/shell.ts';
import { readShellLine, shellCommands } from '../../src/cli/shell-words.ts';
import { bundle, type Ended, flagship, folderWith, good, standin } from '../support/cli.ts';

const shell = (cwd: string, lines: readonly string[], file = 'file.yaml'): Promise<Ended> =>
  standin(['shell', file], { cwd, program: bundle, input: `${lines.join('\n')}\n` });

test('step by step it comes to what a run comes to', async (t) => {
  const cwd = folderWith(t, { 'file.yaml': flagship });
  const { code, stdout, stderr } = await shell(cwd, ['step 99', 'step']);
  const ran = await standin(['run', 'file.yaml', '--pcap', 'off'], { cwd, program: bundle });
  const ticks = (text: string): string[] => text.match(/✓ .*/g) ?? [];
  t.true(ticks(ran.stdout).length > 0);
  t.deepEqual(ticks(stdout), ticks(ran.stdout));
  const events = /(\d+ events) · seed/.exec(ran.stdout)?.[1];
  t.true(stdout.includes(`no step is left · ${events}`));
  t.is(stderr, 'standin: there is no further step\n');
  t.is(code, 2);
});

test('back leads to where it was before, to the last event', async (t) => {
  const cwd = folderWith(t, { 'file.yaml': flagship });
  const there = ['step 3', 'run 2s', 'log 30', 'show web01', 'where'];
  const straight = await shell(cwd, there);
  const detour = await shell(cwd, [
    'step 2',
    'step',
    'back',
    'step',
    'run 2s',
    'fault: { link_down: web01 }',
    'ping web01 -> sql01',
    'back',
    'back',
    ...there.slice(2),
  ]);
  const end = straight.stdout.slice(straight.stdout.indexOf('\n #'));
  t.true(end.split('\n').length > 30);
  t.true(detour.stdout.endsWith(end));
  t.is(detour.code, 0);
});

test('what is shown of a machine agrees with what it does', async (t) => {
  const cwd = folderWith(t, { 'file.yaml': flagship });
  const { code, stdout, stderr } = await shell(cwd, [
    'step 3',
    'tcp web01 -> sql01:1433',
    'arp web01 10.0.10.20',
    'show web01',
    'show nea-hq',
    'show lab',
    'machines',
  ]);
  t.is(stderr, '');
  t.is(code, 0);
  const mac = /answered by (\S+) \(nea-hq\)/.exec(stdout)?.[1];
  const [, web01 = '', nea = '', lab = ''] = stdout.split(
    /\n (?=(?:web01|nea-hq|lab)(?:, on)? at )/,
  );
  t.regex(web01, new RegExp(`\\n {2}10\\.0\\.10\\.20 +${mac} +(reachable|stale|delay)`));
  t.regex(nea, /stands in for\n.*\n {2}10\.0\.10\.20 +lan10/);
  t.regex(nea, /tunnels\n.*\n {2}lan10 +up +203\.0\.113\.10:6180/);
  t.regex(lab, /replicas\n.*\n {2}sql01 +failover/);
  t.regex(lab, /\n {2}sql01 +vm +off/);
  t.regex(lab, /\n {2}sql01-replica +replica +on +10\.0\.10\.20\/24/);
});

test('why explains the last question that failed; a fault takes effect and is mended', async (t) => {
  const cwd = folderWith(t, { 'file.yaml': good });
  const { code, stdout, stderr } = await shell(cwd, [
    '# a comment, and an empty line',
    '',
    'fault: { link_down: web01 }',
    'ping web01 -> sql01',
    'why',
    'fault: { link_up: web01 }',
    'why web01 -> sql01',
    'quit',
    'this is not read any more',
  ]);
  t.is(stderr, '');
  t.is(code, 0);
  const [, asked = '', answered = ''] = stdout.split(/✗ ping web01 -> sql01/);
  t.regex(asked, /why {3}LINK_DOWN: /);
  t.regex(answered, /hop {2}where[\s\S]*why {3}LINK_DOWN: [\s\S]*✓ ping web01 -> sql01/);
});

test('every wrong line is one line on stderr, and the shell goes on', async (t) => {
  const cwd = folderWith(t, { 'file.yaml': good });
  const wrong = [
    'setp',
    'step x',
    'step 0',
    'until 3s',
    'run',
    'run 5',
    'run 40d',
    'show nobody',
    'show',
    'ping web01 -> sql02',
    'ping web01',
    'tcp web01 -> sql01',
    'arp web01',
    'why',
    'why web01',
    'back',
    'where now',
    'failover',
    'fault: { power_of: sql01 }',
    'fault: [',
    'expect: pnig: web01 -> sql01',
    'nonsense: 5',
    'pcap',
    'pcap none/there.pcapng',
    'pcap .',
    `ping ${'x'.repeat(20_000)}`,
  ];
  const { code, stdout, stderr } = await shell(cwd, [...wrong, 'where', 'ping web01 -> sql01']);
  const said = stderr.trimEnd().split('\n');
  t.is(said.length, wrong.length, stderr);
  for (const line of said) t.regex(line, /^standin: \S/);
  t.regex(said[0]!, /no command "setp": did you mean "step"\?/);
  t.regex(stdout, / 15 s · next is step 1/);
  t.regex(stdout, /✓ ping web01 -> sql01/);
  t.is(code, 2);
});

test('an expectation that is broken gives exit 1, as in a run', async (t) => {
  const cwd = folderWith(t, { 'file.yaml': good });
  const { code, stdout } = await shell(cwd, [
    'expect: ping: web01 -> sql01',
    'expect: [{ arp: { at: web01, ip: 10.0.10.99 } }, { ping: sql01 -> web01 }]',
  ]);
  t.is(code, 1);
  t.regex(
    stdout,
    /✓ ping web01 -> sql01[\s\S]*✗ arp at web01: 10\.0\.10\.99[\s\S]*✓ ping sql01 -> web01/,
  );
});

test('a capture is written of what was on the wire so far', async (t) => {
  const cwd = folderWith(t, { 'file.yaml': good });
  const { code } = await shell(cwd, ['ping web01 -> sql01', 'pcap so far.pcapng']);
  t.is(code, 0);
  t.is(readFileSync(join(cwd, 'so far.pcapng')).readUInt32LE(0), 0x0a0d0d0a); // a section header
});

test('names and commands are completed', (t) => {
  t.deepEqual(completed('sh', ['web01']), [['show '], 'sh']);
  t.deepEqual(completed('show w', ['web01', 'sql01']), [['web01 '], 'w']);
  t.deepEqual(completed('ping web01 -> s', ['web01', 'sql01']), [['sql01 '], 's']);
});

test('help names what there is, and what it names there is', (t) => {
  for (const [name, [takes]] of Object.entries(shellCommands)) {
    const line = `${name} ${takes}`.replace(/[[\]]/g, '').replace(/\bn\b/, '2').trim();
    t.not(typeof readShellLine(line), 'string', line);
  }
});
