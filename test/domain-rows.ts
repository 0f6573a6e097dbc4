/** Rows of the domain, each with the line of the program that holds it and the scenario that shows it. */
import type { Change } from './support/without.ts';

export interface Row extends Change {
  readonly row: string;
  /** A file of the gallery, without ending. */
  readonly noticedBy: string;
}

const limits: readonly Row[] = [
  {
    row: 'an appliance has ten adapters at most',
    file: 'failover/adapters',
    from: 'vsphere: 10',
    to: 'vsphere: 11',
    noticedBy: '17-vcd-networks',
  },
  {
    row: 'one of them is for management',
    file: 'failover/adapters',
    from: 'networks.length + 1',
    to: 'networks.length',
    noticedBy: '17-vcd-networks',
  },
  {
    row: 'ten replicas are started at once',
    file: 'failover/pace',
    from: 'const startsMax = 10',
    to: 'const startsMax = 11',
    noticedBy: '22-full-site-failover-nat',
  },
  {
    row: 'five replicas are undone together',
    file: 'failover/pace',
    from: 'const batchSize = 5',
    to: 'const batchSize = 6',
    noticedBy: '22-full-site-failover-nat',
  },
  {
    row: 'every ten seconds',
    file: 'failover/pace',
    from: 'const batchEvery = seconds(10)',
    to: 'const batchEvery = seconds(9)',
    noticedBy: '22-full-site-failover-nat',
  },
  {
    row: 'a delay of the plan is waited for',
    file: 'failover/pace',
    from: 'this.#notBefore = after(now, wait)',
    to: 'this.#notBefore = now',
    noticedBy: '22-full-site-failover-nat',
  },
];

const ports: readonly Row[] = [
  {
    row: 'the gateway takes UDP 6180',
    file: 'device/relay-sessions',
    from: 'export const relayPort = 6180',
    to: 'export const relayPort = 6181',
    noticedBy: '13-udp-6180-blocked',
  },
  {
    row: 'the first tunnel ends at UDP 1195',
    file: 'device/extension',
    from: '1195 + 2 * index',
    to: '1194 + 2 * index',
    noticedBy: '10-two-networks-one-tenant',
  },
  {
    row: 'each further one two ports higher',
    file: 'device/extension',
    from: '1195 + 2 * index',
    to: '1195 + index',
    noticedBy: '10-two-networks-one-tenant',
  },
  {
    row: 'port 22 is the appliance’s own',
    file: 'failover/failover-plan',
    from: 'export const reservedPort = 22',
    to: 'export const reservedPort = 23',
    noticedBy: '22-full-site-failover-nat',
  },
];

const states: readonly Row[] = [
  {
    row: 'there is no second failover',
    file: 'failover/replica',
    from: "failover: { from: ['ready'], to: 'failover' },\n",
    to: "failover: { from: ['ready', 'failover'], to: 'failover' },\n",
    noticedBy: '21-failback-commit-undo',
  },
  {
    row: 'only a failback is committed',
    file: 'failover/replica',
    from: "'commit-failback': { from: ['failback']",
    to: "'commit-failback': { from: ['failback', 'failover']",
    noticedBy: '21-failback-commit-undo',
  },
  {
    row: 'permanent failover comes after a full one',
    file: 'failover/replica',
    from: "to: 'permanent-failover', after: 'full'",
    to: "to: 'permanent-failover'",
    noticedBy: '21-failback-commit-undo',
  },
  {
    row: 'the provider does not fail back',
    file: 'failover/replica',
    from: "by === 'tenant' || !tenantOnly.has(operation)",
    to: 'true',
    noticedBy: '21-failback-commit-undo',
  },
  {
    row: 'failback is undone',
    file: 'failover/replica',
    from: "'undo-failback': { from: ['failback']",
    to: "'undo-failback': { from: ['ready']",
    noticedBy: '21-failback-commit-undo',
  },
  {
    row: 'failback waits to be switched',
    file: 'failover/replica',
    from: "switch: { from: ['ready-to-switch']",
    to: "switch: { from: ['failback']",
    noticedBy: '21-failback-commit-undo',
  },
  {
    row: 'a failover is undone',
    file: 'failover/replica',
    from: "'undo-failover': { from: ['failover', 'failed-failover']",
    to: "'undo-failover': { from: ['failed-failover']",
    noticedBy: '20-undo-failover',
  },
  {
    row: 'what is connected is not reconnected',
    file: 'failover/reconnect',
    from: "pair !== undefined && state !== 'up'",
    to: 'pair !== undefined',
    noticedBy: '14-tunnel-drop-reconnect',
  },
  {
    row: 'no partial failover during full site failover',
    file: 'failover/controller',
    from: 'if (vms.length === 0 && !isUnderWay)',
    to: 'if (true)',
    noticedBy: '23-full-vs-partial-conflict',
  },
  {
    row: 'replication waits until the replica is ready',
    file: 'failover/controller',
    from: "replica?.state !== 'ready' ||",
    to: 'replica === undefined ||',
    noticedBy: '20-undo-failover',
  },
];

