/**
 * What a scenario expects of pairs, against what was found when they were asked. The two are asked at
 * different times: an expectation when its turn comes, a cell when the step before it is over. So what
 * counts is by when, or until when, the file says that it is so.
 */
import { between, type Duration, roughly, seconds } from '../base/time.ts';
import type { Cell, Claim, Moment, Row } from '../trace/reachability.ts';
import type { Reason } from '../trace/reasons.ts';
import type { ExpectationResult, StepResult } from '../trace/result.ts';
import { showIpv4 } from '../wire/address.ts';
import type { Flow, PlainProbe, Probe, Scenario } from './scenario.ts';
import { patience } from './snapshot.ts';
import { nodeOf } from './whereabouts.ts';

/** The same as in `expect.ts`: what an expectation waits for, where it does not say. */
const usual = {
  ping: { answer: seconds(5), failure: seconds(60) },
  udp: { answer: seconds(5), failure: seconds(60) },
  tcp: { answer: seconds(20), failure: seconds(20) },
};
/** Questions are put once a second. */
const slack = seconds(1);

type Reach = Extract<PlainProbe, { kind: 'ping' | 'tcp' | 'udp' }>;

export function claimsOf(
  scenario: Scenario,
  steps: readonly StepResult[],
  moments: readonly Moment[],
  rows: readonly Row[],
): Claim[] {
  return steps.flatMap((result) => {
    const step = scenario.steps.find(({ number }) => number === result.number);
    if (step?.kind !== 'expect') return [];
    const moment = moments.findLastIndex(({ at }) => at <= result.at);
    let begins = result.at;
    return step.probes.flatMap((probe, i) => {
      const expectation = result.expectations[i];
      if (expectation === undefined) return [];
      const began = begins;
      begins = expectation.at;
      const wanted = wantedOf(probe);
      if (wanted === undefined || moment < 0) return [];
      const row = rows.findIndex((one) => isAbout(one, wanted.probe));
      const cell = rows[row]?.cells[moment];
      if (cell === undefined || cell.state === 'unasked') return [];
      const asked = between(moments[moment]!.at, began);
      return [{ ...placed(expectation), row, moment, ...judge(cell, wanted, asked) }];
    });
  });
}

/** Outages that the scenario sets a limit to, against those of the flow that was sent for the row. */
export function outageClaims(
  scenario: Scenario,
  steps: readonly StepResult[],
  rows: readonly Row[],
): Claim[] {
  return steps.flatMap((result) => {
    const step = scenario.steps.find(({ number }) => number === result.number);
    if (step?.kind !== 'expect') return [];
    return step.probes.flatMap((probe, i) => {
      const expectation = result.expectations[i];
      if (expectation === undefined || probe.kind !== 'outage') return [];
      const { flow, atMost } = probe;
      const row = rows.findIndex((one) => one.protocol === 'ping' && isBetween(one, flow));
      const outages = rows[row]?.outages;
      if (outages === undefined) return [];
      const lengths = outages
        .filter(({ lostAt }) => lostAt < expectation.at)
        .map(({ lostAt, restoredAt }) =>
          between(
            lostAt,
            restoredAt !== undefined && restoredAt < expectation.at ? restoredAt : expectation.at,
          ),
        );
      const longest = Math.max(0, ...lengths) as Duration;
      // A flow that is sent more seldom sees an outage that much longer.
      const limit = atMost + (rows[row]!.every ?? 0);
      const verdict = longest <= limit ? ('agrees' as const) : ('contradicts' as const);
      const detail = `at most ${roughly(atMost)}, and it was ${roughly(longest)}`;
      return [{ ...placed(expectation), row, verdict, detail: verdict === 'agrees' ? '' : detail }];
    });
  });
}

const placed = ({ text, line, file }: ExpectationResult): Pick<Claim, 'text' | 'line' | 'file'> =>
  file === undefined ? { text, line } : { text, line, file };

/** What the file says will come of a question. */
interface Wanted {
  readonly probe: Reach;
  /** Undefined: an answer. */
  readonly fails: Reason | 'any' | undefined;
  readonly within: Duration;
}

/** Undefined where it asks for something that no cell knows: sizes, or how often. */
function wantedOf(probe: Probe): Wanted | undefined {
  const plain = probe.kind === 'not' ? probe.probe : probe;
  if (plain.kind !== 'ping' && plain.kind !== 'tcp' && plain.kind !== 'udp') return undefined;
  if (plain.kind === 'ping' && (plain.size !== undefined || plain.whole)) return undefined;
  if (plain.kind === 'tcp' && plain.bytes !== undefined) return undefined;
  const isNot = probe.kind === 'not';
  if (isNot && asksMore(plain)) return undefined;
  const fails = isNot ? 'any' : plain.fails;
  const wait = usual[plain.kind][fails === undefined || isNot ? 'answer' : 'failure'];
  return { probe: plain, fails, within: plain.within ?? wait };
}

/** Of what is not so, more than the answer may be wrong. */
const asksMore = (probe: Reach): boolean =>
  probe.via !== undefined ||
  probe.fails !== undefined ||
  (probe.kind === 'ping' && (probe.ttl !== undefined || probe.roundTrip !== undefined));

function isAbout(row: Row, { kind, flow }: Reach): boolean {
  return kind === row.protocol && row.port === flow.port && isBetween(row, flow);
}

function isBetween(row: Row, { from, to }: Flow): boolean {
  const name = from.kind === 'router' ? nodeOf(from) : from.text;
  if (row.from !== name) return false;
  if (to.kind === 'address') return row.address === showIpv4(to.ip);
  return to.kind === 'router'
    ? to.network === undefined && row.to === nodeOf(to)
    : row.to === to.text;
}

/** @param asked How long after the cell the expectation was asked. */
function judge(
  cell: Cell,
  { fails, within }: Wanted,
  asked: Duration,
): Pick<Claim, 'verdict' | 'detail'> {
  const by = asked + within + slack;
  const answered = cell.after ?? Number.POSITIVE_INFINITY;
  const agrees = { verdict: 'agrees', detail: '' } as const;
  const later = { verdict: 'later', detail: '' } as const;
  const contradicts = (is: string): Pick<Claim, 'verdict' | 'detail'> => ({
    verdict: 'contradicts',
    detail: `${fails === undefined ? 'should be reached' : `should fail (${fails})`}, and ${is}`,
  });
  if (fails === undefined) {
    if (answered <= by) return agrees;
    if (cell.state === 'lost' && by > patience) return later;
    return contradicts(
      cell.state === 'late'
        ? `is not before ${roughly(cell.after!)}`
        : `is not: ${cell.code ?? 'no answer'}`,
    );
  }
  if (cell.state === 'reached') return asked > slack ? later : contradicts('is reached');
  if (fails !== 'any' && cell.code !== fails)
    return asked > slack ? later : contradicts(`fails with ${cell.code ?? 'no reason'}`);
  if (cell.state === 'late' && answered < asked + within - slack)
    return contradicts(`is reached after ${roughly(cell.after!)}`);
  return agrees;
}
