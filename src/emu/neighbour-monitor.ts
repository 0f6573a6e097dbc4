/** Follows the neighbour tables of every namespace by one `ip monitor`. */
import { type ChildProcess, spawn } from 'node:child_process';
import type { Ground, NeighbourNews } from './ground.ts';
import { environment, tool } from './tools.ts';

/**
 * `[nsid 1003]10.0.10.20 dev if1104 lladdr 00:50:56:03:68:84 REACHABLE`, after `Deleted ` where it went.
 * It looks names up in its own namespace, where there is no adapter of that number.
 */
const line =
  /^\[nsid (\d+)\](Deleted )?(\d+\.\d+\.\d+\.\d+) dev if(\d+)(?: lladdr (\S+))?.* ([A-Z]+) ?$/;

export function readNeighbour(text: string): { nsid: number; news: NeighbourNews } | undefined {
  const match = line.exec(text);
  if (match === null) return undefined;
  const [, nsid, gone, ip, index, mac = '', state] = match;
  const is = gone === undefined ? state! : 'gone';
  const news = { index: Number(index), ip: ip!, mac, state: is };
  return { nsid: Number(nsid), news };
}

export class NeighbourMonitor {
  readonly #process: ChildProcess;

  constructor({ neighbours, kernel }: Pick<Ground, 'neighbours' | 'kernel'>) {
    const child = spawn(tool('ip'), ['monitor', 'all-nsid', 'neigh'], {
      env: environment,
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    this.#process = child;
    let rest = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      const lines = (rest + text).split('\n');
      rest = lines.pop()!;
      for (const one of lines) {
        const read = readNeighbour(one);
        if (read) neighbours.get(read.nsid)?.(read.news);
      }
    });
    child.once('error', (error) => kernel.fail(error));
  }

  close(): void {
    this.#process.kill('SIGKILL');
  }
}
