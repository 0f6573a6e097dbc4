/**
 * In a sandbox: a lab in real time whose network is attached to a kernel's VXLAN device. In another
 * namespace a host of the real network pings a machine, then its replica, and serves TCP.
 */
import { execFile } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { nanoseconds } from '../../src/base/time.ts';
import { nodeCrypto } from '../../src/crypto/node.ts';
import { Attached } from '../../src/emu/attached.ts';
import { Kernel } from '../../src/emu/kernel.ts';
import type { PacedLab } from '../../src/emu/paced-lab.ts';
import { enterSandbox, runFolder } from '../../src/emu/sandbox.ts';
import { tool } from '../../src/emu/tools.ts';
import { play } from '../../src/scenario/play.ts';
import { EventLog } from '../../src/trace/log.ts';
import { expectationsOf } from '../../src/trace/result.ts';
import { showMac } from '../../src/wire/address.ts';
import { attachedScenario, attachedText, failover, realHost, remote } from './attaching.ts';

export interface AttachedReport {
  /** What was expected, and what came of it. */
  readonly verdicts: readonly string[];
  /** What `ping` has summed up, and how `ip neigh` has the addresses then. */
  readonly pings: Readonly<Record<string, string>>;
  readonly neighbours: string;
  /** Of the adapters of the lab. */
  readonly macs: Readonly<Record<string, string>>;
  /** Whom the service saw. */
  readonly served: string;
  readonly counts: { readonly in: number; readonly out: number; readonly dropped: string[] };
  readonly latest: number;
  /** What the command line said, meanwhile, of a lab that nobody answers. */
  readonly told: Told;
  /** Its capture. */
  readonly capture: Uint8Array;
  /** What it said where it was to fail if anything was late at all. */
  readonly tooLate: Told;
}

interface Told {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

const here = '192.0.2.1';
const steps = `
  - expect: [{ tcp: web01 -> ${realHost}:8080 }]${failover}
  - { name: now, wait: 6s }`;

/** A service that anybody may call, which says who did. */
const service = `require('node:net').createServer((socket) => {
  console.log(socket.remoteAddress);
  socket.on('error', () => {});
  socket.pipe(socket);
}).listen(8080)`;

async function main(): Promise<AttachedReport> {
  const kernel = new Kernel();
  const real = kernel.namespace();
  await kernel.ip([`netns add ${real.name}`]);
  await kernel.ip([
    `link add c0 type veth peer name c1 netns ${real.name}`,
    `addr add ${here}/24 dev c0`,
    'link set c0 up',
  ]);
  const { address, port, vni } = remote;
  const vxlan = `link add x0 type vxlan id ${vni} remote ${here} dstport ${port}`;
  await kernel.ip(
    [
      'link set lo up',
      `addr add ${address}/24 dev c1`,
      'link set c1 up',
      vxlan,
      `addr add ${realHost}/24 dev x0`,
      'link set x0 mtu 1450 gso_max_segs 1 up',
    ],
    real.name,
  );
  const server = real.start(process.execPath, ['-e', service], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  let served = '';
  server.stdout?.setEncoding('utf8').on('data', (text: string) => (served += text));

  const log = new EventLog('full');
  const backend = new Attached({
    crypto: nodeCrypto,
    listen: { address: here, port },
    lateness: { policy: 'carry on', limit: nanoseconds(0) },
    eventsMax: 1_000_000,
  });
  const commanded = command(`${here}:4790`);
  const hurried = command(`${here}:4791`, '--late', 'fail', '--late-limit', '1ns');
  const pings: Record<string, string> = {};
  const ping = async (ip: string): Promise<void> => {
    const words = ['-n', '-c', '5', '-i', '0.2', '-W', '2', ip];
    pings[ip] = await real.run(tool('ping'), words).catch((error: Error) => error.message);
  };
  let pinging: Promise<unknown> | undefined;
  const looking = setInterval(() => {
    const isNow = [...log.facts(['step'])].some(({ title }) => title === 'now');
    if (isNow) pinging ??= Promise.all([ping('10.0.10.11'), ping('10.0.10.20')]);
  }, 100);
  const { result, lab } = await play(
    attachedScenario('arp, proxy_arp, announcements', steps),
    backend,
    log,
  );
  clearInterval(looking);
  await pinging;
  const told = await commanded;
  const tooLate = await hurried;
  const neighbours = await real.run(tool('ip'), ['neigh', 'show', 'dev', 'x0']);
  server.kill('SIGKILL');
  const counts = backend.counts.get('lan10')!;
  return {
    verdicts: expectationsOf(result).map(
      ({ text, verdict, detail }) => `${text}: ${verdict} ${detail}`,
    ),
    pings,
    neighbours,
    macs: Object.fromEntries(lab.network.adapters.map(({ label, mac }) => [label, showMac(mac)])),
    served,
    counts: { ...counts, dropped: [...counts.dropped.keys()] },
    latest: (lab as PacedLab).latest,
    told,
    capture: readFileSync(`${runFolder}/attached.pcapng`),
    tooLate,
  };
}

function command(listen: string, ...more: readonly string[]): Promise<Told> {
  const file = `${runFolder}/attached.yaml`;
  const asks = `
  - expect: [{ ping: web01 -> sql01 }]`;
  writeFileSync(file, attachedText('arp', asks));
  const main = join(import.meta.dirname, '..', '..', 'src', 'cli', 'main.js');
  const words = ['attach', file, '--listen', listen, '--out', runFolder, '--json', ...more];
  return new Promise((resolve) => {
    execFile(process.execPath, [main, ...words], { env: {} }, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr });
    });
  });
}

if (process.argv[1] === import.meta.filename) {
  enterSandbox();
  process.send?.(await main());
}
