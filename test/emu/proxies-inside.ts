/**
 * Runs in a sandbox: Linux machines that answer ARP for others, each between two Ethernet segments. We are
 * everybody else on both. Tells what each of them says to the same questions.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { Cables } from '../../src/emu/cable.ts';
import { Kernel, type Namespace } from '../../src/emu/kernel.ts';
import { enterSandbox } from '../../src/emu/sandbox.ts';
import { tool } from '../../src/emu/tools.ts';
import { ipv4, mac, showIpv4, showMac, unknownMac } from '../../src/wire/address.ts';
import { decodeArp, encodeArp } from '../../src/wire/arp.ts';
import { decodeEthernet, encodeEthernet, etherType } from '../../src/wire/ethernet.ts';
import { Malformed } from '../../src/wire/malformed.ts';
import { far, macs, near, type Question, questions, type Said } from './questions.ts';

export type ProxyProgram = 'proxy_arp' | 'neigh proxy' | 'parprouted';

/** How often each question is put, and how long an answer is waited for. */
const times = 3;
const patience = 1000;

const toAll = mac('ff:ff:ff:ff:ff:ff');

function ask({ sender, target }: Question): Uint8Array {
  const senderMac = mac(macs.asker);
  const payload = encodeArp({
    operation: 'request',
    senderMac,
    senderIp: ipv4(sender),
    targetMac: unknownMac,
    targetIp: ipv4(target),
  });
  return encodeEthernet({ target: toAll, source: senderMac, type: etherType.arp, payload });
}

class Machine {
  readonly #heard: Said[] = [];
  readonly #space: Namespace;
  #put: (frame: Uint8Array) => void = () => {};

  constructor(kernel: Kernel, cables: Cables) {
    const space = kernel.namespace();
    this.#space = space;
    const options = { mtu: 1500 };
    const nearEnd = cables.plug(space, { name: 'e0', mac: macs.near, ...options }, (frame) =>
      this.#hear('near', frame),
    );
    const farEnd = cables.plug(space, { name: 'e1', mac: macs.far, ...options }, (frame) => {
      const asked = this.#hear('far', frame);
      if (asked === undefined || showIpv4(asked.targetIp) !== far.present) return;
      const senderMac = mac(macs.host);
      const reply = encodeArp({
        operation: 'reply',
        senderMac,
        senderIp: asked.targetIp,
        targetMac: asked.senderMac,
        targetIp: asked.senderIp,
      });
      const { arp: type } = etherType;
      const answer = { target: asked.senderMac, source: senderMac, type, payload: reply };
      farEnd.send(encodeEthernet(answer));
    });
    this.#put = (frame) => nearEnd.send(frame);
  }

  async setUp(proxy: ProxyProgram): Promise<void> {
    const space = this.#space;
    space.sysctl('net.ipv6.conf.all.disable_ipv6=1', 'net.ipv6.conf.default.disable_ipv6=1');
    space.sysctl('net.ipv4.ip_forward=1', 'net.ipv4.conf.all.rp_filter=0');
    space.ip(`addr add ${near.own}/24 dev e0`);
    space.ip(`addr add ${far.own}/32 dev e1`);
    for (const end of ['e0', 'e1']) space.ip(`link set ${end} up`);
    space.sysctl('net.ipv4.conf.default.rp_filter=0', 'net.ipv4.neigh.e0.proxy_delay=0');
    if (proxy === 'parprouted')
      space.afterwards(async () => {
        space.start(tool('parprouted'), ['-d', 'e0', 'e1'], { stdio: 'ignore' });
        await pause(500);
      });
    else for (const to of far.routed) space.ip(`route add ${to} dev e1`);
    if (proxy === 'proxy_arp') space.sysctl('net.ipv4.conf.e0.proxy_arp=1');
    if (proxy === 'neigh proxy')
      for (const to of [far.present, far.absent]) space.ip(`neigh add proxy ${to} dev e0`);
    await space.settled();
    await pause(200);
  }

  /** What it says to a question, each thing once. */
  async answers(question: Question): Promise<readonly Said[]> {
    for (let time = 0; time < times; time += 1) {
      this.#put(ask(question));
      await pause(patience);
    }
    return [...new Set(this.#heard)].sort();
  }

  #hear(side: 'near' | 'far', frame: Uint8Array) {
    const ethernet = decodeEthernet(frame);
    if (ethernet instanceof Malformed || ethernet.type !== etherType.arp) return undefined;
    const arp = decodeArp(ethernet.payload);
    if (arp instanceof Malformed) return undefined;
    const { operation, senderMac, senderIp, targetIp } = arp;
    const said =
      operation === 'request'
        ? `${side}: asks for ${showIpv4(targetIp)} as ${showIpv4(senderIp)} at ${showMac(senderMac)}`
        : `${side}: tells ${showIpv4(targetIp)} that ${showIpv4(senderIp)} is at ${showMac(senderMac)}`;
    this.#heard.push(said);
    return operation === 'request' ? arp : undefined;
  }
}

async function compare(proxy: ProxyProgram): Promise<Record<string, readonly Said[]>> {
  const kernel = new Kernel();
  const cables = new Cables();
  await cables.open(kernel);
  // One for each question, so that it has heard none before.
  const answers = Object.entries(questions).map(async ([name, question]) => {
    const machine = new Machine(kernel, cables);
    await machine.setUp(proxy);
    return [name, await machine.answers(question)] as const;
  });
  const all = Object.fromEntries(await Promise.all(answers));
  await kernel.settled();
  cables.close();
  return all;
}

enterSandbox();
compare(process.argv[2] as ProxyProgram).then(
  (all) => process.send?.(all),
  (error: Error) => {
    console.error(error.message);
    process.exit(1);
  },
);
