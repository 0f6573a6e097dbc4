/** Programs of the system that the emulation calls: by their absolute paths, with an environment of ours. */
import { accessSync, constants } from 'node:fs';
import { join } from 'node:path';

const folders = ['/usr/sbin', '/usr/bin', '/sbin', '/bin'];

/** What every program that we start finds in its environment, and nothing else. */
export const environment: Readonly<Record<string, string>> = {
  PATH: folders.join(':'),
  LC_ALL: 'C',
  HOME: '/',
};

export class MissingTool extends Error {
  override readonly name = 'MissingTool';
  readonly tool: string;

  constructor(tool: string) {
    super(`there is no ${tool} in ${folders.join(', ')}`);
    this.tool = tool;
  }
}

const found = new Map<string, string>();

/** The path of a program; PATH has no say in it. */
export function findTool(name: string): string | undefined {
  const known = found.get(name);
  if (known !== undefined) return known;
  for (const folder of folders) {
    const path = join(folder, name);
    try {
      accessSync(path, constants.X_OK);
      found.set(name, path);
      return path;
    } catch {}
  }
  return undefined;
}

/** @throws MissingTool */
export function tool(name: string): string {
  const path = findTool(name);
  if (path === undefined) throw new MissingTool(name);
  return path;
}
