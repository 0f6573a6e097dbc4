/**
 * The end of failback: production is what it should be, so the replica becomes one again and
 * replication resumes (Veeam Backup & Replication guide, "Failback Commit"). What an undo that
 * failed may have started once more is stopped first. Whoever gets no further stays in failback.
 */
import { leaveProviderAppliances, leaveProviderSettings, leaveTenantSide } from './appliances.ts';
import { type Lane, type Procedure, scripted } from './phase.ts';
import type { Site } from './site.ts';
import { conclude, resume, stopping } from './undo-failover.ts';

export const commitFailback: Procedure = {
  check: () => undefined,
  phases: (site, vms) =>
    scripted('back', vms, [
      ['The failback is committed.', () => ({ lanes: [] })],
      [
        'Whatever still serves the replica is stopped.',
        () => leaveTenantSide(site, vms),
        () => ({ lanes: stopping(site, vms, 'replica', 'power-off-replica') }),
        () => leaveProviderSettings(site, vms),
        () => leaveProviderAppliances(site, vms),
      ],
      [
        'The replica gives up its saved state and the changes that production has by now.',
        () => ({ lanes: giveUp(site, vms) }),
      ],
      [
        'The replica is ready again and replication resumes.',
        () => ({ lanes: resume(site, vms) }),
        () => conclude(site, vms, 'failback'),
      ],
    ]),
};

/** The changes last: as long as they are there, the failback can still be undone. */
function giveUp(site: Site, vms: readonly string[]): Lane[] {
  const off = vms.filter((vm) => site.ledger.get(`replica ${vm}`) === 'off');
  return off.map((vm): Lane => {
    const work = [
      ...stopping(site, [vm], 'failback snapshot', 'remove-failback-snapshot'),
      ...stopping(site, [vm], 'delta', 'remove-delta'),
    ].flatMap((lane) => lane.work);
    return { concerns: [vm], work, inOrder: true };
  });
}
