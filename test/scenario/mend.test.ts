/** Changes that might turn what fails, and whether they do: over the gallery, and with a wrong one planted. */
import { readdirSync, readFileSync } from 'node:fs';
import test from 'ava';
import { nodeCrypto } from '../../src/crypto/node.ts';
import { why } from '../../src/explain/why.ts';
import { check } from '../../src/scenario/check.ts';
import { type Asked, askedBy, enquiryOf, type Found, foundIn } from '../../src/scenario/enquiry.ts';
import { type Mend, mendsOf } from '../../src/scenario/mend.ts';
import { mendTable } from '../../src/scenario/mend-table.ts';
import type { Scenario } from '../../src/scenario/scenario.ts';
import { type Trial, tryOut, type Workshop } from '../../src/scenario/trial.ts';
import { SimBackend } from '../../src/sim/backend.ts';
import { reasonList } from '../../src/trace/reasons.ts';
import { played, scenarios } from '../playing.ts';

const workshop = (file: string): Workshop => ({
  checked: (amendments) =>
    check(`scenarios/${file}`, (path) => readFileSync(path, 'utf8'), { amendments }),
  backend: () => new SimBackend({ crypto: nodeCrypto }),
});

interface Failure {
  readonly found: Found;
  readonly asked: Asked;
  readonly scenario: Scenario;
}

/** What fails in one case as it must. */
async function failuresIn(scenario: Scenario): Promise<Failure[]> {
  const { result, log } = await played(scenario);
  return foundIn(scenario, result)
    .filter(({ expected: { verdict, fails } }) => verdict === 'met' && fails !== undefined)
    .map((found) => ({ found, scenario, asked: askedBy(found, result, log) }));
}

function mendsFor({ asked, scenario }: Failure): readonly Mend[] {
  const { log, probe, from, to, at, step, place } = asked;
  const { code, subject } = why(log, { probe, from, to, at })!;
  return mendsOf({ scenario, step, place, code, subject });
}

test('every code has changes that might help, or a sentence why there are none', (t) => {
  t.deepEqual(Object.keys(mendTable).toSorted(), [...reasonList].toSorted());
  for (const [code, entry] of Object.entries(mendTable)) {
    if (typeof entry === 'string') t.regex(entry, /^[A-Z].*\.$/, code);
    else t.true(entry.length > 0, code);
  }
});

/** The lines of a case that must fail. */
const mustFail = (scenario: Scenario): number[] =>
  scenario.steps.flatMap((step) =>
    step.kind === 'expect'
      ? step.probes.flatMap((probe) =>
          'fails' in probe && probe.fails !== undefined ? [probe.place.line] : [],
        )
      : [],
  );

test('what fails in the gallery as it must is turned by the changes that are proposed', async (t) => {
  const counts = new Map<string, { turned: number; not: number; none: number }>();
  const seen = new Set<string>();
  for (const file of readdirSync('scenarios').filter((name) => name.endsWith('.yaml'))) {
    for (const scenario of scenarios(file)) {
      if (mustFail(scenario).every((line) => seen.has(`${file}:${line}`))) continue;
      for (const failure of await failuresIn(scenario)) {
        const { found, asked } = failure;
        const code = found.expected.code!;
        const { log, probe, from, to, at, place } = asked;
        // From the finished log the explanation is the one that the run gave while it went on.
        t.is(why(log, { probe, from, to, at })?.code, code, `${file}:${place.line}`);
        // One case for each line: others of the same kind say nothing new.
        const key = `${file}:${place.line}`;
        if (seen.has(key)) continue;
        seen.add(key);
        const trials: Trial[] = [];
        for (const mend of mendsFor(failure)) {
          trials.push(await tryOut(mend, enquiryOf(found), scenario, workshop(file)));
          if (trials.at(-1)!.turned) break;
        }
        const count = counts.get(code) ?? { turned: 0, not: 0, none: 0 };
        counts.set(code, count);
        const end = trials.at(-1);
        count[end === undefined ? 'none' : end.turned ? 'turned' : 'not'] += 1;
        if (end?.turned) t.regex(end.seen, / after \d/, key);
        else t.log(key, ...trials.map(({ mend, seen: what }) => `${mend.words}: ${what}`));
      }
    }
  }
  const all = [...counts.values()];
  const sum = (of: (one: (typeof all)[number]) => number): number =>
    all.reduce((total, one) => total + of(one), 0);
  const turned = sum((one) => one.turned);
  const tried = turned + sum((one) => one.not);
  for (const [code, { turned: yes, not, none }] of counts)
    t.log(`${code}: ${yes} turned, ${not} not, ${none} without a change`);
  t.log(`${turned} of ${tried} with a change turned; ${sum((one) => one.none)} have none`);
  t.true(tried >= 40, 'most have a change');
  t.true(turned / tried >= 0.8);
});

/** The stale ARP entry of the gallery. */
async function stale(): Promise<Failure> {
  const [scenario] = scenarios('07-stale-arp-no-garp.yaml');
  const [failure] = await failuresIn(scenario!);
  return failure!;
}

test('a change that helps nothing, or is none, is never called one that turns', async (t) => {
  const failure = await stale();
  const enquiry = enquiryOf(failure.found);
  const tried = (amendments: Mend['amendments']): Promise<Trial> => {
    const mend = { words: 'planted', place: failure.asked.place, amendments };
    return tryOut(mend, enquiry, failure.scenario, workshop('07-stale-arp-no-garp.yaml'));
  };
  const idle = await tried([{ kind: 'set', path: 'web01.os', value: 'linux' }]);
  t.false(idle.turned);
  t.regex(idle.seen, /STALE_ARP/);
  const wrong = await tried([{ kind: 'set', path: 'web01.ip', value: '10.0.10.300' }]);
  t.deepEqual(
    [wrong.turned, wrong.seen],
    [false, 'the change is refused: 10.0.10.300 is not an IPv4 address'],
  );
  // Without its step nobody asks any more; that is no answer.
  const gone = await tried([{ kind: 'omit', step: failure.asked.step }]);
  t.deepEqual([gone.turned, gone.seen], [false, 'the question is asked no more']);
  const right = await tried([{ kind: 'set', path: 'nea-hq.gratuitous_arp', value: 'up' }]);
  t.true(right.turned, right.seen);
});

test('a change names the value in words of the file, and a fault by its line', async (t) => {
  const [first] = mendsFor(await stale());
  t.is(first!.words, 'tenant.sites.hq.appliances.nea-hq.gratuitous_arp: both');
  t.is(first!.place.line, 20);
  const [blocked] = scenarios('13-udp-6180-blocked.yaml');
  const [failure] = await failuresIn(blocked!);
  const mends = mendsFor(failure!);
  t.deepEqual(
    mends.map(({ words, place }) => [words, place.line]),
    [
      ['take out: fault: { block: { at: gw1, ports: [udp/6180] } }', 12],
      [
        'put in before the question: fault: { unblock: { at: gw1, ports: [udp/6180] } }, wait: 2m',
        12,
      ],
    ],
  );
  // The result of the run proposes the same.
  t.is(failure!.found.expected.change?.text, mends[0]!.words);
});
