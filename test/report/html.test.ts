/** The page that plays runs, as a parser of HTML reads it: its own elements alone, whatever a user calls things. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import test from 'ava';
import { pageOf, runElements } from '../../src/report/html.ts';
import type { Recording } from '../../src/trace/recording.ts';
import { everywhere, hostile, passing } from './sample.ts';

const template = readFileSync('dist/page/viewer.html', 'utf8');

interface Element {
  readonly tag: string;
  readonly text: string;
}

/**
 * What lies in a page, in order: tags as they are written, with the text that follows. In scripts, styles
 * and titles nothing but their end is a tag (WHATWG HTML, 13.2.5.2 to 13.2.5.4); a comment in a script would
 * hide that end, so one that begins there is refused.
 */
function read(page: string): Element[] {
  const elements: Element[] = [];
  let at = 0;
  while (at < page.length) {
    const end = page.indexOf('>', at) + 1;
    const tag = page.slice(at, end);
    const [, raw] = /^<(script|style|title)[\s>]/i.exec(tag) ?? [];
    const rest = page.slice(end);
    const length = raw ? rest.search(new RegExp(`</${raw}[\\s/>]`, 'i')) : rest.indexOf('<');
    const text = length < 0 ? rest : rest.slice(0, length);
    if (raw === 'script' && text.includes('<!--')) throw new Error('a comment begins in a script');
    elements.push({ tag, text });
    at = end + text.length;
  }
  return elements;
}

function recordingOf(text: string): Recording {
  const device = { name: text, role: 'vm', detail: text } as const;
  const port = { device: text, port: text };
  return {
    result: everywhere(text),
    scene: {
      areas: [{ title: text, side: 'tenant', devices: [device] }],
      cables: [{ a: port, b: port }],
    },
    sources: [{ file: text, text }],
  };
}

const made = (title: string, ...recordings: readonly Recording[]): string => {
  const { head, tail } = pageOf(template, title);
  return [head, ...recordings.map((one, i) => runElements(i, one, 'bG9n')), tail].join('');
};

const tags = (page: string): string[] => read(page).map(({ tag }) => tag);
const plain: Recording = { result: passing, scene: { areas: [], cables: [] }, sources: [] };

for (const [i, text] of hostile.entries())
  test(`hostile name ${i} adds no element, hides none, and is read back as it was`, (t) => {
    const page = made(text, recordingOf(text));
    t.deepEqual(tags(page), tags(made('a title', plain)));
    const element = read(page).find(({ tag }) => tag.includes('id="run-0"'))!;
    t.notRegex(element.text, /[<>&\u2028\u2029]/);
    t.deepEqual(JSON.parse(element.text), JSON.parse(JSON.stringify(recordingOf(text))));
  });

test('a title that has markup in it, or words that replacing knows, is shown as it is', (t) => {
  const title = "</title><b>&lt;$&$'$`";
  const { text } = read(made(title, plain)).find(({ tag }) => tag === '<title>')!;
  t.is(text, "&lt;/title&gt;&lt;b&gt;&amp;lt;$&amp;$'$`");
});

test('runs are numbered from 0, each with its log', (t) => {
  const ids = tags(made('two', plain, plain)).flatMap(
    (tag) => / id="([^"]+)"/.exec(tag)?.[1] ?? [],
  );
  t.deepEqual(ids, ['run-0', 'log-0', 'run-1', 'log-1']);
});

test('the page may run its own script, use its own style sheet, and reach nothing', (t) => {
  const elements = read(made('a title', recordingOf('x')));
  const policies = elements.filter(({ tag }) => tag.includes('Content-Security-Policy'));
  t.is(policies.length, 1);
  const [, policy = ''] = /content="([^"]*)"/.exec(policies[0]!.tag)!;
  const said = new Map(
    policy.split('; ').map((one) => [one.split(' ')[0]!, one.split(' ').slice(1)]),
  );
  t.deepEqual(said.get('default-src'), ["'none'"]);
  const digest = (text: string) => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
  const own = (which: string) => digest(elements.find(({ tag }) => tag === which)!.text);
  t.deepEqual(said.get('script-src'), [own('<script type="module">')]);
  t.deepEqual(said.get('style-src'), [own('<style>')]);
  const first = (what: string) => elements.findIndex(({ tag }) => tag.includes(what));
  t.true(first('Content-Security-Policy') < first('<style'), 'it holds for all that follows');
  t.false(elements.some(({ tag }) => / (src|href|style|on\w+)=/i.test(tag)));
});

test('a page without a place for runs is a bug', (t) => {
  t.throws(() => pageOf('<title>Standin</title>', 'x'), { message: /no page for runs/ });
  t.throws(() => pageOf('<!--runs-->', 'x'), { message: /no page for runs/ });
});
