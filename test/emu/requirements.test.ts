/** What a scenario needs of the computer: from its topology, one need at a time. */
import test from 'ava';
import { checksFrom } from '../../src/emu/doctor.ts';
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
