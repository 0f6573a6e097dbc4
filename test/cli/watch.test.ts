/** `standin run --watch`: what an editor saves is played again, however it saves. */
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { appendFileSync, renameSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { setTimeout } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { bad, bundle, folderWith, good, small, standin, wrong } from '../support/cli.ts';

/** A watcher at work: what it says, from one verdict to the next. */
class Watcher {
  readonly ended: Promise<number | null>;
  readonly #child: ChildProcessByStdio<Writable, Readable, Readable>;
  #said = '';
  #stderr = '';

  constructor(t: ExecutionContext, cwd: string, words: readonly string[]) {
    this.#child = spawn(process.execPath, [bundle, 'run', '--watch', ...words], {
      cwd,
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    this.#child.stdout.setEncoding('utf8').on('data', (text) => (this.#said += text));
    this.#child.stderr.setEncoding('utf8').on('data', (text) => (this.#stderr += text));
    this.ended = new Promise((done) => this.#child.on('close', done));
    t.teardown(() => this.#child.kill('SIGKILL'));
  }

  /** All that it says up to its next verdict. */
  async verdict(): Promise<string> {
    for (;;) {
      const end = /verdict after .*\n/.exec(this.#said);
      if (end !== null) {
        const last = end.index + end[0].length;
        const said = this.#said.slice(0, last) + this.#stderr;
        this.#said = this.#said.slice(last);
        this.#stderr = '';
        return said;
      }
      if (this.#child.exitCode !== null)
        throw new Error(`it has ended: ${this.#said}${this.#stderr}`);
      await setTimeout(10);
    }
  }

  /** Whether it has said anything since its last verdict. */
  get silent(): boolean {
    return this.#said === '' && this.#stderr === '';
  }

  press(keys: string): void {
    this.#child.stdin.write(keys);
  }

  interrupt(): void {
    this.#child.kill('SIGINT');
  }
}

const passed = /1 passed · 0 failed/;

test('a file is played again when it is written, replaced, or truncated and written; a broken one is told', async (t) => {
  const cwd = folderWith(t, { 'a.yaml': good });
  const file = join(cwd, 'a.yaml');
  const watcher = new Watcher(t, cwd, ['a.yaml']);
  t.regex(
    await watcher.verdict(),
    /1 passed[\s\S]* all as expected · watching 1 file · verdict after/,
  );
  writeFileSync(file, bad);
  t.regex(await watcher.verdict(), /ARP_UNANSWERED[\s\S]*1 failed[\s\S]* 1 not as expected/);
  writeFileSync(`${file}.new`, wrong);
  renameSync(`${file}.new`, file);
  t.regex(
    await watcher.verdict(),
    /1 not as expected[\s\S]*unknown probe "pnig"[\s\S]*1 error in 1 file/,
  );
  // In two strokes, as some editors do: the file that is empty in between is not played.
  truncateSync(file);
  await setTimeout(40);
  appendFileSync(file, good);
  t.regex(await watcher.verdict(), passed);
  // One key, one verdict: nothing else was waiting.
  watcher.press('\n');
  const again = await watcher.verdict();
  t.regex(again, passed);
  t.is(again.match(/passed/g)?.length, 1);
  watcher.press('f');
  while (watcher.silent) await setTimeout(10);
  rmSync(file);
  t.regex(await watcher.verdict(), /nothing has failed[\s\S]*no such file/);
  writeFileSync(file, good);
  t.regex(await watcher.verdict(), passed);
  watcher.press('q');
  t.is(await watcher.ended, 0);
});

test('what extends a saved file is played, and nothing else; newcomers in a folder are', async (t) => {
  const cwd = folderWith(t, {
    'base.yaml': small('{ ping: web01 -> sql01 }'),
    'child.yaml': 'name: child\nabout: What it extends is another file.\nextends: ./base.yaml\n',
    'other.yaml': good.replace('name: small', 'name: other'),
  });
  const watcher = new Watcher(t, cwd, ['.', '--pcap', 'off']);
  t.regex(await watcher.verdict(), /3 scenarios[\s\S]*3 passed/);
  writeFileSync(join(cwd, 'base.yaml'), bad);
  const after = await watcher.verdict();
  t.regex(after, /base[\s\S]*child[\s\S]*2 failed[\s\S]*2 not as expected · watching 3 files/);
  t.notRegex(after, /other/);
  watcher.press('f');
  t.regex(await watcher.verdict(), /2 scenarios[\s\S]*2 failed/);
  watcher.press('a');
  t.regex(await watcher.verdict(), /1 passed · 2 failed/);
  writeFileSync(join(cwd, 'new.yaml'), good);
  t.regex(await watcher.verdict(), /new +1 case[\s\S]*1 passed[\s\S]*watching 4 files/);
  watcher.press('q');
  t.is(await watcher.ended, 1); // something is not as expected
});

test('Ctrl-C ends it with 130, also where there is nobody to press keys', async (t) => {
  const cwd = folderWith(t, { 'a.yaml': good });
  const log = join(cwd, 'done.ndjson');
  const { code } = await standin(['run', '--watch', 'a.yaml', '--log', log], {
    cwd,
    program: bundle,
    interruptIf: () => (statSync(log, { throwIfNoEntry: false })?.size ?? 0) > 0,
  });
  t.is(code, 130);
  const watcher = new Watcher(t, cwd, ['a.yaml']);
  await watcher.verdict();
  watcher.interrupt();
  t.is(await watcher.ended, 130);
});

test('what makes no sense together is refused', async (t) => {
  const cwd = folderWith(t, { 'a.yaml': good });
  for (const words of [['--json'], ['--backend', 'both'], ['nowhere']]) {
    const { code, stdout, stderr } = await standin(['run', '--watch', 'a.yaml', ...words], {
      cwd,
      program: bundle,
    });
    t.is(code, 2);
    t.is(stdout, '');
    t.regex(stderr, /^standin: (--watch is for|there is no file or folder nowhere)/);
  }
});
