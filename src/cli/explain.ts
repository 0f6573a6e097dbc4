/** `standin explain`: one question of a scenario, why it ended as it did, and what would turn it. */
import { setImmediate } from 'node:timers/promises';
import { type Duration, type Instant, seconds } from '../base/time.ts';
import { nodeCrypto } from '../crypto/node.ts';
import { worldOf } from '../explain/world.ts';
import { explanationJson, explanationText } from '../report/explanation.ts';
import { quoted } from '../report/text.ts';
import { type Amendment, spotOf } from '../scenario/amend.ts';
import { type Checked, check } from '../scenario/check.ts';
import {
  type Asked,
  askAt,
  askedBy,
  type Enquiry,
  enquiryOf,
  type Found,
  foundIn,
} from '../scenario/enquiry.ts';
import { explain } from '../scenario/explaining.ts';
import { readExtended } from '../scenario/extend.ts';
import { asChange, type Mend } from '../scenario/mend.ts';
import { placeOf } from '../scenario/place.ts';
import { play } from '../scenario/play.ts';
import { Findings, renderProblem } from '../scenario/problem.ts';
import { plainOf, type Scenario } from '../scenario/scenario.ts';
import { tryOut } from '../scenario/trial.ts';
import type { FlowText } from '../scenario/units.ts';
import { SimBackend } from '../sim/backend.ts';
import type { Explained, Proposal } from '../trace/explained.ts';
import { EventLog } from '../trace/log.ts';
import { exitCodes } from './exit-codes.ts';
import { type ExplainOptions, type ExplainRequest, readRequest } from './explain-request.ts';
import { findScenarios, loaderFor, NoSuchFile } from './files.ts';
import { say } from './one-case.ts';
import { styleFor } from './style.ts';
import { version } from './version.ts';

/** Something is wrong with what was asked for: said in one line. */
class Refused extends Error {
  override readonly name = 'Refused';
}

export async function explainFile(
  path: string,
  words: readonly string[],
  options: ExplainOptions,
): Promise<number> {
  const request = readRequest(path, words, options);
  if (typeof request === 'string') {
    say(request);
    return exitCodes.invalid;
  }
  try {
    return await new Explaining(request, options).run();
  } catch (error) {
    if (!(error instanceof Refused) && !(error instanceof NoSuchFile)) throw error;
    if (error.message !== '') say(error.message);
    return exitCodes.invalid;
  }
}

/** A question that was found, in the run that it was found in. */
interface Answer {
  readonly asked: Asked;
  readonly enquiry: Enquiry;
  readonly scenario: Scenario;
  /** What the file was changed by to ask it. */
  readonly amendments: readonly Amendment[];
}

class Explaining {
  readonly #request: ExplainRequest;
  readonly #options: ExplainOptions;
  readonly #file: string;

  constructor(request: ExplainRequest, options: ExplainOptions) {
    this.#request = request;
    this.#options = options;
    const [file, ...others] = findScenarios([request.file]);
    if (file === undefined || others.length > 0)
      throw new Refused('one file at a time can be explained');
    this.#file = file;
  }

  async run(): Promise<number> {
    const answer = await this.#answer();
    const { document, mends } = explain(answer.asked, answer.scenario);
    const proposals = await this.#proposals(mends, answer);
    const explained: Explained = { ...document, changes: proposals };
    process.stdout.write(this.#shown(explained));
    const hasTurned = proposals.some(({ turned }) => turned);
    return this.#options.verify && proposals.length > 0 && !hasTurned
      ? exitCodes.expectationFailed
      : exitCodes.asExpected;
  }

  #shown(explained: Explained): string {
    const { ladder = false, verify = false, json } = this.#options;
    if (json) return explanationJson(explained, { version, ladder });
    const { code } = explained;
    return explanationText(explained, {
      version,
      ladder,
      style: styleFor(process.stdout),
      width: Math.min(process.stdout.columns ?? 100, 140),
      source: sourceOf,
      see: [
        ...(code === undefined ? [] : [`standin reasons ${code}`]),
        ...(verify || explained.changes.length === 0 ? [] : [`${this.#command} --verify`]),
      ],
    });
  }

  /** What was typed, near enough. */
  get #command(): string {
    const { line, flow } = this.#request;
    const { at, after, case: which, seed } = this.#options;
    const words = [line === undefined ? this.#file : `${this.#file}:${line}`];
    if (flow !== undefined) words.push(flow.text);
    for (const [name, value] of Object.entries({ case: which, at, after, seed }))
      if (value !== undefined) words.push(`--${name}`, String(value));
    return ['standin', 'explain', ...words.map(quoted)].join(' ');
  }

