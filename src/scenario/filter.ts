/**
 * Capture filters, in the subset of pcap-filter(7) that concerns what the lab carries. As there,
 * `and` and `or` have the same precedence and group from the left, and an identifier without a
 * keyword takes that of the one before it: `udp port 67 or 68`.
 *
 *     filter    = term { ("and" | "or") term }
 *     term      = "not" term | "(" filter ")" | primitive
 *     primitive = [protocol] [direction] [("host" | "net" | "port") identifier] | identifier
 *               | "icmp[icmptype]" ("=" | "==") type
 */
import { type Ipv4, type Prefix, parseIpv4 } from '../wire/address.ts';
import { didYouMean } from './problem.ts';
import { parseSubnet, quote, Wrong } from './units.ts';

export type FilterProtocol = 'arp' | 'icmp' | 'udp' | 'tcp' | 'ip';
export type FilterDirection = 'source' | 'destination' | 'either';

/** What is left out of a primitive fits everything: `port 53` has no protocol. */
export type Filter =
  | { readonly kind: 'and' | 'or'; readonly left: Filter; readonly right: Filter }
  | { readonly kind: 'not'; readonly inner: Filter }
  | { readonly kind: 'protocol'; readonly protocol: FilterProtocol }
  | { readonly kind: 'icmp-type'; readonly type: number }
  | (Qualified & { readonly kind: 'host'; readonly ip: Ipv4 })
  | (Qualified & { readonly kind: 'net'; readonly net: Prefix })
  | (Qualified & { readonly kind: 'port'; readonly port: number });

interface Qualified {
  readonly protocol: FilterProtocol | undefined;
  readonly direction: FilterDirection;
}

const protocols: readonly string[] = ['arp', 'icmp', 'udp', 'tcp', 'ip'];
const directions: Readonly<Record<string, FilterDirection>> = { src: 'source', dst: 'destination' };
const types: readonly string[] = ['host', 'net', 'port'];
const joints: Readonly<Record<string, 'and' | 'or'>> = {
  and: 'and',
  '&&': 'and',
  or: 'or',
  '||': 'or',
};
const icmpType = 'icmp[icmptype]';
const icmpTypes: Readonly<Record<string, number>> = {
  'icmp-echoreply': 0,
  'icmp-unreach': 3,
  'icmp-redirect': 5,
  'icmp-echo': 8,
  'icmp-timxceed': 11,
};
const negations: readonly string[] = ['not', '!'];
const words = [...protocols, icmpType, ...Object.keys(directions), ...types, 'and', 'or', 'not'];
const lengthMax = 500;
const depthMax = 20;

interface Token {
  readonly text: string;
  readonly at: number;
}

export function parseFilter(text: string): Filter | Wrong {
  if (text.length > lengthMax)
    return new Wrong('E211', `a filter longer than ${lengthMax} characters`);
  return new FilterParser(text).whole();
}

interface Qualifiers extends Qualified {
  readonly type: string;
}

class FilterParser {
  readonly #tokens: readonly Token[];
  readonly #end: number;
  #next = 0;
  /** What an identifier without a keyword of its own goes by. */
  #last: Qualifiers | undefined;

  constructor(text: string) {
    const found = text.matchAll(/\(|\)|&&|\|\||!|[^\s()!&|]+|[&|]/g);
    this.#tokens = [...found].map((match) => ({ text: match[0], at: match.index }));
    this.#end = text.trimEnd().length;
  }

  whole(): Filter | Wrong {
    const filter = this.#filter(0);
    const rest = this.#peek();
    if (filter instanceof Wrong || rest === undefined) return filter;
    if (rest.text === ')') return wrong(rest, 'a ")" without its "("');
    const hint = didYouMean(rest.text, words) ?? 'join terms by "and" or "or"';
    return wrong(rest, `${quote(rest.text)} is not expected here`, hint);
  }

