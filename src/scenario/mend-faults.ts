/**
 * Changes that undo what the scenario itself has done: a fault is taken out, or its counterpart
 * comes before the question.
 */
import { showDuration } from '../base/time.ts';
import type { Amendment } from './amend.ts';
import type { Grounds } from './grounds.ts';
import type { Maker, Mend } from './mend.ts';
import type { Fault, Step } from './scenario.ts';
import { cablesAt, inventory, isPremises, nodeAt } from './whereabouts.ts';

/** A fault that happened before the question and is still in force. */
interface Inflicted {
  readonly fault: Fault;
  readonly step: Step;
  /** It happened while the step went on, and is not all of it. */
  readonly isMeanwhile: boolean;
}

/** What a fault is called in a file. */
const kindOf = (fault: Fault): string => (fault.kind === 'line' ? fault.fault : fault.kind);

/** For a machine to boot, a tunnel to be dialled again, and beliefs of neighbours to age. */
export const settles = 'wait: 2m';

/** Faults of some kinds that concern what the packet needed; the one that is known to have done it alone. */
export const faults =
  (...kinds: readonly string[]): Maker =>
  (grounds) => {
    const inForce = inForceBefore(grounds);
    const { fault: known } = grounds.subject;
    const meant = inForce.filter(
      ({ fault }) => fault.place.line === known?.line && kindOf(fault) === known.fault,
    );
    const some =
      meant.length > 0
        ? meant
        : inForce
            .filter(({ fault }) => kinds.includes(kindOf(fault)) && concerns(fault, grounds))
            .reverse();
    return some.flatMap((one) => undone(one, grounds));
  };

/** Whatever has been broken on its way. */
export const anyFault: Maker = faults(
  'power_off',
  'link_down',
  'port_off',
  'interface_down',
  'block',
  'drop',
  'black_hole',
  'delay',
  'jitter',
  'reorder',
  'corrupt',
  'rate',
  'mtu',
  'hang',
  'lose_lease',
  'nea_password',
  'clock_step',
);

/** Somebody was switched on who should not be there. */
export const intruder: Maker = (grounds) =>
  inForceBefore(grounds)
    .filter(({ fault }) => fault.kind === 'power_on' && !needs(grounds, fault))
    .flatMap((one) => undone(one, grounds));

const needs = ({ subject }: Grounds, fault: Fault): boolean => {
  const [node] = fault.kind === 'power_on' && !isPremises(fault.at) ? [nodeAt(fault.at)] : [];
  return node === subject.asker.node || node === subject.target.node;
};

function inForceBefore({ scenario, step: asking }: Grounds): Inflicted[] {
  const all: Inflicted[] = [];
  for (const step of scenario.steps) {
    if (step.number > asking) break;
    for (const { fault } of step.meanwhile) all.push({ fault, step, isMeanwhile: true });
    if (step.kind === 'fault' && step.number < asking)
      all.push({ fault: step.fault, step, isMeanwhile: false });
  }
  return all.filter(
    ({ fault }, i) => !all.slice(i + 1).some(({ fault: later }) => ends(later, fault)),
  );
}

const counterparts: Readonly<Record<string, string>> = {
  power_off: 'power_on',
  power_on: 'power_off',
  link_down: 'link_up',
  port_off: 'port_on',
  interface_down: 'interface_up',
  block: 'unblock',
  hang: 'resume',
  nea_password: 'redeploy',
};

/** Whether a later fault has put an end to one: in the same place, as the file words it. */
const ends = (later: Fault, { kind, ...earlier }: Fault): boolean =>
  (later.kind === counterparts[kind] || later.kind === 'mend') &&
  textOf(later) === textOf({ kind, ...earlier } as Fault);

const textOf = (fault: Fault): string => fault.at?.text ?? 'all cloud gateways';

