/** Those who read reports: the parsers that CI and GitHub use, or the rules that they publish. */

import { readFileSync } from 'node:fs';
import { lexer, type Token, type Tokens } from 'marked';
import { Parser, type Result } from 'tap-parser';
import type { JsonObject } from '../../src/scenario/json.ts';
import type { Element } from './xml.ts';

// JUnit

interface Shape {
  readonly required: readonly string[];
  readonly attributes: readonly string[];
  readonly children: readonly string[];
  /** Whether text may stand between its tags. */
  readonly text?: true;
}

/** What `junit-10.xsd` of the xUnit plugin of Jenkins allows, element by element. */
const junitShapes: Readonly<Record<string, Shape>> = {
  testsuites: {
    required: [],
    attributes: ['name', 'time', 'tests', 'failures', 'errors'],
    children: ['testsuite'],
  },
  testsuite: {
    required: ['name', 'tests', 'failures', 'errors'],
    attributes: [
      ...['name', 'tests', 'failures', 'errors', 'group', 'time', 'skipped', 'timestamp'],
      ...['hostname', 'id', 'package', 'file', 'log', 'url'],
    ],
    children: ['testsuite', 'properties', 'testcase', 'system-out', 'system-err'],
  },
  properties: { required: [], attributes: [], children: ['property'] },
  property: { required: ['name', 'value'], attributes: ['name', 'value'], children: [] },
  testcase: {
    required: ['name'],
    attributes: ['name', 'time', 'classname', 'group'],
    children: ['skipped', 'error', 'failure', 'system-out', 'system-err'],
  },
  failure: { required: [], attributes: ['type', 'message'], children: [], text: true },
  error: { required: [], attributes: ['type', 'message'], children: [], text: true },
  skipped: { required: [], attributes: ['type', 'message'], children: [], text: true },
  'system-out': { required: [], attributes: [], children: [], text: true },
  'system-err': { required: [], attributes: [], children: [], text: true },
};

const surefireTime = /^(([0-9]{0,3},)*[0-9]{3}|[0-9]{0,3})*(\.[0-9]*)?$/;

/** Where a document is not what the schema says. */
export function junitFaults(element: Element): string[] {
  const shape = junitShapes[element.name];
  if (shape === undefined) return [`no element ${element.name}`];
  const names = Object.keys(element.attributes);
  const { time } = element.attributes;
  const isTimed = element.name !== 'testcase' && time !== undefined;
  return [
    ...shape.required.filter((name) => !names.includes(name)).map((name) => `lacks ${name}`),
    ...names.filter((name) => !shape.attributes.includes(name)).map((name) => `has ${name}`),
    ...(isTimed && !surefireTime.test(time) ? [`time ${time}`] : []),
    ...element.children.flatMap((child) => {
      if (typeof child === 'string')
        return shape.text || child.trim() === '' ? [] : [`text ${child}`];
      return shape.children.includes(child.name) ? junitFaults(child) : [`has <${child.name}>`];
    }),
  ].map((fault) => (fault.startsWith(element.name) ? fault : `${element.name} ${fault}`));
}

export const elements = ({ children }: Element, name: string): Element[] =>
  children.filter((child) => typeof child !== 'string').filter((child) => child.name === name);

// TAP

export interface TapRun {
  readonly point: Result;
  readonly points: readonly Result[];
}

/** Runs with their points, as `tap-parser` reads them. @throws where anything in it is no TAP. */
export function readTap(text: string): TapRun[] {
  const parser = new Parser({ strict: true });
  const faults: string[] = [];
  const runs: TapRun[] = [];
  let points: Result[] = [];
  const watch = (one: Parser): void => {
    one.on('extra', (line: string) => faults.push(`not TAP: ${line}`));
    one.on('bailout', (why: string) => faults.push(`bail out: ${why}`));
  };
  watch(parser);
  parser.on('child', (child: Parser) => {
    points = [];
    watch(child);
    child.on('assert', (point: Result) => points.push(point));
    child.on('child', () => faults.push('a subtest of a subtest'));
  });
  parser.on('assert', (point: Result) => {
    runs.push({ point, points });
    points = [];
  });
  parser.end(text);
  const { results } = parser;
  if (results === null) throw new Error('it does not end');
  for (const { tapError } of results.failures) if (tapError) faults.push(String(tapError));
  for (const { points: of } of runs)
    for (const { tapError } of of) if (tapError) faults.push(String(tapError));
  if (faults.length > 0) throw new Error(faults.join('\n'));
  return runs;
}

// SARIF

/** The schema of SARIF 2.1.0, as Microsoft's matchers have it. */
export const sarifSchema = JSON.parse(
  readFileSync(
    new URL(import.meta.resolve('@microsoft/jest-sarif/lib/schemas/sarif-2.1.0-rtm.5.json')),
    'utf8',
  ),
) as JsonObject;

// GitHub's runner