const orders: readonly Row[] = [
  {
    row: 'planned failover shuts the original down',
    file: 'failover/planned-failover',
    from: "=== 'on');",
    to: "=== 'never');",
    noticedBy: '05-planned-failover-convergence',
  },
  {
    row: 'the tenant appliance lets go before the replica is off',
    file: 'failover/undo-failover',
    from: "site.policies.withdrawal === 'before-power-off'",
    to: 'false',
    noticedBy: '20-undo-failover',
  },
  {
    row: 'full site failover during partial is refused',
    file: 'failover/plans',
    from: 'vms.length === 0 || mayStop',
    to: 'true',
    noticedBy: '23-full-vs-partial-conflict',
  },
  {
    row: 'the tenant appliance is powered off by force',
    file: 'failover/full-failover',
    from: "phase(2, () => stopPartial(site), 'back'),",
    to: '',
    noticedBy: '23-full-vs-partial-conflict',
  },
  {
    row: 'who fails over without an appliance is warned, not stopped',
    file: 'failover/partial-failover',
    from: "site.policies.missingAppliance === 'warn'",
    to: 'false',
    noticedBy: '16-missing-tenant-nea',
  },
  {
    row: 'appliances are switched off with the last replica',
    file: 'scenario/build-policies',
    from: "raw?.appliances_after_undo?.value === 'leave_on'",
    to: 'true',
    noticedBy: '20-undo-failover',
  },
  {
    row: 'it is warned where the original is on',
    file: 'failover/site',
    from: "original === 'off' || detected.address === undefined",
    to: 'true',
    noticedBy: '06-original-still-on',
  },
  {
    row: 'what the replica wrote is discarded',
    file: 'failover/undo-failover',
    from: "work: [{ kind: 'discard-delta', vm }]",
    to: 'work: []',
    noticedBy: '20-undo-failover',
  },
  {
    row: 'the VPN client is restarted',
    file: 'failover/reconnect',
    from: "{ kind: 'start-vpn-client', network, providerNetwork },",
    to: '',
    noticedBy: '14-tunnel-drop-reconnect',
  },
  {
    row: 'production is powered on at the end of failback',
    file: 'failover/failback',
    from: 'vms.filter((vm) => site.replica(vm).powersOn)',
    to: '[]',
    noticedBy: '21-failback-commit-undo',
  },
  {
    row: 'a network that is not mapped leads nowhere',
    file: 'failover/detection',
    from: 'if (row !== undefined)',
    to: 'if (false)',
    noticedBy: '04-partial-linux-mapping',
  },
];

const addresses: readonly Row[] = [
  {
    row: 'nobody detects a DHCP address',
    file: 'failover/detection',
    from: "if (vm.address.kind === 'dhcp')",
    to: 'if (false)',
    noticedBy: '02-partial-dhcp',
  },
  {
    row: 'only Windows is detected',
    file: 'failover/detection',
    from: "detects === 'all' || detects === vm.guest",
    to: 'true',
    noticedBy: '04-partial-linux-mapping',
  },
];

