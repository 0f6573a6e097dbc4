/** What works here is tried, not guessed: where something is taken away, the doctor notices. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { canEmulate, checksFrom, examine, nodeFound } from '../../src/emu/doctor.ts';
import type { Findings } from '../../src/emu/examiner.ts';
import { doctorText } from '../../src/report/doctor.ts';
import type { Check } from '../../src/trace/checkup.ts';
import { needsSandbox } from '../needs.ts';
import { main } from '../support/cli.ts';

const examiner = join(import.meta.dirname, '..', '..', 'src', 'emu', 'examiner.js');
const byId = (checks: readonly Check[], id: string): Check => {
  const check = checks.find((one) => one.id === id);
  if (check === undefined) throw new Error(`there is no check ${id}`);
  return check;
};

/** All is well, as far as anybody has looked. */
const well: Findings = Object.fromEntries(
  checksFrom({}).map(({ id }) => [id, { ok: true, because: 'well' }]),
);

/** The doctor in namespaces in which root has done something first. */
function doctorAfter(
  t: ExecutionContext,
  deed: string,
  ...words: string[]
): { readonly status: number | null; readonly checks: readonly Check[] } | undefined {
  if (!needsSandbox(t)) return undefined;
  const script = `${deed}; exec "$0" "$@"`;
  const inside = ['-c', script, process.execPath, main, 'doctor', '--json', ...words];
  const { status, stdout, stderr } = spawnSync(
    'unshare',
    ['-U', '-r', '-n', '-m', '-p', '--fork', '--mount-proc', 'sh', ...inside],
    { encoding: 'utf8' },
  );
  t.is(stderr, '');
  return { status, checks: (JSON.parse(stdout) as { checks: readonly Check[] }).checks };
}

test('where there are sandboxes, everything has been tried in one', async (t) => {
  if (!needsSandbox(t)) return;
  const checks = await examine(examiner);
  for (const { id, because } of checks) {
    t.not(because, '', id);
    t.notRegex(because, /could not be tried/, id);
  }
  t.true(byId(checks, 'sandbox').ok);
  t.true(byId(checks, 'node').ok);
});

test('a kernel that allows no more user namespaces: no sandbox, and the setting that mends it', (t) => {
  const found = doctorAfter(t, 'echo 0 > /proc/sys/user/max_user_namespaces', '--backend=linux');
  if (found === undefined) return;
  t.is(found.status, 4);
  const sandbox = byId(found.checks, 'sandbox');
  t.false(sandbox.ok);
  t.is(sandbox.mend, 'sudo sysctl -w user.max_user_namespaces=15000');
  t.regex(byId(found.checks, 'vxlan').because, /could not be tried/);
  t.is(byId(found.checks, 'vxlan').mend, undefined);
  t.true(byId(found.checks, 'node').ok);
});

test('without a sandbox the simulator works nevertheless: exit code 0', (t) => {
  const found = doctorAfter(t, 'echo 0 > /proc/sys/user/max_user_namespaces');
  if (found !== undefined) t.is(found.status, 0);
});

test('a /dev/net/tun that is something else, one that nobody may open, a program that does nothing', (t) => {
  const deeds = [
    'mount --bind /dev/null /dev/net/tun',
    'mount --bind /bin/false /usr/sbin/nft',
    'mount --bind /bin/true /usr/bin/busybox',
  ];
  const found = doctorAfter(t, deeds.join('; '));
  if (found === undefined) return;
  for (const id of ['tun', 'nft', 'masquerade', 'udhcpc']) t.false(byId(found.checks, id).ok, id);
  for (const id of ['sandbox', 'vxlan', 'veth']) t.true(byId(found.checks, id).ok, id);
});

test('one thing that everything needs is enough to emulate nothing; what only some need is not', (t) => {
  t.true(canEmulate(checksFrom(well)));
  for (const { id, needed } of checksFrom(well)) {
    const without = { ...well, [id]: { ok: false, because: 'away' } };
    t.is(canEmulate(checksFrom(without)), needed !== 'always', id);
  }
  const away = { ok: false, because: 'away' };
  t.false(canEmulate(checksFrom({ ...well, ping: away, 'raw-socket': away })), 'nobody can ping');
});

test('Node by its version', (t) => {
  const versions = { '20.19.0': true, '20.18.9': false, '19.99.0': false, '22.1.0': true };
  for (const [version, ok] of Object.entries(versions)) t.is(nodeFound(version).ok, ok, version);
});

test('a device that may not be opened is mended by its rights, one that is not there by its module', (t) => {
  const mendOf = (because: string): string | undefined =>
    byId(checksFrom({ ...well, tun: { ok: false, because } }), 'tun').mend;
  t.is(mendOf("EACCES: permission denied, open '/dev/net/tun'"), 'sudo chmod 0666 /dev/net/tun');
  t.is(mendOf("ENOENT: no such file or directory, open '/dev/net/tun'"), 'sudo modprobe tun');
});

test('the text names what is missing, what it affects and what mends it, and nothing moves the cursor', (t) => {
  const because = 'there is no nft\x1b[2J';
  const checks = checksFrom({ ...well, nft: { ok: false, because } });
  const text = doctorText(checks, {
    version: '1.2.3',
    emulates: true,
    scenarios: [
      { file: 'a.yaml', case: '', obstacles: [] },
      {
        file: 'b.yaml',
        case: 'x=1',
        obstacles: [{ because: 'needs it', check: byId(checks, 'nft') }],
      },
    ],
  });
  t.regex(text, /✗ nft +the program nft: there is no nft\\x1b\[2J/);
  t.regex(text, /affects: routers of sites/);
  t.regex(text, /try: sudo apt-get install nftables/);
  t.regex(text, /1 of 2 cases can be played/);
  t.regex(text, /✗ b\.yaml x=1 {2}unsupported\n {3}needs it, but nft: there is no nft/);
  t.false(text.includes('\x1b'));
});
