/** `standin matrix` and `standin graph` as processes: exit codes, and what goes where. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { exitCodes } from '../../src/cli/exit-codes.ts';
import { bad, folderWith, good, small, standin, wrong } from '../support/cli.ts';

test('matrix: what is as expected, what is not, what is wrong', async (t) => {
  const cwd = folderWith(t, {
    'good.yaml': good,
    'bad.yaml': bad,
    'wrong.yaml': wrong,
    'cases.yaml': small('{ ping: web01 -> sql01 }', 'matrix: { n: [1, 2] }\n'),
  });
  const cases: [string[], number, RegExp][] = [
    [['good.yaml'], exitCodes.asExpected, /1 expectation about these pairs: 1 agree/],
    [['bad.yaml'], exitCodes.expectationFailed, /1 expectation of the file broken/],
    [['wrong.yaml'], exitCodes.invalid, /unknown/],
    [['cases.yaml'], exitCodes.invalid, /--case must say which case is meant/],
    [['good.yaml', '--pairs', 'web01'], exitCodes.invalid, /--pairs must be like/],
    [['good.yaml', '--pairs', 'web02 -> *'], exitCodes.nothingMatched, /no such pair/],
    [['good.yaml', '--services', 'some'], exitCodes.invalid, /Allowed choices are on, off/],
    [['good.yaml', '--events-max', '20'], exitCodes.incomplete, /broken off/],
  ];
  for (const [words, code, said] of cases) {
    const ended = await standin(['matrix', ...words], { cwd });
    t.is(ended.code, code, words.join(' '));
    t.regex(ended.stdout + ended.stderr, said);
  }
});

test('matrix: as JSON, by seed, without services', async (t) => {
  const cwd = folderWith(t, { 'good.yaml': good });
  const words = ['matrix', 'good.yaml', '--json', '--services', 'off', '--seed', '9'];
  const { code, stdout, stderr } = await standin(words, { cwd });
  t.deepEqual([code, stderr], [0, '']);
  const { schema, rows, seed, moments } = JSON.parse(stdout);
  t.deepEqual([schema, seed, moments.length], [1, 9, 1]);
  t.deepEqual([...new Set(rows.map(({ protocol }: { protocol: string }) => protocol))], ['ping']);
  t.is(rows.length, 6, 'two machines and a router');
});

test('graph: to the terminal or to a file, in three formats', async (t) => {
  const cwd = folderWith(t, { 'good.yaml': good, 'wrong.yaml': wrong });
  const begins = { mermaid: /^---\n/, dot: /^graph "small" \{\n/, svg: /^<svg xmlns=/ };
  let drawn = '';
  for (const [format, begin] of Object.entries(begins)) {
    const { code, stdout } = await standin(['graph', 'good.yaml', '--format', format], { cwd });
    t.is(code, 0);
    t.regex(stdout, begin);
    drawn = stdout;
  }
  const out = join('new', 'x.svg');
  const words = ['graph', 'good.yaml', '--format', 'svg', '--out', out];
  t.deepEqual((await standin(words, { cwd })).stdout, '');
  t.is(readFileSync(join(cwd, out), 'utf8'), drawn);
  const wrongs: [string[], number][] = [
    [['wrong.yaml'], exitCodes.invalid],
    [['good.yaml', '--format', 'png'], exitCodes.invalid],
    [['good.yaml', '--out', 'new'], exitCodes.environmentLacks],
  ];
  for (const [words, expected] of wrongs)
    t.is((await standin(['graph', ...words], { cwd })).code, expected, words.join(' '));
  t.false(existsSync(join(cwd, 'standin-out')));
});
