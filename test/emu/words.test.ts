/** What programs of the system say, as they said it on Debian 12, and what is made of it. */
import test from 'ava';
import { readEvent } from '../../src/emu/dhcp-client.ts';
import { readNeighbour } from '../../src/emu/neighbour-monitor.ts';
import { outcomeOf } from '../../src/emu/raw-probe.ts';
import { ipv4 } from '../../src/wire/address.ts';

test('lines of `ip monitor all-nsid neigh` (iproute2 6.1)', (t) => {
  const mac = '02:00:00:00:00:02';
  t.deepEqual(readNeighbour(`[nsid 1000]10.0.0.2 dev if1100 lladdr ${mac} REACHABLE `), {
    nsid: 1000,
    news: { index: 1100, ip: '10.0.0.2', mac, state: 'REACHABLE' },
  });
  t.deepEqual(readNeighbour('[nsid 1003]10.0.0.9 dev if1104 FAILED '), {
    nsid: 1003,
    news: { index: 1104, ip: '10.0.0.9', mac: '', state: 'FAILED' },
  });
  t.deepEqual(readNeighbour(`[nsid 1003]Deleted 10.0.0.9 dev if1104 lladdr ${mac} STALE `)?.news, {
    index: 1104,
    ip: '10.0.0.9',
    mac,
    state: 'gone',
  });
});

test('of an adapter that has a name in the namespace of the monitor, and of anything else, nothing is read', (t) => {
  for (const line of [
    '[nsid current]10.255.0.2 dev c0 lladdr 36:f9:d8:d7:62:05 STALE ',
    '[nsid 1000]fe80::1 dev if1100 lladdr 02:00:00:00:00:01 STALE ',
    '10.0.0.2 dev if1100 lladdr 02:00:00:00:00:02 REACHABLE ',
    '',
  ])
    t.is(readNeighbour(line), undefined);
});

test('what `ping` says of one echo request (iputils 20221126)', (t) => {
  const reply = '64 bytes from 10.0.0.2: icmp_seq=1 ttl=62 time=2.94 ms';
  t.deepEqual(outcomeOf(reply), { kind: 'reply', ttl: 62 });
  const said: [string, number, number][] = [
    ['From 10.0.10.11 icmp_seq=1 Destination Host Unreachable', 3, 1],
    ['From 203.0.113.1 icmp_seq=1 Destination Net Unreachable', 3, 0],
    ['From 10.0.10.250 icmp_seq=1 Frag needed and DF set (mtu = 1420)', 3, 4],
    ['From 10.0.10.1 icmp_seq=1 Time to live exceeded', 11, 0],
    ['From 10.0.10.1 icmp_seq=1 Packet filtered', 3, 13],
  ];
  for (const [line, type, code] of said) t.deepEqual(outcomeOf(line), { kind: 'icmp', type, code });
  t.deepEqual(outcomeOf('ping: connect: Network is unreachable'), {
    kind: 'refused',
    error: 'ENETUNREACH',
  });
  t.deepEqual(outcomeOf('ping: sendmsg: Message too long'), { kind: 'refused', error: 'EMSGSIZE' });
  t.is(outcomeOf('1 packets transmitted, 0 received, 100% packet loss, time 0ms'), undefined);
});

test('what the script of the DHCP client wrote down', (t) => {
  const bound =
    'event=bound\nip=10.0.10.20\nsubnet=255.255.255.0\nrouter=10.0.10.1 10.0.10.2\nserverid=10.0.10.1\nlease=3600\n';
  t.deepEqual(readEvent(bound), {
    event: 'bound',
    ip: ipv4('10.0.10.20'),
    subnet: ipv4('255.255.255.0'),
    router: ipv4('10.0.10.1'),
    server: ipv4('10.0.10.1'),
    leaseSeconds: 3600,
  });
});

test('what a server said that makes no sense is not taken for an address or a time', (t) => {
  const event = readEvent('event=bound\nip=$(id)\nsubnet=\nrouter=;ls\nserverid=::1\nlease=1e9\n');
  const { ip, subnet, router, server, leaseSeconds } = event;
  t.deepEqual([ip, subnet, router, server, leaseSeconds], Array.from({ length: 5 }));
});
