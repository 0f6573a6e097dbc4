/** The command line as a process, and a folder for it to work in. */
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import type { ExecutionContext } from 'ava';

export const root = resolve(import.meta.dirname, '..', '..', '..');
export const main = join(root, 'dist', 'src', 'cli', 'main.js');
export const bundle = join(root, 'dist', 'bin', 'standin.js');

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CliOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly program?: string;
  /** What it reads from its standard input; nothing if left out. */
  readonly input?: string;
  /** Asked again and again; when it says yes, Ctrl-C is pressed. */
  readonly interruptIf?: () => boolean;
}

/** Tests ask for many processes at once; more than there are processors only wait for each other. */
const processesMax = availableParallelism();
let running = 0;
const waiting: (() => void)[] = [];

/** Runs `standin` with these words; without anything of `STANDIN_*`, colours or GitHub that is not given. */
export async function standin(words: readonly string[], options: CliOptions = {}): Promise<Ended> {
  if (running >= processesMax) await new Promise<void>((go) => waiting.push(go));
  running += 1;
  try {
    return await start(words, options);
  } finally {
    running -= 1;
    waiting.shift()?.();
  }
}

function start(words: readonly string[], options: CliOptions): Promise<Ended> {
  const { cwd = root, env = {}, program = main, input, interruptIf } = options;
  const plain = Object.entries(process.env).filter(
    ([name]) => !/^(STANDIN_|NO_COLOR|FORCE_COLOR|GITHUB_)/.test(name),
  );
  return new Promise((done, fail) => {
    const child = spawn(process.execPath, [program, ...words], {
      cwd,
      env: { ...Object.fromEntries(plain), ...env },
      stdio: [input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
    }) as ChildProcessByStdio<Writable | null, Readable, Readable>;
    child.stdin?.on('error', () => {}).end(input); // it may have read enough
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text) => (stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text) => (stderr += text));
    child.on('error', fail);
    child.on('close', (code, signal) => done({ code, signal, stdout, stderr }));
    if (interruptIf === undefined) return;
    const timer = setInterval(() => {
      if (!interruptIf()) return;
      clearInterval(timer);
      child.kill('SIGINT');
    }, 50);
  });
}

/** A folder that goes when the test is over, with these files in it. */
export function folderWith(
  t: ExecutionContext,
  files: Readonly<Record<string, string>> = {},
): string {
  const folder = mkdtempSync(join(tmpdir(), 'standin-test-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  return folder;
}

/** Two machines in one network, and what is expected of them. */
export const small = (expectation: string, more = ''): string => `name: small
about: Two machines in one network. They are here to be asked.
${more}tenant:
  sites:
    hq:
      networks: { lan10: { subnet: 10.0.10.0/24, gateway: 10.0.10.1 } }
      vms:
        web01: { network: lan10, ip: 10.0.10.11, os: linux }
        sql01: { network: lan10, ip: 10.0.10.20, os: windows, listen: [tcp/1433] }
steps:
  - expect: [${expectation}]
`;
export const good = small('{ ping: web01 -> sql01 }');
export const bad = small('{ ping: web01 -> 10.0.10.99, within: 3s }');
export const wrong = good.replace('ping:', 'pnig:');
export const flagship = readFileSync(join(root, 'scenarios', '01-partial-static.yaml'), 'utf8');