  async #proposals(mends: readonly Mend[], answer: Answer): Promise<Proposal[]> {
    const { tree } = readExtended(this.#file, loaderFor(this.#file), new Findings());
    const proposals: Proposal[] = [];
    for (const mend of mends) {
      const change = asChange(tree === undefined ? mend : { ...mend, place: placeIn(tree, mend) });
      const checked = (amendments: readonly Amendment[]): Checked =>
        this.#checked([...amendments, ...answer.amendments]);
      if (!this.#options.verify) {
        // What the check refuses is no proposal, though somebody may ask to see it fail.
        if (checked(mend.amendments).cases !== undefined) proposals.push(change);
        continue;
      }
      const workshop = { checked, backend: () => this.#backend() };
      const { turned, seen } = await tryOut(mend, answer.enquiry, answer.scenario, workshop);
      proposals.push({ ...change, turned, seen });
    }
    return proposals;
  }

  async #answer(): Promise<Answer> {
    const { flow, at } = this.#request;
    if (at !== undefined) return this.#atMoment(at as number as Instant);
    return flow === undefined ? this.#expectation() : this.#putIn(flow);
  }

  // An expectation of the file

  /** Cases are played until one has what is looked for first: something broken, else what must fail, else anything. */
  async #expectation(): Promise<Answer> {
    let best: { readonly rank: number; readonly answer: Answer } | undefined;
    for (const scenario of this.#cases(this.#scenarios([]))) {
      const log = new EventLog('full');
      const { result } = await play(scenario, this.#backend(), log);
      const found = this.#wanted(foundIn(scenario, result));
      for (const one of found) {
        const rank = rankOf(one);
        if (best !== undefined && best.rank <= rank) continue;
        const asked = askedBy(one, result, log);
        best = { rank, answer: { asked, enquiry: enquiryOf(one), scenario, amendments: [] } };
      }
      if (best?.rank === 0) break;
      await setImmediate(); // let signals through
    }
    if (best !== undefined) return best.answer;
    const { line } = this.#request;
    throw new Refused(
      line === undefined
        ? `nothing in ${this.#file} asks who reaches whom`
        : `no expectation and no step with one is in line ${line} of ${this.#file}, or it does not happen`,
    );
  }

