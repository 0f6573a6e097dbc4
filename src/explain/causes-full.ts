/** What can be wrong after full site failover: production and replicas are apart, and one appliance serves all. */
import { type Case, dueTo, type Finding } from './case.ts';

/** Without a tunnel production and the replicas are two worlds with the same addresses. */
export function noTunnel({ asker, target, sent }: Case): Finding | undefined {
  if (sent?.protocol === 'arp') return undefined; // it is the segment of the asker that is asked
  const [apart] = [target, asker].filter(({ bySite }) => bySite);
  const other = apart === target ? asker : target;
  if (apart === undefined || other.side !== 'tenant') return undefined;
  const { vm, replica } = apart;
  const cannot =
    apart === target ? `${other.node} cannot reach ${replica}` : `${replica} reaches no production`;
  return {
    code: 'NO_TUNNEL_TO_PRODUCTION',
    sentence: `${vm} has failed over with the whole site, for which no tunnel is built: ${cannot}`,
    try: `failover: { vms: [${vm}] } in place of the failover plan`,
  };
}

/** The appliance is the only way from one network of the replicas to anywhere else. */
export function replicaGatewayIsOff(of: Case): Finding | undefined {
  const [served] = [of.asker, of.target].filter(({ bySite }) => bySite);
  const appliance = served && of.providerAppliance(served.network);
  const power = appliance === undefined ? undefined : of.world.power(appliance, of.at);
  if (power === undefined || power === 'on' || of.asker.network === of.target.network)
    return undefined;
  return {
    code: 'POWERED_OFF',
    sentence: `${appliance}, the default gateway of the replicas, is ${power === 'off' ? 'switched off' : 'still booting'}`,
    ...(power === 'off' && { try: `fault: { power_on: ${appliance} }` }),
    ...dueTo(of.world.blackout(appliance!, of.at)),
  };
}
