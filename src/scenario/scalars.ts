/** Shapes of single values. */
import type { Duration } from '../base/time.ts';
import type { Ipv4 } from '../wire/address.ts';
import { type JsonObject, orVariable } from './json.ts';
import { type Spot, within } from './place.ts';
import { didYouMean, type Findings, printable } from './problem.ts';
import type { At, Shape } from './shape.ts';
import { kindOf, type Node, rawText, type ScalarNode } from './source.ts';
import * as units from './units.ts';
import { quote, Wrong } from './units.ts';

interface ScalarOptions<T> {
  /** What is wanted, with its article: "an address". */
  readonly noun: string;
  readonly parse: (text: string) => T | Wrong;
  readonly schema: JsonObject;
}

/** A value written as text, in a small language of its own. */
export function scalar<T>(options: ScalarOptions<T>): Shape<At<T>> {
  const { noun, parse, schema } = options;
  return {
    read(node, what, findings) {
      if (!isScalar(node, what, noun, findings)) return undefined;
      const text = typeof node.value === 'string' ? node.value : rawText(node.spot);
      const value = parse(text);
      if (!(value instanceof Wrong)) {
        if (typeof node.value === 'string') return { value, spot: node.spot };
        needsQuotes(node, what, findings);
        return undefined;
      }
      const { code, message, hint } = value;
      findings.add(code, part(node, value), message, hint);
      return undefined;
    },
    schema: (to) => orVariable(to, { type: 'string', ...schema }),
  };
}

function isScalar(node: Node, what: string, noun: string, findings: Findings): node is ScalarNode {
  if (node.kind === 'scalar' && node.failed) return false;
  if (node.kind === 'scalar' && node.value !== null) return true;
  const spot = node.kind === 'scalar' ? node.spot : { ...node.spot, end: node.spot.start + 1 };
  const is = kindOf(node);
  findings.add('E107', spot, `${what} must be ${noun}, but is ${is}`);
  return false;
}

function needsQuotes(node: ScalarNode, what: string, findings: Findings): void {
  const raw = rawText(node.spot);
  const message = `${what} must be text: ${raw} is read as ${kindOf(node)}`;
  findings.add('E215', node.spot, message, `put it in quotes: "${raw}"`);
}

