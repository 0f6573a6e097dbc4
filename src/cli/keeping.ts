/** Keeps a lab standing in the background. Whoever started it is told once, and is not needed after that. */
import { JournalError } from '../failover/journal.ts';
import type { LabStatus } from '../trace/standing.ts';
import { Keeper } from './keeper.ts';
import type { Standing } from './standing.ts';

export interface Keeping {
  readonly what: Standing;
  readonly folder: string;
}

export type Kept =
  | { readonly kind: 'stands'; readonly status: LabStatus; readonly socket: string }
  | { readonly kind: 'broken'; readonly because: string };

/** Undefined where it cannot be, which has been said. */
function keeperOf(what: Standing, folder: string): Keeper | undefined {
  try {
    return new Keeper(what, folder);
  } catch (error) {
    if (!(error instanceof JournalError)) throw error;
    const kept: Kept = { kind: 'broken', because: error.message };
    process.send?.(kept, () => process.disconnect?.());
    return undefined;
  }
}

process.once('message', async ({ what, folder }: Keeping) => {
  const keeper = keeperOf(what, folder);
  if (keeper === undefined) return;
  // Until it stands, it is only for whoever waits for it.
  const leave = (): void => void keeper.close();
  process.once('disconnect', leave);
  const status = await keeper.standing;
  process.off('disconnect', leave);
  const kept: Kept =
    status === undefined
      ? { kind: 'broken', because: await keeper.ended }
      : { kind: 'stands', status, socket: keeper.socket };
  process.send?.(kept, () => process.disconnect?.());
});
