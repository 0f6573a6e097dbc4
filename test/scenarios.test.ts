/** The files that users run: each passes, says what it is about, and makes frames that tshark finds nothing wrong with. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { view } from '../src/base/bytes.ts';
import { captureOf } from '../src/cli/capture.ts';
import { check } from '../src/scenario/check.ts';
import { tally, verdictOfRun } from '../src/trace/result.ts';
import { readIpv4, showIpv4 } from '../src/wire/address.ts';
import { vxlanPort } from '../src/wire/vxlan.ts';
import { expectations, inWords, played, scenarios } from './playing.ts';
import { folderWith } from './support/cli.ts';
import { espKeys, tshark } from './support/tshark.ts';

const files = readdirSync('scenarios').filter((name) => name.endsWith('.yaml'));

/** Scenarios of what the check warns of. */
const warned: Readonly<Record<string, readonly string[]>> = { '27-shared-vlan.yaml': ['W321'] };

test('there are scenarios', (t) => {
  t.true(files.length >= 3);
});

for (const file of files) {
  test(`${file} is free of problems and says in two sentences what it is about`, (t) => {
    const { problems, cases } = check(`scenarios/${file}`, (path) => readFileSync(path, 'utf8'), {
      strict: true,
    });
    t.deepEqual(
      problems.map(({ code }) => code),
      warned[file] ?? [],
    );
    const sentences = cases![0]!.about.split(/(?<=[.!?])\s+/).filter((one) => one !== '');
    t.is(sentences.length, 2, cases![0]!.about);
    t.true(sentences.every((sentence) => /^\S.*[.!?]$/s.test(sentence.trim())));
    t.regex(readFileSync(`scenarios/${file}`, 'utf8'), /^# yaml-language-server: \$schema=/);
  });

  for (const scenario of scenarios(file)) {
    const title = [file, scenario.case].filter((part) => part !== '').join(' ');

    test(`${title} is as expected, and tshark finds nothing wrong with it and opens its tunnels`, async (t) => {
      const run = await played(scenario);
      t.is(verdictOfRun(run.result), 'met', expectations(run).map(inWords).join('\n'));
      t.true(tally(expectations(run)).met > 0);

      const capture = join(folderWith(t), 'run.pcapng');
      writeFileSync(capture, captureOf(run));
      const validate = [
        ...['ip', 'udp', 'tcp'].map((name) => `${name}.check_checksum:TRUE`),
        // A frame that was recorded at both ends of a cable looks like one that was sent twice.
        'tcp.analyze_sequence_numbers:FALSE',
        'tcp.desegment_tcp_streams:FALSE',
      ].flatMap((option) => ['-o', option]);
      // What the services say is no SQL and no web.
      for (const name of ['tds', 'http']) validate.push('--disable-protocol', name);
      // A capture carries keys of WireGuard; for those of ESP the format has no place.
      const keys = espKeys(run.lab.network.vpns.associations);
      const asked = [...checked, ...inner];
      const all = tshark(t, capture, asked, undefined, [...validate, ...keys]);
      if (all === undefined) return;
      t.true(all.length > 10);
      t.deepEqual(all.filter(isBad), []);
      t.deepEqual(
        all.filter(([protocols]) => /^eth:ethertype:data|malformed|_ws/.test(protocols!)),
        [],
        'every frame is something to it',
      );
      t.true(
        all
          .filter(([protocols]) => protocols!.includes(':ip'))
          .every(([, status]) => /^1(,1)*$/.test(status!)),
      );

      const pings = innerPings(run.log);
      const opened = all
        .map((frame) => [frame[0]!, ...frame.slice(checked.length)])
        .filter(([protocols, , , types = '']) => {
          const isEcho = types.split(',').some((type) => type === '8' || type === '0');
          return /:(wg|esp)\b/.test(protocols!) && isEcho;
        });
      t.true(pings.length === 0 ? opened.length === 0 : opened.length >= pings.length);
      const within = opened.map(
        ([, from, to]) => `${from!.split(',').at(-1)} ${to!.split(',').at(-1)}`,
      );
      t.deepEqual([...new Set(within)].sort(), [...new Set(pings)].sort());
    });
  }
}

/** What tshark is asked of every frame; the sums are 0 where they are bad, 1 good, 2 not looked at. */
const checked = [
  'frame.protocols',
  'ip.checksum.status',
  'udp.checksum.status',
  'icmp.checksum.status',
  'tcp.checksum.status',
  '_ws.expert.severity',
  'frame.number',
  '_ws.malformed',
  '_ws.expert.message',
];
/** Of what is inside as well, the innermost last. */
const inner = ['ip.src', 'ip.dst', 'icmp.type'];
/** PI_ERROR of Wireshark. */
const error = 0x800000;

/** Of what an ICMP error quotes there is the beginning only, and the TCP sum is of all. */
function isBad(frame: readonly string[]): boolean {
  const [protocols = '', ip = '', udp = '', icmp = '', tcp = '', severities = '', , malformed] =
    frame;
  const isWrong = (sums: string): boolean => sums.split(',').includes('0');
  if (malformed !== '' || isWrong(ip) || isWrong(udp) || isWrong(icmp)) return true;
  if (protocols.includes(':icmp')) return false;
  return isWrong(tcp) || severities.split(',').some((severity) => Number(severity) >= error);
}

/** Where an inner packet lies in one that carries it by VXLAN: IPv4, UDP, VXLAN, Ethernet. */
const inVxlan = 20 + 8 + 8 + 14;

/** From whom and to whom echo requests and replies went into tunnels, as they are or in a frame. */
function innerPings(log: Awaited<ReturnType<typeof played>>['log']): string[] {
  const pairs: string[] = [];
  const ended = new Set<number>(); // for want of a peer or a session: these never left
  for (const event of log.events()) if (event.kind === 'drop') ended.add(event.cause);
  for (const event of log.events()) {
    if (event.kind !== 'packet' || event.direction !== 'in' || ended.has(event.id)) continue;
    const packet = innermost(event.bytes);
    const isEcho = packet?.[9] === 1 && (packet[20] === 8 || packet[20] === 0);
    if (packet === undefined || !isEcho) continue;
    const data = view(packet);
    pairs.push(`${showIpv4(readIpv4(data, 12))} ${showIpv4(readIpv4(data, 16))}`);
  }
  return pairs;
}

function innermost(packet: Uint8Array): Uint8Array | undefined {
  const isVxlan = packet[9] === 17 && view(packet).getUint16(22) === vxlanPort;
  if (!isVxlan) return packet;
  const isIp = view(packet).getUint16(inVxlan - 2) === 0x0800;
  return isIp ? packet.subarray(inVxlan) : undefined;
}
