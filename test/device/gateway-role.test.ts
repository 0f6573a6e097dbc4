/** The provider's appliance as default gateway: translation both ways, routing, and what it lets nobody do. */
import test from 'ava';
import { Random } from '../../src/base/random.ts';
import { seconds } from '../../src/base/time.ts';
import { type GatewayOptions, GatewayRole } from '../../src/device/gateway-role.ts';
import { Probes, udpEcho } from '../../src/device/probes.ts';
import { Switch } from '../../src/device/switch.ts';
import { TcpPart } from '../../src/device/tcp-part.ts';
import type { IpStack } from '../../src/stack/ip-stack.ts';
import { anyIpv4, type Ipv4, ipv4, showIpv4 } from '../../src/wire/address.ts';
import { networkAt, SmallNet } from './small-net.ts';

const publicIp = ipv4('203.0.113.50');
const own = ipv4('198.18.0.101');
const client = ipv4('198.18.0.77');
const web = ipv4('10.0.10.11');
const sql = ipv4('10.0.20.20');

/** A client outside, the appliance, and two replicas: one in a network with internet access, one without. */
class Site {
  readonly net = new SmallNet();
  readonly client: IpStack;
  readonly appliance: IpStack;
  readonly web: IpStack;
  readonly sql: IpStack;
  readonly role: GatewayRole;
  readonly #probes = new Map<IpStack, Probes>();
  #probe = 0;

  constructor(more: Partial<GatewayOptions> = {}) {
    const { net } = this;
    const plans = ['plan10', 'plan20'].map((name) => new Switch(name, 0));
    this.client = net.machine('client', `${showIpv4(client)}/24`);
    this.appliance = net.machine('appliance', `${showIpv4(own)}/24`, { forwarding: true });
    const inside = plans.map((on, i) =>
      net.plug(this.appliance, `eth${i + 1}`, '169.254.0.1/32', { on }),
    );
    this.web = net.machine('web', `${showIpv4(web)}/24`, { on: plans[0]! });
    this.sql = net.machine('sql', `${showIpv4(sql)}/24`, { on: plans[1]! });
    this.#route(this.web, '10.0.10.1');
    this.#route(this.sql, '10.0.20.1');
    this.#route(this.client, showIpv4(own)); // it stands for the provider's router too
    for (const stack of [this.web, this.sql]) {
      const tcp = new TcpPart(stack);
      tcp.listen(8443, { kind: 'echo' }, net.now);
      udpEcho(stack, 53);
      this.#probes.set(stack, new Probes(stack, tcp));
    }
    const tcp = new TcpPart(this.client);
    tcp.listen(80, { kind: 'echo' }, net.now);
    this.#probes.set(this.client, new Probes(this.client, tcp));
    this.role = new GatewayRole({
      stack: this.appliance,
      outside: this.appliance.interface('eth0'),
      via: client,
      networks: [
        { segment: inside[0]!, prefix: networkAt('10.0.10.1/24'), internet: true },
        { segment: inside[1]!, prefix: networkAt('10.0.20.1/24'), internet: false },
      ],
      routing: false,
      rules: [
        { publicIp, port: 443, to: { ip: web, port: 8443 } },
        { publicIp, port: 8443, to: { ip: web, port: 8443 } },
        { publicIp, port: 1433, to: { ip: sql, port: 8443 } },
        { publicIp, port: 53, to: { ip: web, port: 53 } },
        { publicIp, port: 9, to: { ip: web, port: 9 } },
      ],
      random: new Random('role'),
      ...more,
    });
    this.role.assume(net.now, net.sim, -1);
    net.run(1);
  }

  #route(stack: IpStack, via: string): void {
    const prefix = { address: anyIpv4, length: 0 };
    const on = stack.interfaces[0]!;
    stack.routes.add({ prefix, kind: 'unicast', interface: on, via: ipv4(via), metric: 0 });
  }

  /** How a TCP connection fares: `answered`, `refused`, or why the packet was dropped and where. */
  tcp(from: IpStack, to: Ipv4, port: number): string {
    const probe = ++this.#probe;
    const mark = this.net.log.length;
    this.#probes.get(from)!.connect(probe, to, port, 10, 10, this.net.now, this.net.sim);
    this.net.run(3);
    return this.#outcome(probe, mark);
  }

  ping(from: IpStack, to: Ipv4): string {
    const probe = ++this.#probe;
    const mark = this.net.log.length;
    const probes = this.#probes.get(from)!;
    probes.ping({ probe, to, size: 8, every: seconds(10) }, this.net.now, this.net.sim);
    this.net.run(3);
    probes.stopPing(probe);
    return this.#outcome(probe, mark);
  }

  udp(from: IpStack, to: Ipv4, port: number): string {
    const probe = ++this.#probe;
    const mark = this.net.log.length;
    this.#probes.get(from)!.udp(probe, to, port, this.net.now, this.net.sim);
    this.net.run(3);
    return this.#outcome(probe, mark);
  }

  #outcome(probe: number, mark: number): string {
    const told = this.net.facts('probe', mark).filter((fact) => fact.probe === probe);
    const word = told.find(({ what }) => what === 'answered' || what === 'refused');
    if (word !== undefined) return word.what;
    const drop = this.net.drops(mark).find(({ node }) => node === 'appliance');
    return drop === undefined ? 'nothing' : `${drop.reason} at ${drop.node}`;
  }
}

