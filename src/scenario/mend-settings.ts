/** Changes of what a file says there is: addresses, appliances, mappings, rights, rules. */
import { showIpv4, showPrefix } from '../wire/address.ts';
import type { Grounds } from './grounds.ts';
import { isAddress, local } from './grounds.ts';
import type { Maker, Mend } from './mend.ts';
import type { PublicIpRule } from './scenario.ts';
import type { ServicePort } from './units.ts';

/** Several changes as one, in the place of the first. */
export const both = (...mends: readonly Mend[]): Mend => ({
  words: mends.map(({ words }) => words).join(' and '),
  place: mends[0]!.place,
  amendments: mends.flatMap(({ amendments }) => amendments),
});

// Addresses

/** A VM with DHCP gets the address for good that it has had, or one that nobody has. */
export const staticAddress: Maker = (grounds) => {
  const { subject } = grounds;
  return grounds.parties.flatMap(({ vm }): Mend[] => {
    const found = grounds.vm(vm);
    if (found?.it.ip !== 'dhcp') return [];
    const asked = vm === subject.target.vm && isAddress(subject.ip) ? subject.ip : undefined;
    const ip = asked ?? subject.leased[vm] ?? grounds.freeAddress(found.it.network);
    if (ip === undefined) return [];
    const fixed = grounds.set(`${found.path}.ip`, ip, found.it.place);
    // Of systems other than Windows the job finds the address only if it is told to look.
    const detect = detection(grounds, vm);
    return detect === undefined ? [fixed] : [fixed, both(fixed, detect)];
  });
};

function detection(grounds: Grounds, vm: string): Mend | undefined {
  const job = grounds.job(vm);
  if (job === undefined || job.it.detect === 'always') return undefined;
  return grounds.set(`${job.path}.detect`, 'always', job.it.place);
}

export const detectAlways: Maker = (grounds) =>
  grounds.failedOver.flatMap(({ vm }) => detection(grounds, vm) ?? []);

/** Somebody who cannot leave its network gets the gateway that there is. */
export const gatewayOfNetwork: Maker = (grounds) =>
  grounds.parties.flatMap(({ vm }): Mend[] => {
    const found = grounds.vm(vm);
    const gateway = found && grounds.network(found.it.network)?.it.gateway;
    if (gateway === undefined || found?.it.gateway !== undefined) return [];
    return [grounds.set(`${found!.path}.gateway`, showIpv4(gateway), found!.it.place)];
  });

/** Nobody else answers ARP for the address. */
export const noForeignAnswers: Maker = (grounds) => {
  const { ip } = grounds.subject;
  return grounds.sites.flatMap(({ vms }) =>
    vms.flatMap(({ name, answersFor, place }): Mend[] => {
      const others = answersFor.map(showIpv4).filter((one) => one !== ip);
      if (others.length === answersFor.length) return [];
      const found = grounds.vm(name)!;
      return [grounds.set(`${found.path}.answers_for`, `[${others.join(', ')}]`, place)];
    }),
  );
};

export const startsRunning: Maker = (grounds) =>
  grounds.subject.off.flatMap((node): Mend[] => {
    const found = grounds.vm(node);
    if (found === undefined || found.it.running) return [];
    return [grounds.set(`${found.path}.running`, 'true', found.it.place)];
  });

/** The service that was asked for is there. */
export const listens: Maker = (grounds) => {
  const { target, protocol, port } = grounds.subject;
  const found = grounds.vm(target.vm);
  if (found === undefined || port === undefined) return [];
  const ports = [...found.it.listen.map(showPort), `${protocol}/${port}`];
  return [grounds.set(`${found.path}.listen`, `[${ports.join(', ')}]`, found.it.place)];
};

const showPort = ({ protocol, port }: ServicePort): string => `${protocol}/${port}`;

// Appliances

export const announces: Maker = (grounds) =>
  grounds.networks.flatMap((network): Mend[] => {
    const found = grounds.appliance(network);
    if (found === undefined || found.it.gratuitousArp === 'both') return [];
    return [grounds.set(`${found.path}.gratuitous_arp`, 'both', found.it.place)];
  });

/** The daemons of both sides do what they should. */
export const proxiesRelay: Maker = (grounds) =>
  eachProxy(grounds, 'proxy_arp', 'relay', ({ proxyArp }) => proxyArp === 'none');

/** They answer for what they were told of, and for nothing else. */
export const proxiesAsTold: Maker = (grounds) => {
  const scopes = eachProxy(grounds, 'scope', 'as-told', ({ scope }) => scope !== 'as-told');
  const kernel = eachProxy(grounds, 'proxy_arp', 'relay', ({ proxyArp }) => proxyArp === 'kernel');
  const all = [...scopes, ...kernel];
  return all.length > 1 ? [both(...all), ...all] : all;
};

