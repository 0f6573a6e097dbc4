/** What a scenario needs of the computer: from its topology, one need at a time. */
import test from 'ava';
import { kernelNeeds } from '../../src/cli/kernel-needs.ts';
import { checksFrom } from '../../src/emu/doctor.ts';
import type { Profile } from '../../src/emu/insides.ts';
import { needsOf, unsupported } from '../../src/emu/requirements.ts';
import { compile } from '../../src/scenario/compile.ts';
import { scenarios } from '../playing.ts';

const topologyOf = (file: string, overlay?: string) =>
  compile(scenarios(file, overlay)[0]!).topology;
const well = Object.fromEntries(
  checksFrom({}).map(({ id }) => [id, { ok: true, because: 'well' }]),
);
const away = (...ids: string[]) =>
  checksFrom({
    ...well,
    ...Object.fromEntries(ids.map((id) => [id, { ok: false, because: 'away' }])),
  });
const reasonsFor = (file: string, overlay: string | undefined, ...ids: string[]): string[] =>
  unsupported(needsOf(topologyOf(file, overlay)), away(...ids)).map(
    ({ because, check }) => `${because}${check === undefined ? '' : ` [${check.id}]`}`,
  );

/** As `run --profile kernel` asks before it begins: the lab, what it is refused, and what is done to its machines. */
const obstaclesOf = (
  file: string,
  profile: Profile,
  overlay: string | undefined,
  ...ids: string[]
): string[] =>
  unsupported(kernelNeeds(scenarios(file, overlay)[0]!, profile), away(...ids)).map(
    ({ because, check }) => `${because}${check === undefined ? '' : ` [${check.id}]`}`,
  );

const statics = '01-partial-static.yaml';
const dhcp = '02-partial-dhcp.yaml';

test('with everything there, nothing stands in the way', (t) => {
  t.deepEqual(reasonsFor(statics, undefined), []);
  t.deepEqual(reasonsFor(dhcp, undefined), []);
});

test('each thing that is missing stands in the way of those who need it, and of nobody else', (t) => {
  t.deepEqual(reasonsFor(statics, undefined, 'busybox', 'dnsmasq', 'tun', 'tshark'), []);
  t.deepEqual(reasonsFor(statics, undefined, 'bridge'), [
    'lan10 is a bridge [bridge]',
    'office is a bridge [bridge]',
    'sp-net is a bridge [bridge]',
    'esx-dr1 is a bridge [bridge]',
  ]);
  t.deepEqual(reasonsFor(statics, undefined, 'nft'), ['hq.gateway translates addresses [nft]']);
  t.deepEqual(reasonsFor(dhcp, undefined, 'busybox').slice(0, 1), [
    'sql01 gets its address by DHCP [busybox]',
  ]);
  t.deepEqual(reasonsFor(dhcp, undefined, 'dnsmasq'), ['hq.gateway is a DHCP server [dnsmasq]']);
});

test('what every lab needs stands in the way of every lab', (t) => {
  t.deepEqual(reasonsFor(statics, undefined, 'vxlan'), [
    'nothing can be played on kernels [vxlan]',
  ]);
});

test('somebody must be able to ping: either will do', (t) => {
  t.deepEqual(reasonsFor(statics, undefined, 'raw-socket'), []);
  t.deepEqual(reasonsFor(statics, undefined, 'ping'), []);
  t.deepEqual(reasonsFor(statics, undefined, 'raw-socket', 'ping'), ['machines are pinged [ping]']);
});

test('what no kernel does is unsupported wherever it is: the strict host, leases that end at once', (t) => {
  const strict = '{ tenant: { sites: { hq: { vms: { web01: { os: strict } } } } } }';
  t.regex(
    reasonsFor(statics, `tenant: ${strict.slice(10, -1)}`).join('\n'),
    /^web01 is to do what the RFCs say \(os: strict\), and no kernel does just that$/,
  );
  const short = 'tenant: { sites: { hq: { dhcp: { lease: 60s } } } }';
  t.regex(
    reasonsFor(dhcp, short).join('\n'),
    /hq\.gateway is to give leases of less than 2 minutes/,
  );
});

test('appliances that are kernels: wg and nft, and WireGuard of the kernel or wireguard-go on a TUN device', (t) => {
  const ends = (what: string): string[] =>
    ['nea-hq', 'sp-nea'].map((name) => `${name} is a kernel with WireGuard of others [${what}]`);
  t.deepEqual(obstaclesOf(statics, 'kernel', undefined), []);
  const none = 'kernel-wireguard';
  t.deepEqual(obstaclesOf(statics, 'kernel', undefined, none), []);
  t.deepEqual(obstaclesOf(statics, 'kernel', undefined, 'wireguard-go', 'tun'), []);
  t.deepEqual(
    obstaclesOf(statics, 'kernel', undefined, none, 'wireguard-go'),
    ends('wireguard-go'),
  );
  t.deepEqual(obstaclesOf(statics, 'kernel', undefined, none, 'tun'), ends('tun'));
  for (const id of ['wg', 'taps'])
    t.deepEqual(obstaclesOf(statics, 'kernel', undefined, id), ends(id));
  t.deepEqual(
    obstaclesOf(statics, 'node', undefined, none, 'wireguard-go', 'tun', 'wg', 'taps'),
    [],
  );
});

test('what only appliances of ours are is known before: bridging, the gateway of a failover plan', (t) => {
  const bridging = 'tunnel: { mode: l2-bridge }';
  t.deepEqual(obstaclesOf(statics, 'kernel', bridging), [
    'a bridging appliance is ours alone: WireGuard carries no frames',
  ]);
  t.deepEqual(obstaclesOf(statics, 'node', bridging), []);
  const plan = '22-full-site-failover-nat.yaml';
  t.deepEqual(obstaclesOf(plan, 'kernel', undefined), [
    'only an appliance of ours becomes the default gateway of replicas',
  ]);
  t.deepEqual(obstaclesOf(plan, 'node', undefined), []);
});

test('what a step will do to a kernel’s appliance is known before it: clocks, processes that hang', (t) => {
  const clock = '14-clock-step.yaml';
  const step = 'the clock of nea-hq is not to be set: all machines on one kernel have one clock';
  t.deepEqual(obstaclesOf(clock, 'kernel', undefined), [step]);
  t.deepEqual(obstaclesOf(clock, 'node', undefined), []);
  const twice = `steps: [${'{ fault: { clock_step: { at: nea-hq, by: 10m, direction: back } } }, '.repeat(2)}]`;
  t.deepEqual(obstaclesOf(statics, 'kernel', twice), [step]);
  const later = `steps:
  - { wait: 9s, meanwhile: [{ after: 1s, fault: { clock_step: { at: nea-hq, by: 10m, direction: back } } }] }`;
  t.deepEqual(obstaclesOf(statics, 'kernel', later), [step]);
  const hang = (daemon: string): string =>
    `steps: [{ fault: { hang: { at: nea-hq, daemon: ${daemon} } } }]`;
  t.deepEqual(obstaclesOf(statics, 'kernel', hang('vpn')), [
    'the WireGuard of the kernel is no process that hangs',
  ]);
  // wireguard-go is one.
  t.deepEqual(obstaclesOf(statics, 'kernel', hang('vpn'), 'kernel-wireguard'), []);
  t.deepEqual(obstaclesOf(statics, 'kernel', hang('proxy_arp')), []);
  t.deepEqual(obstaclesOf(statics, 'node', hang('vpn')), []);
});
