/** A provider with many tenants that all fail over at once, through eight gateways onto eight hosts. */

const groups = 8;

export function manyTenants(tenants: number, vms: number): string {
  const size = tenants / groups;
  const number = (i: number): string => String(i).padStart(4, '0');
  const shares = Array.from({ length: groups }, (_, g) => {
    const range = `t{${number(g * size + 1)}..${number((g + 1) * size)}}`;
    return `  "${range}":
    gateway_pool: pool${g + 1}
    hardware_plans: [plan${g + 1}]
    sites:
      hq:
        networks: { lan: { subnet: 10.0.10.0/24, gateway: 10.0.10.1 } }
        vms:
          web: { network: lan, ip: 10.0.10.5 }
          "vm{1..${vms}}": { network: lan, ip: "10.0.10.{11..${10 + vms}}", os: windows, running: false }
        appliances: { nea: { network: lan, ip: 10.0.10.250 } }
    replication: { job: { vms: ["vm*"], network_mapping: { lan: net } } }`;
  });
  const last = `t${number(tenants)}`;
  return `name: many tenants
about: Everybody fails over at once. It is there to be timed, and to be kept apart all the same.
tenants:
${shares.join('\n')}
provider:
  gateways: { "gw{1..8}": { public_ip: "203.0.113.{11..18}" } }
  gateway_pools: { "pool{1..8}": { gateways: ["gw{1..8}"] } }
  hardware_plans: { "plan{1..8}": { hosts: ["esx{1..8}"], networks: { net: {} } } }
steps:
  - failover: { vms: [all] }
  - expect:
      - operation: success
      - { ping: t0001/web -> t0001/vm1, within: 10s }
      - { ping: ${last}/web -> ${last}/vm${vms}, within: 10s }
      - isolated: all
`;
}
