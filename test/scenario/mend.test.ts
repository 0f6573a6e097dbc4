import { readdirSync, readFileSync } from 'node:fs';
import test from 'ava';
import { nodeCrypto } from '../../src/crypto/node.ts';
import { why } from '../../src/explain/why.ts';
import { check } from '../../src/scenario/check.ts';
import { askedBy, enquiryOf, foundIn } from '../../src/scenario/enquiry.ts';
import { mendsOf } from '../../src/scenario/mend.ts';
import { mendTable } from '../../src/scenario/mend-table.ts';
import { type Trial, tryOut, type Workshop } from '../../src/scenario/trial.ts';
import { SimBackend } from '../../src/sim/backend.ts';
import { reasonList } from '../../src/trace/reasons.ts';
import { played, scenarios } from '../playing.ts';

const workshop = (file: string): Workshop => ({
  checked: (amendments) =>
    check(`scenarios/${file}`, (path) => readFileSync(path, 'utf8'), { amendments }),
  backend: () => new SimBackend({ crypto: nodeCrypto }),
});

test('every code has changes that might help, or a sentence why there are none', (t) => {
  t.deepEqual(Object.keys(mendTable).toSorted(), [...reasonList].toSorted());
  for (const [code, entry] of Object.entries(mendTable)) {
    if (typeof entry === 'string') t.regex(entry, /^[A-Z].*\.$/, code);
    else t.true(entry.length > 0, code);
  }
});

interface Row {
  readonly file: string;
  readonly code: string;
  readonly trials: readonly Trial[];
}

const gallery = readdirSync('scenarios').filter((name) => name.endsWith('.yaml'));

test('what fails in the gallery as it must is turned by the changes that are proposed', async (t) => {
  const rows: Row[] = [];
  for (const file of gallery)
    for (const scenario of scenarios(file)) {
      if (
        !scenario.steps.some(
          (s) => s.kind === 'expect' && s.probes.some((p) => 'fails' in p && p.fails),
        )
      )
        continue;
      const { result, log } = await played(scenario);
      for (const found of foundIn(scenario, result)) {
        const { expected } = found;
        if (expected.verdict !== 'met' || expected.fails === undefined) continue;
        const { probe, from, to, at, step, place } = askedBy(found, result, log);
        const { code, subject } = why(log, { probe, from, to, at })!;
        t.is(code as string, expected.code as string, file);
        const trials: Trial[] = [];
        for (const mend of mendsOf({ scenario, step, place, code, subject })) {
          const trial = await tryOut(mend, enquiryOf(found), scenario, workshop(file));
          trials.push(trial);
          if (trial.turned) break;
        }
        rows.push({ file: `${file}:${place.line} ${scenario.case}`, code, trials });
      }
    }
  for (const { file, code, trials } of rows)
    t.log(
      `${trials.some(({ turned }) => turned) ? '✓' : trials.length ? '✗' : '–'} ${code} ${file}\n${trials.map(({ mend, turned, seen }) => `     ${turned ? 'turned' : 'not'} ${mend.words} (${mend.place.file}:${mend.place.line}) — ${seen}`).join('\n')}`,
    );
});
