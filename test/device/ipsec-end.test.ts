import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { udpEcho } from '../../src/device/probes.ts';
import { capture } from '../../src/report/capture.ts';
import { Payload } from '../../src/stack/packet.ts';
import { ipv4, prefix, showMac } from '../../src/wire/address.ts';
import { decodeEthernet } from '../../src/wire/ethernet.ts';
import { decodeIpv4, type Ipv4Packet } from '../../src/wire/ipv4.ts';
import { Malformed } from '../../src/wire/malformed.ts';
import { espKeys, tshark } from '../support/tshark.ts';
import { association, failedOver, homeward, outward, TwoGateways } from './two-gateways.ts';

/** Every packet that the router's adapter on the wide-area side sent. */
function onTheWan({ net }: TwoGateways): Ipv4Packet[] {
  const packets: Ipv4Packet[] = [];
  for (const event of net.log.events()) {
    if (event.kind !== 'frame' || event.from !== 'router.wan') continue;
    const frame = decodeEthernet(event.bytes);
    const packet = frame instanceof Malformed ? frame : decodeIpv4(frame.payload);
    if (!(packet instanceof Malformed)) packets.push(packet);
  }
  return packets;
}

const drops = ({ net }: TwoGateways): string[] =>
  net.drops().map(({ node, reason }) => `${node} ${reason}`);
const macOf = ({ interfaces }: TwoGateways['router'], name: string): string =>
  showMac(interfaces.find((one) => one.name === name)!.mac);

test('a host reaches the replica of its subnet and is reached, both gateways counted as hops', (t) => {
  const two = new TwoGateways();
  two.adopt();
  t.deepEqual(two.ping(two.web01, '10.0.10.20'), { answered: true, ttl: 62 });
  t.deepEqual(two.ping(two.replica, '10.0.10.11'), { answered: true, ttl: 62 });
  const protocols = new Set(onTheWan(two).map(({ protocol }) => protocol));
  t.deepEqual([...protocols], [50]);
});

test('each side has the MAC address of its own gateway for the other one', (t) => {
  const two = new TwoGateways();
  two.adopt();
  two.ping(two.web01, '10.0.10.20');
  const here = two.web01.interfaces[0]!.neighbours.find(failedOver)!;
  t.is(showMac(here.mac), macOf(two.router, 'eth0'));
  const there = two.replica.interfaces[0]!.neighbours.find(ipv4('10.0.10.11'))!;
  t.is(showMac(there.mac), macOf(two.edge, 'inside'));
});

test('without proxy ARP a host of the same subnet finds nobody, and one of another subnet gets through', (t) => {
  const two = new TwoGateways({ proxyArp: false });
  two.adopt();
  t.false(two.ping(two.web01, '10.0.10.20').answered);
  t.true(drops(two).includes('web01 ARP_UNANSWERED'));
  t.deepEqual(two.ping(two.client, '10.0.10.20'), { answered: true, ttl: 62 });
});

test('A11: the gateway in production answers ARP for failed-over addresses alone, and not after that', (t) => {
  const two = new TwoGateways();
  t.is(two.repliesTo(two.web01, '10.0.10.20'), 0);
  two.adopt();
  t.is(two.repliesTo(two.web01, '10.0.10.20'), 1);
  t.is(two.repliesTo(two.web01, '10.0.10.99'), 0);
  two.release();
  t.is(two.repliesTo(two.web01, '10.0.10.20'), 0);
  t.deepEqual(
    two.net.facts('proxy-entry').map(({ ip, change }) => `${ip} ${change}`),
    ['10.0.10.20 added', '10.0.10.20 removed'],
  );
  t.is(two.router.interface('eth0').proxy, undefined);
});

test('A12: the gateway at the provider does not answer for an address that is there', (t) => {
  const two = new TwoGateways();
  two.adopt();
  const other = two.net.machine('other', '10.0.10.21/24', { on: two.vdc });
  two.adopt(ipv4('10.0.10.21'));
  t.is(two.repliesTo(other, '10.0.10.20'), 1); // the replica itself
  t.is(two.repliesTo(other, '10.0.10.11'), 1); // the gateway, for production
});

test('after release nothing leads to the replica any more, and what comes for it is refused', (t) => {
  const two = new TwoGateways();
  two.adopt();
  t.true(two.ping(two.client, '10.0.10.20').answered);
  two.release();
  t.false(two.ping(two.client, '10.0.10.20').answered);
  two.routes.tenant.adopt(failedOver, two.now, two.net.sim, -1);
  t.false(two.ping(two.client, '10.0.10.20').answered);
  t.true(drops(two).includes('edge NO_ROUTE'));
});

test('what the selectors do not cover ends at the gateway', (t) => {
  const two = new TwoGateways({ remote: [prefix('192.0.2.0/24')] });
  two.adopt();
  t.false(two.ping(two.replica, '192.0.2.1').answered);
  t.true(drops(two).includes('edge IPSEC_NOT_SELECTED'));
});

