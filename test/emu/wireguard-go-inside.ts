/**
 * Runs in a sandbox: our WireGuard against wireguard-go, all ways of being connected at the same
 * time. What each saw is told to the test that started this; nothing is judged here.
 */
import { type ChildProcess, fork } from 'node:child_process';
import * as dgram from 'node:dgram';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { Random } from '../../src/base/random.ts';
import { seconds } from '../../src/base/time.ts';
import { nodeCrypto } from '../../src/crypto/node.ts';
import { relayPort, tunnelTarget } from '../../src/device/relay-sessions.ts';
import type { GatewayCommand, GatewayReport } from '../../src/emu/gateway-process.ts';
import { GatewayRelay } from '../../src/emu/gateway-relay.ts';
import { enterSandbox } from '../../src/emu/sandbox.ts';
import { realTime } from '../../src/emu/timekeeper.ts';
import { environment } from '../../src/emu/tools.ts';
import type { Dgram } from '../../src/emu/udp.ts';
import { renderWireguardConfig } from '../../src/emu/wireguard-config.ts';
import { ipv4 } from '../../src/wire/address.ts';
import { TunnelOnSockets } from './tunnel-on-sockets.ts';
import { inside, run, WireguardGo } from './wireguard-go.ts';

export interface Way {
  readonly name: string;
  /** Who begins. */
  readonly initiator: 'ours' | 'theirs';
  readonly psk: 'none' | 'same' | 'different';
  /** Through a relay: that of this process, which loses 5 %, or one in a process of its own. */
  readonly relay?: 'lossy' | 'process';
}

export interface Outcome {
  readonly name: string;
  /** Different handshakes, as each end counts them. */
  readonly handshakes: { readonly ours: number; readonly theirs: number };
  readonly pings: {
    readonly ours: { readonly asked: number; readonly answered: number };
    readonly theirs: { readonly asked: number; readonly answered: number };
  };
  /** Where each end saw the other after it had moved. */
  readonly moved: { readonly ours: string; readonly theirs: string };
  readonly drops: readonly (readonly [string, number])[];
  /** What `wg` was given, and what it says is set. */
  readonly configuration: { readonly written: string; readonly read: string };
}

export interface Report {
  readonly outcomes: readonly Outcome[];
  readonly lossy: {
    readonly through: number;
    readonly lost: number;
    readonly dropped: readonly (readonly [string, number])[];
  };
  readonly process: readonly GatewayReport[];
}

export const ways: readonly Way[] = [
  { name: 'ours begins', initiator: 'ours', psk: 'none' },
  { name: 'ours begins, preshared key', initiator: 'ours', psk: 'same' },
  { name: 'theirs begins', initiator: 'theirs', psk: 'none' },
  { name: 'theirs begins, preshared key', initiator: 'theirs', psk: 'same' },
  { name: 'ours begins, 5 % lost', initiator: 'ours', psk: 'same', relay: 'lossy' },
  { name: 'theirs begins, 5 % lost', initiator: 'theirs', psk: 'same', relay: 'lossy' },
  { name: 'ours begins, gateway process', initiator: 'ours', psk: 'same', relay: 'process' },
  { name: 'preshared keys differ', initiator: 'ours', psk: 'different' },
];

/** The end of the cable between us and the namespace of all wireguard-go. */
const here = '192.0.2.1';
const there = '192.0.2.2';
const far = 'far';
/** A tenant of ours that reaches the gateway over loopback must not have a loopback address. */
const tenant = '198.51.100.2';
const processPort = 6181;

const timekeeper = realTime();
const random = new Random(`interoperation ${Date.now()}`);
const lost = { through: 0, lost: 0 };

/** Real sockets that lose every twentieth datagram or so that they receive. */
const lossy = {
  createSocket: (
    options: dgram.SocketOptions,
    received: (bytes: Buffer, from: dgram.RemoteInfo) => void,
  ) =>
    dgram.createSocket(options, (bytes, from) => {
      lost.through += 1;
      if (random.fraction() < 0.05) lost.lost += 1;
      else received(bytes, from);
    }),
} as unknown as Dgram;