function eachProxy(
  grounds: Grounds,
  key: string,
  value: string,
  isWrong: (one: { readonly proxyArp: string; readonly scope: string }) => boolean,
): Mend[] {
  const ours = grounds.networks.flatMap((network): Mend[] => {
    const found = grounds.appliance(network);
    if (found === undefined || !isWrong(found.it)) return [];
    return [grounds.set(`${found.path}.${key}`, value, found.it.place)];
  });
  const provider = grounds.scenario.provider;
  const theirs = grounds.tenant?.appliances.some(isWrong) && provider !== undefined;
  return theirs ? [...ours, grounds.set(`provider.appliance.${key}`, value, provider.place)] : ours;
}

/** Each network has an appliance that can stand in for what was in it. */
export const applianceForNetwork: Maker = (grounds) =>
  grounds.failedOver.flatMap(({ network }): Mend[] => {
    const found = grounds.network(network);
    const ip = grounds.freeAddress(network);
    const isServed = grounds.appliance(network) !== undefined;
    if (found === undefined || isServed || ip === undefined) return [];
    const path = `${grounds.sitePath(found.it.site)}.appliances.nea-${local(network)}`;
    const value = `{ network: ${local(network)}, ip: ${ip} }`;
    return [grounds.set(path, value, found.it.place)];
  });

// The provider

/** A row of the network mapping, for the networks of the provider that no other row has first. */
export const mapping: Maker = (grounds) =>
  grounds.failedOver.flatMap(({ vm, network }): Mend[] => {
    const job = grounds.job(vm);
    if (job === undefined) return [];
    const used = new Set(
      grounds.tenant?.jobs.flatMap((one) => one.mapping.map(({ to }) => to.name)),
    );
    const now = grounds.mappedTo(network)?.it.name;
    const offered = grounds.planNetworks.map(({ it }) => it.name);
    const free = offered.filter((name) => !used.has(name));
    // What it is mapped to without a row may be given to it by one.
    const names = now === undefined ? [...free, ...offered] : [now, ...free];
    const path = `${job.path}.network_mapping.${local(network)}`;
    return [...new Set(names)]
      .slice(0, mappingsMost)
      .map((name) => grounds.set(path, local(name), job.it.place));
  });

const mappingsMost = 3;

/** The tunnel ends where the replica is. */
export const tunnelEnd: Maker = (grounds) =>
  grounds.networks.flatMap((network): Mend[] => {
    const to = grounds.mappedTo(network);
    const provider = grounds.scenario.provider;
    const elsewhere = grounds.tenant?.appliances.some(({ networks }) => {
      const end = networks.get(network);
      return end !== undefined && end !== to?.it.name;
    });
    if (to === undefined || provider === undefined || !elsewhere) return [];
    return [grounds.set(grounds.tunnelEndPath(network), local(to.it.name), provider.place)];
  });

/** The switch between the hosts carries the VLAN. */
export const trunked: Maker = (grounds) =>
  grounds.networks.flatMap((network): Mend[] => {
    const to = grounds.mappedTo(network);
    const plan = grounds.tenant?.plans.find(({ networks }) =>
      networks.some((one) => one === to?.it),
    );
    const cluster = grounds.scenario.provider?.clusters.find(({ hosts }) =>
      hosts.some((host) => plan?.hosts.includes(host)),
    );
    if (to === undefined || plan === undefined || cluster?.trunk === undefined) return [];
    const { vlan } = to.it;
    if (cluster.trunk.some(({ first, last }) => first <= vlan && vlan <= last)) return [];
    const ranges = [...cluster.trunk.map(({ first, last }) => `${first}-${last}`), String(vlan)];
    const value = `[${ranges.map((range) => `"${range}"`).join(', ')}]`;
    return [grounds.set(`${grounds.planPath(plan)}.trunk`, value, to.it.place)];
  });

/** The replica runs beside the appliance. */
export const besideAppliance: Maker = (grounds) =>
  grounds.failedOver.flatMap(({ vm }): Mend[] => {
    const job = grounds.job(vm);
    const host = grounds.tenant?.appliances[0]?.host;
    if (job?.it.host === undefined || host === undefined || job.it.host === host) return [];
    return [grounds.set(`${job.path}.host`, host, job.it.place)];
  });

export const routedNetwork: Maker = (grounds) =>
  [...grounds.networks, ...networksOfRule(grounds)].flatMap((network): Mend[] => {
    const to = grounds.mappedTo(network);
    if (to === undefined || to.it.type === 'routed' || !to.path.includes('org_vdc')) return [];
    const routed = grounds.set(`${to.path}.type`, 'routed', to.it.place);
    const proxies = edgeProxies(grounds);
    return proxies.length === 0 ? [routed] : [routed, both(routed, ...proxies)];
  });

