/**
 * Our WireGuard against wireguard-go: as initiator and as responder, with and without a preshared
 * key, both ends moving to other ports, and through the relay, which loses one datagram in twenty.
 *
 * `STANDIN_SOAK=1` lets it last beyond two new handshakes, which is more than five minutes.
 */
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { openSandbox } from '../../src/emu/sandbox.ts';
import { missing, needsSandbox, thorough } from '../needs.ts';
import { type Outcome, type Report, ways } from './wireguard-go-inside.ts';

/** Sessions are renewed after 120 s: two handshakes more by 300 s, and time for one to be tried again. */
const length = thorough ? 310 : 20;
const handshakesLeast = thorough ? 3 : 1;

const tools = ['unshare', 'nsenter', 'mount', 'ip', 'ping', 'wg', 'wireguard-go'];

let report: Promise<Report> | undefined;

/** All ways are played at once, for all tests; `undefined` where they cannot be. */
async function played(t: ExecutionContext): Promise<Report | undefined> {
  t.timeout((length + 300) * 1000);
  if (!needsSandbox(t, ...tools)) return undefined;
  report ??= new Promise((resolve, reject) => {
    const script = join(import.meta.dirname, 'wireguard-go-inside.js');
    const sandbox = openSandbox(script, [String(length)]);
    let complained = '';
    sandbox.stderr?.setEncoding('utf8').on('data', (text) => (complained += text));
    sandbox.once('message', (message) => {
      resolve(message as Report);
      sandbox.disconnect();
    });
    sandbox.once('exit', () => reject(new Error(complained)));
    // Whoever waits in vain is told by the test's timeout, and must not be kept alive by it.
    sandbox.unref();
    sandbox.channel?.unref();
  });
  try {
    return await report;
  } catch (error) {
    if (!/unshare failed|Operation not permitted/.test((error as Error).message)) throw error;
    return missing(t, `no namespaces: ${(error as Error).message.trim()}`);
  }
}

const of = ({ outcomes }: Report, name: string): Outcome =>
  outcomes.find((outcome) => outcome.name === name)!;

for (const { name, psk, relay } of ways) {
  if (psk === 'different') continue;
  test(`wireguard-go and ours understand each other: ${name}`, async (t) => {
    const report = await played(t);
    if (report === undefined) return;
    const { handshakes, pings, moved, drops } = of(report, name);
    t.log(JSON.stringify({ handshakes, pings, moved, drops }));
    t.true(handshakes.ours >= handshakesLeast, 'handshakes that we count');
    t.true(handshakes.theirs >= handshakesLeast, 'handshakes that it counts');
    const least = relay === 'lossy' ? 0.5 : 0.8;
    for (const { asked, answered } of [pings.ours, pings.theirs]) {
      t.true(asked > length * 2, 'somebody talks all the time');
      t.true(answered >= asked * least, `${answered} answers to ${asked}`);
    }
    if (relay === 'lossy') return;
    t.not(moved.ours, '');
    if (relay === undefined) t.regex(moved.theirs, /^192\.0\.2\.2:31\d{3}$/);
  });
}

/** Sections with their settings in alphabetical order: the order in a file means nothing. */
const settings = (text: string): string[][] =>
  text
    .split(/^(?=\[)/m)
    .map((section) =>
      section
        .split('\n')
        .map((line) => line.trim())
        .filter((line) => line !== '')
        .sort(),
    )
    .filter((section) => section.length > 0);

test('what we write is what `wg` reads, and says that is set', async (t) => {
  const report = await played(t);
  if (report === undefined) return;
  for (const { name, configuration } of report.outcomes) {
    const read = settings(configuration.read);
    t.is(read.length, 2, name);
    t.deepEqual(read, settings(configuration.written), name);
  }
});

test('with different preshared keys nothing gets through, so that the others prove something', async (t) => {
  const report = await played(t);
  if (report === undefined) return;
  const { handshakes, pings } = of(report, 'preshared keys differ');
  t.deepEqual(handshakes, { ours: 0, theirs: 0 });
  t.is(pings.ours.answered, 0);
  t.is(pings.theirs.answered, 0);
});

test('the relay has lost about one datagram in twenty, and no client got more than it may', async (t) => {
  const report = await played(t);
  if (report === undefined) return;
  const { through, lost, dropped } = report.lossy;
  t.log(JSON.stringify(report.lossy));
  t.true(through > length * 20);
  t.true(lost >= through * 0.02);
  t.is(new Map(dropped).get('RELAY_UNPROVEN'), undefined);
});

test('a gateway in a process of its own tells of its sessions, and of what it could not do', async (t) => {
  const report = await played(t);
  if (report === undefined) return;
  const heard = report.process.map((one) =>
    one.kind === 'session' ? `${one.change} ${one.session} ${one.to}` : one.kind,
  );
  t.deepEqual(heard.slice(0, 3), [
    'listening',
    'opened 198.51.100.2:20006 192.0.2.2:30006',
    'opened 198.51.100.2:21006 192.0.2.2:30006',
  ]);
  t.deepEqual(heard.slice(-2), ['failed', 'status']);
  const status = report.process.at(-1);
  t.true(status?.kind === 'status' && status.sessions >= 1 && status.lost === 0);
});
