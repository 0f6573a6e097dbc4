/**
 * What is asked of the kernel inside a sandbox: namespaces with adapters, and settings of theirs.
 * Every namespace has a queue of its own, so that what is asked of one happens in order and nobody
 * waits for another. All names are made here; nothing of a scenario becomes a name in the kernel.
 */
import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { setImmediate } from 'node:timers/promises';
import { runFolder } from './sandbox.ts';
import { environment, tool } from './tools.ts';

/** The namespace that all cables lead through. */
export const underlay = 'u';

/** Nsids begin here, above those that the kernel gives by itself. */
const firstNsid = 1000;

/** A line for `ip -batch`, in the namespace or in the one for cables. */
interface IpTask {
  readonly kind: 'ip';
  readonly at: string;
  readonly line: string;
  readonly lax: boolean;
}

type Task =
  | IpTask
  | { readonly kind: 'sysctl'; readonly settings: readonly string[] }
  | { readonly kind: 'do'; readonly deed: () => Promise<void> };

export class Kernel {
  #namespaces = 0;
  #failure: Error | undefined;
  readonly #all = new Set<Namespace>();
  readonly #batches = new Map<string | undefined, Batches>();
  /** Whether the kernel itself has WireGuard, once somebody has looked. */
  hasWireguard = false;
  /** Called when something went wrong that nobody waits for. */
  onFailure: () => void = () => {};

  /** A new one, which is made at the latest when something is asked of it. */
  namespace(): Namespace {
    const number = this.#namespaces++;
    const made = new Namespace(`n${number}`, firstNsid + number, this);
    this.#all.add(made);
    return made;
  }

  async findWireguard(): Promise<void> {
    try {
      await this.ip(['link add name wg0 type wireguard', 'link del wg0']);
      this.hasWireguard = true;
    } catch {}
  }

  /** What went wrong first; a lab in which something did says nothing any more. */
  get failure(): Error | undefined {
    return this.#failure;
  }

  fail(error: Error): void {
    this.#failure ??= error;
    this.onFailure();
  }

  forget(namespace: Namespace): void {
    this.#all.delete(namespace);
  }

  /** Resolves when nothing is left to be done. @throws what went wrong */
  async settled(): Promise<void> {
    for (const one of this.#all) await one.settled();
    if (this.#failure) throw this.#failure;
  }

  /** Runs lines of `ip -batch`. @throws the first complaint, unless told to go on */
  async ip(lines: readonly string[], at?: string, lax = false): Promise<void> {
    // Of what all namespaces share, many want something at the same time.
    if (!lax && (at === undefined || at === underlay)) return this.#shared(at).ask(lines);
    await batch(lines, at, lax);
  }

  #shared(at: string | undefined): Batches {
    const known = this.#batches.get(at);
    if (known !== undefined) return known;
    const made = new Batches(at);
    this.#batches.set(at, made);
    return made;
  }
}

async function batch(lines: readonly string[], at: string | undefined, lax: boolean) {
  const where = at === undefined ? [] : ['-n', at];
  const words = [...where, ...(lax ? ['-force'] : []), '-batch', '-'];
  await run('ip', words, `${lines.join('\n')}\n`, lax);
}

/** Puts into one run what several ask for while another run is under way. */
class Batches {
  readonly #at: string | undefined;
  #waiting: { readonly lines: readonly string[]; readonly done: (error?: Error) => void }[] = [];
  #running = false;

  constructor(at: string | undefined) {
    this.#at = at;
  }

  ask(lines: readonly string[]): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ lines, done: (error) => (error ? reject(error) : resolve()) });
      if (!this.#running) void this.#run();
    });
  }

  async #run(): Promise<void> {
    this.#running = true;
    await setImmediate(); // for those who ask in the same breath
    while (this.#waiting.length > 0) {
      const together = this.#waiting;
      this.#waiting = [];
      const lines = together.flatMap((one) => one.lines);
      // Where one line is refused nothing after it is done: whoever asked for it must know.
      const error = await batch(lines, this.#at, false).then(
        () => undefined,
        (reason: Error) => reason,
      );
      for (const { done } of together) done(error);
    }
    this.#running = false;
  }
}

/** A network namespace, which stands for one life of a machine. */
export class Namespace {
  readonly name: string;
  /** By what `ip monitor` calls it. */
  readonly id: number;
  readonly #kernel: Kernel;
  readonly #tasks: Task[] = [];
  readonly #processes = new Set<ChildProcess>();
  #running: Promise<void> | undefined;
  #made = false;
  #gone = false;

