/** A client, a server in another network, and the router between them. */
import test from 'ava';
import { seconds } from '../../src/base/time.ts';
import { AddressKeeper } from '../../src/device/address-keeper.ts';
import { addDefaultRoute } from '../../src/device/appliance.ts';
import { DhcpRelay } from '../../src/device/dhcp-relay.ts';
import { DhcpService } from '../../src/device/dhcp-service.ts';
import { Switch } from '../../src/device/switch.ts';
import type { IpStack } from '../../src/stack/ip-stack.ts';
import { Payload } from '../../src/stack/packet.ts';
import { linux, type Profile, windows } from '../../src/stack/profile.ts';
import { anyIpv4, ipv4, prefix, showIpv4 } from '../../src/wire/address.ts';
import { type Dhcp, decodeDhcp, encodeDhcp, listOptions } from '../../src/wire/dhcp.ts';
import { Malformed } from '../../src/wire/malformed.ts';
import { SmallNet } from './small-net.ts';

const gateway = ipv4('10.0.10.1');
const server = ipv4('10.0.20.5');

class Relayed {
  readonly net = new SmallNet();
  readonly far = new Switch('far', 0);
  readonly router: IpStack;
  readonly dhcp: IpStack;

  constructor(relays = true) {
    const { net, far } = this;
    this.router = net.machine('router', '10.0.10.1/24', { forwarding: true });
    net.plug(this.router, 'eth1', '10.0.20.1/24', { on: far });
    if (relays) new DhcpRelay(this.router, this.router.interfaces[0]!, server);
    this.dhcp = net.machine('dhcp', '10.0.20.5/24', { on: far });
    const [own] = this.dhcp.interfaces;
    addDefaultRoute(this.dhcp, own!, ipv4('10.0.20.1'), net.now, net.sim);
    new DhcpService(this.dhcp, own!, {
      address: server,
      subnet: prefix('10.0.10.0/24'),
      from: ipv4('10.0.10.100'),
      to: ipv4('10.0.10.109'),
      router: gateway,
      lease: seconds(600),
    });
  }

  client(name: string, on: Switch, profile: Profile = linux): IpStack {
    const stack = this.net.machine(name, undefined, { on, profile });
    const keeper = new AddressKeeper(stack, stack.interfaces[0]!, { kind: 'dhcp' });
    keeper.start(this.net.now, this.net.sim, -1);
    return stack;
  }

  /** Every DHCP message that this machine put on a cable, with the port it went to. */
  sentBy(node: string): (Dhcp & { readonly port: number })[] {
    return [...this.net.log.events()].flatMap((event) => {
      if (event.kind !== 'frame' || event.node !== node) return [];
      const port = event.bytes[36]! * 256 + event.bytes[37]!;
      const isDhcp = event.bytes[23] === 17 && (port === 67 || port === 68);
      const message = isDhcp ? decodeDhcp(event.bytes.subarray(42)) : undefined;
      return message === undefined || message instanceof Malformed ? [] : [{ ...message, port }];
    });
  }

  /** What the router drops of what somebody sends to port 67. */
  dropped(from: IpStack, bytes: Uint8Array): string[] {
    const { net } = this;
    const before = net.log.length;
    const payload = new Payload(bytes);
    from.udp.send(this.router.interfaces[0]!.ip, 68, 67, payload, net.now, net.sim);
    net.run(1);
    return net
      .drops(before)
      .filter(({ node }) => node === 'router')
      .map(({ reason }) => reason);
  }
}

const ipOf = (stack: IpStack): string => showIpv4(stack.interfaces[0]!.ip);

