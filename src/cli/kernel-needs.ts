/** What playing a case on kernels needs: its lab, and what is done to it. */
import { type Need, needsOf } from '../emu/requirements.ts';
import { compile } from '../scenario/compile.ts';
import type { Fault, Scenario } from '../scenario/scenario.ts';

export function kernelNeeds(scenario: Scenario): readonly Need[] {
  const { topology } = compile(scenario);
  const servers = new Set(
    topology.nodes.flatMap((plan) => {
      const serves = plan.kind === 'router' ? plan.inside.some(({ dhcp }) => dhcp) : 'dhcp' in plan;
      return serves && (plan.kind !== 'guest' || plan.dhcp) ? [plan.name] : [];
    }),
  );
  return [
    ...needsOf(topology),
    ...faultsOf(scenario).flatMap((fault) => needsOfFault(fault, servers)),
  ];
}

const faultsOf = ({ steps }: Scenario): Fault[] =>
  steps.flatMap((step) => [
    ...(step.kind === 'fault' ? [step.fault] : []),
    ...step.meanwhile.map(({ fault }) => fault),
  ]);

function needsOfFault(fault: Fault, servers: ReadonlySet<string>): Need[] {
  if (fault.kind !== 'clock_step') return [];
  const { text } = fault.at;
  if (!servers.has(text)) return [];
  const because = `the DHCP server of ${text} goes by the clock of this computer, which is not to be set`;
  return [{ kind: 'nowhere', because }];
}
