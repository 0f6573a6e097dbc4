/** What of the emulation works on this computer. Everything is tried, in a sandbox, at the same time. */
import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import type { Check } from '../trace/checkup.ts';
import type { Examined, Findings, Found } from './examiner.ts';
import { openSandbox } from './sandbox.ts';
import { environment, findTool, MissingTool } from './tools.ts';

/** Trials that have not ended by then hang. In milliseconds. */
const patience = 60_000;

interface Subject extends Pick<Check, 'what' | 'affects' | 'needed'> {
  readonly mend: string | ((because: string) => string | undefined) | undefined;
  /** Where it is a program: its name, and the word that makes it say its version. */
  readonly program?: readonly [name: string, word?: string];
}

const everything = 'everything on Linux kernels';
const kernelAppliances = '--profile kernel: appliances that are kernels themselves';

/** The Debian package that has a program. */
const packages: Readonly<Record<string, string>> = {
  unshare: 'util-linux',
  nsenter: 'util-linux',
  mount: 'mount',
  ip: 'iproute2',
  sysctl: 'procps',
  nft: 'nftables',
  busybox: 'busybox',
  dnsmasq: 'dnsmasq-base',
  ping: 'iputils-ping',
  'wireguard-go': 'wireguard-go',
  wg: 'wireguard-tools',
  parprouted: 'parprouted',
  tshark: 'tshark',
  chromium: 'chromium',
};

function program(
  name: string,
  word: string | undefined,
  about: Pick<Check, 'affects' | 'needed'>,
): Subject {
  const mend = `sudo apt-get install ${packages[name]}`;
  const what = `the program ${name}`;
  return { what, mend, ...about, program: word === undefined ? [name] : [name, word] };
}

const always = { affects: everything, needed: 'always' } as const;
const kernelTunnels = { affects: kernelAppliances, needed: 'sometimes' } as const;

const subjects = {
  node: {
    what: 'Node 20.19 or later',
    affects: 'everything',
    mend: undefined,
    needed: 'always',
  },
  unshare: program('unshare', '--version', always),
  nsenter: program('nsenter', '--version', always),
  mount: program('mount', '--version', always),
  ip: program('ip', '-V', always),
  sysctl: program('sysctl', '--version', always),
  sandbox: {
    what: 'user, network, mount, PID, IPC and UTS namespaces of our own',
    mend: mendSandbox,
    ...always,
  },
  namespaces: { what: 'network namespaces in the sandbox', mend: undefined, ...always },
  vxlan: { what: 'VXLAN devices: the cables of kernels', mend: 'sudo modprobe vxlan', ...always },
  veth: { what: 'veth pairs: the way to the cables', mend: 'sudo modprobe veth', ...always },
  nft: program('nft', '--version', { affects: 'routers of sites', needed: 'sometimes' }),
  masquerade: {
    what: 'translation of addresses',
    affects: 'routers of sites',
    mend: 'sudo modprobe -a nf_tables nft_masq nft_chain_nat',
    needed: 'sometimes',
  },
  busybox: program('busybox', undefined, { affects: 'VMs with DHCP', needed: 'sometimes' }),
  udhcpc: {
    what: 'a DHCP client in busybox',
    affects: 'VMs with DHCP',
    mend: 'sudo apt-get install busybox',
    needed: 'sometimes',
  },
  dnsmasq: program('dnsmasq', '--version', { affects: 'DHCP servers', needed: 'sometimes' }),
  'raw-socket': {
    what: 'the package raw-socket: what a ping received, as it was received',
    affects: 'nothing while there is ping',
    // Compiling it takes a C++ compiler, make and Python.
    mend: 'npm rebuild raw-socket --ignore-scripts=false',
    needed: 'sometimes',
  },
  ping: program('ping', '-V', {
    affects: 'nothing while there is raw-socket',
    needed: 'sometimes',
  }),
  'ping-sockets': {
    what: 'pings without privileges',
    affects: 'ping by hand in a lab that stands',
    mend: undefined,
    needed: 'never',
  },
  bridge: {
    what: 'bridges of the kernel',
    affects: 'switches that are kernels',
    mend: 'sudo modprobe bridge',
    needed: 'sometimes',
  },
  tun: {
    what: '/dev/net/tun in the sandbox',
    mend: (because) =>
      /EACCES|EPERM|permi/i.test(because) ? 'sudo chmod 0666 /dev/net/tun' : 'sudo modprobe tun',
    ...kernelTunnels,
  },
  taps: {
    what: 'copies of what goes into a tunnel and comes out of it (nft, dup)',
    mend: 'sudo modprobe -a nf_tables nft_dup_netdev',
    ...kernelTunnels,
  },
  'wireguard-go': program('wireguard-go', '--version', kernelTunnels),
  wg: program('wg', '--version', kernelTunnels),
  'kernel-wireguard': {
    what: 'WireGuard in the kernel',
    affects: 'nothing while there is wireguard-go',
    mend: 'sudo modprobe wireguard',
    needed: 'never',
  },
  parprouted: program('parprouted', undefined, {
    affects: 'the comparison with parprouted',
    needed: 'never',
  }),
  tshark: program('tshark', undefined, {
    affects: 'tests that have captures read by somebody else',
    needed: 'never',
  }),
  chromium: program('chromium', undefined, { affects: 'tests of pages', needed: 'never' }),
} as const satisfies Readonly<Record<string, Subject>>;

