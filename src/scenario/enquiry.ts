/**
 * What somebody wants explained: an expectation of a file, or a flow at some moment. It is found in
 * a run, played into one, and asked again in others, where it has to be answered.
 */
import { type Duration, type Instant, roughly } from '../base/time.ts';
import { worldOf } from '../explain/world.ts';
import type { Backend } from '../lab/lab.ts';
import { EventLog } from '../trace/log.ts';
import type { ExpectationResult, RunResult, StepResult } from '../trace/result.ts';
import { showIpv4 } from '../wire/address.ts';
import { amendedFile } from './amend.ts';
import { AskingBackend, type MomentQuestion, patience } from './asking.ts';
import type { Place } from './place.ts';
import { play, stage } from './play.ts';
import { type Flow, type PlainProbe, type Probe, plainOf, type Scenario } from './scenario.ts';

/** A question, whatever run it is asked in. */
export type Enquiry =
  | { readonly kind: 'expectation'; readonly place: Place; readonly title: string }
  | ({ readonly kind: 'moment'; readonly text: string } & MomentQuestion);

/** One question in one run. */
export interface Asked {
  readonly log: EventLog;
  readonly result: RunResult;
  /** `ping web01 -> sql01`. */
  readonly text: string;
  /** The number of the step that asked, and the word in the file. */
  readonly step: number;
  readonly place: Place;
  /** The file itself does not ask it. */
  readonly isPutIn: boolean;
  /** Its number in the log; -1 where nothing was sent. */
  readonly probe: number;
  readonly from: string;
  readonly to: string;
  /** When it was over. */
  readonly at: Instant;
  /** The fact that it was answered. */
  readonly answer: number | undefined;
  /** Of an expectation. */
  readonly expected?: ExpectationResult;
}

/** An expectation as it was found in a run: the probe, and what came of it. */
export interface Found {
  readonly step: StepResult;
  readonly probe: Probe;
  readonly expected: ExpectationResult;
}

/** All expectations of a run with the probes that they are of, in order. */
export function foundIn(scenario: Scenario, result: RunResult): Found[] {
  const probes = new Map(
    scenario.steps.flatMap((step) =>
      step.kind === 'expect'
        ? step.probes.map((probe) => [keyOf(probe.place, probe.title, scenario), probe] as const)
        : [],
    ),
  );
  return result.steps.flatMap((step) =>
    step.expectations.flatMap((expected): Found[] => {
      const { file = scenario.file, line, column, text } = expected;
      const probe = probes.get(keyOf({ file, line, column }, text, scenario));
      return probe === undefined ? [] : [{ step, probe, expected }];
    }),
  );
}

const putInFile = amendedFile({ kind: 'insert', before: 0, step: '' });

const keyOf = (
  { file, line, column }: Pick<Place, 'file' | 'line' | 'column'>,
  title: string,
  scenario: Scenario,
): string => `${file || scenario.file}:${line}:${column} ${title}`;

export const enquiryOf = ({ probe }: Found): Enquiry => ({
  kind: 'expectation',
  place: probe.place,
  title: probe.title,
});

/** An expectation of a run that has been played, as a question. */
export function askedBy({ step, probe, expected }: Found, result: RunResult, log: EventLog): Asked {
  const plain = plainOf(probe);
  const world = worldOf(log);
  const number = expected.probe ?? -1;
  const events = world.probe(number).filter(({ at }) => at <= expected.at);
  const first = events[0];
  const answer = expected.verdict === 'met' && expected.fails === undefined;
  const given = events.findLast(({ what }) => what === 'answered');
  return {
    log,
    result,
    text: questionOf(plain),
    step: step.number,
    place: probe.place,
    isPutIn: expected.file === putInFile,
    probe: number,
    from: first?.node ?? askerOf(plain, log, expected.at),
    to: first?.to ?? targetOf(plain),
    at: overAt(expected.at, events.findLast(({ what }) => what !== 'error')?.at),
    // Where it was to be answered otherwise, that it was answered is what there is to show.
    answer: answer || expected.code === undefined ? given?.id : undefined,
    expected,
  };
}

/** What happened at the very end of a question may belong to the next step, unless it was heard of it then. */
const overAt = (at: Instant, heard: Instant | undefined): Instant =>
  (heard === at ? at : Math.max(0, at - 1)) as Instant;

/** `ping web01 -> sql01`, without what was demanded of it. */
const questionOf = (probe: PlainProbe): string =>
  probe.kind === 'ping' || probe.kind === 'tcp' || probe.kind === 'udp'
    ? `${probe.kind} ${probe.flow.text}`
    : probe.title;

function flowOf(probe: PlainProbe): Flow | undefined {
  return 'flow' in probe ? probe.flow : undefined;
}

/** Who would have asked, had it run. */
function askerOf(probe: PlainProbe, log: EventLog, at: Instant): string {
  const from = flowOf(probe)?.from ?? ('at' in probe && 'name' in probe.at ? probe.at : undefined);
  if (from === undefined || !('name' in from)) return '';
  const world = worldOf(log);
  const replica = world.replicaOf(from.name)?.name;
  return replica !== undefined && world.isFailedOver(from.name, at) ? replica : from.name;
}