test('gateways with different keys, or different SPIs, do not understand each other', (t) => {
  for (const [inbound, reason] of [
    [{ ...association(7), spi: outward.spi }, 'edge ESP_ICV'],
    [{ ...outward, spi: 0x7777 }, 'edge ESP_NO_SA'],
  ] as const) {
    const two = new TwoGateways({ edge: { inbound } });
    two.adopt();
    t.false(two.ping(two.web01, '10.0.10.20').answered);
    t.true(drops(two).includes(reason), reason);
  }
});

test('a line that doubles packets is noticed, and does no harm', (t) => {
  const two = new TwoGateways();
  two.adopt();
  two.duplicate();
  t.true(two.ping(two.web01, '10.0.10.20').answered);
  t.true(drops(two).includes('edge ESP_REPLAY'));
});

test('RFC 3948: behind a NAT the tunnel is in UDP, and the edge answers where the NAT has it', (t) => {
  const two = new TwoGateways({ nat: true });
  two.adopt();
  t.true(two.ping(two.replica, '10.0.10.11').answered); // the dummy packet has opened the way
  t.deepEqual(two.ping(two.web01, '10.0.10.20'), { answered: true, ttl: 62 });
  const protocols = new Set(onTheWan(two).map(({ protocol }) => protocol));
  t.deepEqual([...protocols], [17]);
  const moved = two.net
    .facts('tunnel')
    .find(({ endpoint }) => endpoint.startsWith('203.0.113.10:'));
  t.truthy(moved);
});

test('RFC 3948 section 4: after an hour of silence the replica still reaches production', (t) => {
  const two = new TwoGateways({ nat: true });
  two.adopt();
  two.net.run(3600); // the NAT forgets what is silent for five minutes
  t.true(two.ping(two.replica, '10.0.10.11').answered);
});

test('whatever calls port 4500 to negotiate finds nobody', (t) => {
  const two = new TwoGateways();
  two.client.udp.send(ipv4('203.0.113.10'), 500, 4500, ike, two.now, two.net.sim);
  two.net.run(1);
  t.true(drops(two).includes('router PORT_CLOSED'));
});
const ike = new Payload(new Uint8Array(32));

test('A34, RFC 4301 section 8.2: a narrow line behind the gateway is told to who sends too much', (t) => {
  const two = new TwoGateways({ nat: true });
  two.adopt();
  two.narrow(1400);
  t.true(two.ping(two.web01, '10.0.10.20').answered);
  t.false(two.ping(two.web01, '10.0.10.20', 1372).answered); // the gateway learns, and then its client
  t.false(two.ping(two.web01, '10.0.10.20', 1372).answered);
  // 1400 - 20 IP - 8 UDP - 8 ESP - 8 IV - 16 ICV = 1340, a whole number of words, of which 2 bytes are the trailer.
  t.like(two.net.facts('path-mtu').at(-1), { ip: '10.0.10.20', mtu: 1338 });
  t.true(two.ping(two.web01, '10.0.10.20', 1310).answered);
});

test('A34: what may be cut is cut before it is sealed, and put together at the far end', (t) => {
  const two = new TwoGateways();
  two.adopt();
  udpEcho(two.replica, 7);
  let answer = 0;
  two.web01.udp.listeners.set(5000, {
    datagram: ({ length }) => {
      answer = length;
    },
  });
  const payload = new Payload(new Uint8Array(4000));
  two.web01.udp.send(failedOver, 5000, 7, payload, two.now, two.net.sim, -1, false);
  two.net.run(2);
  t.is(answer, 4000);
  t.true(onTheWan(two).every(({ payload: sealed }) => sealed.length + 20 <= 1500));
});

for (const nat of [false, true]) {
  test(`tshark opens ${nat ? 'ESP in UDP' : 'ESP'} with the keys, and finds every check value right`, (t) => {
    const two = new TwoGateways({ nat });
    two.adopt();
    t.true(two.ping(two.web01, '10.0.10.20').answered);
    const folder = mkdtempSync(join(tmpdir(), 'standin-esp-'));
    t.teardown(() => rmSync(folder, { recursive: true }));
    const file = join(folder, 'esp.pcapng');
    const { ports } = two.router;
    const adapters = ports.map(({ label }, i) => ({
      label,
      description: '',
      mac: two.router.interfaces[i]!.mac,
    }));
    writeFileSync(file, capture(two.net.log, adapters, { application: 'test' }).bytes);
    const options = espKeys([outward, homeward]);
    const fields = ['esp.spi', 'esp.sequence', 'ip.src', 'ip.dst', 'icmp.type', 'esp.icv_good'];
    const rows = tshark(t, file, fields, 'esp && icmp', options);
    if (rows === undefined) return;
    const outer = nat ? '192.168.0.2' : '203.0.113.10';
    const first = nat ? '2' : '1'; // behind a NAT it has called before
    t.deepEqual(rows, [
      ['0x00001001', first, `${outer},10.0.10.11`, '203.0.113.20,10.0.10.20', '8', '1'],
      ['0x00001002', '1', `203.0.113.20,10.0.10.20`, `${outer},10.0.10.11`, '0', '1'],
    ]);
    t.deepEqual(tshark(t, file, ['frame.number'], 'esp && icmp'), []);
  });
}
