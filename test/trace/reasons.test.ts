/**
 * The catalogue is neither too small nor too large. Types hold that every code that is emitted has
 * an entry; here is that every entry is emitted. A code counts where a test or a scenario expects
 * it, and those are played by tests of their own; and where playing a few of the gallery emits it.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { type Reason, reasonList, reasons } from '../../src/trace/reasons.ts';
import { played, scenarios } from '../playing.ts';

/** Tests that write codes into logs and results themselves, to see them shown: that is not emitting. */
const madeByHand = /^(report|trace|bench|support)[/]|[/]library[/]|^explain[/]rig/;

const code = /\b[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+\b|\bMALFORMED\b|\bMARTIAN\b/g;
const isComment = /^\s*(\/\/|\*|\/\*)/;

/** The codes that a text names outside of comments. */
const namedIn = (text: string): string[] =>
  text.split('\n').flatMap((line) => (isComment.test(line) ? [] : (line.match(code) ?? [])));

function expectedByTests(): Set<string> {
  const files = readdirSync('test', { recursive: true, encoding: 'utf8' });
  const tests = files.filter((file) => file.endsWith('.ts') && !madeByHand.test(file));
  return new Set(tests.flatMap((file) => namedIn(readFileSync(join('test', file), 'utf8'))));
}

function expectedByTheGallery(): Set<string> {
  const expects = /\b(?:fails|because|warning): ([A-Z][A-Z0-9_]+)/g;
  const found = new Set<string>();
  for (const file of readdirSync('scenarios'))
    for (const [, name] of readFileSync(join('scenarios', file), 'utf8').matchAll(expects))
      found.add(name!);
  return found;
}

async function emittedBy(file: string): Promise<Set<string>> {
  const [scenario] = scenarios(file);
  const { log } = await played(scenario!, { level: 'decisions' });
  const found = new Set<string>();
  for (const event of log.events()) {
    if (event.kind === 'drop') found.add(event.reason);
    else if ('because' in event && event.because !== undefined) found.add(event.because);
  }
  return found;
}

test('every code of the catalogue is emitted by a test or a scenario', async (t) => {
  const emitted = new Set([
    ...expectedByTests(),
    ...expectedByTheGallery(),
    ...(await emittedBy('01-partial-static.yaml')),
  ]);
  t.deepEqual(
    reasonList.filter((name) => !emitted.has(name)),
    [],
  );
});

test('a code that nobody emits would be seen', (t) => {
  const named = new Set(namedIn("t.is(a, 'LINK_LOSS'); // and not\n// STALE_ARP"));
  t.deepEqual([...named], ['LINK_LOSS']);
  t.false(expectedByTests().has('NOT_A_CODE'.replace('A', 'ONE')));
});

test('an entry says what it means, what brings it about, what to do, and who says so', (t) => {
  for (const name of reasonList as readonly Reason[]) {
    const { meaning, causes, remedy, source } = reasons[name];
    for (const text of [meaning, causes, remedy]) t.regex(text, /^\S[^\n]*\.$/, name);
    t.regex(source, /^\S.*[^.\s]$/, name);
    t.not(meaning, causes, name);
  }
});
