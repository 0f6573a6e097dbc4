/** `matrix`: every combination of the values of its variables is a case, as in GitHub Actions. */
import { matrixShape } from './format.ts';
import type { Spot } from './place.ts';
import type { Findings } from './problem.ts';
import type { MatrixValue } from './scalars.ts';
import type { At, Member } from './shape.ts';
import type { MapNode } from './source.ts';
import { holds } from './when.ts';

export interface Case {
  /** `lease=valid plan_dhcp=none`; empty for the only case of a file without a matrix. */
  readonly name: string;
  readonly variables: ReadonlyMap<string, MatrixValue>;
}

interface Matrix {
  readonly cases: readonly Case[];
  /** Where each variable is introduced, for those that turn out to be of no use. */
  readonly declared: ReadonlyMap<string, Spot>;
}

const casesMax = 256;

const onlyCase: Matrix = { cases: [{ name: '', variables: new Map() }], declared: new Map() };

export function readMatrix(tree: MapNode, findings: Findings): Matrix | undefined {
  const node = tree.entries.get('matrix')?.value;
  if (node === undefined) return onlyCase;
  const before = findings.errors;
  const raw = matrixShape.read(node, 'matrix', findings);
  if (raw === undefined || findings.errors > before) return undefined;

  const declared = new Map(raw.others.map(({ name, keySpot }) => [name, keySpot]));
  const axes = raw.others.map(({ name, value }) => [name, value?.items ?? []] as const);
  const size = axes.reduce((product, [, values]) => product * values.length, 1);
  if (size > casesMax) {
    findings.add('E111', node.spot, `the matrix has ${size} cases, more than ${casesMax}`);
    return undefined;
  }
  let cases: Map<string, MatrixValue>[] = [new Map()];
  if (axes.length === 0) cases = []; // only what `include` says
  for (const [name, values] of axes) {
    cases = cases.flatMap((one) => values.map(({ value }) => new Map(one).set(name, value)));
  }
  for (const row of raw.fields.exclude?.items ?? []) {
    const left = cases.filter((one) => !row.every((member) => same(one, member)));
    if (left.length === cases.length) {
      const spot = row[0]?.keySpot ?? node.spot;
      findings.add('W318', spot, 'this exclude fits no case, so it has no effect');
    }
    cases = left;
  }
  cases = include(cases, new Set(declared.keys()), raw.fields.include?.items ?? [], declared);
  if (cases.length === 0) {
    findings.add('E111', node.spot, 'the matrix has no cases', 'give a variable some values');
    return undefined;
  }
  const named = cases.map((variables) => ({ name: caseName(variables), variables }));
  return { cases: [...new Map(named.map((one) => [one.name, one])).values()], declared };
}

type Row = readonly Member<At<MatrixValue>>[];

const same = (one: ReadonlyMap<string, MatrixValue>, { name, value }: Row[number]): boolean => {
  const has = one.get(name);
  return has !== undefined && value !== undefined && holds(has, '==', String(value.value)) === true;
};

/**
 * A row of `include` is added to every case whose own values it does not change; where it fits
 * none, it becomes a case of its own.
 */
function include(
  cases: Map<string, MatrixValue>[],
  own: ReadonlySet<string>,
  rows: readonly Row[],
  declared: Map<string, Spot>,
): Map<string, MatrixValue>[] {
  const added: Map<string, MatrixValue>[] = [];
  for (const row of rows) {
    for (const { name, keySpot } of row) if (!declared.has(name)) declared.set(name, keySpot);
    const fits = cases.filter((one) =>
      row.every((member) => !own.has(member.name) || same(one, member)),
    );
    const targets = fits.length > 0 ? fits : [new Map<string, MatrixValue>()];
    if (fits.length === 0) added.push(targets[0]!);
    for (const target of targets) {
      for (const { name, value } of row) if (value !== undefined) target.set(name, value.value);
    }
  }
  return [...cases, ...added];
}

const caseName = (variables: ReadonlyMap<string, MatrixValue>): string =>
  [...variables].map(([name, value]) => `${name}=${value}`).join(' ');