/** Where the rule leads by which the internet was to be let in. */
function networksOfRule(grounds: Grounds): string[] {
  const { ip, port } = grounds.subject;
  const rules = (grounds.tenant?.plans ?? []).flatMap(({ edge }) => edge?.nat ?? []);
  const rule = rules.find((one) => showIpv4(one.publicIp) === ip && one.port === port);
  const network = rule && grounds.vm(rule.to.vm)?.it.network;
  return network === undefined ? [] : [network];
}

export const internetAccess: Maker = (grounds) =>
  grounds.networks.flatMap((network): Mend[] => {
    const to = grounds.mappedTo(network);
    if (to === undefined || to.it.internet || !to.path.includes('hardware_plan')) return [];
    return [grounds.set(`${to.path}.internet`, 'true', to.it.place)];
  });

export const planRoutes: Maker = (grounds) =>
  grounds.parties.flatMap(({ vm }): Mend[] => {
    const found = grounds.failoverPlan(vm);
    if (found === undefined || found.it.routing) return [];
    return [grounds.set(`${found.path}.routing`, 'true', found.it.place)];
  });

/** The gateways of a VPN answer for the other side. */
export const edgeProxies: Maker = (grounds) =>
  (grounds.tenant?.plans ?? []).flatMap((plan): Mend[] => {
    const provider = grounds.scenario.provider;
    if (plan.edge === undefined || plan.edge.proxyArp || provider === undefined) return [];
    return [grounds.set(`${grounds.planPath(plan)}.edge.proxy_arp`, 'true', provider.place)];
  });

/** A rule lets the internet in where somebody listens. */
export const publicIpRule: Maker = (grounds) => {
  const { ip, port, protocol } = grounds.subject;
  if (port === undefined || !isAddress(ip)) return [];
  const listening = grounds.sites
    .flatMap(({ vms }) => vms)
    .filter(({ listen }) => listen.some((one) => one.protocol === protocol && one.port === port));
  return listening.flatMap(({ name }): Mend[] => {
    const plan = grounds.failoverPlan(name);
    const vdc = grounds.tenant?.plans.find(({ edge }) => edge !== undefined);
    const provider = grounds.scenario.provider;
    const [path, rules, place] =
      vdc?.edge !== undefined
        ? [`${grounds.planPath(vdc)}.edge.nat`, vdc.edge.nat, provider?.place]
        : [`${plan?.path}.public_ip_rules`, plan?.it.rules ?? [], plan?.it.place];
    if (place === undefined) return [];
    const rule = `{ public_ip: ${ip}, port: ${port}, to: ${local(name)} }`;
    return [
      {
        words: `${path}: and ${rule}`,
        place,
        amendments: [
          { kind: 'set', path, value: `[${[...rules.map(showRule), rule].join(', ')}]` },
        ],
      },
    ];
  });
};

const showRule = ({ publicIp, port, to }: PublicIpRule): string =>
  `{ public_ip: ${showIpv4(publicIp)}, port: ${port}, to: ${local(to.vm)}, to_port: ${to.port} }`;

// Switches

const rights = {
  forged_transmits: 'forgedTransmits',
  promiscuous: 'promiscuous',
  mac_changes: 'macChanges',
} as const;

/** What adapters may do at the switches of both ends; a bridge needs two rights. */
export const portRights =
  (...keys: readonly (keyof typeof rights)[]): Maker =>
  (grounds) =>
    portGroups(grounds).flatMap(({ it, path }): Mend[] => {
      const has = it.rights;
      if (has === undefined) return [];
      const lacking = keys.filter((key) => !has[rights[key]]);
      const one = (key: string): Mend =>
        grounds.set(`${path}.port_security.${key}`, 'accept', it.place);
      if (lacking.length === 0) return [];
      return [both(...lacking.map(one))];
    });

/** The switch asks later than a guest looks whether its address is free. */
export const asksLater: Maker = (grounds) =>
  portGroups(grounds).flatMap(({ it, path }): Mend[] =>
    it.tracking === undefined || it.tracking.delay >= longerThanChecks
      ? []
      : [grounds.set(`${path}.ip_device_tracking.delay`, '10s', it.place)],
  );

/** RFC 5227 takes up to 7 s. */
const longerThanChecks = 10e9;

const portGroups = (grounds: Grounds) =>
  grounds.networks.flatMap((network) => [
    ...(grounds.mappedTo(network) === undefined ? [] : [grounds.mappedTo(network)!]),
    ...(grounds.network(network) === undefined ? [] : [grounds.network(network)!]),
  ]);

// Ways