/** Whether it is done to something that the packet needs, or to a line that anything may pass. */
function concerns(fault: Fault, { subject, scenario, servants }: Grounds): boolean {
  if (fault.kind === 'block' && fault.at === undefined) return true;
  const { at } = fault;
  if (at === undefined) return false;
  const needed = new Set([...subject.needed, subject.stop?.node ?? '']);
  if (!subject.target.failedOver && subject.target.vm !== '')
    for (const node of servants) needed.add(node); // a failover that failed needed them
  if (isPremises(at)) return inventory(at, scenario).some((node) => needed.has(node));
  if ('ports' in fault || 'daemon' in fault) return needed.has(nodeAt(at));
  if (at.kind === 'internet' || at.kind === 'line') return subject.needed.length > 2;
  if (at.kind === 'tunnel') return subject.crossed.includes(at.name);
  if (at.kind === 'plan-network') return subject.crossed.length > 0;
  return cablesAt(at, scenario).some(({ node }) => needed.has(node)) || needed.has(nodeAt(at));
}

function undone(one: Inflicted, grounds: Grounds): Mend[] {
  const { fault, step, isMeanwhile } = one;
  const { place } = fault;
  const what = `fault: ${inYaml(fault)}`;
  const without: Mend = {
    words: `take out: ${what}`,
    place,
    amendments: [{ kind: 'omit', step: step.number }],
  };
  const counter = counterOf(fault);
  const before = fault.kind === 'nea_password' ? step.number + 1 : grounds.step;
  const instead: Mend[] = counter === undefined ? [] : [put(counter, before, grounds, place)];
  return isMeanwhile ? instead : [without, ...instead];
}

/** A fault that mends, before a step, and time for it to show. */
export function put(
  words: string,
  before: number,
  { step, place: asked }: Grounds,
  place = asked,
): Mend {
  const amendments: Amendment[] = [{ kind: 'insert', before, step: words }];
  const isJustBefore = before === step;
  if (isJustBefore && words !== settles) amendments.push({ kind: 'insert', before, step: settles });
  const wait = words === settles ? '' : `, ${settles}`;
  const where = isJustBefore ? `before the question: ${words}${wait}` : `after it: ${words}`;
  return { words: `put in ${where}`, place, amendments };
}

function counterOf(fault: Fault): string | undefined {
  switch (fault.kind) {
    case 'line':
      return `fault: { mend: ${inQuotes(fault.at.text)} }`;
    case 'block':
    case 'hang':
      return `fault: ${inYaml({ ...fault, kind: fault.kind === 'block' ? 'unblock' : 'resume' } as Fault)}`;
    case 'clock_step': {
      const direction = fault.direction === 'back' ? 'forward' : 'back';
      return `fault: ${inYaml({ ...fault, direction })}`;
    }
    default: {
      const counter = counterparts[fault.kind];
      return counter && `fault: { ${counter}: ${inQuotes(textOf(fault))} }`;
    }
  }
}

/** A fault as a file words it, as far as it takes to know it again; a mending one in full. */
function inYaml(fault: Fault): string {
  switch (fault.kind) {
    case 'block':
    case 'unblock': {
      const ports = fault.ports.map((one) =>
        'port' in one ? `${one.protocol}/${one.port}` : one.protocol,
      );
      if (fault.at === undefined) return `{ ${fault.kind}: ${ports[0]} }`;
      const direction = fault.direction === 'in' ? '' : `, direction: ${fault.direction}`;
      return `{ ${fault.kind}: { at: ${inQuotes(fault.at.text)}, ports: [${ports.join(', ')}]${direction} } }`;
    }
    case 'hang':
    case 'resume': {
      const network = fault.network === undefined ? '' : `, network: ${inQuotes(fault.network)}`;
      return `{ ${fault.kind}: { at: ${inQuotes(fault.at.text)}, daemon: ${fault.daemon}${network} } }`;
    }
    case 'clock_step':
      return `{ clock_step: { at: ${inQuotes(fault.at.text)}, by: ${showDuration(fault.by)}, direction: ${fault.direction} } }`;
    case 'line':
      return `{ ${fault.fault}: { at: ${inQuotes(fault.at.text)}, … } }`;
    default:
      return `{ ${fault.kind}: ${inQuotes(fault.at.text)} }`;
  }
}

/** As YAML takes it for a text, whatever is in it. */
export const inQuotes = (text: string): string =>
  /^[A-Za-z][\w./-]*$/.test(text) ? text : JSON.stringify(text);
