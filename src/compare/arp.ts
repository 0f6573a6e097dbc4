/** Who asked and told whom by ARP, per asker. */
import { type Instant, seconds } from '../base/time.ts';
import { showIpv4, showMac } from '../wire/address.ts';
import type { Account } from './account.ts';
import type { Item } from './item.ts';

/** The same question this soon after, while nobody has answered, is the same question: Linux asks three times in 3 s, and again if there is more to send. */
const retryMost = seconds(5);

const group = 0x0100_0000_0000;
const isGroup = (mac: number): boolean => Math.floor(mac / group) % 2 === 1;

/** When a question was asked last, and how. */
interface Asked {
  readonly at: Instant;
  readonly what: string;
  readonly refresh: boolean;
  readonly again: boolean;
  open: boolean;
}

/** Everything that machines sent, retries once; a reply stands with the questions of its asker. */
export function arpItems(account: Account): Item[] {
  const items: Item[] = [];
  /** By asker and question, then by the machine that sent it: bridges hand on what others have asked. */
  const asked = new Map<string, Map<string, Asked>>();
  const told = new Set<string>();
  for (const { event, step, ethernet, arp } of account.sent) {
    if (arp === undefined) continue;
    const { operation, senderIp, senderMac, targetIp, targetMac } = arp;
    const [spa, tpa] = [showIpv4(senderIp), showIpv4(targetIp)];
    const toAll = isGroup(ethernet.target);
    const isQuestion = operation === 'request' && senderIp !== targetIp;
    const asker = showMac(operation === 'request' || toAll ? senderMac : targetMac);
    const what =
      `${event.node}: ${operation} from ${showMac(senderMac)} ${spa} ` +
      `about ${tpa} ${showMac(targetMac)}, to ${toAll ? 'all' : showMac(ethernet.target)}`;
    const question = `${asker} ${operation === 'request' ? tpa : spa}`;
    let askers = asked.get(question);
    if (askers === undefined) asked.set(question, (askers = new Map()));
    const before = askers.get(event.node);
    const isRetry =
      before?.open === true && before.what === what && event.at - before.at <= retryMost;
    const all = [...askers.values()];
    const refresh = isQuestion ? !toAll : !toAll && all.some((one) => one.refresh);
    // What was asked again is answered again, but not twice.
    const again = told.has(what) && (isQuestion || all.some((one) => one.again && one.open));
    told.add(what);
    if (isQuestion) askers.set(event.node, { at: event.at, what, refresh, again, open: true });
    else if (operation === 'reply') for (const one of all) one.open = false;
    if (isQuestion && isRetry) continue;
    const claim = operation === 'request' && (senderIp === 0 || senderIp === targetIp);
    const traits = {
      ...(refresh && { refresh }),
      ...(claim && { claim }),
      ...(again && !claim && { again }),
    };
    const item = { stream: `ARP of ${asker}`, what, at: event.at, step, frame: event.id, traits };
    items.push(account.isAfterthought(event.id) ? { ...item, fleeting: true } : item);
  }
  return items;
}
