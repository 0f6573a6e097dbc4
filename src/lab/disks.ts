/** What has been written to the disks of a replica since it was failed over, as the log tells. */
import { between, type Instant } from '../base/time.ts';
import type { EventLog } from '../trace/log.ts';
import { replicaOf } from './names.ts';

/**
 * How much the disk that takes the replica's changes has in it: 0 where there is none.
 *
 * @param rate What the guest writes while it runs, in bytes per second.
 */
export function written(log: EventLog, vm: string, rate: number, now: Instant): number {
  const node = replicaOf(vm);
  let since: Instant | undefined;
  let ran = 0;
  let exists = false;
  const pause = (at: Instant): void => {
    if (since !== undefined) ran += between(since, at);
    since = undefined;
  };
  for (const event of log.facts(['delta', 'power'])) {
    if (event.kind === 'delta' && event.vm === vm) {
      exists = event.change === 'created';
      ran = 0;
      if (since !== undefined) since = event.at;
    } else if (event.kind === 'power' && event.node === node) {
      if (event.state === 'on') since ??= event.at;
      else pause(event.at);
    }
  }
  pause(now);
  return exists ? Math.floor((ran / 1e9) * rate) : 0;
}
