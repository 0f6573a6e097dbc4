/** What was done to machines, and by which steps: operations, replicas, plans, power. */
import type { Fact } from '../trace/event.ts';
import type { Account, Told } from './account.ts';
import type { Line } from './line.ts';

export const operationLines = ({ facts }: Account): Line[] =>
  facts.flatMap((fact) => {
    const told = toldOf(fact);
    return told === undefined ? [] : [{ step: fact.step, stream: told[0], what: told[1] }];
  });

function toldOf(fact: Told<Fact['kind']>): readonly [stream: string, what: string] | undefined {
  switch (fact.kind) {
    case 'operation': {
      const { operation, vms, state, because } = fact;
      return [`${operation} of ${vms.join(', ')}`, because ? `${state} ${because}` : state];
    }
    case 'operation-step':
      return [`steps of ${fact.operation}`, `${fact.number} ${fact.text}`];
    case 'replica':
      return [`replica ${fact.vm}`, `${fact.was} -> ${fact.state}`];
    case 'plan':
      return [`plan ${fact.plan}`, `${fact.was} -> ${fact.state}`];
    case 'power':
      return [`power of ${fact.node}`, fact.state];
    case 'warning':
      return [`warning about ${fact.about}`, fact.code];
    default:
      return undefined;
  }
}