async function main(length: number): Promise<Report> {
  await run('ip', ['netns', 'add', far]);
  const lines = [
    `link add c0 type veth peer name c1 netns ${far}`,
    `addr add ${here}/30 dev c0`,
    'link set c0 up',
    `addr add ${tenant}/32 dev lo`,
  ];
  await run('ip', ['-batch', '-'], `${lines.join('\n')}\n`);
  const beyond = [`addr add ${there}/30 dev c1`, 'link set c1 up', 'link set lo up'];
  await run('ip', ['-n', far, '-batch', '-'], `${beyond.join('\n')}\n`);

  const outside = { address: here, port: relayPort };
  const relay = await GatewayRelay.open({ outside, inside: here, timekeeper, network: lossy });
  const gateway = new GatewayProcess();
  await gateway.listen();
  const outcomes = await Promise.all(ways.map((way, i) => play(way, i, length, relay, gateway)));
  const reports = await gateway.end();
  const dropped = [...relay.dropped];
  await relay.close();
  return { outcomes, lossy: { ...lost, dropped }, process: reports };
}

async function play(
  { name, initiator, psk, relay }: Way,
  i: number,
  length: number,
  lossyRelay: GatewayRelay,
  gateway: GatewayProcess,
): Promise<Outcome> {
  const keys = {
    ours: random.child(`${i} ours`).bytes(32),
    theirs: clamped(random.child(`${i} theirs`).bytes(32)),
  };
  const publicKeys = {
    ours: nodeCrypto.publicKey(keys.ours),
    theirs: nodeCrypto.publicKey(keys.theirs),
  };
  const shared = random.child(`${i} shared`).bytes(32);
  const other = random.child(`${i} other`).bytes(32);
  const ports = { ours: 20_000 + i, theirs: 30_000 + i };
  const inner = { ours: `10.9.${i}.1`, theirs: `10.9.${i}.2` };
  const behindRelay = relay !== undefined && initiator === 'ours';
  const ourAddress = behindRelay ? tenant : here;

  // Who begins is told where to; with a relay between them that is where it is.
  const door = { ip: ipv4(here), port: relay === 'process' ? processPort : relayPort };
  const end = initiator === 'ours' ? 'theirs' : 'ours';
  const target = { ip: ipv4(end === 'ours' ? here : there), port: ports[end] };
  if (relay === 'lossy')
    lossyRelay.setTarget(name, tunnelTarget(nodeCrypto, publicKeys[end], target));
  if (relay === 'process') gateway.target(name, there, target.port, publicKeys[end]);
  const endpoint = relay === undefined ? target : door;

  // Whoever is called is there before the call: a first initiation that is lost costs five seconds.
  const ours = new TunnelOnSockets({
    timekeeper,
    privateKey: keys.ours,
    address: ourAddress,
    port: ports.ours,
    own: inner.ours,
    other: inner.theirs,
    peer: {
      publicKey: publicKeys.theirs,
      allowedIps: [{ address: ipv4(inner.theirs), length: 32 }],
      ...(psk !== 'none' && { presharedKey: shared }),
      ...(initiator === 'ours' && { endpoint }),
    },
  });
  await ours.open();
  const theirs = new WireguardGo(far, `w${i}`);
  await theirs.start(inner.theirs, inner.ours);
  const written = renderWireguardConfig({
    privateKey: keys.theirs,
    listenPort: ports.theirs,
    peers: [
      {
        publicKey: publicKeys.ours,
        allowedIps: [{ address: ipv4(inner.ours), length: 32 }],
        ...(psk !== 'none' && { presharedKey: psk === 'same' ? shared : other }),
        ...(initiator === 'theirs' && { endpoint, persistentKeepalive: seconds(25) }),
      },
    ],
  });
  await theirs.configure(written);
  const read = await theirs.configuration();

  const handshakes = new Set<string>();
  const theirPing = new Ping(inner.ours);
  const talk = async (forSeconds: number): Promise<void> => {
    const until = timekeeper.now() + forSeconds * 1e9;
    while (timekeeper.now() < until) {
      ours.ping();
      const { lastHandshake } = await theirs.peer();
      if (lastHandshake !== '0.0') handshakes.add(lastHandshake);
      await setTimeout(100);
    }
  };

  await talk(length * 0.4);
  let moved = { ours: '', theirs: '' };
  if (psk !== 'different' && relay !== 'lossy') {
    // Nobody is told: each end learns it from the next packet, or the relay from a handshake.
    const before = await theirs.peer();
    const newPort = ports.ours + 1000;
    await ours.moveTo(newPort);
    if (relay !== undefined) ours.connect();
    const followed = async (): Promise<boolean> => {
      const { endpoint: now } = await theirs.peer();
      return relay === undefined ? now === `${here}:${newPort}` : now !== before.endpoint;
    };
    while (!(await followed())) await talk(0.2);
    moved = { ...moved, ours: (await theirs.peer()).endpoint ?? '' };
  }
  await talk(length * 0.3);
  if (psk !== 'different' && relay === undefined) {
    const newPort = ports.theirs + 1000;
    await theirs.moveTo(newPort);
    while (ours.endpoint !== `${there}:${newPort}`) await talk(0.2);
    moved = { ...moved, theirs: ours.endpoint };
  }
  await talk(length * 0.3);
  const theirPings = await theirPing.end();
  await setTimeout(200); // what is under way arrives
  const { asked, answered, drops } = ours;
  await ours.close();
  return {
    name,
    handshakes: { ours: ours.handshakes, theirs: handshakes.size },
    pings: { ours: { asked, answered }, theirs: theirPings },
    moved,
    drops: [...drops],
    configuration: { written, read },
  };
}

