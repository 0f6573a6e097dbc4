/** How every failover begins: the replica goes back to its restore point, and a new disk takes its changes. */
import type { Lane } from './phase.ts';
import type { PointChoice } from './restore-points.ts';
import type { Site } from './site.ts';

/** What each platform calls the disk that takes the changes. */
const disks = { vsphere: 'delta file', 'hyper-v': 'differencing disk' } as const;

export function rollBackTo(choice: PointChoice, vm: string, site: Site): Lane {
  const replica = site.replica(vm);
  const point = replica.points.choose(vm, choice);
  if ('because' in point) return { concerns: [vm], work: [], impossible: point };
  replica.point = point;
  const restorePoint = point.name;
  return {
    concerns: [vm],
    work: [
      { kind: 'revert-snapshot', vm, restorePoint },
      { kind: 'create-delta', vm, restorePoint, disk: disks[replica.vm.platform] },
    ],
  };
}
