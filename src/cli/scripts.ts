/** Scripts that run in processes of their own: they are not in the bundle that the command line may be. */
import { realpathSync } from 'node:fs';
import { join, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The path of one, compiled. */
export function scriptIn(folder: string, name: string): string {
  const { url } = import.meta as { url?: string };
  const own = url === undefined ? realpathSync(process.argv[1]!) : fileURLToPath(url);
  const distribution = own.slice(0, own.lastIndexOf(`${sep}dist${sep}`));
  return join(distribution, 'dist', 'src', folder, name);
}