  #peek(): Token | undefined {
    return this.#tokens[this.#next];
  }

  /** Takes the next token if it is one of `wanted`. */
  #take(wanted: readonly string[]): Token | undefined {
    const token = this.#peek();
    if (token === undefined || !wanted.includes(token.text)) return undefined;
    this.#next += 1;
    return token;
  }

  #filter(depth: number): Filter | Wrong {
    let left = this.#term(depth);
    for (;;) {
      const joint = left instanceof Wrong ? undefined : this.#take(Object.keys(joints));
      if (joint === undefined || left instanceof Wrong) return left;
      const right = this.#term(depth);
      if (right instanceof Wrong) return right;
      left = { kind: joints[joint.text]!, left, right };
    }
  }

  #term(depth: number): Filter | Wrong {
    const token = this.#peek();
    if (token === undefined)
      return new Wrong('E211', 'the filter ends too early', undefined, this.#end, 1);
    if (depth > depthMax) return wrong(token, `nested deeper than ${depthMax} levels`);
    if (this.#take(negations)) {
      const inner = this.#term(depth + 1);
      return inner instanceof Wrong ? inner : { kind: 'not', inner };
    }
    if (this.#take(['('])) {
      const inner = this.#filter(depth + 1);
      if (inner instanceof Wrong || this.#take([')'])) return inner;
      return wrong(token, 'a "(" without its ")"');
    }
    return this.#primitive(token);
  }

  #primitive(first: Token): Filter | Wrong {
    if (this.#take([icmpType])) return this.#icmpType(first);
    const protocol = this.#take(protocols)?.text as FilterProtocol | undefined;
    const direction = this.#take(Object.keys(directions));
    const type = this.#take(types);
    if (protocol !== undefined && direction === undefined && type === undefined) {
      this.#last = undefined;
      return { kind: 'protocol', protocol };
    }
    const identifier = this.#peek();
    if (identifier === undefined) {
      return new Wrong(
        'E211',
        'the filter ends too early',
        'an address or a port is missing',
        this.#end,
        1,
      );
    }
    if (protocol === undefined && direction === undefined && type === undefined) {
      return this.#bare(first);
    }
    this.#next += 1;
    // "src 10.0.0.1" means "src host 10.0.0.1"
    const qualifiers = {
      protocol,
      direction: direction === undefined ? 'either' : directions[direction.text]!,
      type: type?.text ?? (identifier.text.includes('/') ? 'net' : 'host'),
    };
    this.#last = qualifiers;
    return primitive(qualifiers, identifier);
  }

  #icmpType(first: Token): Filter | Wrong {
    const type = this.#take(['=', '==']) && this.#take(Object.keys(icmpTypes));
    if (type !== undefined) return { kind: 'icmp-type', type: icmpTypes[type.text]! };
    const known = Object.keys(icmpTypes).join(', ');
    return wrong(
      this.#peek() ?? first,
      `${icmpType} is to be compared with a type`,
      `one of ${known}`,
    );
  }

  #bare(token: Token): Filter | Wrong {
    const isIdentifier = /^\d/.test(token.text);
    if (this.#last === undefined || !isIdentifier) {
      const hint = didYouMean(token.text, words);
      const before = isIdentifier ? 'say what it is: host, net or port' : undefined;
      return wrong(token, `${quote(token.text)} means nothing in a filter`, hint ?? before);
    }
    this.#next += 1;
    return primitive(this.#last, token);
  }
}

function primitive({ type, protocol, direction }: Qualifiers, token: Token): Filter | Wrong {
  if (type === 'port') {
    if (protocol !== undefined && protocol !== 'tcp' && protocol !== 'udp') {
      return wrong(token, `${protocol} has no ports`);
    }
    const port = /^\d{1,5}$/.test(token.text) ? Number(token.text) : Number.NaN;
    if (port >= 0 && port <= 65_535) return { kind: 'port', protocol, direction, port };
    return wrong(token, `${quote(token.text)} is not a port`, 'a number up to 65535');
  }
  if (protocol === 'tcp' || protocol === 'udp' || protocol === 'icmp') {
    return wrong(token, `${protocol} has ports, not hosts`, `write "${protocol} and ${type} …"`);
  }
  if (type === 'net') {
    const net = parseSubnet(token.text);
    if (!(net instanceof Wrong)) return { kind: 'net', protocol, direction, net };
    return wrong(token, net.message, net.hint);
  }
  const ip = parseIpv4(token.text);
  if (ip !== undefined) return { kind: 'host', protocol, direction, ip };
  const hint = 'a filter knows addresses, not names';
  return wrong(token, `${quote(token.text)} is not an IPv4 address`, hint);
}

const wrong = (token: Token, message: string, hint?: string): Wrong =>
  new Wrong('E211', message, hint, token.at, token.text.length);
