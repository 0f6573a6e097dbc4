/**
 * Appliances and cloud gateways that are kernels and programs of others, at either end or both: what is
 * expected of the partial failover comes out as it does in the simulation.
 *
 * `STANDIN_SOAK=1` plays the whole scenario, which takes more than two minutes.
 */
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import type { Outcome, Task } from '../../src/cli/sandboxed.ts';
import { openSandbox } from '../../src/emu/sandbox.ts';
import type { Scenario } from '../../src/scenario/scenario.ts';
import { expectationsOf } from '../../src/trace/result.ts';
import { needsSandbox, thorough } from '../needs.ts';
import { played, scenarios } from '../playing.ts';

const tools = ['wireguard-go', 'wg', 'nft', 'bridge'];

/** The heart of the scenario, at a quicker pace. */
const short = `
timings: { boot_windows: 12s, boot_appliance: 3s }
steps:
  - fault: { power_off: sql01 }
  - failover: { vms: [sql01], restore_point: latest }
  - expect:
      - operation: success
      - { ping: web01 -> sql01, via: [nea-hq, gw1, sp-nea], within: 30s }
      - tcp: web01 -> sql01:1433
      - { ping: sql01 -> web01, via: [sp-nea, gw1, nea-hq, lan10] }
      - state: { sql01: failover, tunnel.lan10: up }
      - { ping: sql01 -> pc01, via: [sp-nea, tunnel.lan10, nea-hq, hq.gateway, office] }
      - { ping: web01 -> sql01, ttl: 126 }
      - path_symmetric: pc01 -> sql01
      - arp: { at: web01, ip: 10.0.10.20, answered_by: nea-hq, replies: 1 }
      - arp: { at: web01, ip: 10.0.10.99, replies: 0 }
      - neighbour: { at: sql01, ip: 10.0.10.1, mac_of: sp-nea }
      - capture: { at: tunnel.lan10, filter: udp port 67 or udp port 68, packets: 0 }
      - capture: { at: tunnel.lan10, filter: icmp, packets: ">= 8" }
      - capture: { at: gw1.internet, filter: udp dst port 6180, packets: ">= 1" }
      - capture: { at: lan10, filter: "icmp[icmptype] == icmp-redirect", packets: 0 }
  - undo: { vms: [sql01] }
  - expect:
      - state: { sql01: ready }
      - arp: { at: web01, ip: 10.0.10.20, replies: 0 }
`;

const kernelProxies = `
tenant: { sites: { hq: { appliances: { nea-hq: { proxy_arp: kernel } } } } }
provider: { appliance: { proxy_arp: kernel } }
`;

function emulated(scenario: Scenario, profile: Task['profile']): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const sandbox = openSandbox(join(import.meta.dirname, '../../src/cli/sandboxed.js'));
    let complained = '';
    sandbox.stderr!.setEncoding('utf8').on('data', (text) => (complained += text));
    const wants = { eventsMax: 2e7, wantsLog: false, wantsCapture: false, wantsPacked: false };
    sandbox.on('message', (message: Outcome | 'ready') => {
      if (message === 'ready') sandbox.send({ scenario, profile, ...wants } as Task);
      else resolve(message);
    });
    sandbox.once('exit', () => reject(new Error(complained)));
  });
}

async function agree(
  t: ExecutionContext,
  profile: NonNullable<Task['profile']>,
  overlay: string,
): Promise<void> {
  t.timeout(600_000);
  if (!needsSandbox(t, ...tools)) return;
  const [scenario] = scenarios('01-partial-static.yaml', overlay + (thorough ? '' : short));
  const { result } = await played(scenario!);
  const outcome = await emulated(scenario!, profile);
  if (outcome.kind !== 'played') return t.fail(outcome.because);
  const told = expectationsOf(outcome.result).map(({ text, verdict, detail, why }) => ({
    verdict: `${verdict}: ${text}`,
    detail: `${detail}; ${why}`,
  }));
  for (const { verdict, detail } of told) t.log(verdict, '|', detail);
  t.deepEqual(
    told.map(({ verdict }) => verdict),
    expectationsOf(result).map(({ text, verdict }) => `${verdict}: ${text}`),
  );
}

test.serial('both ends are kernels', agree, 'kernel', '');
test.serial('both ends are kernels, which answer ARP themselves', agree, 'kernel', kernelProxies);
test.serial('a kernel calls us', agree, { tenant: 'kernel', provider: 'node' }, '');
test.serial('we call a kernel', agree, { tenant: 'node', provider: 'kernel' }, kernelProxies);
