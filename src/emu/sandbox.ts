/**
 * The place where everything of an emulation happens: one process tree in user, network, mount,
 * PID, IPC and UTS namespaces of its own. What is in it sees and changes nothing of the host, and
 * the kernel ends all of it with its first process, which ends when we do: by whatever signal.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { environment, tool } from './tools.ts';

/** Says that the sandbox has lost its parent. */
const over = 'over';

/**
 * Starts a program of ours as the first process of a sandbox. Messages go over its IPC channel; when
 * that closes, it ends.
 *
 * @param script JavaScript that calls `enterSandbox` before anything else.
 * @throws MissingTool
 */
export function openSandbox(script: string, words: readonly string[] = []): ChildProcess {
  const separate = ['--user', '--map-root-user', '--net', '--mount', '--pid', '--ipc', '--uts'];
  const own = [...separate, '--fork', '--kill-child', '--mount-proc'];
  const child = spawn(tool('unshare'), [...own, process.execPath, script, ...words], {
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    serialization: 'advanced',
    env: environment,
  });
  // The kernel ends the first process with `unshare`, but not if that dies before it has asked for it.
  child.once('exit', () => {
    if (child.connected) child.send(over, () => {}); // there is hardly ever anybody
  });
  return child;
}

/**
 * Runs a program in a namespace of a sandbox that somebody else keeps. It ends with the sandbox.
 *
 * @param keeper The process that is the sandbox's parent.
 * @param namespace As the sandbox calls it.
 */
export function programIn(
  keeper: number,
  namespace: string,
  program: string,
  words: readonly string[],
  stdio: 'inherit' | 'pipe' = 'inherit',
): ChildProcess {
  const processes = `--pid=/proc/${keeper}/ns/pid_for_children`;
  const all = ['--user', '--preserve-credentials', '--mount', '--ipc', '--uts', processes];
  const sandbox = ['--target', String(keeper), ...all, '--', tool('nsenter')];
  const inside = [`--net=${runFolder}/netns/${namespace}`, '--', program, ...words];
  return spawn(tool('nsenter'), [...sandbox, ...inside], { stdio, env: environment });
}

/** Where namespaces have their names, and what programs write: it is memory, and goes with the sandbox. */
export const runFolder = '/run';

/** The first process of a sandbox makes itself at home. */
export function enterSandbox(): void {
  process.on('disconnect', () => process.exit(0));
  process.on('message', (message) => {
    if (message === over) process.exit(0);
  });
  if (!process.connected || process.pid !== 1) throw new Error('this is no sandbox');
  must('mount', ['-t', 'tmpfs', 'tmpfs', runFolder]);
  mkdirSync(`${runFolder}/netns`);
  // Whatever a program thinks it must write there, it does not write it into the machine's file.
  const resolver = `${runFolder}/resolv.conf`;
  writeFileSync(resolver, '');
  must('mount', ['--bind', resolver, '/etc/resolv.conf']);
  must('ip', ['link', 'set', 'lo', 'up']);
}

function must(name: string, words: readonly string[]): void {
  const { status, stderr } = spawnSync(tool(name), words, { env: environment, encoding: 'utf8' });
  if (status !== 0) throw new Error(`${name} ${words.join(' ')}: ${stderr.trim()}`);
}
