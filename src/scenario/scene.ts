/** What a page draws of a scenario: the devices of its lab and the cables between their ports, site by site. */
import type { CablePlan, NodePlan, Topology } from '../lab/topology.ts';
import type { MachineRole } from '../trace/event.ts';
import type { Scene, SceneArea, SceneCable, SceneDevice } from '../trace/scene.ts';
import { showIpv4 } from '../wire/address.ts';
import { compile } from './compile.ts';
import type { Scenario } from './scenario.ts';
import { inventory } from './whereabouts.ts';

const roles: Readonly<Record<NodePlan['kind'], MachineRole>> = {
  guest: 'vm',
  router: 'router',
  internet: 'internet',
  'dhcp-server': 'dhcp-server',
  client: 'client',
  'provider-router': 'provider-router',
  'tenant-appliance': 'tenant-appliance',
  'provider-appliance': 'provider-appliance',
  'cloud-gateway': 'cloud-gateway',
  'edge-gateway': 'edge-gateway',
};

export function sceneOf(scenario: Scenario): Scene {
  const { topology } = compile(scenario);
  const devices = new Map<string, SceneDevice>();
  for (const plan of topology.nodes) devices.set(plan.name, deviceOf(plan));
  for (const { name } of topology.switches) devices.set(name, { name, role: 'switch', detail: '' });
  const take = (names: readonly string[]): SceneDevice[] =>
    names.flatMap((name) => {
      const device = devices.get(name);
      devices.delete(name);
      return device ?? [];
    });
  const areas: SceneArea[] = [];
  for (const { sites } of scenario.tenants)
    for (const { name, place } of sites) {
      const at = take(inventory({ kind: 'site', name, text: name, place }, scenario));
      areas.push({ title: `site ${name}`, side: 'tenant', devices: at });
    }
  const isOutside = ({ role }: SceneDevice): boolean => role === 'internet' || role === 'client';
  const outside = [...devices.values()].filter(isOutside).map(({ name }) => name);
  areas.push({ title: 'internet', side: 'internet', devices: take(outside) });
  const rest = take([...devices.keys()]);
  areas.push({ title: 'service provider', side: 'provider', devices: rest });
  return { areas: areas.filter((one) => one.devices.length > 0), cables: cablesOf(topology) };
}

function deviceOf(plan: NodePlan): SceneDevice {
  const role = plan.kind === 'guest' && plan.replica ? 'replica' : roles[plan.kind];
  return { name: plan.name, role, detail: detailOf(plan) };
}

function detailOf(plan: NodePlan): string {
  switch (plan.kind) {
    case 'guest':
    case 'tenant-appliance':
      return plan.address.kind === 'dhcp' ? 'DHCP' : showIpv4(plan.address.prefix.address);
    case 'client':
      return showIpv4(plan.ip);
    case 'cloud-gateway':
      return showIpv4(plan.outside.ip);
    case 'provider-appliance':
      return `on ${plan.host}`;
    default:
      return '';
  }
}

/** Ports have the names that the lab gives them, see `lab/cables.ts`. */
function cablesOf({ cables, trunks }: Topology): SceneCable[] {
  const joined = new Set<string>();
  const farEnd = ({ node, adapter }: Extract<CablePlan['to'], { kind: 'adapter' }>) => ({
    device: node,
    port: `${node}.${adapter}`,
  });
  function socket(name: string, node: string, adapter: string): SceneCable['b'] {
    const key = `${name} ${node}`;
    const port = joined.has(key) ? `${node}-${adapter}` : node;
    joined.add(key);
    return { device: name, port: `${name}.${port}` };
  }
  const laid = cables.flatMap(({ node, adapter, to }): SceneCable[] => {
    const a = { device: node, port: `${node}.${adapter}` };
    if (to.kind === 'nothing') return [];
    return [{ a, b: to.kind === 'adapter' ? farEnd(to) : socket(to.name, node, adapter) }];
  });
  const between = trunks.map(({ ends: [one, other] }) => ({
    a: { device: one.switch, port: `${one.switch}.${other.switch}` },
    b: { device: other.switch, port: `${other.switch}.${one.switch}` },
  }));
  return [...laid, ...between];
}
