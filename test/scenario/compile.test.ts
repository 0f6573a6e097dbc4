/** From the words of a scenario to machines and cables: nothing is left out, nothing made up twice. */
import test from 'ava';
import type { GuestPlan, NodePlan } from '../../src/lab/topology.ts';
import { compile } from '../../src/scenario/compile.ts';
import type { Scenario } from '../../src/scenario/scenario.ts';
import { showIpv4, showMac } from '../../src/wire/address.ts';
import { scenarios } from '../playing.ts';

const built = (overlay: string, file = '01-partial-static.yaml') =>
  scenarios(file, overlay).map((scenario) => ({ scenario, ...compile(scenario as Scenario) }));

const named = <K extends NodePlan['kind']>(nodes: readonly NodePlan[], name: string, kind: K) =>
  nodes.find((node) => node.name === name && node.kind === kind) as Extract<NodePlan, { kind: K }>;

function macsOf(node: NodePlan): number[] {
  switch (node.kind) {
    case 'guest':
      return node.replica ? [] : [node.adapter.mac];
    case 'tenant-appliance':
    case 'dhcp-server':
      return [node.adapter.mac];
    case 'provider-appliance':
      return [node.external.adapter.mac, ...node.inside.map(({ adapter }) => adapter.mac)];
    case 'cloud-gateway':
      return [node.outside.adapter.mac, node.inside.adapter.mac];
    case 'edge-gateway':
      return [node.outside.adapter, ...node.inside].map(({ mac }) => mac);
    case 'router':
      return [...node.inside, ...(node.outside ? [node.outside] : [])].map(
        ({ adapter }) => adapter.mac,
      );
    case 'client':
      return [node.adapter.mac];
    case 'provider-router':
      return [node.outside.adapter.mac, node.inside.adapter.mac];
    case 'internet':
      return node.lines.map(({ adapter }) => adapter.mac);
  }
}

test('every machine is there, with a cable for every adapter, and every MAC address is its own', (t) => {
  for (const file of ['01-partial-static.yaml', '02-partial-dhcp.yaml', '17-vcd-networks.yaml'])
    for (const { topology } of built('tags: [x]', file)) {
      const { nodes, cables } = topology;
      t.is(new Set(nodes.map(({ name }) => name)).size, nodes.length);
      const macs = nodes.flatMap(macsOf);
      t.is(new Set(macs).size, macs.length);
      t.true(macs.every((mac) => showMac(mac as never).startsWith('00:50:56:')));
      // The lines of the internet are the other ends of cables that are laid already.
      const ends = nodes.filter(({ kind }) => kind !== 'internet').flatMap(macsOf).length;
      const replicas = nodes.filter((node) => node.kind === 'guest' && node.replica).length;
      t.is(cables.length, ends + replicas);
    }
});

test('a replica has the adapter, the address and the services of its original, and does not run', (t) => {
  const [{ topology } = { topology: undefined! }] = built(
    'tenant: { sites: { hq: { vms: { sql01: { echo: false, mac: "00:50:56:01:00:20" } } } } }',
  );
  const own = named(topology.nodes, 'sql01', 'guest');
  const replica = named(topology.nodes, 'sql01-replica', 'guest');
  const { adapter, address, listen, echo, os, network }: GuestPlan = own;
  t.like(replica, { adapter, address, listen, echo, os, network, vm: 'sql01', running: false });
  t.is(showMac(own.adapter.mac), '00:50:56:01:00:20');
  t.false(replica.echo);
  t.true(own.running);
});

test('the seed decides the MAC addresses that the file leaves open, and nothing else does', (t) => {
  const [{ scenario } = { scenario: undefined! }] = built('tags: [x]');
  const macs = (seed: number): number[] =>
    compile({ ...scenario, seed }).topology.nodes.flatMap(macsOf);
  t.deepEqual(macs(1), macs(1));
  t.notDeepEqual(macs(1), macs(2));
  const [{ topology } = { topology: undefined! }] = built(
    'tenant: { sites: { hq: { vms: { another: { network: lan10, ip: 10.0.10.99, os: linux } } } } }',
  );
  const [before] = built('tags: [x]');
  for (const name of ['web01', 'sql01'])
    t.is(
      named(topology.nodes, name, 'guest').adapter.mac,
      named(before!.topology.nodes, name, 'guest').adapter.mac,
      'one machine more does not change the others',
    );
});

test('sites get public addresses that nobody else has', (t) => {
  const site = (n: number, internet: string): string =>
    `s${n}: { networks: { l${n}: { subnet: 10.${n}.0.0/24, gateway: 10.${n}.0.1 } }, ${internet} vms: { v${n}: { network: l${n}, ip: 10.${n}.0.9, os: linux } } }`;
  const overlay = `tenant:
  sites:
    ${site(1, '')}
    ${site(2, 'internet: { public_ip: 198.51.100.11 },')}
    ${site(3, '')}
provider: { gateways: { gw2: { public_ip: 198.51.100.12 } } }
`;
  const [{ topology } = { topology: undefined! }] = built(overlay);
  const { lines } = named(topology.nodes, 'internet', 'internet');
  const addresses = lines.map(({ ip }) => showIpv4(ip));
  t.is(new Set(addresses).size, addresses.length, addresses.join(' '));
  t.true(addresses.includes('198.51.100.11') && addresses.includes('198.51.100.12'));
});

test('mapping, VLANs and adapters of the provider follow the file', (t) => {
  for (const { scenario, topology, recoveries } of built('tags: [x]', '17-vcd-networks.yaml')) {
    const many = Number(scenario.variables.get('org_networks'));
    const appliance = named(topology.nodes, 'sp-nea', 'provider-appliance');
    t.is(appliance.inside.length, many);
    t.deepEqual(
      appliance.tunnels.map(({ network, providerNetwork }) => [network, providerNetwork]),
      [['lan10', 'net01']],
    );
    t.like(recoveries[0]!.configuration.provider, { kind: 'org-vdc', connectivity: 'appliances' });
    const replica = topology.cables.find(({ node }) => node === 'sql01-replica')!.to;
    const inside = topology.cables.find(
      ({ node, adapter }) => node === 'sp-nea' && adapter === 'eth1',
    )!;
    t.deepEqual(
      replica,
      inside.to,
      'the replica is in the VLAN of the network that it is mapped to',
    );
  }
});

test('a replica whose network is not mapped hangs on no cable; a foreign DHCP server hangs in its network', (t) => {
  const [unmapped] = built(
    'tenant: { sites: { hq: { networks: { lan20: { subnet: 10.0.20.0/24 } }, vms: { db: { network: lan20, ip: 10.0.20.5, os: linux } } } } }\nreplication: { job2: { vms: [db] } }',
  );
  t.deepEqual(unmapped!.topology.cables.find(({ node }) => node === 'db-replica')!.to, {
    kind: 'nothing',
  });
  const foreign = built('tags: [x]', '02-partial-dhcp.yaml').map(({ scenario, topology }) => [
    scenario.variables.get('plan_dhcp'),
    topology.nodes.some(({ kind }) => kind === 'dhcp-server'),
  ]);
  t.deepEqual(foreign, [
    ['none', false],
    ['foreign', true],
    ['none', false],
  ]);
});
