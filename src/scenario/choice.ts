/**
 * A map in which one key says what it is about: the verb of a step, the kind of a probe. What
 * stands beside it belongs to that verb, so an error can point at one word.
 */
import { described, type JsonObject } from './json.ts';
import type { Spot } from './place.ts';
import { didYouMean, type Findings } from './problem.ts';
import {
  type Fields,
  isMap,
  type ObjectOf,
  propertiesOf,
  readFields,
  type Shape,
  startOf,
} from './shape.ts';
import type { Entry, MapNode } from './source.ts';
import { quote } from './units.ts';

export interface Verb<T, W extends Fields> {
  readonly about: string;
  readonly shape: Shape<T>;
  /** Keys that may stand beside it. */
  readonly with: W;
}
type Verbs = { readonly [verb: string]: Verb<unknown, Fields> };

export const verb = <T, W extends Fields>(
  about: string,
  shape: Shape<T>,
  beside: W,
): Verb<T, W> => ({
  about,
  shape,
  with: beside,
});

export type ChoiceOf<V extends Verbs, C extends Fields> = {
  readonly [K in keyof V & string]: {
    readonly verb: K;
    /** The word itself. */
    readonly spot: Spot;
    /** All of it, for a title. */
    readonly node: MapNode;
    readonly value: (V[K] extends Verb<infer T, Fields> ? T : never) | undefined;
    readonly with: ObjectOf<V[K]['with']>;
    readonly common: ObjectOf<C>;
  };
}[keyof V & string];

interface ChoiceOptions<V extends Verbs, C extends Fields> {
  /** "step", "probe". */
  readonly noun: string;
  readonly verbs: V;
  /** Keys that may stand beside every verb. */
  readonly common: C;
  /** Words that are at home elsewhere, and where: for a hint. */
  readonly elsewhere?: Readonly<Record<string, string>>;
}

export function choice<V extends Verbs, C extends Fields>(
  options: ChoiceOptions<V, C>,
): Shape<ChoiceOf<V, C>> {
  const { noun, verbs, common, elsewhere = {} } = options;
  const names = Object.keys(verbs);
  const known = (entry: Entry): boolean => Object.hasOwn(verbs, entry.key);

  function pick(node: MapNode, findings: Findings): Entry | undefined {
    const entries = [...node.entries.values()];
    const [first, ...others] = entries.filter(known);
    for (const other of others) {
      const message = `a ${noun} does one thing: ${quote(first!.key)} stands here already`;
      findings.add(
        'E310',
        other.keySpot,
        message,
        `put ${quote(other.key)} into a ${noun} of its own`,
      );
    }
    if (first !== undefined) return first;
    const strangers = entries.filter((entry) => !Object.hasOwn(common, entry.key));
    // Of several unknown words the one that resembles a verb was meant to be it.
    const meant = strangers.find((entry) => didYouMean(entry.key, names)) ?? strangers[0];
    if (meant === undefined) {
      const list = `one of ${names.join(', ')}`;
      findings.add('E106', startOf(node.spot), `a ${noun} must say what to do`, list);
      return undefined;
    }
    const home = Object.hasOwn(elsewhere, meant.key) ? elsewhere[meant.key] : undefined;
    const hint = home ?? didYouMean(meant.key, names) ?? `use one of ${names.join(', ')}`;
    findings.add('E104', meant.keySpot, `unknown ${noun} ${quote(meant.key)}`, hint);
    return undefined;
  }

  function strayKeys(node: MapNode, chosen: string, findings: Findings): void {
    const beside = [...Object.keys(verbs[chosen]!.with), ...Object.keys(common)];
    for (const entry of node.entries.values()) {
      if (known(entry) || beside.includes(entry.key)) continue;
      const elsewhere = names.filter((name) => Object.hasOwn(verbs[name]!.with, entry.key));
      const message =
        elsewhere.length > 0
          ? `${quote(entry.key)} does not go with ${quote(chosen)}`
          : `unknown key ${quote(entry.key)} beside ${quote(chosen)}`;
      const goes = elsewhere.length > 0 ? `it goes with ${elsewhere.join(', ')}` : undefined;
      findings.add('E103', entry.keySpot, message, didYouMean(entry.key, beside) ?? goes);
    }
  }

  return {
    read(node, _what, findings) {
      if (!isMap(node, `a ${noun}`, findings)) return undefined;
      const chosen = pick(node, findings);
      if (chosen === undefined) return undefined;
      strayKeys(node, chosen.key, findings);
      const { shape, with: beside } = verbs[chosen.key]!;
      const what = chosen.key;
      const choice = {
        verb: chosen.key,
        spot: chosen.keySpot,
        node,
        value: shape.read(chosen.value, what, findings),
        with: readFields(node, what, beside, findings),
        common: readFields(node, what, common, findings),
      };
      return choice as unknown as ChoiceOf<V, C>;
    },
    schema: (to) => {
      const oneOf = Object.entries(verbs).map(
        ([name, { about, shape, with: beside }]): JsonObject => {
          const required = Object.entries(beside).filter(([, field]) => field.required);
          return {
            type: 'object',
            properties: {
              [name]: described(shape.schema(to, true), about),
              ...propertiesOf(to, true, beside),
              ...propertiesOf(to, true, common),
            },
            required: [name, ...required.map(([key]) => key)],
            additionalProperties: false,
          };
        },
      );
      return oneOf.length === 1 ? oneOf[0]! : { oneOf };
    },
  };
}
