/** Scripts that run in processes of their own: they are not in the bundle that the command line may be. */
import { realpathSync } from 'node:fs';
import { join, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The path of one, compiled. */
export const scriptIn = (folder: string, name: string): string =>
  join(distribution(), 'src', folder, name);

/** The path of a page that runs are put into. */
export const pagePath = (name: string): string => join(distribution(), 'page', `${name}.html`);

function distribution(): string {
  const { url } = import.meta as { url?: string };
  const own = url === undefined ? realpathSync(process.argv[1]!) : fileURLToPath(url);
  return join(own.slice(0, own.lastIndexOf(`${sep}dist${sep}`)), 'dist');
}