  constructor(name: string, id: number, kernel: Kernel) {
    this.name = name;
    this.id = id;
    this.#kernel = kernel;
  }

  /** @param lax What the kernel has done by itself already is no mistake. */
  ip(line: string, { lax = false, at = this.name }: { lax?: boolean; at?: string } = {}): void {
    this.#ask({ kind: 'ip', at, line, lax });
  }

  sysctl(...settings: string[]): void {
    this.#ask({ kind: 'sysctl', settings });
  }

  /** Something else that must wait its turn. */
  afterwards(deed: () => Promise<void>): void {
    this.#ask({ kind: 'do', deed });
  }

  /** Starts a program in it, which ends with it at the latest. */
  start(program: string, words: readonly string[], options: SpawnOptions): ChildProcess {
    const inside = [`--net=${runFolder}/netns/${this.name}`, program, ...words];
    const child = spawn(tool('nsenter'), inside, { env: environment, ...options });
    this.#processes.add(child);
    child.once('exit', () => this.#processes.delete(child));
    if (this.#gone) child.kill('SIGKILL');
    return child;
  }

  /** Runs a program in it to its end. @throws what it complained of */
  async run(program: string, words: readonly string[], input = ''): Promise<string> {
    return run(
      'nsenter',
      [`--net=${runFolder}/netns/${this.name}`, program, ...words],
      input,
      false,
    );
  }

  /** Ends what runs in it, and it. */
  remove(): void {
    if (this.#gone) return;
    this.#gone = true;
    this.#tasks.length = 0;
    for (const child of this.#processes) child.kill('SIGKILL');
    this.#kernel.forget(this);
    const finish = async (): Promise<void> => {
      if (this.#made) await this.#kernel.ip([`netns del ${this.name}`], undefined, true);
    };
    void (this.#running ?? Promise.resolve()).then(finish).catch(() => {});
  }

  async settled(): Promise<void> {
    while (this.#running) await this.#running;
  }

  #ask(task: Task): void {
    if (this.#gone) return;
    this.#tasks.push(task);
    this.#running ??= this.#work().catch((error: unknown) => {
      this.#running = undefined;
      this.#tasks.length = 0;
      if (!this.#gone) this.#kernel.fail(error as Error);
    });
  }

  async #work(): Promise<void> {
    await Promise.resolve(); // what is asked in one breath is done in one go
    if (!this.#made) {
      this.#made = true;
      await this.#kernel.ip([`netns add ${this.name}`, `netns set ${this.name} ${this.id}`]);
    }
    for (let task = this.#tasks.shift(); task !== undefined; task = this.#tasks.shift()) {
      if (task.kind === 'do') await task.deed();
      else if (task.kind === 'sysctl')
        await this.run(tool('sysctl'), ['-q', '-w', ...task.settings]);
      else if (task.lax) await this.#kernel.ip([task.line], task.at, true);
      else {
        const lines = [task, ...this.#takeLines()];
        const shared = lines.filter(({ at }) => at !== this.name);
        const own = lines.filter(({ at }) => at === this.name);
        // What is laid from outside needs nothing that is set inside, but not the other way round.
        if (shared.length > 0) await this.#kernel.ip(shared.map(textOf), underlay);
        if (own.length > 0) await this.#kernel.ip(own.map(textOf), this.name);
      }
    }
    this.#running = undefined;
  }

  /** The lines that wait next, up to something else. */
  #takeLines(): IpTask[] {
    const lines: IpTask[] = [];
    for (let next = this.#tasks[0]; next?.kind === 'ip' && !next.lax; next = this.#tasks[0]) {
      lines.push(next);
      this.#tasks.shift();
    }
    return lines;
  }
}

const textOf = ({ line }: IpTask): string => line;

/** What a program said when it would not do what it was asked. */
export class Complaint extends Error {
  override readonly name = 'Complaint';
  readonly said: string;

  constructor(program: string, words: readonly string[], said: string, input: string) {
    super(`${program} ${words.join(' ')}: ${said} (${input})`);
    this.said = said;
  }
}

/** @throws Complaint */
export function run(
  name: string,
  words: readonly string[],
  input: string,
  lax: boolean,
): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(tool(name), words, { env: environment, stdio: ['pipe', 'pipe', 'pipe'] });
    let said = '';
    let complained = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (said += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (complained += text));
    child.stdin.on('error', () => {}); // it ended before it had read all
    child.once('error', reject);
    child.once('close', (code) => {
      if (code === 0 || lax) resolve(said);
      else reject(new Complaint(name, words, complained.trim(), input.trim()));
    });
    child.stdin.end(input);
  });
}