/** The part of a value to blame, where the text stands in the file as it is. */
function part(node: ScalarNode, { at, length }: Wrong): Spot {
  const { source, start, end } = node.spot;
  const quoted = /["']/.test(source.text[start] ?? '') ? 1 : 0;
  const asWritten = source.text.slice(start + quoted, end - quoted) === node.value;
  if (!asWritten || length === undefined) return node.spot;
  return within(node.spot, quoted + at, length);
}

const patterned = <T>(
  noun: string,
  pattern: string,
  parse: (text: string) => T | Wrong,
): Shape<At<T>> => scalar({ noun, parse, schema: { pattern: `^(${pattern})$` } });

export const name = patterned('a name', units.namePattern, (text) =>
  // Whether a reserved word may be referred to is for whoever looks the name up.
  units.whole(units.namePattern).test(text) ? text : units.parseName(text),
);
/** Something that is known by its name; of several tenants' it may say whose: `acme/web01`. */
export const reference = patterned('a name', units.referencePattern, (text) =>
  units.whole(units.referencePattern).test(text) ? text : units.parseName(text),
);
/** VMs by their name, by a pattern, or all of them. */
export const selection = patterned('a name', units.selectionPattern, (text) =>
  units.whole(units.selectionPattern).test(text) ? text : units.parseName(text),
);
export const address = patterned('an address', units.ipv4Pattern, units.parseAddress);
export const subnet = patterned('a network', units.prefixPattern, units.parseSubnet);
export const macAddress = patterned('a MAC address', units.macPattern, units.parseMacAddress);
export const pool = patterned('a pool', units.poolPattern, units.parsePool);
const vlanRangeText = patterned('a range of VLANs', units.vlanRangePattern, units.parseVlanRange);
export const vxlanEnd = patterned('the end of a VXLAN', units.vxlanEndPattern, units.parseVxlanEnd);
export const servicePort = patterned('a port', units.portPattern, units.parsePort);
export const closable = patterned('a port or icmp', units.closablePattern, units.parseClosable);
/** Also a single VLAN, which YAML reads as a number. */
export const vlanRange: Shape<At<units.VlanRange>> = {
  read: (node, what, findings) =>
    vlanRangeText.read(
      node.kind === 'scalar' && typeof node.value === 'number'
        ? { ...node, value: String(node.value) }
        : node,
      what,
      findings,
    ),
  schema: (to) => ({
    anyOf: [{ type: 'integer', minimum: 1, maximum: 4094 }, vlanRangeText.schema(to, true)],
  }),
};
export const duration = patterned('a duration', units.durationPattern, units.parseDuration);
export const rate = patterned('a rate', units.ratePattern, units.parseRate);
export const percent = patterned('a share', units.percentPattern, units.parsePercent);

/** An address, or a word in its place: `dhcp`, `none`. */
export const addressOr = <const W extends string>(word: W): Shape<At<Ipv4 | W>> =>
  patterned(
    `an address or "${word}"`,
    `${word}|${units.ipv4Pattern}`,
    orWord([word], units.parseAddress),
  );

export const durationOr = <const W extends readonly string[]>(
  ...words: W
): Shape<At<Duration | W[number]>> =>
  patterned(
    ['a duration', ...words.map(quote)].join(' or '),
    [...words, units.durationPattern].join('|'),
    orWord(words, units.parseDuration),
  );

const orWord =
  <T, const W extends readonly string[]>(words: W, parse: (text: string) => T | Wrong) =>
  (text: string): T | W[number] | Wrong => {
    if (words.includes(text)) return text;
    const value = parse(text);
    if (!(value instanceof Wrong) || !/^[a-z]/i.test(text)) return value;
    const hint = didYouMean(text, words) ?? `or write ${words.join(' or ')}`;
    return new Wrong(value.code, value.message, hint);
  };

/** Where a machine is meant: `web01`, or `hq.gateway` for the router of a site. */
export const machine = patterned('a machine', units.machinePattern, (text) => {
  const end = units.parseEnd(text);
  if (!(end instanceof Wrong) && end.kind !== 'address') return end;
  return new Wrong(
    'E207',
    `${quote(text)} names no machine`,
    'a name, or "hq.gateway" for a router',
  );
});

/** Where a packet comes through: a machine, a network, or a tunnel. */
export const stop = patterned(
  'a machine, a network or a tunnel',
  `tunnel\\.${units.namePattern}|${units.machinePattern}`,
  (text) => {
    if (units.whole(`tunnel\\.${units.namePattern}`).test(text))
      return { kind: 'name', text, ip: undefined, at: 0 } as const;
    const end = units.parseEnd(text);
    if (!(end instanceof Wrong) && end.kind !== 'address') return end;
    const hint = 'a machine, a network, or tunnel.lan10';
    return new Wrong('E207', `${quote(text)} names no stop on a way`, hint);
  },
);

/** Where frames can be watched or harmed: `lan10`, `web01`, `internet`, `hq.internet`, `tunnel.lan10`, `esx1.plan10`. */
const whereaboutsPattern = `${units.referencePattern}(\\.${units.referencePattern})?`;
export const whereabouts = patterned(
  'a network, a machine, an internet line or a tunnel',
  whereaboutsPattern,
  (text) =>
    units.whole(whereaboutsPattern).test(text)
      ? text
      : new Wrong(
          'E207',
          `${quote(text)} names no place`,
          'a network, a machine, internet, hq.internet, tunnel.lan10 or esx1.plan10',
        ),
);

export const flow = patterned('a flow', units.flowPattern, (text) => {
  const parsed = units.parseFlow(text);
  if (parsed instanceof Wrong || parsed.port === undefined) return parsed;
  const at = text.lastIndexOf(':');
  return new Wrong('E208', 'a port has no place here', undefined, at, text.length - at);
});

/** A flow for a protocol with ports. */
export const portFlow = patterned('a flow with a port', units.portFlowPattern, (text) => {
  const parsed = units.parseFlow(text);
  if (parsed instanceof Wrong || parsed.port !== undefined) return parsed;
  const hint = `write it like ${printable(text)}:1433`;
  return new Wrong('E208', `${quote(text)} says no port`, hint);
});

/** One of a few words. */
export function word<const W extends readonly string[]>(...words: W): Shape<At<W[number]>> {
  const list = words.length < 2 ? words[0] : `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`;
  return {
    read(node, what, findings) {
      if (!isScalar(node, what, `${list}`, findings)) return undefined;
      const { value } = node;
      if (words.some((known) => known === value))
        return { value: value as W[number], spot: node.spot };
      const shown = quote(typeof value === 'string' ? value : rawText(node.spot));
      const hint =
        (typeof value === 'string' ? didYouMean(value, words) : undefined) ?? `use ${list}`;
      findings.add('E210', node.spot, `${shown} means nothing as ${what}`, hint);
      return undefined;
    },
    schema: (to) => orVariable(to, { enum: words }),
  };
}

/** A whole number, written in decimal digits. */
export function integer(least: number, most: number): Shape<At<number>> {
  return {
    read(node, what, findings) {
      if (!isScalar(node, what, 'a whole number', findings)) return undefined;
      const raw = rawText(node.spot);
      const text = typeof node.value === 'string' && node.filled ? node.value : undefined;
      const value = text !== undefined && /^-?\d{1,15}$/.test(text) ? Number(text) : node.value;
      if (typeof value !== 'number') {
        findings.add('E107', node.spot, `${what} must be a whole number, not ${kindOf(node)}`);
      } else if (!Number.isSafeInteger(value) || value < least || value > most) {
        const shown = node.filled ? value : raw;
        const message = `${what} must be a whole number from ${least} to ${most}, not ${shown}`;
        findings.add('E206', node.spot, message);
      } else if (!node.filled && !/^-?(0|[1-9]\d*)$/.test(raw)) {
        const message = `${what} is written as ${raw}, which is the number ${value}`;
        findings.add('E206', node.spot, message, `write ${value}`);
      } else {
        return { value, spot: node.spot };
      }
      return undefined;
    },
    schema: (to) => orVariable(to, { type: 'integer', minimum: least, maximum: most }),
  };
}

export const boolean: Shape<At<boolean>> = {
  read(node, what, findings) {
    if (!isScalar(node, what, 'true or false', findings)) return undefined;
    const { value, filled } = node;
    if (typeof value === 'boolean') return { value, spot: node.spot };
    if (filled && (value === 'true' || value === 'false')) {
      return { value: value === 'true', spot: node.spot };
    }
    const message = `${what} must be true or false, not ${kindOf(node)}`;
    findings.add('E107', node.spot, message);
    return undefined;
  },
  schema: (to) => orVariable(to, { type: 'boolean' }),
};

/** Characters that steer a terminal, or turn the direction in which a text is read. */
const unsafe = '\\u0000-\\u0009\\u000b-\\u001f\\u007f-\\u009f\\u2028-\\u202e\\u2066-\\u2069\\ufeff';

/** Free text for people: a title, or several lines. Escaping it is the business of each report. */
export function text(most: number, lines: 'one line' | 'lines'): Shape<At<string>> {
  const refused = lines === 'lines' ? unsafe : `\\u000a${unsafe}`;
  const pattern = `^[^${refused}]*$`;
  return scalar({
    noun: 'text',
    parse: (value) => {
      if (value.trim() === '') return new Wrong('E216', 'an empty text');
      if (value.length > most) return new Wrong('E216', `a text longer than ${most} characters`);
      if (new RegExp(pattern).test(value)) return value;
      return new Wrong(
        'E216',
        'a character here cannot be shown safely',
        'leave control characters out',
      );
    },
    schema: { pattern, minLength: 1, maxLength: most },
  });
}

const matrixText = `[^${unsafe}\\u000a$\\{\\}]{1,64}`;

export type MatrixValue = string | number | boolean;

/** What a variable of the matrix may be: any scalar, short enough for a title. */
export const matrixValue: Shape<At<MatrixValue>> = {
  read(node, what, findings) {
    if (!isScalar(node, what, 'text, a number, true or false', findings)) return undefined;
    const value = node.value as MatrixValue;
    if (typeof value === 'string' && !units.whole(matrixText).test(value)) {
      const message = `${what} takes up to 64 characters without "$", "{" and "}"`;
      findings.add('E111', node.spot, message);
      return undefined;
    }
    return { value, spot: node.spot };
  },
  schema: () => ({
    anyOf: [
      { type: 'string', pattern: `^(${matrixText})$` },
      { type: 'number' },
      { type: 'boolean' },
    ],
  }),
};
