/** Everything of a computer that an emulation must not change, in a form that can be compared. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';

export type HostState = Readonly<Record<string, string>>;

/** Changes by itself: what counts, and how long something is still valid. */
const volatile = /_life_time|"used"|"confirmed"|"updated"|"probes"|"refcnt"|"stats/;
const counters = /conntrack_count$|\/netns_count$/;

export function hostState(): HostState {
  const ip = (...words: string[]): string =>
    execFileSync('ip', ['-j', ...words], { encoding: 'utf8' });
  const settled = (json: string): string =>
    JSON.stringify(JSON.parse(json || '[]'), (key, value) =>
      volatile.test(`"${key}"`) || volatile.test(key) ? undefined : value,
    );
  return {
    addresses: settled(ip('addr')),
    routes: settled(ip('route', 'show', 'table', 'all')),
    neighbours: settled(ip('neigh')),
    rules: settled(ip('rule')),
    mounts: readFileSync('/proc/self/mounts', 'utf8'),
    'settings of the network': digestOf('/proc/sys/net'),
    '/etc': digestOf('/etc'),
    '/run': namesIn('/run'),
    '/tmp': namesIn('/tmp'),
  };
}

/** What is not as it was. */
export const changes = (before: HostState, after: HostState, except: readonly string[] = []) =>
  Object.keys(before).filter((part) => !except.includes(part) && before[part] !== after[part]);

function digestOf(folder: string): string {
  const sum = createHash('sha256');
  for (const path of filesIn(folder)) sum.update(path).update('\0').update(contentOf(path));
  return sum.digest('hex');
}

const namesIn = (folder: string): string => filesIn(folder).join('\n');

/** Without what is mounted in it. */
function filesIn(folder: string): string[] {
  const found: string[] = [];
  const { dev: device } = lstatSync(folder);
  const names = (): string[] => {
    try {
      return readdirSync(folder).sort();
    } catch {
      return [];
    }
  };
  for (const name of names()) {
    const path = join(folder, name);
    found.push(path);
    const stats = lstatSync(path, { throwIfNoEntry: false });
    if (stats?.isDirectory() && stats.dev === device) found.push(...filesIn(path));
  }
  return found;
}

function contentOf(path: string): string | Buffer {
  if (counters.test(path)) return '';
  try {
    const stats = lstatSync(path);
    const rights = `${stats.mode} ${stats.uid} ${stats.gid} `;
    if (stats.isSymbolicLink()) return rights + readlinkSync(path);
    return stats.isFile() ? Buffer.concat([Buffer.from(rights), readFileSync(path)]) : rights;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? ''; // not for us to read, now as before
  }
}