const dataPlane: readonly Row[] = [
  {
    row: 'no source NAT without internet access',
    file: 'device/gateway-nat',
    from: '!home.internet',
    to: 'false',
    noticedBy: '22-full-site-failover-nat',
  },
  {
    row: 'no routing between networks unless the plan says so',
    file: 'device/gateway-nat',
    from: 'return routing || ',
    to: 'return true || ',
    noticedBy: '22-full-site-failover-nat',
  },
  {
    row: 'the tenant side stands in for what is failed over, and nothing else',
    file: 'device/proxy-arp',
    from: 'return this.#adopted.has(target);\n',
    to: 'return true;\n',
    noticedBy: '08-proxy-answers-everything',
  },
  {
    row: 'the provider side stands in for the rest of the subnet',
    file: 'device/proxy-arp',
    from: 'return this.#inSubnet(target, scope.subnet) &&',
    to: 'return false &&',
    noticedBy: '01-partial-static',
  },
  {
    row: 'but for what lives there',
    file: 'device/proxy-arp',
    from: 'return this.#inSubnet(target, scope.subnet) && !this.#adopted.has(target)',
    to: 'return this.#inSubnet(target, scope.subnet)',
    noticedBy: '12-replica-to-replica',
  },
  {
    row: 'the relay lets a question whether an address is free through',
    file: 'device/proxy-arp',
    from: 'asker.ip === 0 || asker.ip === target',
    to: 'false',
    noticedBy: '06-original-still-on',
  },
  {
    row: 'an address is announced as it is taken over',
    file: 'device/proxy-arp',
    from: 'left: announces ? announceCount : 0',
    to: 'left: 0',
    noticedBy: '07-stale-arp-no-garp',
  },
  {
    row: 'and as it is given back',
    file: 'device/proxy-arp',
    from: '!announces || owner === undefined',
    to: 'true',
    noticedBy: '20-undo-failover',
  },
  {
    row: 'replicas get to the internet by the tenant',
    file: 'device/proxy-plane',
    from: 'return [this.#options.subnet, { address: anyIpv4, length: 0 }]',
    to: 'return [this.#options.subnet]',
    noticedBy: '01-partial-static',
  },
  {
    row: 'every machine that forwards takes one from the TTL',
    file: 'stack/ip-stack',
    from: 'memory[start + 22] = ttl - 1',
    to: 'memory[start + 22] = ttl',
    noticedBy: '01-partial-static',
  },
  {
    row: 'the appliance lowers the MSS where it is told to',
    file: 'device/extension',
    from: 'if (mssClamp)',
    to: 'if (false)',
    noticedBy: '19-mtu',
  },
  {
    row: 'the appliance is silent about large packets where it is told to',
    file: 'device/extension',
    from: 'if (!this.#options.pmtud)',
    to: 'if (false)',
    noticedBy: '19-mtu',
  },
  {
    row: 'a gateway that is silent for a minute is left',
    file: 'lab/tunnels',
    from: 'const silenceMax = seconds(60)',
    to: 'const silenceMax = seconds(120)',
    noticedBy: '15-gateway-failover-and-pool',
  },
  {
    row: 'a pool falls back to other gateways only if it may',
    file: 'scenario/build-provider',
    from: 'pool.value?.fallback?.value !== true',
    to: 'false',
    noticedBy: '15-gateway-failover-and-pool',
  },
  {
    row: 'a switch between hosts carries the VLANs that it is told to',
    file: 'scenario/compile-provider',
    from: 'vlan >= first && vlan <= last) ?? true',
    to: 'true) ?? true',
    noticedBy: '18-vlan-mismatch-and-overlap',
  },
  {
    row: 'a rule leads into a network without internet access',
    file: 'device/gateway-nat',
    from: 'if (answer !== undefined)\n',
    to: 'if (false)\n',
    noticedBy: '22-full-site-failover-nat',
  },
  {
    row: 'an edge gateway serves routed networks only',
    file: 'scenario/edge-networks',
    from: "one.at.type !== 'routed' ||",
    to: 'false ||',
    noticedBy: '22-full-site-failover-vcd',
  },
  {
    row: 'an edge gateway routes between its networks',
    file: 'lab/always-on',
    from: 'routing: true',
    to: 'routing: false',
    noticedBy: '22-full-site-failover-vcd',
  },
  {
    row: 'a distributed switch rejects forged transmits',
    file: 'device/port-security',
    from: 'forged && !secured.forgedTransmits',
    to: 'false',
    noticedBy: '24-l2-bridge-control',
  },
  {
    row: 'an adapter that is not promiscuous gets nothing for others',
    file: 'device/port-security',
    from: 'secured === undefined || secured.promiscuous || secured.macLearning',
    to: 'true',
    noticedBy: '24-l2-bridge-control',
  },
  {
    row: 'Linux keeps the first of two answers',
    file: 'stack/profile',
    from: 'locktime: seconds(1)',
    to: 'locktime: milliseconds(0)',
    noticedBy: '09-two-proxies-one-lan',
  },
];

export const rows: readonly Row[] = [
  ...limits,
  ...ports,
  ...states,
  ...orders,
  ...addresses,
  ...dataPlane,
];