for (const profile of [linux, windows]) {
  test(`DHCP-7: ${profile.name} gets an address from a server in another network through the relay agent, and renews it there without`, (t) => {
    const lab = new Relayed();
    const here = lab.client('a', lab.net.lan, profile);
    lab.net.run(30);
    t.is(ipOf(here), '10.0.10.100');
    t.is(here.routes.find(ipv4('8.8.8.8'))?.via, gateway);
    const toServer = lab.sentBy('router').filter(({ port }) => port === 67);
    t.true(toServer.length >= 2);
    for (const { giaddr, hops, options } of toServer) {
      t.deepEqual([showIpv4(giaddr), hops], ['10.0.10.1', 1]);
      t.is(options.at(-1)?.code, 82);
    }
    const toClient = lab.sentBy('router').filter(({ port }) => port === 68);
    t.is(toClient.length, toServer.length);
    t.true(toClient.every(({ options }) => options.every(({ code }) => code !== 82)));
    const replies = lab.sentBy('dhcp');
    t.true(
      replies.every(({ options }) => options.at(-1)?.code === 82),
      'the server echoes it',
    );
    lab.net.run(600);
    t.is(ipOf(here), '10.0.10.100');
    const renewed = lab.net.facts('lease').filter(({ state }) => state === 'renewed');
    t.true(renewed.length >= 1);
    t.deepEqual(
      lab.net.drops().filter(({ reason }) => /CHECKSUM|MALFORMED|MARTIAN|DHCP/.test(reason)),
      [],
    );
  });
}

test('without the relay agent nothing gets across, and a server gives its neighbours no address of another network', (t) => {
  const without = new Relayed(false);
  const here = without.client('a', without.net.lan);
  const neighbour = without.client('b', without.far);
  without.net.run(60);
  t.deepEqual([ipOf(here), ipOf(neighbour)], ['0.0.0.0', '0.0.0.0']);
  t.deepEqual(without.sentBy('dhcp'), []);
});

test('DHCP-7: a NAK finds a client that has moved in from elsewhere', (t) => {
  const lab = new Relayed();
  const stack = lab.net.machine('a', undefined);
  const remembered = {
    ip: ipv4('10.9.9.9'),
    length: 24,
    router: undefined,
    server,
    renewAt: 1e12 as never,
    rebindAt: 2e12 as never,
    expiresAt: 3e12 as never,
  };
  const keeper = new AddressKeeper(stack, stack.interfaces[0]!, { kind: 'dhcp', remembered });
  keeper.start(lab.net.now, lab.net.sim, -1);
  lab.net.run(60);
  t.is(ipOf(stack), '10.0.10.100');
  t.true(lab.sentBy('router').some(({ port, broadcast }) => port === 68 && broadcast));
});

test('DHCP-7: what may not be relayed is dropped with its reason, and the server hears nothing of it', (t) => {
  const lab = new Relayed();
  const forger = lab.net.machine('forger', '10.0.10.9/24');
  const nothing = new Uint8Array(0);
  const base: Dhcp = {
    op: 'request',
    htype: 1,
    hops: 0,
    xid: 1,
    secs: 0,
    broadcast: false,
    ciaddr: anyIpv4,
    yiaddr: anyIpv4,
    siaddr: anyIpv4,
    giaddr: anyIpv4,
    chaddr: Uint8Array.of(2, 0, 0, 0, 0, 1),
    sname: nothing,
    file: nothing,
    options: listOptions({ type: 'discover' }),
  };
  const relayAgent = [{ code: 1, data: Uint8Array.of(1) }];
  const marked = listOptions({ type: 'discover', relayAgent });
  const cases: [Partial<Dhcp>, string][] = [
    [{ hops: 17 }, 'DHCP_HOPS'],
    [{ giaddr: gateway }, 'DHCP_GIADDR_FORGED'],
    [{ options: marked }, 'DHCP_OPTION_82_REFUSED'],
    [{ op: 'reply' }, 'DHCP_OTHER_RELAY'],
  ];
  for (const [change, reason] of cases)
    t.deepEqual(lab.dropped(forger, encodeDhcp({ ...base, ...change })), [reason]);
  t.deepEqual(lab.dropped(forger, new Uint8Array(240)), ['MALFORMED']);
  const elsewhere = lab.net.machine('elsewhere', '10.0.20.9/24', { on: lab.far });
  addDefaultRoute(elsewhere, elsewhere.interfaces[0]!, ipv4('10.0.20.1'), lab.net.now, lab.net.sim);
  t.deepEqual(lab.dropped(elsewhere, encodeDhcp(base)), ['PORT_CLOSED']);
  t.deepEqual(lab.sentBy('router'), []);
});
