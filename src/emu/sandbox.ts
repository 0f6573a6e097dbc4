/**
 * The place where everything of an emulation happens: one process tree in user, network, mount,
 * PID, IPC and UTS namespaces of its own. What is in it sees and changes nothing of the host, and
 * the kernel ends all of it with its first process, which ends when we do: by whatever signal.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { environment, tool } from './tools.ts';

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
  return spawn(tool('unshare'), [...own, process.execPath, script, ...words], {
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    serialization: 'advanced',
    env: environment,
  });
}

/** Where namespaces have their names, and what programs write: it is memory, and goes with the sandbox. */
export const runFolder = '/run';

/** The first process of a sandbox makes itself at home. */
export function enterSandbox(): void {
  process.on('disconnect', () => process.exit(0));
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
