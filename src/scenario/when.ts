/** `when: org_networks <= 9`: one comparison of a variable with a value, and no more language than that. */
import { quote, Wrong } from './units.ts';

export const operators = ['==', '!=', '<=', '>=', '<', '>'] as const;
export type Operator = (typeof operators)[number];

/** How many there must be. */
export interface Comparison {
  readonly operator: Operator;
  readonly count: number;
}

export interface When {
  readonly variable: string;
  readonly operator: Operator;
  readonly value: string;
}

const operator = '(==|!=|<=|>=|<|>)';
export const comparisonPattern = `${operator} ?\\d{1,9}`;
export const whenPattern = `[a-z][a-z0-9_]{0,31} *${operator} *[A-Za-z0-9_.:/-]{1,64}`;

export function parseWhen(text: string): When | Wrong {
  const match = /^([a-z][a-z0-9_]{0,31}) *(==|!=|<=|>=|<|>) *([A-Za-z0-9_.:/-]{1,64})$/.exec(text);
  if (match === null) {
    const hint = `a variable, one of ${operators.join(' ')}, and a value`;
    return new Wrong('E114', `${quote(text)} is not a comparison`, hint);
  }
  return { variable: match[1]!, operator: match[2] as Operator, value: match[3]! };
}

/** Compares numbers by size; words only for being the same. Undefined where that makes no sense. */
export function holds(
  left: string | number | boolean,
  operator: Operator,
  right: string | number,
): boolean | undefined {
  const [a, b] = [asNumber(left), asNumber(right)];
  const both = a !== undefined && b !== undefined;
  switch (operator) {
    case '==':
      return both ? a === b : String(left) === String(right);
    case '!=':
      return both ? a !== b : String(left) !== String(right);
    case '<':
      return both ? a < b : undefined;
    case '<=':
      return both ? a <= b : undefined;
    case '>':
      return both ? a > b : undefined;
    case '>=':
      return both ? a >= b : undefined;
  }
}

function asNumber(value: string | number | boolean): number | undefined {
  if (typeof value === 'number') return value;
  return typeof value === 'string' && /^-?\d+(\.\d+)?$/.test(value) ? Number(value) : undefined;
}
