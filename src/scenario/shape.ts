/**
 * Descriptions of what may stand where. One description validates a tree of nodes, with every
 * mistake blamed on its own characters, gives the values their types, and writes the JSON Schema
 * for editors. A library of our own rather than zod, whose import alone takes 35-47 ms of a cold
 * start that has about 25 ms for everything.
 *
 * A value that is wrong is reported and left out, so that the rest can still be checked: whoever
 * uses the result must expect `undefined` everywhere, and that somebody has complained of it.
 */
import { described, type JsonObject, type SchemaWriter } from './json.ts';
import type { Spot } from './place.ts';
import { didYouMean, type Findings } from './problem.ts';
import { type Entry, kindOf, type MapNode, type Node } from './source.ts';
import { namePattern, parseName, quote, Wrong } from './units.ts';

export interface Shape<T> {
  /** Reads a value. `what` is what messages call it: usually the key that it stands at. */
  read(node: Node, what: string, findings: Findings): T | undefined;
  /** In a `whole` file everything that is required must be there; one with `extends` is not. */
  schema(to: SchemaWriter, whole: boolean): JsonObject;
}

export type ValueOf<S> = S extends Shape<infer T> ? T : never;

/** A scalar, and the characters it was read from. */
export interface At<T> {
  readonly value: T;
  readonly spot: Spot;
}

export interface Field<T> {
  readonly shape: Shape<T>;
  readonly about: string;
  readonly required: boolean;
}
export type Fields = { readonly [name: string]: Field<unknown> };

export const required = <T>(shape: Shape<T>, about: string): Field<T> => ({
  shape,
  about,
  required: true,
});
export const optional = <T>(shape: Shape<T>, about: string): Field<T> => ({
  shape,
  about,
  required: false,
});

export type ObjectOf<F extends Fields> = {
  readonly [K in keyof F]: (F[K] extends Field<infer T> ? T : never) | undefined;
} & {
  /** The whole object; no field is called this. */
  readonly spot: Spot;
};

/** A map with known keys. */
export function object<F extends Fields>(fields: F): Shape<ObjectOf<F>> {
  return {
    read(node, what, findings) {
      if (!isMap(node, what, findings)) return undefined;
      for (const entry of node.entries.values()) {
        if (!Object.hasOwn(fields, entry.key))
          unknownKey(entry, what, Object.keys(fields), findings);
      }
      return readFields(node, what, fields, findings);
    },
    schema: (to, whole) => objectSchema(to, whole, fields),
  };
}

function unknownKey(
  entry: Entry,
  what: string,
  known: readonly string[],
  findings: Findings,
): void {
  const list = `${what} has ${known.slice(0, -1).join(', ')} and ${known.at(-1)}`;
  const hint = didYouMean(entry.key, known) ?? (known.length <= 12 ? list : undefined);
  findings.add('E103', entry.keySpot, `unknown key ${quote(entry.key)} in ${what}`, hint);
}

/** Reads the known keys of a map; others are the caller's business. */
export function readFields<F extends Fields>(
  node: MapNode,
  what: string,
  fields: F,
  findings: Findings,
): ObjectOf<F> {
  const result: Record<string, unknown> = { __proto__: null, spot: node.spot };
  for (const [key, field] of Object.entries(fields)) {
    const entry = node.entries.get(key);
    if (entry !== undefined) result[key] = field.shape.read(entry.value, key, findings);
    else if (field.required) {
      findings.add('E106', startOf(node.spot), `${what} needs ${quote(key)}`, field.about);
    }
  }
  return result as ObjectOf<F>;
}

function objectSchema(to: SchemaWriter, whole: boolean, fields: Fields): JsonObject {
  const names = Object.entries(fields).filter(([, field]) => field.required && whole);
  return {
    type: 'object',
    properties: propertiesOf(to, whole, fields),
    ...(names.length > 0 ? { required: names.map(([name]) => name) } : {}),
    additionalProperties: false,
  };
}

export function propertiesOf(to: SchemaWriter, whole: boolean, fields: Fields): JsonObject {
  const schemas = Object.entries(fields).map(
    ([name, { shape, about }]) => [name, described(shape.schema(to, whole), about)] as const,
  );
  return Object.fromEntries(schemas);
}

/** A map that must have one of these keys, and not both. */
export function exactlyOne<T>(keys: readonly [string, string], shape: Shape<T>): Shape<T> {
  const [one, other] = keys;
  return {
    read(node, what, findings) {
      if (node.kind === 'map') {
        const [first, second] = keys.map((key) => node.entries.get(key)?.keySpot);
        if (first !== undefined && second !== undefined) {
          const message = `"${one}" and "${other}" exclude each other`;
          findings.add('E310', second, message, 'leave one of them out');
        } else if (first === undefined && second === undefined) {
          const message = `${what} needs ${quote(one)} or ${quote(other)}`;
          findings.add('E106', startOf(node.spot), message);
        }
      }
      return shape.read(node, what, findings);
    },
    schema(to, whole) {
      const schema = shape.schema(to, whole);
      return whole ? { allOf: [schema], anyOf: keys.map((key) => ({ required: [key] })) } : schema;
    },
  };
}

/** The first line of what a spot covers: enough to point at something large. */
export function startOf(spot: Spot): Spot {
  const lineEnd = spot.source.text.indexOf('\n', spot.start);
  return {
    ...spot,
    end: lineEnd < 0 ? spot.end : Math.min(spot.end, Math.max(lineEnd, spot.start + 1)),
  };
}

export function isMap(node: Node, what: string, findings: Findings): node is MapNode {
  if (node.kind === 'map') return true;
  if (node.kind === 'scalar' && node.failed) return false;
  findings.add('E107', startOf(node.spot), `${what} must be a map, not ${kindOf(node)}`);
  return false;
}