function targetOf(probe: PlainProbe): string {
  if (probe.kind === 'arp') return showIpv4(probe.ip);
  const to = flowOf(probe)?.to;
  return to?.kind === 'address' ? showIpv4(to.ip) : '';
}

/** Plays a scenario with a question at a moment of it. Undefined where it never came to that. */
export async function askAt(
  scenario: Scenario,
  question: Extract<Enquiry, { kind: 'moment' }>,
  backend: Backend,
  log: EventLog,
): Promise<Asked | undefined> {
  const asking = new AskingBackend(backend, scenario, question);
  const { lab, result } = await stage(scenario, asking, log);
  await asking.finish(lab);
  await lab.stop();
  const { asked } = asking;
  if (asked === undefined) return undefined;
  const { probe, from, to, at } = asked;
  const step = result.steps.findLast((one) => one.at <= at);
  const world = worldOf(log);
  const over = Math.min(world.end, at + patience[question.protocol]) as Instant;
  const answer = world
    .probe(probe)
    .find(({ what, at: when }) => what === 'answered' && when <= over);
  const place = scenario.steps.find(({ number }) => number === step?.number)?.place;
  return {
    log,
    result: { ...result, events: log.length },
    text: question.text,
    step: step?.number ?? 1,
    isPutIn: true,
    place: place ?? { file: scenario.file, line: 1, column: 1, length: 1 },
    probe,
    from,
    to,
    at: over,
    answer: answer?.id,
  };
}

/** Whether a question is answered in a run of its own, and what was seen. */
export interface Outcome {
  readonly answered: boolean;
  readonly seen: string;
}

/** Asks again in a scenario that was changed. It never says yes to what it has not seen answered. */
export async function askAgain(
  enquiry: Enquiry,
  scenario: Scenario,
  backend: Backend,
): Promise<Outcome> {
  const log = new EventLog('full');
  if (enquiry.kind === 'moment') {
    const asked = await askAt(scenario, enquiry, backend, log);
    if (asked === undefined) return { answered: false, seen: 'the run never comes to that moment' };
    if (asked.answer === undefined) return { answered: false, seen: 'it is not answered' };
    const sent = worldOf(log).probe(asked.probe)[0];
    const took = (log.timeOf(asked.answer) - (sent?.at ?? asked.at)) as Duration;
    return { answered: true, seen: `answered in ${roughly(took)}` };
  }
  const short = upTo(scenario, enquiry);
  if (short === undefined) return { answered: false, seen: 'the question is asked no more' };
  const { result } = await play(short, backend, log);
  const { place, title } = enquiry;
  const expected = foundIn(short, result).find(({ probe }) => isAt(probe, place, title))?.expected;
  if (expected === undefined) return { answered: false, seen: 'the run did not come to it' };
  const code = expected.code === undefined ? '' : ` (${expected.code})`;
  const seen = `${expected.detail || (expected.verdict === 'met' ? 'it is so' : 'it is not so')}`;
  return {
    answered: expected.verdict === 'met',
    seen: expected.verdict === 'met' ? seen : seen + code,
  };
}

const isAt = (probe: Probe, { file, line, column }: Place, title: string): boolean =>
  probe.title === title &&
  probe.place.line === line &&
  probe.place.column === column &&
  probe.place.file === file;

/**
 * The scenario as far as the question, which has to be answered now. Of what would follow, only the
 * flows stay that are measured in the background, because their frames were there too.
 */
function upTo(
  scenario: Scenario,
  { place, title }: Extract<Enquiry, { kind: 'expectation' }>,
): Scenario | undefined {
  const index = scenario.steps.findIndex(
    (step) => step.kind === 'expect' && step.probes.some((probe) => isAt(probe, place, title)),
  );
  const asking = scenario.steps[index];
  if (asking?.kind !== 'expect') return undefined;
  const last = asking.probes.findIndex((probe) => isAt(probe, place, title));
  const probes = asking.probes
    .slice(0, last + 1)
    .map((probe, i) => (i === last ? answeredOnly(probe) : probe));
  const after = scenario.steps.slice(index).flatMap((step) => {
    if (step.kind !== 'expect') return [];
    const measured = step.probes.filter((probe) => plainOf(probe).kind === 'outage');
    return measured.length === 0 ? [] : [{ ...step, probes: measured }];
  });
  return {
    ...scenario,
    steps: [...scenario.steps.slice(0, index), { ...asking, probes }, ...after],
  };
}

/** A failure is waited for longer than an answer: so long it may take now. */
const failurePatience = 60e9 as Duration;

function answeredOnly(probe: Probe): Probe {
  const isReaching = probe.kind === 'ping' || probe.kind === 'tcp' || probe.kind === 'udp';
  if (!isReaching || probe.fails === undefined) return probe;
  const within = probe.within ?? failurePatience;
  return { ...probe, fails: undefined, lastHop: undefined, within };
}
