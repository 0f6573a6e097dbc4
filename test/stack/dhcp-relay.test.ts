/** What a relay agent makes of a message: RFC 1542 section 4.1, RFC 3046 section 2.1. */
import test from 'ava';
import { utf8 } from '../../src/base/bytes.ts';
import { type Relayed, relay } from '../../src/stack/dhcp-relay.ts';
import { anyIpv4, ipv4, mac } from '../../src/wire/address.ts';
import {
  chaddrOf,
  type Dhcp,
  type DhcpOptions,
  decodeDhcp,
  encodeDhcp,
  listOptions,
} from '../../src/wire/dhcp.ts';

const agent = { address: ipv4('10.0.10.1'), server: ipv4('10.0.20.5'), circuit: utf8('lan10') };
const client = mac('02:00:00:00:00:01');
const nothing = new Uint8Array(0);
const theirs = { relayAgent: [{ code: 2, data: Uint8Array.of(7) }] };

function message(fields: DhcpOptions, change: Partial<Dhcp> = {}): Dhcp {
  return {
    op: 'request',
    htype: 1,
    hops: 0,
    xid: 77,
    secs: 3,
    broadcast: false,
    ciaddr: anyIpv4,
    yiaddr: anyIpv4,
    siaddr: anyIpv4,
    giaddr: anyIpv4,
    chaddr: chaddrOf(client),
    sname: nothing,
    file: nothing,
    options: listOptions(fields),
    ...change,
  };
}
const discover = (change: Partial<Dhcp> = {}): Dhcp => message({ type: 'discover' }, change);
const offer = (change: Partial<Dhcp> = {}): Dhcp =>
  message(
    { type: 'offer', serverId: agent.server },
    { op: 'reply', giaddr: agent.address, yiaddr: ipv4('10.0.10.20'), ...change },
  );

function sent(relayed: Relayed): Extract<Relayed, { kind: 'send' }> {
  if (relayed.kind === 'dropped') throw new Error(relayed.reason);
  return relayed;
}
const because = (relayed: Relayed): string | undefined =>
  relayed.kind === 'dropped' ? relayed.reason : undefined;

test('DHCP-7: a request goes to the server with our address as giaddr, one hop more, and option 82 at its end', (t) => {
  const asked = discover();
  const { message: passed, to } = sent(relay(asked, agent));
  t.deepEqual(to, { kind: 'server', ip: agent.server });
  // Sub-option 1, Agent Circuit ID, of five bytes (RFC 3046 section 3.1).
  const added = { code: 82, data: Uint8Array.of(1, 5, ...utf8('lan10')) };
  t.deepEqual(passed, {
    ...asked,
    giaddr: agent.address,
    hops: 1,
    options: [...asked.options, added],
  });
  t.deepEqual(decodeDhcp(encodeDhcp(passed)), passed);
});

test('DHCP-7: a giaddr that is there stays, and so does option 82 or its absence', (t) => {
  const giaddr = ipv4('10.0.30.1');
  for (const fields of [{}, theirs]) {
    const asked = message({ type: 'discover', ...fields }, { giaddr, hops: 4 });
    t.deepEqual(sent(relay(asked, agent)).message, { ...asked, hops: 5 });
  }
});

test('DHCP-7: sixteen hops are passed on, seventeen are not', (t) => {
  t.is(sent(relay(discover({ hops: 16 }), agent)).message.hops, 17);
  for (const hops of [17, 255]) t.is(because(relay(discover({ hops }), agent)), 'DHCP_HOPS');
});

test('DHCP-7: who leaves giaddr empty may not bring option 82, and who claims to be us is not believed', (t) => {
  const marked = message({ type: 'discover', ...theirs });
  t.is(because(relay(marked, agent)), 'DHCP_OPTION_82_REFUSED');
  const forged = discover({ giaddr: agent.address });
  t.is(because(relay(forged, agent)), 'DHCP_GIADDR_FORGED');
});

test('DHCP-7: a reply loses option 82 and nothing else, and goes to the address and the adapter that it names', (t) => {
  const replied = offer({ hops: 1 });
  const marked = { ...replied, options: [...replied.options, ...listOptions(theirs)] };
  t.deepEqual(sent(relay(marked, agent)), {
    kind: 'send',
    message: replied,
    to: { kind: 'hardware', ip: ipv4('10.0.10.20'), mac: client },
  });
});

test('DHCP-7: a reply is broadcast where the client wants it, has no address, or is not on Ethernet', (t) => {
  for (const change of [{ broadcast: true }, { yiaddr: anyIpv4 }, { htype: 6 }])
    t.deepEqual(sent(relay(offer(change), agent)).to, { kind: 'broadcast' });
});

test('DHCP-7: a reply for the clients of another agent ends here', (t) => {
  for (const giaddr of [anyIpv4, ipv4('10.0.30.1')])
    t.is(because(relay(offer({ giaddr }), agent)), 'DHCP_OTHER_RELAY');
});