/** A private key as others write it down (RFC 7748 section 5). */
function clamped(key: Uint8Array): Uint8Array {
  key[0]! &= 248;
  key[31] = (key[31]! & 127) | 64;
  return key;
}

/** `ping` beside wireguard-go, five times a second. */
class Ping {
  readonly #child: ChildProcess;
  #said = '';

  constructor(to: string) {
    this.#child = inside(far, 'ping', ['-n', '-q', '-i', '0.2', to]);
    this.#child.stdout?.setEncoding('utf8').on('data', (text) => (this.#said += text));
  }

  async end(): Promise<{ asked: number; answered: number }> {
    const closed = new Promise((done) => this.#child.once('close', done));
    this.#child.kill('SIGINT'); // then it sums up
    await closed;
    const [, asked, answered] = /(\d+) packets transmitted, (\d+) received/.exec(this.#said) ?? [];
    return { asked: Number(asked), answered: Number(answered) };
  }
}

class GatewayProcess {
  readonly #child = fork(
    join(import.meta.dirname, '..', '..', 'src', 'emu', 'gateway-process.js'),
    { env: environment, serialization: 'advanced' },
  );
  readonly #reports: GatewayReport[] = [];

  constructor() {
    this.#child.on('message', (report: GatewayReport) => this.#reports.push(report));
  }

  async listen(): Promise<void> {
    this.#tell({ kind: 'listen', outside: { address: here, port: processPort }, inside: here });
    await this.#heard('listening');
  }

  target(network: string, address: string, port: number, publicKey: Uint8Array): void {
    this.#tell({ kind: 'target', network, address, port, publicKey });
  }

  async end(): Promise<readonly GatewayReport[]> {
    this.#tell({ kind: 'listen', outside: { address: here, port: 1 }, inside: here });
    this.#tell({ kind: 'status' });
    await this.#heard('status');
    const exited = new Promise((done) => this.#child.once('exit', done));
    this.#child.disconnect();
    await exited;
    return this.#reports;
  }

  #tell(command: GatewayCommand): void {
    this.#child.send(command);
  }

  async #heard(kind: GatewayReport['kind']): Promise<void> {
    while (!this.#reports.some((report) => report.kind === kind)) await setTimeout(10);
  }
}

if (process.argv[1] === import.meta.filename) {
  enterSandbox();
  process.send?.(await main(Number(process.argv[2])));
}
