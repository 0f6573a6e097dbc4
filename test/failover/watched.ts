/** A pretend lab that is watched, and a way home from wherever it has come to. */
import type { Command, Decision } from '../../src/failover/decision.ts';
import type { Observation, VmOrder } from '../../src/failover/observation.ts';
import type { ReplicaState } from '../../src/failover/replica.ts';
import { Auditor } from './auditor.ts';
import { type Answer, order, Rig, undo } from './rig.ts';

export const names = ['sql01', 'web01', 'app01'];
const addresses = { sql01: '10.0.10.20', web01: '10.0.10.11', app01: '10.0.20.30' };

/** What leads on to ready; permanent failover is meant to be final. */
const waysOut: Partial<Record<ReplicaState, (vm: string) => VmOrder>> = {
  failover: undo,
  'failed-failover': undo,
  'ready-to-switch': (vm) => order('switch', vm),
  failback: (vm) => order('commit-failback', vm),
};

/** A rig whose every decision is watched. */
export class Watched extends Rig {
  readonly auditor = new Auditor(addresses);

  override tell(observation: Observation): Decision[] {
    if (observation.kind === 'power') this.auditor.originalIs(observation.vm, observation.state);
    const decisions = super.tell(observation);
    this.auditor.decided(decisions);
    return decisions;
  }

  override answer(command: Command, answer: 'done' | 'OPERATION_STEP_FAILED'): Decision[] {
    this.auditor.answered(command, answer === 'done');
    return super.answer(command, answer);
  }

  override wakeAt(now: Rig['now']): Decision[] {
    const decisions = super.wakeAt(now);
    this.auditor.decided(decisions);
    return decisions;
  }

  /** Answers and wakes until nothing is under way. */
  override settle(answer?: Answer): void {
    for (let left = 1000; left > 0; left -= 1) {
      super.settle(answer);
      const wake = this.controller.nextWake();
      if (wake === undefined) return;
      this.wakeAt(wake);
    }
    throw new Error('the controller does not come to an end');
  }

  /** With no more faults, leads whatever is not ready to ready; then nothing may be left. */
  home(): void {
    this.settle();
    this.auditor.atRest();
    for (const name of names) {
      for (let steps = 0; steps < 3; steps += 1) {
        const way = waysOut[this.state(name)!];
        if (way !== undefined) this.order(way(name));
      }
    }
    this.auditor.atRest();
  }
}
