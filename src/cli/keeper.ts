/** Keeps a lab standing: holds its sandbox, and answers at a socket for whoever wants to know or end it. */

import type { ChildProcess } from 'node:child_process';
import { renameSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { basename, dirname, join } from 'node:path';
import { lockJournal } from '../emu/journal-file.ts';
import { openSandbox } from '../emu/sandbox.ts';
import { compile } from '../scenario/compile.ts';
import type { Scenario } from '../scenario/scenario.ts';
import type { LabStatus } from '../trace/standing.ts';
import {
  journalName,
  type LabReport,
  type LabRequest,
  socketName,
  socketPath,
  tidy,
} from './lab-folder.ts';
import { scriptIn } from './scripts.ts';
import type { Answer, Request, Standing } from './standing.ts';

/** No request is longer. */
const requestMax = 1024;

/** Nobody else keeps these journals while the sandbox lives; what it says of itself nobody outside could check. */
function locked(folder: string, scenario: Scenario): (() => void)[] {
  const unlocks: (() => void)[] = [];
  try {
    for (const i of compile(scenario).recoveries.keys())
      unlocks.push(lockJournal(join(folder, journalName(scenario, i))));
  } catch (error) {
    for (const unlock of unlocks) unlock();
    throw error;
  }
  return unlocks;
}

export class Keeper {
  readonly #what: Standing;
  readonly #sandbox: ChildProcess;
  readonly #socket: string;
  readonly #server: Server;
  readonly #waiting: ((status: LabStatus) => void)[] = [];
  readonly #closed: Promise<void>;
  #complaints = '';
  #broken: string | undefined;
  #stands!: (status: LabStatus) => void;
  /** How the lab stands once it does. */
  readonly standing: Promise<LabStatus | undefined>;
  /** Why it stands no more; empty where somebody ended it. */
  readonly ended: Promise<string>;

  /** @throws MissingTool */
  constructor(what: Standing, folder: string) {
    this.#what = what;
    const name = socketName(what.scenario);
    this.#socket = socketPath(folder, name);
    this.#server = createServer({ allowHalfOpen: true }, (line) => this.#answer(line));
    const { journals, scenario } = what;
    const unlocks = journals === undefined ? [] : locked(journals, scenario);
    const own = journals === undefined ? [] : [journals];
    this.#sandbox = openSandbox(scriptIn('cli', 'standing.js'), [folder, name, ...own]);
    const stands = new Promise<LabStatus>((resolve) => (this.#stands = resolve));
    this.#sandbox.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#complaints = (this.#complaints + text).slice(-4000);
    });
    this.#sandbox.on('message', (answer: Answer) => this.#hear(answer));
    this.#sandbox.on('error', (error) => (this.#broken = error.message));
    this.#closed = new Promise((resolve) => this.#sandbox.once('close', () => resolve()));
    this.ended = this.#closed.then(() => {
      this.#server.close();
      for (const unlock of unlocks) unlock();
      rmSync(this.#socket, { force: true });
      tidy(folder);
      return this.#broken ?? (this.#complaints.trim() || 'its sandbox was ended');
    });
    this.standing = Promise.race([stands, this.ended.then(() => undefined)]);
  }

  get socket(): string {
    return this.#socket;
  }

  /** Ends the lab; done when nothing of it is left. */
  async close(): Promise<void> {
    this.#broken ??= '';
    this.#sandbox.kill('SIGKILL');
    await this.ended;
  }

  /** Undefined where the lab ends meanwhile. */
  async report(): Promise<LabReport | undefined> {
    const told = new Promise<LabStatus>((resolve) => {
      this.#waiting.push(resolve);
      this.#ask({ ask: 'status' });
    });
    const status = await Promise.race([told, this.ended.then(() => undefined)]);
    if (status === undefined) return undefined;
    const { file, case: which } = this.#what.scenario;
    return { file, case: which, process: this.#sandbox.pid!, status };
  }

  #ask(request: Request): void {
    if (this.#sandbox.connected) this.#sandbox.send(request);
  }

  #hear(answer: Answer): void {
    switch (answer.kind) {
      case 'ready':
        this.#ask({ ask: 'stand', what: this.#what });
        break;
      case 'stands':
        this.#listen(() => this.#stands(answer.status));
        break;
      case 'status':
        this.#waiting.shift()?.(answer.status);
        break;
      case 'broken':
        this.#broken = answer.because;
        break;
    }
  }

  /** The socket has its name when somebody answers there, and not before. */
  #listen(done: () => void): void {
    const draft = join(dirname(this.#socket), `.${basename(this.#socket)}`);
    rmSync(draft, { force: true });
    this.#server.once('error', (error) => {
      this.#broken = error.message;
      this.#sandbox.kill('SIGKILL');
    });
    this.#server.listen(draft, () => {
      renameSync(draft, this.#socket);
      done();
    });
  }

  #answer(line: Socket): void {
    let text = '';
    line.on('error', () => {});
    line.setEncoding('utf8').on('data', (more: string) => {
      text += more;
      if (text.length > requestMax) line.destroy();
    });
    line.on('end', () => void this.#serve(text, line));
  }

  async #serve(text: string, line: Socket): Promise<void> {
    let request: LabRequest;
    try {
      request = JSON.parse(text) as LabRequest;
    } catch {
      line.destroy();
      return;
    }
    if (request.ask === 'down') {
      await this.close();
      line.end(JSON.stringify('gone'));
    } else if (request.ask === 'status') {
      const report = await this.report();
      line.end(report === undefined ? '' : JSON.stringify(report));
    } else line.destroy();
  }
}
