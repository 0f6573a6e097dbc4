import test from 'ava';
import { type Problem, renderProblem } from '../../src/scenario/problem.ts';
import { checkFiles, complaints, shipped } from './memory.ts';
import { mutateText, mutateTree, random } from './mutate.ts';

// conformance.md section 3, P4: at least 10,000 changed scenarios

const paths = Object.keys(shipped);
const texts = Object.values(shipped);

function survives(
  changed: string,
  path: string,
): { trouble: string[]; problems: readonly Problem[] } {
  const files = { [path]: changed, ...without(path) };
  const start = performance.now();
  const checked = checkFiles(files, { strict: true });
  const took = performance.now() - start;
  const trouble = complaints(checked, files);
  if (took > 2000) trouble.push(`took ${took} ms`);
  for (const problem of checked.problems) {
    const shown = renderProblem(problem);
    if (/\p{Cc}/u.test(shown.replaceAll('\n', ''))) trouble.push('a control character in a report');
    if (shown.length > 3000) trouble.push('a report of a page');
  }
  return { trouble, problems: checked.problems };
}

const without = (path: string): Record<string, string> =>
  Object.fromEntries(Object.entries(shipped).filter(([other]) => other !== path));

const kinds: Record<string, (text: string, luck: ReturnType<typeof random>) => string> = {
  'characters and lines': (text, luck) => mutateText(text, texts, luck),
  'keys and values': (text, luck) => mutateTree(text, luck).text,
};

for (const [kind, mutate] of Object.entries(kinds)) {
  test(`5,500 scenarios with other ${kind} give cases or problems with their places`, (t) => {
    const luck = random(kind);
    const codes = new Map<string, number>();
    let right = 0;
    for (let i = 0; i < 5500; i += 1) {
      const path = paths[i % paths.length]!;
      const changed = mutate(shipped[path]!, luck);
      const { trouble, problems } = survives(changed, path);
      if (trouble.length > 0)
        t.fail(`${trouble.join('; ')} in change ${i} of ${path}:\n${changed}`);
      for (const { code } of problems) codes.set(code, (codes.get(code) ?? 0) + 1);
      if (problems.length === 0) right += 1;
    }
    // Measure that the changes do what they are for: neither all harmless nor all the same mistake.
    t.log(`${right} without a problem, ${codes.size} kinds of problem`);
    t.true(right > 100 && right < 4000, `${right}`);
    t.true(codes.size > 25, [...codes.keys()].join());
  });
}
