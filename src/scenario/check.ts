/** From a path to scenarios, or to everything that is wrong. Nothing here throws on bad input. */
import { checkAddresses } from './addresses.ts';
import { type Amendment, amend } from './amend.ts';
import { build } from './build.ts';
import { type Load, readExtended } from './extend.ts';
import { fillIn } from './fill.ts';
import { scenarioShape } from './format.ts';
import type { RawStep } from './format-steps.ts';
import { checkMeaning, checkStrictly } from './lints.ts';
import { readMatrix } from './matrix.ts';
import { placeOf, type Spot } from './place.ts';
import { Findings, type Problem } from './problem.ts';
import type { Scenario } from './scenario.ts';

export interface Checked {
  /** In the order of the files and their lines. */
  readonly problems: readonly Problem[];
  /** One for every case of the matrix; undefined if there are errors. */
  readonly cases: readonly Scenario[] | undefined;
  /** What was read, or should have been: the file itself first. */
  readonly files: readonly string[];
}

export interface CheckOptions {
  /** Also refuses expected failures that name no reason. */
  readonly strict?: boolean;
  /** What is to be different from what the file says. */
  readonly amendments?: readonly Amendment[];
}

/** Values in one case, when its ranges are unfolded, and in all cases of one file together. */
const filledMax = 200_000;
const workMax = 1_000_000;

/**
 * Reads a scenario file and whatever it extends.
 *
 * @param root A path with `/` between its parts, as it shall appear in messages.
 * @param load Gives the text of a path that `root` or an `extends` names. It must refuse what is no
 *             regular file, or lies elsewhere than its path says; here paths are only compared.
 */
export function check(root: string, load: Load, options: CheckOptions = {}): Checked {
  const findings = new Findings();
  const { tree, files } = readExtended(root, load, findings);
  const amended = tree && amend(tree, options.amendments ?? [], findings);
  const scenarios = amended && checkTree(root, amended, findings, options);
  return {
    problems: findings.list(),
    cases: findings.errors === 0 ? scenarios : undefined,
    files: files.length === 0 ? [root] : files.map((file) => file.path),
  };
}

function checkTree(
  root: string,
  tree: NonNullable<ReturnType<typeof readExtended>['tree']>,
  findings: Findings,
  { strict = false }: CheckOptions,
): Scenario[] | undefined {
  const matrix = readMatrix(tree, findings);
  if (matrix === undefined) return undefined;
  const used = new Set<string>();
  const everStepped = new Map<number, Spot>();
  const scenarios: Scenario[] = [];
  const parts = new Map([...tree.entries].map(([key, { keySpot }]) => [key, placeOf(keySpot)]));
  let work = 0;
  for (const one of matrix.cases) {
    if (findings.full) break;
    findings.startCase(one.name);
    const filled = fillIn(tree, { variables: one.variables, used, findings });
    work += filled.size;
    if (filled.size > filledMax || work > workMax) {
      const spot = { ...tree.spot, end: tree.spot.start + 1 };
      findings.add(
        'E101',
        spot,
        `more than ${filledMax} values, or ${workMax} in all cases together`,
      );
      break;
    }
    const raw = scenarioShape.read(filled, 'a scenario', findings);
    if (raw === undefined) continue;
    const built = build(root, raw, one, parts, findings);
    checkAddresses(built, raw, findings);
    checkMeaning(built, raw, findings);
    if (strict) checkStrictly(raw, findings);
    scenarios.push(built.scenario);
    noteSteps(raw.steps?.items ?? [], everStepped, used);
  }
  findings.case = ''; // what follows concerns all of them
  if (findings.errors > 0) return undefined;
  neverHappens(everStepped, scenarios, findings);
  for (const [name, spot] of matrix.declared) {
    if (!used.has(name)) findings.add('W316', spot, `nothing uses the variable ${name}`);
  }
  return scenarios;
}

/** Remembers where each step says when it happens, and which variables that takes. */
function noteSteps(steps: readonly RawStep[], spots: Map<number, Spot>, used: Set<string>): void {
  steps.forEach((step, i) => {
    const { when } = step.common;
    if (when !== undefined) {
      used.add(when.value.variable);
      spots.set(i + 1, when.spot);
    }
    if ('meanwhile' in step.with)
      for (const { common } of step.with.meanwhile?.items ?? [])
        if (common.when !== undefined) used.add(common.when.value.variable);
    if (step.verb !== 'expect') return;
    for (const probe of step.value?.items ?? []) {
      if (probe.common.when !== undefined) used.add(probe.common.when.value.variable);
    }
  });
}

function neverHappens(
  spots: ReadonlyMap<number, Spot>,
  scenarios: readonly Scenario[],
  findings: Findings,
): void {
  const happened = new Set(scenarios.flatMap(({ steps }) => steps.map(({ number }) => number)));
  for (const [number, spot] of spots) {
    if (!happened.has(number)) findings.add('W313', spot, 'this step happens in no case');
  }
}