/** A firewall that the file sets up lets the port through. */
export const unblocked: Maker = (grounds) => {
  const { stop } = grounds.subject;
  if (stop?.service === undefined) return [];
  const without = (block: readonly ServicePort[]): string =>
    `[${block
      .map(showPort)
      .filter((one) => one !== stop.service)
      .join(', ')}]`;
  const isBlocked = (block: readonly ServicePort[]): boolean =>
    block.some((one) => showPort(one) === stop.service);
  const gateways = (grounds.scenario.provider?.gateways ?? [])
    .filter(({ name, block }) => name === stop.node && isBlocked(block))
    .map(({ name, block, place }) =>
      grounds.set(`provider.gateways.${name}.block`, without(block), place),
    );
  const sites = grounds.sites
    .filter(({ name, internet }) => stop.node.startsWith(`${name}.`) && isBlocked(internet.block))
    .map(({ name, internet, place }) =>
      grounds.set(`${grounds.sitePath(name)}.internet.block`, without(internet.block), place),
    );
  return [...gateways, ...sites];
};

/** The cryptokey routes of one end have the address of the other. */
export const allowedIps =
  (side: 'tenant' | 'provider'): Maker =>
  (grounds) => {
    const { allowedIps: given } = grounds.scenario.tunnel;
    const { asker, target, ip } = grounds.subject;
    const provider = grounds.scenario.provider;
    if (given[side] === undefined || provider === undefined) return [];
    const away = [
      [asker.side, asker.ip],
      [target.side, ip],
    ].flatMap(([where, one]) => (where !== side && one !== '' ? [`${one}/32`] : []));
    const prefixes = [...given[side].map(showPrefix), ...away];
    return [grounds.set(`tunnel.allowed_ips.${side}`, `[${prefixes.join(', ')}]`)];
  };

/** As much as fits into the packets of a tunnel whose line carries 1500 bytes, and what WireGuard proposes. */
const tunnelMtu = 1420;

export const tunnelFits: Maker = (grounds) => {
  const { tunnel, provider } = grounds.scenario;
  if (provider === undefined || grounds.subject.crossed.length === 0) return [];
  const set = (key: string, value: string): Mend => grounds.set(`tunnel.${key}`, value);
  return [
    ...(grounds.subject.protocol === 'tcp' && !tunnel.mssClamp ? [set('mss_clamp', 'true')] : []),
    ...(tunnel.mtu < tunnelMtu ? [set('mtu', String(tunnelMtu))] : []),
    ...(tunnel.pmtud ? [] : [set('pmtud', 'true')]),
    both(
      set('mtu', '1500'),
      ...(['lan', 'internet', 'provider'] as const).map((kind) =>
        grounds.set(`links.${kind}.mtu`, '1600'),
      ),
    ),
  ];
};

/** A line of the file carries larger packets. */
export const linesFit: Maker = (grounds) => {
  const { scenario } = grounds;
  const mends = scenario.tenants
    .flatMap(({ sites }) => sites)
    .filter(({ name }) => grounds.site(name) !== undefined)
    .map(({ name, place }) => grounds.set(`${grounds.sitePath(name)}.internet.mtu`, '1600', place));
  const line = scenario.provider && grounds.set('links.internet.mtu', '1600');
  return line === undefined ? mends : [...mends, line];
};

/** No link of the file loses anything. */
export const lossless: Maker = (grounds) => {
  const { links } = grounds.scenario;
  const lossy = (['lan', 'internet', 'provider'] as const).filter((kind) => links[kind].loss > 0);
  return lossy.map((kind) => grounds.set(`links.${kind}.loss`, '0%'));
};

/** Broadcasts cross, and whoever has an address answers for it. */
export const bridged: Maker = (grounds) => {
  const { tunnel, provider } = grounds.scenario;
  const { ip } = grounds.subject;
  const isHeldAway = grounds.sites.some(({ vms }) =>
    vms.some(({ answersFor }) => answersFor.some((one) => showIpv4(one) === ip)),
  );
  if (provider === undefined || tunnel.mode === 'l2-bridge' || !isHeldAway) return [];
  return [grounds.set('tunnel.mode', 'l2-bridge')];
};

/** Whoever is asked decides without being asked. */
export const byForce: Maker = (grounds) => {
  const { provider, policies } = grounds.scenario;
  if (provider === undefined || policies.onConcurrent === 'force') return [];
  return [grounds.set('policies.on_concurrent', 'force')];
};

export const reservesTarget: Maker = (grounds) =>
  grounds.scenario.policies.reservedPort === 'target'
    ? []
    : [grounds.set('policies.reserved_port', 'target')];

export const inJob: Maker = (grounds) => {
  const { vm } = grounds.subject.target;
  const [job] = grounds.tenant?.jobs ?? [];
  if (vm === '' || job === undefined || grounds.job(vm) !== undefined) return [];
  const vms = [...job.vms.map(({ name }) => local(name)), local(vm)];
  const first = grounds.job(job.vms[0]?.name ?? '');
  return first === undefined
    ? []
    : [grounds.set(`${first.path}.vms`, `[${vms.join(', ')}]`, job.place)];
};
