/** What the test of a failover plan looks at: whether a replica has come to rest at an address, and answers. */
import { after, seconds } from '../base/time.ts';
import type { Probes } from '../device/probes.ts';
import type { Reason } from '../trace/reasons.ts';
import { type Ipv4, isLinkLocalIpv4 } from '../wire/address.ts';
import type { Fabric } from './fabric.ts';
import type { LabNetwork } from './network.ts';

/** "Stabilization by IP": how long the address must have stayed the same, and how long that may take. */
const unchangedFor = seconds(10);
const stableWithin = seconds(300);
const lookEvery = seconds(1);
const pingFor = seconds(5);
const pingSize = 56;

type Told = (failure: Reason | undefined) => void;

/** Told when the replica has reported a valid address that has not changed for a while. */
export function awaitAddress(
  replica: string,
  network: LabNetwork,
  fabric: Fabric,
  told: Told,
): void {
  const until = after(fabric.now, stableWithin);
  let seen: Ipv4 | undefined;
  let since = fabric.now;
  const look = (): void => {
    const now = addressOf(replica, network);
    if (now !== seen) since = fabric.now;
    seen = now;
    if (seen !== undefined && fabric.now - since >= unchangedFor) told(undefined);
    else if (fabric.now >= until) told('NO_ADDRESS');
    else fabric.at(after(fabric.now, lookEvery), { run: look });
  };
  look();
}

export function addressOf(replica: string, network: LabNetwork): Ipv4 | undefined {
  if (network.powerOf(replica) !== 'on') return undefined;
  const addresses = network.guest(replica)?.adapter.addresses ?? [];
  return addresses.map(({ address }) => address).find((ip) => !isLinkLocalIpv4(ip));
}

/** Told after a few echo requests whether any was answered. */
export function ping(
  from: Probes | undefined,
  to: Ipv4 | undefined,
  probe: number,
  fabric: Fabric,
  told: Told,
): void {
  if (from === undefined || to === undefined) {
    told('POWERED_OFF');
    return;
  }
  const began = fabric.log.length;
  from.ping({ probe, to, size: pingSize, every: lookEvery }, fabric.now, fabric);
  fabric.at(after(fabric.now, pingFor), {
    run: () => {
      from.stopPing(probe);
      const facts = [...fabric.log.facts(['probe'], began)];
      const answered = facts.some((fact) => fact.probe === probe && fact.what === 'answered');
      told(answered ? undefined : 'PING_UNANSWERED');
    },
  });
}
