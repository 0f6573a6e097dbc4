/** A computer of one's own for a test: namespaces in which nobody else changes anything, and all that is left is seen. */
import { spawn } from 'node:child_process';
import { root } from './cli.ts';

/** What the box has of its own before the script begins: memory for files, and a network worth keeping. */
const prepare = [
  'mount -t tmpfs tmpfs /run',
  // The project may lie there itself.
  'mkdir /run/project && mount --bind "$PROJECT" /run/project',
  'mount -t tmpfs tmpfs /tmp',
  'mkdir -p "$PROJECT" && mount --move /run/project "$PROJECT" && rmdir /run/project',
  'cd "$PROJECT"',
  'ip link set lo up',
  // Its addresses would come and go by themselves.
  'echo 1 > /proc/sys/net/ipv6/conf/default/disable_ipv6',
  'ip link add host0 type bridge',
  'ip addr add 192.0.2.1/24 dev host0',
  'ip link set host0 up',
  'ip route add 198.51.100.0/24 via 192.0.2.2',
  'ip neigh add 192.0.2.2 lladdr 02:00:00:00:00:02 dev host0 nud permanent',
  'ip rule add to 203.0.113.0/24 lookup 100',
];

/** Runs a compiled script in a box; what it has written. */
export function inBox(script: string, words: readonly string[]): Promise<string> {
  // The shell stays, because the first process of a box has to bury all others.
  const run = `${prepare.join(' && ')} && { "$0" "$@"; exit $?; }`;
  const own = ['-U', '-r', '-n', '-m', '-p', '-i', '-u', '--fork', '--kill-child', '--mount-proc'];
  const all = [...own, 'sh', '-c', run, process.execPath, script, ...words];
  return new Promise((resolve, reject) => {
    const child = spawn('unshare', all, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { PATH: process.env['PATH'], PROJECT: root },
    });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    child.once('error', reject);
    child.once('close', (code) => {
      if (code === 0) resolve(stdout);
      else reject(new Error(`the box ended with ${code}: ${stderr}`));
    });
  });
}