test('A28 a public-IP rule leads from the internet to a replica, with internet access or without', (t) => {
  const site = new Site();
  t.is(site.tcp(site.client, publicIp, 443), 'answered');
  t.is(site.tcp(site.client, publicIp, 1433), 'answered');
  t.is(site.udp(site.client, publicIp, 53), 'answered');
  // Two public ports may lead to one: each answer comes from the port that was asked.
  t.is(site.tcp(site.client, publicIp, 8443), 'answered');
});

test('what no rule is about ends at the appliance', (t) => {
  const site = new Site();
  t.is(site.tcp(site.client, publicIp, 444), 'NAT_NO_MAPPING at appliance');
  t.is(site.ping(site.client, publicIp), 'NAT_NO_MAPPING at appliance');
  t.is(site.ping(site.client, own), 'answered');
  t.deepEqual(
    site.net.drops().filter(({ node }) => node === 'web'),
    [],
  );
});

test('nobody outside reaches a replica by its own address', (t) => {
  const site = new Site();
  t.is(site.ping(site.client, web), 'NAT_NO_MAPPING at appliance');
  t.is(site.tcp(site.client, sql, 8443), 'NAT_NO_MAPPING at appliance');
});

test('A28 source translation is for networks with internet access only', (t) => {
  const site = new Site();
  const mark = site.net.log.length;
  t.is(site.tcp(site.web, client, 80), 'answered');
  t.is(site.ping(site.web, client), 'answered');
  t.is(site.ping(site.sql, client), 'NO_INTERNET_ACCESS at appliance');
  t.is(site.tcp(site.sql, client, 80), 'NO_INTERNET_ACCESS at appliance');
  const seen = site.net.facts('translation', mark).map(({ outside }) => outside.split(':')[0]);
  t.deepEqual([...new Set(seen)], [showIpv4(own)]);
});

test('a rule is no way out: a replica that answers by one starts nothing of its own', (t) => {
  const site = new Site();
  t.is(site.tcp(site.client, publicIp, 1433), 'answered');
  t.is(site.tcp(site.sql, client, 80), 'NO_INTERNET_ACCESS at appliance');
});

test('A28 the appliance routes between the networks of the replicas only if it is told to', (t) => {
  const apart = new Site();
  t.is(apart.ping(apart.web, sql), 'ROUTING_OFF at appliance');
  t.is(apart.ping(apart.web, ipv4('10.0.10.1')), 'answered');
  const joined = new Site({ routing: true });
  t.is(joined.ping(joined.web, sql), 'answered');
  t.is(joined.tcp(joined.sql, web, 8443), 'answered');
  t.deepEqual(joined.net.facts('translation'), []);
});

test('an ICMP error about what a rule let in comes from the public address (RFC 5508 section 4.2)', (t) => {
  const site = new Site();
  t.is(site.udp(site.client, publicIp, 9), 'refused');
  const told = site.net.facts('probe').filter(({ what }) => what === 'refused');
  t.is(told.at(-1)?.because, 'PORT_CLOSED');
});

test('the role ends without a trace: no address, no route, no translation is left', (t) => {
  const site = new Site();
  const before = ['eth1', 'eth2'].map((name) =>
    site.appliance.interface(name).addresses.map(({ address }) => showIpv4(address)),
  );
  t.deepEqual(before, [['10.0.10.1'], ['10.0.20.1']]);
  site.role.resign(site.net.now, site.net.sim, -1);
  const after = site.appliance.interfaces.map(({ addresses }) =>
    addresses.map(({ address }) => showIpv4(address)),
  );
  t.deepEqual(after, [[showIpv4(own)], ['169.254.0.1'], ['169.254.0.1']]);
  t.is(
    site.appliance.routes.all.find(({ prefix }) => prefix.length === 0),
    undefined,
  );
  t.is(site.tcp(site.client, publicIp, 443).includes('answered'), false);
});
