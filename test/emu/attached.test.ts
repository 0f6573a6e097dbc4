/** Simulated machines and a real kernel in one network, joined by VXLAN. */
import { join } from 'node:path';
import test from 'ava';
import { openSandbox } from '../../src/emu/sandbox.ts';
import { readCapture } from '../../src/wire/capture-file.ts';
import { needs, needsSandbox } from '../needs.ts';
import type { AttachedReport } from './attached-inside.ts';
import { realHost } from './attaching.ts';

test('a real host reaches a simulated replica through simulated appliances, and a simulated VM a real service', async (t) => {
  t.timeout(300_000);
  for (const tool of ['unshare', 'nsenter', 'mount', 'ip', 'ping'])
    if (needs(t, tool) === undefined) return;
  if (!needsSandbox(t)) return;
  const report = await new Promise<AttachedReport>((resolve, reject) => {
    const sandbox = openSandbox(join(import.meta.dirname, 'attached-inside.js'));
    let complained = '';
    sandbox.stderr?.setEncoding('utf8').on('data', (text) => (complained += text));
    sandbox.once('message', (message) => {
      resolve(message as AttachedReport);
      sandbox.disconnect();
    });
    sandbox.once('exit', () => reject(new Error(complained)));
  });
  const { verdicts, pings, neighbours, macs, served, counts, latest, told, capture, tooLate } =
    report;
  t.log(JSON.stringify({ counts, latest }));
  t.deepEqual(
    verdicts.map((one) => one.replace(/(: \w+(-\w+)*) .*/, '$1')),
    [`tcp web01 -> ${realHost}:8080: met`, 'ping web01 -> sql01: met'],
    verdicts.join('\n'),
  );
  t.regex(served, /^(::ffff:)?10\.0\.10\.11$/m, 'the service saw the simulated VM');
  t.regex(pings['10.0.10.11']!, / 5 received/);
  t.regex(pings['10.0.10.11']!, /ttl=64/);
  t.regex(pings['10.0.10.20']!, / 5 received/);
  t.regex(pings['10.0.10.20']!, /ttl=62/, 'each appliance has taken one');
  // The kernel's own table: itself who is itself, and the appliance for the replica.
  const has = (ip: string, mac: string): boolean =>
    neighbours.split('\n').some((line) => line.startsWith(`${ip} `) && line.includes(` ${mac} `));
  t.true(has('10.0.10.11', macs['web01.eth0']!), neighbours);
  t.true(has('10.0.10.20', macs['nea-hq.eth0']!), neighbours);
  t.true(counts.in > 0 && counts.out > 0);
  t.is(told.code, 0, told.stderr);
  t.regex(told.stderr, /^standin: lan10: attached, from 192\.0\.2\.1:4790$/m);
  const [run] = JSON.parse(told.stdout).runs;
  t.is(run.verdict, 'met');
  const [attachment] = run.attachments;
  t.like(attachment, { network: 'lan10', to: 'vxlan://192.0.2.10:4789/42' });
  t.true(attachment.out > 0, 'it has asked');
  const { interfaces, packets } = readCapture(capture);
  const outside = interfaces.findIndex(({ name }) => name === 'attachment.lan10');
  t.true(
    packets.some((packet) => packet.interface === outside),
    'the capture shows what left',
  );
  t.is(tooLate.code, 4, 'and it ends, though its socket was open');
  t.regex(tooLate.stderr, /^standin: this machine is too slow: something happened \d+ ms late$/m);
});
