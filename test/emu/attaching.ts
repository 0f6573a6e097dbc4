/** A site with a DHCP client, whose network is attached to a real one, and a failover that takes seconds. */
import { check } from '../../src/scenario/check.ts';
import type { Scenario } from '../../src/scenario/scenario.ts';

/** The end point that the network is attached to. */
export const remote = { address: '192.0.2.10', port: 4789, vni: 42 } as const;
/** What a host of the real network has as its address. */
export const realHost = '10.0.10.99';

/** @param allow As it stands between the brackets. */
export const attachedText = (allow: string, steps: string): string => `name: attached
tenant:
  sites:
    hq:
      networks:
        lan10:
          subnet: 10.0.10.0/24
          gateway: 10.0.10.1
          mtu: 1450
          attach: { to: "vxlan://${remote.address}:${remote.port}/${remote.vni}", allow: [${allow}] }
      vms:
        web01: { network: lan10, ip: 10.0.10.11 }
        sql01: { network: lan10, ip: 10.0.10.20, listen: [tcp/1433] }
        app01: { network: lan10, ip: dhcp, os: windows }
      appliances:
        nea-hq: { network: lan10, ip: 10.0.10.250 }
      dhcp: { network: lan10, server: hq.gateway, pool: 10.0.10.30-10.0.10.40 }
provider:
  gateways: { gw1: { public_ip: 203.0.113.10 } }
  hardware_plan: { networks: { plan10: { vlan: 112 } } }
replication:
  job1: { vms: [sql01], network_mapping: { lan10: plan10 } }
timings:
  { boot_linux: 1s, boot_appliance: 1s, revert_snapshot: 100ms, power_off: 100ms, configure_appliance: 100ms }
steps:${steps}
`;

export function attachedScenario(allow: string, steps: string): Scenario {
  const text = attachedText(allow, steps);
  const { cases, problems } = check('attached.yaml', () => text);
  if (cases?.length !== 1) throw new Error(problems.map(({ message }) => message).join('\n'));
  return cases[0]!;
}

export const failover = `
  - fault: { power_off: sql01 }
  - failover: { vms: [sql01] }
  - expect: [{ ping: web01 -> sql01 }]`;
