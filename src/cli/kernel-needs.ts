/** What playing a case on kernels needs: its lab, and what is done to it. */
import { type Profile, profilesOf, refusals } from '../emu/insides.ts';
import { type Deed, type Need, needsOf, needsOfDeed } from '../emu/requirements.ts';
import { compile } from '../scenario/compile.ts';
import type { Fault, Scenario } from '../scenario/scenario.ts';
import { nodeOf } from '../scenario/whereabouts.ts';

export function kernelNeeds(scenario: Scenario, profile: Profile = 'node'): readonly Need[] {
  const plan = compile(scenario);
  const profiles = profilesOf(profile);
  const nowhere = (because: string): Need => ({ kind: 'nowhere', because });
  const needs = [
    ...needsOf(plan.topology, profiles),
    ...refusals(plan, profiles).map(nowhere),
    ...faultsOf(scenario).flatMap((fault) =>
      deedsOf(fault).flatMap((deed) => needsOfDeed(deed, plan.topology, profiles)),
    ),
  ];
  // The same thing done twice has one reason.
  return [...new Map(needs.map((need) => [JSON.stringify(need), need])).values()];
}

const faultsOf = ({ steps }: Scenario): Fault[] =>
  steps.flatMap((step) => [
    ...(step.kind === 'fault' ? [step.fault] : []),
    ...step.meanwhile.map(({ fault }) => fault),
  ]);

function deedsOf(fault: Fault): Deed[] {
  switch (fault.kind) {
    case 'clock_step':
      return [{ kind: 'clock-step', node: nodeOf(fault.at) }];
    case 'hang':
      return [{ kind: 'hang', node: nodeOf(fault.at), daemon: fault.daemon }];
    default:
      return [];
  }
}
