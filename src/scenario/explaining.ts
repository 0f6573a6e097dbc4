/** All that there is to say of one question in one run, and the changes that might turn it. */
import { type Duration, roughly } from '../base/time.ts';
import { roundTrip, type Hop as Step } from '../explain/hops.ts';
import { ladderOf } from '../explain/ladder.ts';
import { type Explanation, why } from '../explain/why.ts';
import { worldOf } from '../explain/world.ts';
import type { DirectedHop, Explained } from '../trace/explained.ts';
import { inResult } from './account.ts';
import type { Asked } from './enquiry.ts';
import { asChange, type Mend, mendsOf, whyNoMend } from './mend.ts';
import type { Scenario } from './scenario.ts';

export interface Account {
  readonly document: Explained;
  readonly mends: readonly Mend[];
}

export function explain(asked: Asked, scenario: Scenario): Account {
  return asked.answer === undefined ? unanswered(asked, scenario) : answered(asked, asked.answer);
}

function answered(asked: Asked, answer: number): Account {
  const { log, expected, from, to } = asked;
  const { hops, nodes, sent } = roundTrip(log, answer);
  const took = roughly((log.timeOf(answer) - log.timeOf(sent)) as Duration);
  const between = nodes.filter((node) => node !== from).slice(0, -1);
  const way = between.length === 0 ? '' : `, by way of ${between.join(', ')}`;
  const isRefused = expected?.verdict === 'broken';
  const document: Explained = {
    ...common(asked),
    asked: log.timeOf(sent),
    answered: true,
    sentence: `${from} reaches ${to}, with an answer after ${took}${way}`,
    ...(isRefused && expected.detail !== '' && { detail: expected.detail }),
    hops: hops.map(directed),
    changes: [],
    arrows: ladderOf(log, [sent], hops),
  };
  return { document, mends: [] };
}

function unanswered(asked: Asked, scenario: Scenario): Account {
  const { log, probe, from, to, at, expected, step, place } = asked;
  const explanation = why(log, { probe, from, to, at });
  const sent = worldOf(log).probe(probe)[0];
  if (explanation === undefined || (sent === undefined && expected?.code === undefined))
    return untold(asked);
  const { code, sentence, lastHop, hops, decision, healsAt, subject, try: remedy } = explanation;
  const mends = mendsOf({ scenario, step, place, code, subject });
  const document: Explained = {
    ...common(asked),
    asked: sent?.at ?? at,
    answered: false,
    sentence,
    code,
    lastHop,
    hops: hops.map(directed),
    ...(decision !== undefined && { decision }),
    ...(healsAt !== undefined && { healsAt }),
    ...(remedy !== undefined && { remedy }),
    changes: mends.map(asChange),
    ...(mends.length === 0 && { noChange: noChange(explanation) }),
    arrows: ladderOf(log, attemptsOf(asked, explanation), hops),
  };
  return { document, mends };
}

/** What was sent, newest first: packets wait together, and it is for the first of them that was asked. */
function attemptsOf({ log, probe }: Asked, { attempt }: Explanation): number[] {
  return worldOf(log)
    .probe(probe)
    .filter(({ what, id }) => what === 'sent' && id <= attempt)
    .map(({ id }) => id)
    .reverse();
}

function noChange({ code, subject }: Explanation): string {
  const known = whyNoMend(code);
  if (known !== undefined) return known;
  return subject.target.node === ''
    ? `Nothing in the file has ${subject.ip}, so no single change of it would make it answer.`
    : 'No single change of the file is known that would turn it.';
}

/** What asks for no packet, or never got to send one: the result says what there is to say. */
function untold(asked: Asked): Account {
  const { expected } = asked;
  const isSo = expected?.verdict === 'met';
  const detail = expected?.detail || (isSo ? 'it is so' : 'it is not so');
  const document: Explained = {
    ...common(asked),
    asked: asked.at,
    answered: isSo,
    sentence: expected?.why ?? detail,
    ...(expected?.why !== undefined && { detail }),
    ...(expected?.code !== undefined && { code: expected.code }),
    hops: [],
    ...(expected?.remedy !== undefined && { remedy: expected.remedy }),
    changes: [],
    ...(!isSo && { noChange: 'No packet was sent that could be followed.' }),
  };
  return { document, mends: [] };
}

const common = ({ result, text, place, step, at, isPutIn }: Asked) => ({
  file: result.file,
  case: result.case,
  seed: result.seed,
  question: text,
  place: { file: place.file, line: place.line, column: place.column },
  ...(isPutIn && { putIn: true as const }),
  step,
  at,
});

const directed = (step: Step): DirectedHop => ({ ...inResult(step), direction: step.direction });
