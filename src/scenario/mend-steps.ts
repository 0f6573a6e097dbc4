/** Changes of what operators do: a failover that was not made, or another one; a machine switched on or off. */
import type { Grounds } from './grounds.ts';
import type { Maker, Mend } from './mend.ts';
import { inQuotes, put, settles } from './mend-faults.ts';
import { applianceForNetwork, both } from './mend-settings.ts';
import type { Step } from './scenario.ts';

/** The VM that is out of reach is failed over before the question is asked, if nobody has tried. */
export const failOver: Maker = (grounds) => {
  const { target } = grounds.subject;
  const isWanted =
    grounds.job(target.vm) !== undefined && failoverOf(grounds, target.vm) === undefined;
  return isWanted
    ? [put(`failover: { vms: [${inQuotes(target.vm)}] }`, grounds.step, grounds)]
    : [];
};

/** Partial failover in the place of that of the whole site. */
export const failOverPartly: Maker = (grounds) => {
  const apart = grounds.parties.find(({ bySite }) => bySite);
  if (apart === undefined) return [];
  const start = lastBefore(
    grounds,
    (step) => step.kind === 'plan' && (step.operation === 'start' || step.operation === 'retry'),
  );
  if (start === undefined) return [];
  const mend = replaced(start, partial(apart.vm));
  const appliances = applianceForNetwork(grounds);
  return appliances.length === 0 ? [mend] : [mend, both(mend, ...appliances)];
};

/** The failover again, from the newest restore point. */
export const failOverToLatest: Maker = (grounds) => {
  const { vm } = grounds.subject.target;
  const start = failoverOf(grounds, vm);
  return start === undefined ? [] : [replaced(start, partial(vm))];
};

/** The original is off before its replica starts. */
export const originalOff: Maker = (grounds) =>
  grounds.failedOver.flatMap(({ vm, original }): Mend[] => {
    const start = failoverOf(grounds, vm);
    if (start === undefined) return [];
    const off = `fault: { power_off: ${inQuotes(original)} }`;
    const words = `put in before ${titleOf(start)}: ${off}`;
    const amendments = [{ kind: 'insert', before: start.number, step: off }] as const;
    return [{ words, place: start.place, amendments }];
  });

/** What is needed and does not run is switched on, and given the time to boot; an appliance is configured again. */
export const powerOn: Maker = (grounds) => {
  const { off, booting, target, crossed } = grounds.subject;
  const wait = booting.length === 0 ? [] : [put(settles, grounds.step, grounds)];
  const mends = off.map((node) =>
    put(`fault: { power_on: ${inQuotes(node)} }`, grounds.step, grounds),
  );
  if (crossed.length === 0 || !target.failedOver) return [...wait, ...mends];
  const again = [...reconnect(grounds), ...failOverAgain(grounds)];
  return [...wait, ...mends, ...mends.flatMap((mend) => again.map((then) => both(mend, then)))];
};

/** The failover is undone and made again, now that what it needs is there. */
const failOverAgain: Maker = (grounds) =>
  grounds.failedOver
    .filter(({ bySite }) => !bySite)
    .map(({ vm }): Mend => {
      const steps = [`undo: { vms: [${inQuotes(vm)}] }`, partial(vm)];
      return both(...steps.map((step) => put(step, grounds.step, grounds)));
    });

/** The tunnels are dialled anew. */
export const reconnect: Maker = (grounds) => {
  const vms = grounds.failedOver.map(({ vm }) => inQuotes(vm));
  const isPartial = grounds.failedOver.some(({ bySite }) => !bySite);
  return isPartial ? [put(`reconnect: { vms: [${vms.join(', ')}] }`, grounds.step, grounds)] : [];
};

const partial = (vm: string): string => `failover: { vms: [${inQuotes(vm)}] }`;

function replaced(step: Step, by: string): Mend {
  return {
    words: `in place of ${titleOf(step)}: ${by}`,
    place: step.place,
    amendments: [
      { kind: 'insert', before: step.number, step: by },
      { kind: 'omit', step: step.number },
    ],
  };
}

const titleOf = ({ place, number }: Step): string => `step ${number} in line ${place.line}`;

/** The step in which a VM was failed over last before the question. */
const failoverOf = (grounds: Grounds, vm: string): Step | undefined =>
  lastBefore(grounds, (step) => {
    if (step.kind === 'failover') return step.vms.some(({ name }) => name === vm);
    return step.kind === 'plan' && step.operation !== 'undo' && step.operation !== 'test';
  });

const lastBefore = (
  { scenario, step: asking }: Grounds,
  is: (step: Step) => boolean,
): Step | undefined => scenario.steps.findLast((step) => step.number < asking && is(step));
