import test from 'ava';
import { ForeignProxy } from '../../src/device/foreign-proxy.ts';
import { Probes } from '../../src/device/probes.ts';
import { TcpPart } from '../../src/device/tcp-part.ts';
import { arpRequest, sendArp } from '../../src/stack/arp.ts';
import { Payload } from '../../src/stack/packet.ts';
import { linux, type Profile, windows } from '../../src/stack/profile.ts';
import { anyIpv4, ipv4, type Mac, showMac } from '../../src/wire/address.ts';
import { SmallNet } from './small-net.ts';

const target = ipv4('10.0.0.20');
const payload = new Payload(new Uint8Array(4));

/** The owner answers first, for it is plugged in before the proxy; what the asker then believes. */
function asked(profile: Profile) {
  const net = new SmallNet();
  const owner = net.machine('owner', '10.0.0.20/24');
  const proxy = net.machine('old-nea', '10.0.0.249/24');
  const asker = net.machine('asker', '10.0.0.11/24', { profile });
  const [on] = proxy.interfaces;
  new ForeignProxy([target]).start('old-nea', 'lan', on!, net.now, net.sim);
  const probes = new Probes(asker, new TcpPart(asker));
  const ask = (ip: typeof target): string[] => {
    const since = net.log.length;
    probes.arping(1, asker.interfaces[0]!, ip, net.now, net.sim);
    net.run(2);
    probes.stopArping(1);
    return net
      .facts('probe', since)
      .flatMap(({ what, mac }) => (what === 'answered' ? [mac!] : []));
  };
  const believed = (): Mac | undefined => asker.interfaces[0]!.neighbours.find(target)?.mac;
  return { net, owner: owner.interfaces[0]!.mac, proxy: on!.mac, asker, ask, believed };
}

test('A13: a second machine that answers for an address makes two replies to each request, and one to those for any other', (t) => {
  const { ask, owner, proxy } = asked(linux);
  t.deepEqual(ask(target), [owner, proxy].map(showMac));
  t.deepEqual(ask(ipv4('10.0.0.249')), [showMac(proxy)]);
  t.deepEqual(ask(ipv4('10.0.0.77')), []);
});

test('of two replies Linux believes the first for a second, and Windows the last', (t) => {
  for (const profile of [linux, windows]) {
    const { net, asker, believed, owner, proxy } = asked(profile);
    asker.udp.send(target, 7, 7, payload, net.now, net.sim);
    net.run(0.5);
    t.is(believed(), profile === linux ? owner : proxy, profile.name);
  }
});

test('it leaves those alone who ask whether the address is free', (t) => {
  const { net, asker, proxy } = asked(linux);
  const [on] = asker.interfaces;
  sendArp(on!, arpRequest, 0xffff, -1, anyIpv4, 0, 0, target, -1, net.sim);
  const since = net.log.length;
  net.run(1);
  t.deepEqual(
    net.arps(since).map(({ by }) => by),
    ['owner'],
  );
  t.truthy(proxy);
});

test('what it attracts ends there, for it is no router', (t) => {
  const { net, asker, believed, proxy } = asked(windows);
  for (let i = 0; i < 2; i += 1) {
    asker.udp.send(target, 7, 7, payload, net.now, net.sim);
    net.run(1);
  }
  t.is(believed(), proxy);
  const ends = net.drops().filter(({ node }) => node === 'old-nea');
  t.is(ends.at(-1)?.reason, 'NOT_FORWARDING');
});
