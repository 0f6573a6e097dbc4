/** As much of JSON Schema draft-07 as our schemas and that of SARIF use; anything else throws. */
import type { Json, JsonObject } from '../../src/scenario/json.ts';

const annotations = ['$schema', 'id', 'title', 'description', 'default', 'definitions'];
const patterns = new Map<string, RegExp>();

/** With the flag u, as editors compile patterns. */
function matches(pattern: string, text: string): boolean {
  let compiled = patterns.get(pattern);
  if (compiled === undefined) patterns.set(pattern, (compiled = new RegExp(pattern, 'u')));
  return compiled.test(text);
}

const isObject = (value: Json | undefined): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function isType(value: Json, type: Json | undefined): boolean {
  switch (type) {
    case 'object':
      return isObject(value);
    case 'array':
      return Array.isArray(value);
    case 'integer':
      return Number.isInteger(value);
    case 'string':
    case 'number':
    case 'boolean':
      return typeof value === type;
    default:
      throw new Error(`type ${String(type)}`);
  }
}

/** RFC 3986, by its characters; RFC 3339, by its shape. */
function hasFormat(text: string, format: Json): boolean {
  const isReference = /^(?:[\w\-.~:/?#[\]@!$&'()*+,;=]|%[0-9A-Fa-f]{2})*$/.test(text);
  switch (format) {
    case 'uri-reference':
      return isReference && !/^[^/?#]*:/.test(text.replace(/^[A-Za-z][A-Za-z0-9+.-]*:/, ''));
    case 'uri':
      return isReference && /^[A-Za-z][A-Za-z0-9+.-]*:/.test(text);
    case 'date-time':
      return /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d+)?(?:Z|[+-]\d{2}:\d{2})$/.test(text);
    default:
      throw new Error(`format ${String(format)}`);
  }
}

/** Whether a value fits a schema. `root` holds the definitions. */
export function fits(value: Json, schema: JsonObject, root: JsonObject): boolean {
  return Object.entries(schema).every(([keyword, rule]) => {
    if (annotations.includes(keyword)) return true;
    return obeys(value, keyword, rule, schema, root);
  });
}

function obeys(
  value: Json,
  keyword: string,
  rule: Json,
  schema: JsonObject,
  root: JsonObject,
): boolean {
  const all = (schemas: Json) => schemas as readonly JsonObject[];
  const one = (inner: Json) => (part: Json) => fits(part, inner as JsonObject, root);
  switch (keyword) {
    case '$ref': {
      const definitions = root['definitions'] as JsonObject;
      const name = /^#\/definitions\/(\w+)$/.exec(rule as string)![1]!;
      if (!Object.hasOwn(definitions, name)) throw new Error(`no definition ${name}`);
      return fits(value, definitions[name] as JsonObject, root);
    }
    case 'type':
      return isType(value, rule);
    case 'enum':
      return (rule as readonly Json[]).includes(value);
    case 'pattern':
      return typeof value !== 'string' || matches(rule as string, value);
    case 'minLength':
      return typeof value !== 'string' || [...value].length >= (rule as number);
    case 'maxLength':
      return typeof value !== 'string' || [...value].length <= (rule as number);
    case 'minimum':
      return typeof value !== 'number' || value >= (rule as number);
    case 'maximum':
      return typeof value !== 'number' || value <= (rule as number);
    case 'items':
      return !Array.isArray(value) || (value as Json[]).every(one(rule));
    case 'minItems':
      return !Array.isArray(value) || value.length >= (rule as number);
    case 'maxItems':
      return !Array.isArray(value) || value.length <= (rule as number);
    case 'uniqueItems': {
      const items = Array.isArray(value) ? (value as Json[]).map((one) => JSON.stringify(one)) : [];
      return rule !== true || new Set(items).size === items.length;
    }
    case 'format':
      return typeof value !== 'string' || hasFormat(value, rule);
    case 'required':
      return !isObject(value) || (rule as string[]).every((key) => Object.hasOwn(value, key));
    case 'minProperties':
      return !isObject(value) || Object.keys(value).length >= Number(rule);
    case 'propertyNames':
      return !isObject(value) || Object.keys(value).every(one(rule));
    case 'properties':
    case 'patternProperties':
      return (
        !isObject(value) ||
        Object.entries(value).every(([key, part]) =>
          rulesFor(key, schema, keyword).every((inner) => fits(part, inner, root)),
        )
      );
    case 'additionalProperties':
      return (
        !isObject(value) ||
        Object.entries(value).every(([key, part]) => {
          const known = ['properties', 'patternProperties'].some(
            (kind) => rulesFor(key, schema, kind).length > 0,
          );
          return known || (rule !== false && fits(part, rule as JsonObject, root));
        })
      );
    case 'anyOf':
      return all(rule).some((inner) => fits(value, inner, root));
    case 'allOf':
      return all(rule).every((inner) => fits(value, inner, root));
    case 'oneOf':
      return all(rule).filter((inner) => fits(value, inner, root)).length === 1;
    case 'if': {
      const branch = schema[fits(value, rule as JsonObject, root) ? 'then' : 'else'];
      return branch === undefined || fits(value, branch as JsonObject, root);
    }
    case 'else':
      return true; // goes with "if"
    default:
      throw new Error(`keyword ${keyword}`);
  }
}

function rulesFor(key: string, schema: JsonObject, kind: string): JsonObject[] {
  const rules = (schema[kind] ?? {}) as Record<string, JsonObject>;
  if (kind === 'properties') return Object.hasOwn(rules, key) ? [rules[key]!] : [];
  return Object.entries(rules).flatMap(([pattern, rule]) => (matches(pattern, key) ? [rule] : []));
}
