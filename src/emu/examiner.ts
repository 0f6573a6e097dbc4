/**
 * The first process of a sandbox that is there to find out what works in one. It tries everything at
 * the same time, says what came of it, and goes.
 */
import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { Complaint, run } from './kernel.ts';
import { enterSandbox, runFolder } from './sandbox.ts';
import { tool } from './tools.ts';

/** What came of a trial: what was found, or what was complained of. */
export interface Found {
  readonly ok: boolean;
  readonly because: string;
}

export type Findings = Readonly<Record<string, Found>>;

/** What the examiner says: what it found, or that there is no sandbox at all. */
export type Examined =
  | { readonly kind: 'found'; readonly findings: Findings }
  | { readonly kind: 'refused'; readonly because: string };

const space = 'trial';

/** One line of `ip -batch`, which must not be refused. */
const ip = (line: string): Promise<string> => run('ip', ['-batch', '-'], `${line}\n`, false);

const masquerade = `table ip trial {
  chain out {
    type nat hook postrouting priority 100
    oifname "e0" masquerade
  }
}
`;

const dup = `table netdev trial {
  chain in {
    type filter hook ingress device "t6" priority 0
    dup to "t7"
  }
  chain out {
    type filter hook egress device "t6" priority 0
    dup to "t7"
  }
}
`;

/** By the id of the check. What they resolve to is what was found. */
const trials: Readonly<Record<string, () => Promise<string>>> = {
  async namespaces() {
    await ip(`netns add ${space}`);
    const inside = [`--net=${runFolder}/netns/${space}`, tool('ip'), '-o', 'link'];
    await run('nsenter', inside, '', false);
    return 'named, and entered';
  },
  async vxlan() {
    await ip('link add t0 type vxlan id 1 remote 10.255.0.1 dstport 4789 nolearning noudpcsum');
    return 'a device was made';
  },
  async veth() {
    await ip('link add t1 type veth peer name t2');
    return 'a pair was made';
  },
  async bridge() {
    await ip('link add t3 type bridge');
    await run('bridge', ['fdb'], '', false);
    return 'a device was made';
  },
  async masquerade() {
    await run('nft', ['-f', '-'], masquerade, false);
    return 'a rule was set';
  },
  async taps() {
    await ip('link add t6 type veth peer name t7');
    await run('nft', ['-f', '-'], dup, false);
    return 'a rule was set';
  },
  async 'ping-sockets'() {
    await run('sysctl', ['-q', '-w', 'net.ipv4.ping_group_range=0 0'], '', false);
    await run('ping', ['-n', '-c', '1', '-W', '1', '127.0.0.1'], '', false);
    return 'answered';
  },
  async tun() {
    const device = await open('/dev/net/tun', constants.O_RDWR);
    await device.close();
    await ip('tuntap add t4 mode tun');
    return 'a device was made';
  },
  async 'kernel-wireguard'() {
    await ip('link add t5 type wireguard');
    return 'a device was made';
  },
  async 'raw-socket'() {
    const { default: raw } = await import('raw-socket');
    raw.createSocket({ protocol: raw.Protocol.ICMP }).close();
    return 'a socket was opened';
  },
  async udhcpc() {
    const applets = await run('busybox', ['--list'], '', false);
    if (!applets.split('\n').includes('udhcpc')) throw new Error('this busybox has no udhcpc');
    return 'in busybox';
  },
};

async function tried(trial: () => Promise<string>): Promise<Found> {
  try {
    return { ok: true, because: await trial() };
  } catch (error) {
    return { ok: false, because: complaintOf(error) };
  }
}

async function examine(): Promise<Examined> {
  try {
    enterSandbox();
  } catch (error) {
    return { kind: 'refused', because: complaintOf(error) };
  }
  const ids = Object.keys(trials);
  const found = await Promise.all(Object.values(trials).map(tried));
  return { kind: 'found', findings: Object.fromEntries(ids.map((id, i) => [id, found[i]!])) };
}

/** The first line of what was said. */
function complaintOf(error: unknown): string {
  if (error instanceof Complaint) return error.said.split('\n')[0]!;
  const { message, code } = error as NodeJS.ErrnoException;
  if (code === 'ERR_MODULE_NOT_FOUND') return 'it is not installed';
  if (message.includes('.node')) return 'its native part was not built';
  return message.split('\n')[0]!;
}

const examined = await examine();
process.send!(examined, () => process.exit(0));
