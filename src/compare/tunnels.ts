/** What became of tunnels, and what keeps them: states, relays, bridges, kinds of messages. */
import type { Fact } from '../trace/event.ts';
import type { Account, Told } from './account.ts';
import type { Item } from './item.ts';
import type { Line } from './line.ts';

export const tunnelLines = ({ facts }: Account): Line[] =>
  facts.flatMap((fact) => {
    const told = toldOf(fact);
    return told === undefined ? [] : [{ step: fact.step, stream: told[0], what: told[1] }];
  });

/**
 * Which messages of WireGuard there were, in no order.
 *
 * @param lasting What was sent because there was something to send.
 * @param all     Handshakes and keepalives as well. When they are sent a timer says; that they are is
 *                told of the run as a whole.
 */
export function messageLines(lasting: readonly Item[], all: readonly Item[]): Line[] {
  const lines = new Map<string, Line>();
  const add = (line: Line): unknown => lines.set(JSON.stringify(line), line);
  for (const { step, stream, what } of lasting)
    add({ step, stream: stream.replace(/: .*$/, ''), what });
  for (const { stream, what, traits } of all)
    if (traits?.timed) add({ step: 0, stream: stream.replace(/, session .*$/, ''), what });
  return [...lines.values()].sort((a, b) => (a.what < b.what ? -1 : 1));
}

function toldOf(fact: Told<Fact['kind']>): readonly [stream: string, what: string] | undefined {
  switch (fact.kind) {
    case 'tunnel': {
      const { node, tunnel, state, endpoint, because } = fact;
      const words = [state, ...(endpoint === '' ? [] : [`to ${endpoint}`]), because ?? ''];
      return [`tunnel ${tunnel} at ${node}`, words.join(' ').trim()];
    }
    case 'relay':
      return [`relay ${fact.session} at ${fact.node}`, `${fact.change} to ${fact.to}`];
    case 'bridge':
      return [`bridge of ${fact.network} at ${fact.node}`, fact.state];
    default:
      return undefined;
  }
}
