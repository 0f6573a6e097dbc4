/**
 * Where labs that stand are found: a folder that is its owner's alone, with a socket for each. A socket
 * that nobody answers at was left by somebody who is no more, and is removed by whoever notices.
 */
import { createHash } from 'node:crypto';
import { lstatSync, readdirSync, realpathSync, rmdirSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { basename, isAbsolute, join } from 'node:path';
import type { Scenario } from '../scenario/scenario.ts';
import type { LabStatus } from '../trace/standing.ts';
import { Lacking, makeFolder } from './output.ts';

/** What is asked of the keeper of a lab, one line of JSON; it answers with one. */
export type LabRequest = { readonly ask: 'status' | 'down' };

export interface LabReport {
  readonly file: string;
  readonly case: string;
  /** Whose namespaces are those of the sandbox. */
  readonly process: number;
  readonly status: LabStatus;
}

/** A lab that stands, and the socket where its keeper answers. */
export interface FoundLab extends LabReport {
  readonly socket: string;
}

/** A keeper that has not answered by then hangs. In milliseconds. */
const patience = 30_000;
const answerMax = 1 << 24;
/** Of a socket's path in Linux, with the zero at its end. */
const pathMax = 108;

export function labFolder(env = process.env): string {
  const { XDG_RUNTIME_DIR: own } = env;
  const user = process.getuid?.() ?? 0;
  const folder =
    own !== undefined && isAbsolute(own) && isMine(own, user)
      ? join(own, 'standin')
      : join('/tmp', `standin-${user}`);
  makeFolder(folder, 0o700);
  if (!isMine(folder, user)) throw new Lacking(`${folder} is not a folder of yours alone`);
  return folder;
}

function isMine(folder: string, user: number): boolean {
  const stats = lstatSync(folder, { throwIfNoEntry: false });
  return stats?.isDirectory() === true && stats.uid === user && (stats.mode & 0o077) === 0;
}

/** What the socket of a lab is called: the same scenario has the same beginning. */
export const socketName = (scenario: Named): string =>
  `${sumOf(realpathSync(scenario.file), scenario.case)}-${process.pid}.sock`;

/** What the journal of one of its controllers is called, wherever the file lies. */
export const journalName = (scenario: Named, tenant: number): string =>
  `${sumOf(basename(scenario.file), scenario.case)}-${tenant}.journal`;

type Named = Pick<Scenario, 'file' | 'case'>;

const sumOf = (file: string, which: string): string =>
  createHash('sha256').update(`${file}\0${which}`).digest('hex').slice(0, 16);

export const sameLab = (one: string, other: string): boolean =>
  one.split('-')[0] === other.split('-')[0];

/** The whole path, if a socket can have such a long one. */
export function socketPath(folder: string, name: string): string {
  const path = join(folder, name);
  if (Buffer.byteLength(path) + 2 > pathMax)
    throw new Lacking(`the path of ${folder} is too long for a socket`);
  return path;
}

/** Asks the keeper of a lab; undefined where nobody is any more. */
export function askKeeper(socket: string, request: LabRequest): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const line = connect(socket);
    let answer = '';
    line.setEncoding('utf8').setTimeout(patience, () => line.destroy(new Error('it hangs')));
    line.on('connect', () => line.end(`${JSON.stringify(request)}\n`));
    line.on('data', (text: string) => {
      answer += text;
      if (answer.length > answerMax) line.destroy(new Error('it says too much'));
    });
    line.on('error', ({ code, message }: NodeJS.ErrnoException) => {
      if (code === 'ECONNREFUSED' || code === 'ENOENT' || code === 'ECONNRESET') resolve(undefined);
      else reject(new Lacking(`${socket}: ${message}`));
    });
    line.on('end', () => resolve(answer === '' ? undefined : JSON.parse(answer)));
  });
}

/** All labs that stand, but for those that the caller does not ask about. */
export async function findLabs(
  folder: string,
  isMeant: (socket: string) => boolean = () => true,
): Promise<FoundLab[]> {
  const sockets = readdirSync(folder).filter((name) => /^[0-9a-f]{16}-\d+\.sock$/.test(name));
  const names = sockets.filter(isMeant);
  const found = await Promise.all(
    names.sort().map(async (name): Promise<FoundLab[]> => {
      const socket = join(folder, name);
      const report = (await askKeeper(socket, { ask: 'status' })) as LabReport | undefined;
      if (report !== undefined) return [{ ...report, socket }];
      rmSync(socket, { force: true });
      return [];
    }),
  );
  return found.flat();
}

/** Removes the folder where nothing is in it any more. */
export function tidy(folder: string): void {
  try {
    rmdirSync(folder);
  } catch {} // others are in it
}