export type CheckId = keyof typeof subjects;

/** @param script What runs in the sandbox: `examiner.js`. */
export async function examine(script: string): Promise<readonly Check[]> {
  const programs = Object.entries(subjects as Readonly<Record<string, Subject>>).flatMap(
    ([id, subject]) => (subject.program === undefined ? [] : [versionOf(id, subject.program)]),
  );
  const [sandbox, ...versions] = await Promise.all([findingsIn(script), ...programs]);
  return checksFrom({
    node: nodeFound(process.versions.node),
    ...sandbox,
    ...Object.assign({}, ...versions),
  });
}

/** What was found, as checks. What could not be tried because there is no sandbox is missing too. */
export function checksFrom(findings: Findings): readonly Check[] {
  const untried: Found = { ok: false, because: 'could not be tried without a sandbox' };
  return Object.entries(subjects as Readonly<Record<string, Subject>>).map(
    ([id, { what, affects, needed, mend }]) => {
      const { ok, because } = findings[id] ?? untried;
      const command = typeof mend === 'function' ? mend(because) : mend;
      const usable = ok || because === untried.because ? undefined : command;
      return { id, ok, what, because, mend: usable, affects, needed };
    },
  );
}

/** Whether anything can be played on kernels at all. */
export function canEmulate(checks: readonly Check[]): boolean {
  const works = (id: string): boolean => checks.some((check) => check.id === id && check.ok);
  return (
    checks.every(({ ok, needed }) => ok || needed !== 'always') &&
    (works('raw-socket') || works('ping'))
  );
}

export function nodeFound(version: string): Found {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const ok = major > 20 || (major === 20 && minor >= 19);
  return { ok, because: `Node ${version}` };
}

async function versionOf(id: string, [name, word]: readonly [string, string?]): Promise<Findings> {
  const path = findTool(name);
  if (path === undefined) return { [id]: { ok: false, because: new MissingTool(name).message } };
  if (word === undefined) return { [id]: { ok: true, because: path } };
  try {
    const options = { env: environment, timeout: patience };
    const { stdout, stderr } = await promisify(execFile)(path, [word], options);
    const line = `${stdout}${stderr}`.split('\n').find((text) => /\d/.test(text));
    return { [id]: { ok: true, because: line?.replace(/ \(.*/, '').trim() ?? path } };
  } catch (error) {
    return { [id]: { ok: false, because: (error as Error).message.split('\n')[0]! } };
  }
}

/** What the examiner finds in a sandbox; without one, why there is none. */
function findingsIn(script: string): Promise<Findings> {
  return new Promise((resolve) => {
    const none = (because: string): void => resolve({ sandbox: { ok: false, because } });
    try {
      const child = openSandbox(script);
      let complaints = '';
      child.stderr?.setEncoding('utf8').on('data', (text: string) => {
        complaints = (complaints + text).slice(0, 4000);
      });
      const timer = setTimeout(() => {
        none('it does not answer');
        child.kill('SIGKILL');
      }, patience);
      child.once('message', (examined: Examined) => {
        if (examined.kind === 'refused') none(examined.because);
        else resolve({ sandbox: { ok: true, because: 'it stands' }, ...examined.findings });
      });
      child.once('error', (error) => none(error.message));
      child.once('close', () => {
        clearTimeout(timer);
        none(complaints.split('\n')[0] || 'it ended without a word');
      });
    } catch (error) {
      if (!(error instanceof MissingTool)) throw error;
      none(error.message);
    }
  });
}

/** Settings of the kernel that forbid a user to have a namespace, and the value that allows it. */
const locks: readonly (readonly [path: string, forbids: string, mend: string])[] = [
  [
    '/proc/sys/kernel/apparmor_restrict_unprivileged_userns',
    '1',
    'sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0',
  ],
  [
    '/proc/sys/kernel/unprivileged_userns_clone',
    '0',
    'sudo sysctl -w kernel.unprivileged_userns_clone=1',
  ],
  ['/proc/sys/user/max_user_namespaces', '0', 'sudo sysctl -w user.max_user_namespaces=15000'],
];

function mendSandbox(because: string): string | undefined {
  const lock = locks.find(([path, forbids]) => read(path) === forbids);
  if (lock !== undefined) return lock[2];
  // A container forbids it by a filter of system calls, which the container alone can be rid of.
  if (/not permitted|EPERM/i.test(because) && existsSync('/.dockerenv'))
    return 'docker run --security-opt seccomp=unconfined --security-opt systempaths=unconfined …';
  return undefined;
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    return undefined;
  }
}