  #wanted(found: readonly Found[]): readonly Found[] {
    const { line } = this.#request;
    if (line === undefined) {
      const reaching = found.filter(({ probe }) => hasFlow(probe));
      return reaching.length > 0 ? reaching : found;
    }
    const own = found.filter(({ expected }) => expected.file === undefined);
    const there = own.filter(({ expected }) => expected.line === line);
    return there.length > 0 ? there : own.filter(({ step }) => step.line === line);
  }

  // A flow that is put in

  async #putIn(flow: FlowText): Promise<Answer> {
    const [before, cut] = this.#stepAfter();
    const protocol = this.#protocolOf(flow);
    const step = `expect: [{ ${protocol}: ${JSON.stringify(flow.text)} }]`;
    const amendments: Amendment[] = [{ kind: 'insert', before, step }, ...cut];
    const [scenario] = this.#cases(this.#scenarios(amendments));
    const log = new EventLog('full');
    const { result } = await play(scenario!, this.#backend(), log);
    const found = foundIn(scenario!, result).findLast(({ step: { number } }) => number === before);
    if (found === undefined) throw new Refused('the run does not come so far');
    const asked = askedBy(found, result, log);
    return { asked, enquiry: enquiryOf(found), scenario: scenario!, amendments };
  }

  /** Before which step of the file it is put in, and what of the file is left out behind it. */
  #stepAfter(): [number, Amendment[]] {
    const { tree } = readExtended(this.#file, loaderFor(this.#file), new Findings());
    const steps = tree?.entries.get('steps')?.value;
    const count = steps?.kind === 'list' ? steps.items.length : 0;
    const { after = count } = this.#request;
    if (after > count) throw new Refused(`there is no step ${after}: the file has ${count}`);
    return [after + 1, after < count ? [{ kind: 'cut', after }] : []];
  }

  /** Without a port a ping; else TCP, unless the port is known to be one of UDP. */
  #protocolOf({ port, to }: FlowText): 'ping' | 'tcp' | 'udp' {
    if (port === undefined) return 'ping';
    const [scenario] = this.#cases(this.#scenarios([]));
    const listening = scenario!.tenants
      .flatMap(({ sites }) => sites.flatMap(({ vms }) => vms))
      .filter(({ name }) => name === to.text || name.endsWith(`/${to.text}`))
      .flatMap(({ listen }) => listen.filter((one) => one.port === port));
    const isUdp = listening.length > 0 && listening.every(({ protocol }) => protocol === 'udp');
    return isUdp ? 'udp' : 'tcp';
  }

  // A moment of the run

  async #atMoment(at: Instant): Promise<Answer> {
    const [scenario] = this.#cases(this.#scenarios([]));
    const log = new EventLog('full');
    const { result } = await play(scenario!, this.#backend(), log);
    const { flow } = this.#request;
    const found = foundIn(scenario!, result);
    const near = this.#probeNear(found, log, at);
    if (near !== undefined) {
      const asked = askedBy(near, result, log);
      return { asked, enquiry: enquiryOf(near), scenario: scenario!, amendments: [] };
    }
    if (flow === undefined) throw new Refused('nobody asks anything by then: name a flow');
    const step = result.steps.findLast((one) => one.at <= at);
    const enquiry: Enquiry = {
      kind: 'moment',
      text: `${this.#protocolOf(flow)} ${flow.text}`,
      protocol: this.#protocolOf(flow),
      flow: this.#flowIn(flow),
      line: step?.line ?? 0,
      offset: (at - (step?.at ?? 0)) as Duration,
    };
    const asked = await askAt(scenario!, enquiry, this.#backend(), new EventLog('full'));
    if (asked === undefined) throw new Refused('the run does not come so far');
    return { asked, enquiry, scenario: scenario!, amendments: [] };
  }

  /** The expectation whose question was under way at a moment, or that asks the same near it. */
  #probeNear(found: readonly Found[], log: EventLog, at: Instant): Found | undefined {
    const { flow } = this.#request;
    const world = worldOf(log);
    const asking = found.flatMap((one) => {
      const { probe: number } = one.expected;
      const plain = plainOf(one.probe);
      if (number === undefined || (flow !== undefined && !isSame(plain, flow))) return [];
      const sent = world
        .probe(number)
        .filter(({ what, at: when }) => what === 'sent' && when <= at);
      const last = sent.at(-1)?.at;
      return last === undefined ? [] : [{ one, last, over: one.expected.at }];
    });
    const latest = asking.toSorted((a, b) => a.last - b.last).at(-1);
    if (latest === undefined) return undefined;
    const isNear = latest.over >= at || at - latest.last <= nearEnough;
    return flow === undefined || isNear ? latest.one : undefined;
  }

  /** The flow with its names looked up: as an expectation that is never played. */
  #flowIn(flow: FlowText) {
    const step = `expect: [{ ${this.#protocolOf(flow)}: ${JSON.stringify(flow.text)} }]`;
    const [scenario] = this.#cases(this.#scenarios([{ kind: 'insert', before: 1, step }]));
    const [first] = scenario!.steps;
    const probe = first?.kind === 'expect' ? first.probes[0] : undefined;
    if (probe === undefined || !hasFlow(probe)) throw new Refused(`${flow.text} is no flow here`);
    return probe.flow;
  }

  // The file

  #checked(amendments: readonly Amendment[]): Checked {
    return check(this.#file, loaderFor(this.#file), { amendments });
  }

  #scenarios(amendments: readonly Amendment[]): readonly Scenario[] {
    const { cases, problems } = this.#checked(amendments);
    const wrong = problems.filter(({ severity }) => severity === 'error');
    for (const problem of wrong) process.stderr.write(`${renderProblem(problem)}\n`);
    if (cases === undefined) throw new Refused('');
    const { seed } = this.#options;
    return seed === undefined ? cases : cases.map((one) => ({ ...one, seed }));
  }

  #cases(all: readonly Scenario[]): readonly Scenario[] {
    const { case: words = '' } = this.#options;
    const wanted = all.filter((one) => one.case.includes(words));
    if (wanted.length > 0) return wanted;
    const names = all.map((one) => `"${one.case}"`).join(', ');
    throw new Refused(`no case has "${words}" in its name; there are ${names}`);
  }

  #backend(): SimBackend {
    const { eventsMax } = this.#options;
    return new SimBackend({ crypto: nodeCrypto, eventsMax, breathe: () => setImmediate() });
  }
}

const nearEnough = seconds(1);

type WithFlow = Extract<Found['probe'], { readonly kind: 'ping' | 'tcp' | 'udp' }>;

const hasFlow = (probe: Found['probe']): probe is WithFlow =>
  probe.kind === 'ping' || probe.kind === 'tcp' || probe.kind === 'udp';

function isSame(probe: ReturnType<typeof plainOf>, { from, to, port }: FlowText): boolean {
  if (!hasFlow(probe)) return false;
  const { flow } = probe;
  return flow.from.text === from.text && flow.to.text === to.text && flow.port === port;
}

function rankOf({ expected }: Found): number {
  if (expected.verdict === 'broken') return 0;
  return expected.fails === undefined ? 2 : 1;
}

/** A setting is where its value stands; what is put in or taken out has its own place. */
function placeIn(tree: Parameters<typeof spotOf>[0], { amendments, place }: Mend): Mend['place'] {
  const [first] = amendments;
  const spot = first?.kind === 'set' ? spotOf(tree, first.path) : undefined;
  return spot === undefined ? place : placeOf(spot);
}

function sourceOf(file: string): readonly string[] | undefined {
  const text = loaderFor(file)(file);
  return typeof text === 'string' ? text.split('\n') : undefined;
}