/** One thing in a map keyed by names. Its value is undefined if it was wrong; its name still counts. */
export interface Member<T> {
  readonly name: string;
  readonly keySpot: Spot;
  readonly value: T | undefined;
}

/** A name that may hold a range or a variable until they are unfolded: `net{01..${count}}`. */
const unfoldedName = '^(?=.*\\{)[A-Za-z][A-Za-z0-9_.{}$:-]*$';

/** A map keyed by names that the author chooses. `what` is one of them: "VM", "network". */
export function mapOfNamed<T>(
  what: string,
  shape: Shape<T>,
  least = 0,
): Shape<readonly Member<T>[]> {
  return {
    read(node, where, findings) {
      if (!isMap(node, where, findings)) return undefined;
      if (node.entries.size < least) findings.add('E106', node.spot, `${where} must not be empty`);
      return [...node.entries.values()].map(({ key, keySpot, value }) => {
        const name = parseName(key);
        if (name instanceof Wrong) findings.add(name.code, keySpot, name.message, name.hint);
        return { name: key, keySpot, value: shape.read(value, `${what} ${key}`, findings) };
      });
    },
    schema: (to, whole) => ({
      type: 'object',
      propertyNames: { anyOf: [{ pattern: `^${namePattern}$` }, { pattern: unfoldedName }] },
      additionalProperties: shape.schema(to, whole),
      ...(least > 0 && { minProperties: least }),
    }),
  };
}

export interface KeyRule<T> {
  readonly pattern: string;
  readonly shape: Shape<T>;
}

/** A map whose keys are words of a small language, each kind with values of its own. */
export function mapOfWords<T>(rules: readonly KeyRule<T>[]): Shape<readonly Member<T>[]> {
  return {
    read(node, what, findings) {
      if (!isMap(node, what, findings)) return undefined;
      return [...node.entries.values()].map(({ key, keySpot, value }) => {
        const rule = rules.find(({ pattern }) => fits(pattern, key));
        if (rule === undefined) {
          findings.add('E207', keySpot, `${quote(key)} cannot stand in ${what}`);
        }
        return { name: key, keySpot, value: rule?.shape.read(value, key, findings) };
      });
    },
    schema: (to, whole) => ({
      type: 'object',
      patternProperties: {
        ...Object.fromEntries(
          rules.map(({ pattern, shape }) => [`^(${pattern})$`, shape.schema(to, whole)]),
        ),
        [unfoldedName]: {},
      },
      additionalProperties: false,
    }),
  };
}

const fits = (pattern: string, key: string): boolean => new RegExp(`^(?:${pattern})$`).test(key);

/** A map with known keys, and others that fit a pattern. */
export function objectOf<F extends Fields, T>(
  fields: F,
  rule: KeyRule<T>,
): Shape<{ readonly fields: ObjectOf<F>; readonly others: readonly Member<T>[] }> {
  return {
    read(node, what, findings) {
      if (!isMap(node, what, findings)) return undefined;
      const others: Member<T>[] = [];
      for (const { key, keySpot, value } of node.entries.values()) {
        if (Object.hasOwn(fields, key)) continue;
        if (!fits(rule.pattern, key)) {
          findings.add('E207', keySpot, `${quote(key)} cannot stand in ${what}`);
        }
        others.push({ name: key, keySpot, value: rule.shape.read(value, key, findings) });
      }
      return { fields: readFields(node, what, fields, findings), others };
    },
    schema: (to, whole) => ({
      type: 'object',
      properties: propertiesOf(to, whole, fields),
      patternProperties: { [`^(${rule.pattern})$`]: rule.shape.schema(to, whole) },
      additionalProperties: false,
    }),
  };
}

export interface Items<T> {
  readonly items: readonly T[];
  readonly spot: Spot;
}

const listMax = 1000;

/** A list. Where a file extends another, lists are replaced, so what is in one is always whole. */
export function list<T>(shape: Shape<T>, least = 0): Shape<Items<T>> {
  return {
    read(node, what, findings) {
      if (node.kind === 'scalar' && node.failed) return undefined;
      if (node.kind !== 'list') {
        const hint = node.kind === 'scalar' ? 'put it in brackets: [ … ]' : undefined;
        const message = `${what} must be a list, not ${kindOf(node)}`;
        findings.add('E107', startOf(node.spot), message, hint);
        return undefined;
      }
      if (node.items.length < least) findings.add('E106', node.spot, `${what} must not be empty`);
      if (node.items.length > listMax) {
        findings.add('E206', startOf(node.spot), `${what} has more than ${listMax} entries`);
        return undefined;
      }
      const items = node.items.map((item) => shape.read(item, what, findings));
      return { items: items.filter((item) => item !== undefined), spot: node.spot };
    },
    schema: (to) => ({
      type: 'array',
      items: shape.schema(to, true),
      ...(least > 0 ? { minItems: least } : {}),
      maxItems: listMax,
    }),
  };
}

/** A short form and a long one: told apart by being a scalar or a map, so that errors stay sharp. */
export function either<A, B>(short: Shape<A>, long: Shape<B>): Shape<A | B> {
  return {
    read: (node, what, findings) => (node.kind === 'map' ? long : short).read(node, what, findings),
    schema: (to, whole) => ({ anyOf: [short.schema(to, whole), long.schema(to, whole)] }),
  };
}

/** Gives the shape a definition of its own in the schema. */
export function named<T>(name: string, shape: Shape<T>): Shape<T> {
  return {
    read: (node, what, findings) => shape.read(node, what, findings),
    schema: (to, whole) => to.define(name, whole, () => shape.schema(to, whole)),
  };
}
