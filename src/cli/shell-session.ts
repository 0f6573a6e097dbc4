/** What the commands of the shell do: each leaves a text, or one sentence that says what is wrong. */
import { existsSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import {
  after,
  between,
  type Duration,
  type Instant,
  seconds,
  showDuration,
  showMoment,
} from '../base/time.ts';
import { countersOf, type DeviceTable, tablesOf } from '../explain/tables.ts';
import { eventLine } from '../report/event-line.ts';
import { answerLines } from '../report/probed.ts';
import { columns, tableLines } from '../report/tables.ts';
import { count, type Style, safe } from '../report/terminal.ts';
import { stepLines } from '../report/text.ts';
import { readStep, type StepAround } from '../scenario/one-step.ts';
import { didYouMean, type Problem } from '../scenario/problem.ts';
import type { Scenario, Step } from '../scenario/scenario.ts';
import type { ExpectationResult, StepResult } from '../trace/result.ts';
import { showIpv4 } from '../wire/address.ts';
import { Lacking, writePrivately } from './output.ts';
import type { Deed, PausedLab } from './paused-lab.ts';
import { type ShellCommand, shellCommands } from './shell-words.ts';

export interface ShellOptions {
  /** Where steps that are typed would stand, but for their place. */
  readonly around: Omit<StepAround, 'before'>;
  readonly style: Style;
  readonly width: number;
}

export type Reply = { readonly text: string } | { readonly wrong: string };

/** Nobody waits longer for something to happen. */
const idleMost = seconds(3600);

export class ShellSession {
  readonly #paused: PausedLab;
  readonly #options: ShellOptions;
  /** The last question that was not answered as it should be. */
  #unanswered: ExpectationResult | undefined;
  /** Something that the scenario or the user expected was not so. */
  broken = false;

  constructor(paused: PausedLab, options: ShellOptions) {
    this.#paused = paused;
    this.#options = options;
  }

  /** Of machines and switches. */
  get names(): string[] {
    const { network } = this.#paused.lab;
    return [...network.topology.nodes.map(({ name }) => name), ...network.switches.keys()];
  }

  greeting({ seed }: Scenario): string {
    const { root, case: of } = this.#options.around;
    const which = [safe(root), ...(of === '' ? [] : [safe(of)]), `seed ${seed}`].join(' · ');
    return ` ${this.#options.style('title', which)}\n${this.#where()}`;
  }

  /** @param typed The line that it came from. */
  async obey(command: ShellCommand, typed: string): Promise<Reply> {
    switch (command.kind) {
      case 'nothing':
      case 'quit':
        return { text: '' };
      case 'help':
        return { text: this.#help() };
      case 'where':
        return { text: this.#where() };
      case 'machines':
        return { text: this.#machines() };
      case 'show':
        return this.#show(command.machine);
      case 'log':
        return { text: this.#events(Math.max(0, this.#paused.lab.log.length - command.count)) };
      case 'pcap':
        return this.#pcap(command.file);
      case 'why':
        return this.#why();
      case 'back':
        return this.#back();
      case 'step':
        return this.#steps(command.count);
      case 'event':
        return this.#nextEvents(command.count);
      case 'run':
        return this.#run(command.time, typed);
      case 'until':
        return this.#until(command.time as number as Instant, typed);
      case 'ask':
        return this.#ask(command, typed);
      case 'do':
        return this.#do(command.step, typed);
    }
  }

  // What lets time run

  async #steps(most: number): Promise<Reply> {
    if (this.#paused.next === undefined) return { wrong: 'there is no further step' };
    let text = '';
    for (let left = most; left > 0; left -= 1) {
      const step = this.#paused.next;
      if (step === undefined) break;
      const deed: Deed<StepResult> = {
        text: `step ${step.number}`,
        isStep: true,
        play: (player) => player.step(step),
      };
      text += this.#told(await this.#paused.do(deed));
    }
    return { text: `${text}${this.#where()}` };
  }

  #run(time: Duration, typed: string): Promise<Reply> {
    return time === 0
      ? Promise.resolve({ text: this.#where() })
      : this.#do(`wait: ${showDuration(time)}`, typed);
  }

  async #until(limit: Instant, typed: string): Promise<Reply> {
    const { now } = this.#paused.lab;
    if (limit >= now) return this.#run(between(now, limit), typed);
    const since = `it is ${showMoment(now)} already`;
    return { wrong: `${since}, and time does not go back: the command "back" does` };
  }

  async #nextEvents(most: number): Promise<Reply> {
    const { lab } = this.#paused;
    const from = lab.log.length;
    const limit = after(lab.now, idleMost);
    await this.#paused.do({
      text: `event ${most}`,
      play: (player, { log }) => {
        const wanted = log.length + most;
        return player.until(limit, () => log.length >= wanted);
      },
    });
    return { text: `${this.#events(from)}${this.#where()}` };
  }

  async #ask(
    { step: text, full }: Extract<ShellCommand, { kind: 'ask' }>,
    typed: string,
  ): Promise<Reply> {
    const step = this.#read(text);
    if ('wrong' in step) return step;
    const { expectations } = await this.#paused.do({
      text: typed,
      play: (player) => player.step(step),
    });
    const [outcome] = expectations;
    if (outcome === undefined) return { text: '' };
    if (outcome.verdict !== 'met') this.#unanswered = outcome;
    return { text: this.#answer(outcome, full) };
  }

  async #do(text: string, typed: string): Promise<Reply> {
    const step = this.#read(text);
    if ('wrong' in step) return step;
    const deed: Deed<StepResult> = { text: typed, play: (player) => player.step(step) };
    const result = await this.#paused.do(deed);
    const { expectations, ...rest } = result;
    const { style, width } = this.#options;
    const happened = stepLines({ ...rest, expectations: [] }, style, width).slice(1);
    this.#note(expectations);
    const answers = expectations.map((one) => this.#answer(one, false));
    return { text: `${lined(happened)}${answers.join('')}${this.#where()}` };
  }

  async #back(): Promise<Reply> {
    const undone = await this.#paused.back();
    this.#unanswered = undefined;
    if (undone === undefined) return { wrong: 'nothing has been done that could be taken back' };
    return { text: ` back to before: ${safe(undone)}\n${this.#where()}` };
  }

  // What only looks

  #help(): string {
    const rows = Object.entries(shellCommands).map(([name, [takes, does]]) => [
      `${name} ${takes}`.trim(),
      does,
    ]);
    return lined(columns(rows));
  }

  #where(): string {
    const { lab, last, next, brokenOff } = this.#paused;
    const at = showMoment(lab.now);
    const before = last === undefined ? '' : `, after step ${last.number}`;
    const then =
      next === undefined ? 'no step is left' : `next is step ${next.number}: ${next.title}`;
    const ended = brokenOff === undefined ? '' : `; nothing goes on any more: ${brokenOff}`;
    return ` ${safe(`${at}${before} · ${then} · ${count(lab.log.length, 'event')}${ended}`)}\n`;
  }

  #machines(): string {
    const { network, log } = this.#paused.lab;
    const roles = new Map([...log.facts(['machine'])].map(({ node, role }) => [node, role]));
    const rows = this.names.map((name) => {
      const adapters = network.stack(name)?.interfaces ?? [];
      const own = tablesOf(log, name).find(({ title }) => title === 'addresses')?.rows ?? [];
      const addresses = own.map(({ cells: [address = ''] }) => address);
      const role = roles.get(name) ?? (adapters.length === 0 ? 'switch' : 'machine');
      return [safe(name), role, network.powerOf(name) ?? 'on', addresses.join(', ')];
    });
    return lined(columns(rows));
  }

  #show(name: string): Reply {
    if (name !== 'lab' && !this.names.includes(name)) {
      const hint = didYouMean(name, this.names) ?? '"machines" lists them';
      return { wrong: `there is no machine "${name}": ${hint}` };
    }
    const { style } = this.#options;
    const { lab } = this.#paused;
    const power = name === 'lab' ? '' : `, ${lab.network.powerOf(name) ?? 'on'}`;
    const lines = [` ${style('title', safe(name))}${power} at ${showMoment(lab.now)}`];
    for (const table of tablesOf(lab.log, name))
      lines.push('', ...tableLines(this.#aged(table, name), lab.now, style));
    const { in: came, out, drops } = countersOf(lab.log, name);
    const ends = [...drops].map(([code, times]) => `${code} ${times}`).join(', ');
    if (came + out > 0)
      lines.push(
        '',
        ` ${style('title', 'frames')} ${came} in, ${out} out${ends && `; ended here: ${ends}`}`,
      );
    return { text: lined(lines) };
  }

  /** What was reachable is stale after a while: nobody writes that down, because nothing happens then. */
  #aged(table: DeviceTable, name: string): DeviceTable {
    if (table.title !== 'neighbours') return table;
    const { lab } = this.#paused;
    const stack = lab.network.stack(name);
    const now = new Map(
      stack?.interfaces.flatMap((on) =>
        [...on.neighbours.entries.values()].map((entry) => [
          `${on.name} ${showIpv4(entry.ip)}`,
          on.neighbours.stateOf(entry, lab.now),
        ]),
      ),
    );
    const rows = table.rows.map(({ cells, since }) => {
      const [ip = '', mac = '', state = '', on = ''] = cells;
      return { cells: [ip, mac, now.get(`${on} ${ip}`) ?? state, on], since };
    });
    return { ...table, rows };
  }

  #why(): Reply {
    const outcome = this.#unanswered;
    return outcome === undefined
      ? { wrong: 'no question has failed; "why web01 -> sql01" asks one' }
      : { text: this.#answer(outcome, true) };
  }

  async #pcap(file: string): Promise<Reply> {
    const folder = dirname(file);
    if (!existsSync(folder)) return { wrong: `there is no folder ${folder}` };
    const { captureOf } = await import('./capture.ts');
    try {
      const path = writePrivately(folder, basename(file), captureOf(this.#paused));
      return { text: ` ${safe(path)} is written\n` };
    } catch (error) {
      if (!(error instanceof Lacking)) throw error;
      return { wrong: error.message };
    }
  }

  // What is told

  #read(text: string): Step | { readonly wrong: string } {
    const { around } = this.#options;
    const step = readStep(text, { ...around, before: (this.#paused.last?.number ?? 0) + 1 });
    if (!('length' in step)) return step;
    const [first] = step;
    return { wrong: first === undefined ? 'that does not happen in this case' : inOneLine(first) };
  }

  #told(result: StepResult): string {
    const { style, width } = this.#options;
    const bad = this.#note(result.expectations);
    const blocks = bad.flatMap((one) => ['', ...answerLines({ ...one, hops: [] }, style, width)]);
    return lined([...stepLines(result, style, width), ...blocks]);
  }

  /** @returns Those that are broken. */
  #note(expectations: readonly ExpectationResult[]): readonly ExpectationResult[] {
    const bad = expectations.filter(({ verdict }) => verdict === 'broken');
    if (bad.length > 0) this.broken = true;
    this.#unanswered = bad.at(-1) ?? this.#unanswered;
    return bad;
  }

  #answer(outcome: ExpectationResult, full: boolean): string {
    const { style, width } = this.#options;
    const shown = full ? outcome : { ...outcome, hops: [] };
    return lined(answerLines(shown, style, width));
  }

  #events(from: number): string {
    return lined([...this.#paused.lab.log.events(from)].map((event) => ` ${eventLine(event)}`));
  }
}

const lined = (lines: readonly string[]): string => lines.map((line) => `${line}\n`).join('');

/** Of a problem with a line that was typed, what the line itself does not show. */
const inOneLine = ({ message, hint, code }: Problem): string =>
  `${message}${hint === undefined ? '' : `: ${hint}`} [${code}]`;