export interface Command {
  readonly name: string;
  readonly properties: Readonly<Record<string, string>>;
  readonly message: string;
}

const unescapedData = (text: string): string =>
  text.replaceAll('%0D', '\r').replaceAll('%0A', '\n').replaceAll('%25', '%');

/** What the runner takes for commands in the output of a step, as its documentation has it. */
export function workflowCommandsIn(output: string): Command[] {
  const commands: Command[] = [];
  let stopped: string | undefined;
  for (const line of output.split(/\r\n|\r|\n/)) {
    const [, name, list = '', message = ''] =
      /^\s*::([\w-]+)(?: ([^:]*(?::(?!:)[^:]*)*))?::(.*)$/.exec(line) ?? [];
    const end = /^\s*::([\w-]+)::$/.exec(line)?.[1];
    if (stopped !== undefined) {
      if (end === stopped) stopped = undefined;
      continue;
    }
    if (name === undefined) {
      if (/##\[\w+/.test(line)) commands.push({ name: 'old', properties: {}, message: line });
      continue;
    }
    if (name === 'stop-commands') {
      stopped = message;
      continue;
    }
    const pairs = list.split(',').map((pair) => {
      const [key = '', ...value] = pair.split('=');
      const text = value.join('=').replaceAll('%3A', ':').replaceAll('%2C', ',');
      return [key, unescapedData(text)];
    });
    commands.push({
      name,
      properties: Object.fromEntries(pairs) as Record<string, string>,
      message: unescapedData(message),
    });
  }
  return commands;
}

// Mermaid

/**
 * A sequence diagram of the grammar that we use, a part of Mermaid's: what it says, in order.
 * @throws on any other line, and on any character that could be more than text.
 */
export function readLadder(text: string): { readonly places: string[]; readonly words: string[] } {
  const [head, ...lines] = text.trimEnd().split('\n');
  if (head !== 'sequenceDiagram') throw new Error(`no sequence diagram: ${head}`);
  const places: string[] = [];
  const words: string[] = [];
  const known = new Set<string>();
  for (const line of lines) {
    const [, id, place] = /^ {2}participant (p\d+) as (.+)$/.exec(line) ?? [];
    if (id !== undefined) {
      if (words.length > 0 || known.has(id)) throw new Error(`a participant too late: ${line}`);
      known.add(id);
      places.push(plainLabel(place!));
      continue;
    }
    const [, from, to, said] =
      /^ {2}(?:(?:Note over )(p\d+)|(?:p\d+)->>(p\d+)): (.+)$/.exec(line) ?? [];
    const party = from ?? to;
    if (party === undefined || !known.has(party)) throw new Error(`not of the grammar: ${line}`);
    words.push(plainLabel(said!));
  }
  return { places, words };
}

function plainLabel(text: string): string {
  const rest = text.replace(/#\d+;/g, '');
  if (/[^\p{L}\p{M}\p{N} .,()/_+=?…→–-]/u.test(rest)) throw new Error(`not a plain label: ${text}`);
  return text.replace(/#(\d+);/g, (_all, code: string) => String.fromCodePoint(Number(code)));
}

// Markdown

const ourTags = /^<\/?(?:code|details|summary|br)>$/;

/** What a page says, piece by piece. @throws where a text of others has become more than text. */
export function readMarkdown(page: string): {
  readonly texts: string[];
  readonly ladders: string[];
} {
  const texts: string[] = [];
  const ladders: string[] = [];
  const walk = (tokens: readonly Token[]): void => {
    for (const token of tokens) {
      switch (token.type) {
        case 'html':
          for (const tag of (token as Tokens.HTML).raw.match(/<[^>]*>/g) ?? [])
            if (!ourTags.test(tag)) throw new Error(`HTML: ${token.raw}`);
          break;
        case 'code':
          if ((token as Tokens.Code).lang !== 'mermaid') throw new Error(`code: ${token.raw}`);
          ladders.push(`${(token as Tokens.Code).text}\n`);
          break;
        case 'table': {
          const { header, rows } = token as Tokens.Table;
          for (const row of [header, ...rows]) {
            if (row.length !== header.length) throw new Error(`a row of another length`);
            for (const cell of row) walk(cell.tokens);
          }
          break;
        }
        case 'list':
          for (const item of (token as Tokens.List).items) walk(item.tokens);
          break;
        case 'heading':
        case 'paragraph':
        case 'strong':
        case 'em':
        case 'text':
          if ('tokens' in token && token.tokens) walk(token.tokens);
          else texts.push(decoded(token.raw));
          break;
        case 'codespan':
        case 'escape':
        case 'space':
          break;
        default:
          throw new Error(`${token.type}: ${token.raw}`);
      }
    }
  };
  walk(lexer(page));
  return { texts, ladders };
}

const decoded = (text: string): string =>
  text.replace(/&#(\d+);/g, (_all, code: string) => String.fromCodePoint(Number(code)));
