/**
 * Why things end, as stable codes. Every drop, every failed operation, every warning carries one;
 * text, JSON, capture comments and scenario files all use the same. A code never changes its
 * meaning; its wording may improve.
 *
 * The order of this table is the number that the compact log stores, within one run only.
 */
export interface ReasonEntry {
  readonly meaning: string;
  readonly causes: string;
  readonly remedy: string;
  readonly source: string;
}

export const reasons = {
  // Links and switches
  LINK_DOWN: {
    meaning:
      'The cable or virtual adapter is down, or the machine at the other end is switched off.',
    causes:
      'A VM that was powered off, an unplugged cable, a switch port that is turned off, a switch that died.',
    remedy: 'Power the machine on, or let its replica take over.',
    source: 'IEEE 802.3',
  },
  LINK_LOSS: {
    meaning: 'The link lost the frame.',
    causes: 'A scenario gave the link a loss rate, or a fault took the frame.',
    remedy: 'None needed if it is meant; retransmission should cover it.',
    source: 'scenario',
  },
  BLACK_HOLE: {
    meaning: 'The frame vanished: the carrier is there, and nothing comes out at the other end.',
    causes: 'A device on the way that has failed without a sign, or a fault of the scenario.',
    remedy: 'Find what lies between the two ends of the link, or `mend` it.',
    source: 'scenario',
  },
  LINK_CORRUPTION: {
    meaning: 'A bit of the frame was turned on the way, so nobody took it for what it was.',
    causes: 'A bad cable or adapter, or a fault of the scenario that spoils frames.',
    remedy: 'Replace what spoils the frames, or `mend` it.',
    source: 'scenario',
  },
  LINK_DELAY: {
    meaning: 'The frame was under way for so long that nobody waited for it any more.',
    causes: 'A fault of the scenario that delays frames or holds some of them back.',
    remedy: 'Lower the delay, or `mend` the line.',
    source: 'scenario',
  },
  LINK_SLOW: {
    meaning: 'The line carries so little that the frame came too late, or found no room to wait.',
    causes: 'A fault of the scenario that takes bandwidth away.',
    remedy: 'Raise the rate, or `mend` the line.',
    source: 'scenario',
  },
  INTERFACE_DOWN: {
    meaning: 'The machine has turned its adapter off, while the switch still sees a carrier.',
    causes: 'Somebody set the interface administratively down.',
    remedy: 'Turn it on again: `interface_up`.',
    source: 'ip-link(8)',
  },
  QUEUE_FULL: {
    meaning: 'The transmit queue was full, so the newest frame was dropped.',
    causes: 'More is sent than the link carries.',
    remedy: 'Raise the rate or the queue of the link, or send less.',
    source: 'tail drop, RFC 7567 section 2',
  },
  FRAME_TOO_LONG: {
    meaning: 'The frame is longer than the link carries.',
    causes: 'Two ends of one network disagree about the MTU.',
    remedy: 'Give both ends the same MTU.',
    source: 'IEEE 802.3 clause 3.2.7',
  },
  SAME_PORT: {
    meaning: 'The switch knows the destination on the port that the frame came from.',
    causes: 'The frame has already been where it was going.',
    remedy: 'None needed.',
    source: 'IEEE 802.1D-2004 section 7.7',
  },
  NO_OTHER_PORT: {
    meaning:
      'The switch knows no port for the frame, and no other port of its VLAN has a cable that is up.',
    causes: 'Everybody else in the VLAN is switched off.',
    remedy: 'None needed, unless somebody should be there.',
    source: 'IEEE 802.1D-2004 section 7.7',
  },
  PORT_NOT_FORWARDING: {
    meaning: 'The spanning tree keeps the port of the switch from forwarding.',
    causes: 'There is a second way, or the port has come up within the last 30 s.',
    remedy: 'Wait until the tree has settled; see the states of the ports in the log.',
    source: 'IEEE 802.1D-1998 section 8.4',
  },
  BAD_SOURCE_MAC: {
    meaning: 'The source of the frame is a group address or all zero.',
    causes: 'A broken or hostile sender.',
    remedy: 'Find the sender by the port in the log.',
    source: 'IEEE 802.1D-2004 section 7.8',
  },
  RESERVED_GROUP: {
    meaning: 'The destination is one of the addresses that no bridge forwards.',
    causes: 'Link-local protocols such as STP, LACP, LLDP.',
    remedy: 'None needed.',
    source: 'IEEE 802.1D-2004 table 7-10',
  },
  VLAN_MISMATCH: {
    meaning: 'The frame belongs to a VLAN that the port does not carry.',
    causes: 'A network mapped to the wrong VLAN, or a VLAN that is not trunked to the host.',
    remedy: 'Correct the network mapping, or trunk the VLAN.',
    source: 'IEEE 802.1Q-2018 section 8.6',
  },
  FORGED_TRANSMIT: {
    meaning:
      'The virtual switch refused the frame, because its source is not the address of the adapter that sent it.',
    causes: 'An appliance bridges for others, and the port does not accept forged transmits.',
    remedy: 'Let the port accept them: `port_security: { forged_transmits: accept }`.',
    source: 'vSphere Networking, Forged Transmits',
  },
  NOT_PROMISCUOUS: {
    meaning:
      'The virtual switch has no adapter with this address, and showed the frame to no port that does not take those of others.',
    causes:
      'The machine is behind an appliance that bridges, whose port neither is promiscuous nor learns.',
    remedy:
      'Let the port take them: `port_security: { promiscuous: accept }`, or `mac_learning: true`.',
    source: 'vSphere Networking, Promiscuous Mode Operation',
  },
  MAC_CHANGE_REJECTED: {
    meaning:
      'The virtual switch blocks the port, because the guest has given its adapter another address.',
    causes: 'The port does not accept MAC address changes.',
    remedy: 'Let the port accept them: `port_security: { mac_changes: accept }`.',
    source: 'vSphere Networking, MAC Address Changes',
  },
  NOT_FOR_US: {
    meaning: 'The frame is addressed to another adapter.',
    causes: 'The switch flooded it because it did not know where its destination is.',
    remedy: 'None needed.',
    source: 'IEEE 802.3 clause 4',
  },
  UNKNOWN_ETHERTYPE: {
    meaning: 'The machine does not speak this protocol.',
    causes: 'IPv6, LLDP and others are not modelled.',
    remedy: 'None needed.',
    source: 'RFC 1122 section 2.3.3',
  },
  MALFORMED: {
    meaning: 'The bytes are not what they claim to be.',
    causes: 'A broken sender, or a fault that corrupts frames.',
    remedy: 'The log names the protocol and the offset.',
    source: 'the RFC of the protocol',
  },
  POWERED_OFF: {
    meaning: 'The machine is switched off.',
    causes: 'A disaster, a fault, or a step that powered it off.',
    remedy: 'Power it on.',
    source: 'scenario',
  },
  // ARP
  ARP_UNANSWERED: {
    meaning: 'Nobody answered the ARP requests for the next hop.',
    causes: 'The address is in use nowhere on this segment, and nobody stands in for it.',
    remedy: 'See which machine should hold the address, or which appliance should answer for it.',
    source: 'RFC 1122 section 2.3.2; Linux net/core/neighbour.c',
  },
  ARP_QUEUE_FULL: {
    meaning: 'Too many packets were waiting for one ARP reply; the oldest was dropped.',
    causes: 'Much is sent to an address that does not answer.',
    remedy: 'As for ARP_UNANSWERED.',
    source: 'RFC 1122 section 2.3.2.2',
  },
  ARP_LOCKTIME: {
    meaning: 'A second ARP answer within a second of the first was ignored.',
    causes: 'Two machines answer for one address.',
    remedy: 'Find the second one: one of them should be off, or should not stand in.',
    source: 'Linux net/ipv4/arp.c (locktime)',
  },
  ARP_IGNORED: {
    meaning: 'The ARP packet asks for nothing that this machine answers, and tells it nothing.',
    causes: 'A broadcast question meant for another.',
    remedy: 'None needed.',
    source: 'RFC 826',
  },
  // IP
  IP_HEADER: {
    meaning: 'The IPv4 header is broken: version, header length or total length.',
    causes: 'A broken sender.',
    remedy: 'Find the sender.',
    source: 'RFC 1812 section 5.2.2',
  },
  IP_CHECKSUM: {
    meaning: 'The IPv4 header checksum is wrong.',
    causes: 'Corruption on the way.',
    remedy: 'Find the link that corrupts.',
    source: 'RFC 1812 section 5.2.2',
  },
  MARTIAN: {
    meaning: 'The source or destination address cannot be right here.',
    causes: 'A spoofed or misconfigured source such as 127.0.0.1 or our own address.',
    remedy: 'Find the sender.',
    source: 'RFC 1812 section 5.3.7',
  },
  NO_ROUTE: {
    meaning: 'No route leads to the destination.',
    causes: 'A missing default gateway, or a network nobody announced.',
    remedy: 'Give the machine a gateway, or the router a route.',
    source: 'RFC 1812 section 5.2.4.3',
  },
  NOT_FORWARDING: {
    meaning: 'The packet is for another address and this machine is not a router.',
    causes: 'A stale ARP entry somewhere points to the wrong machine.',
    remedy: 'See who sent it here, and what its ARP table says.',
    source: 'RFC 1122 section 3.2.1.3',
  },
  TTL_EXCEEDED: {
    meaning: 'The packet has passed as many routers as it may.',
    causes: 'A loop, or a path that is too long.',
    remedy: 'Follow the packet: routers that see it twice are the loop.',
    source: 'RFC 1812 section 5.3.1',
  },
  FRAGMENTATION_NEEDED: {
    meaning: 'The packet is too large for the next link and may not be fragmented.',
    causes: 'A tunnel takes bytes for itself; the sender does path MTU discovery.',
    remedy: 'The sender should lower its packets; if it does not hear of it, clamp the MSS.',
    source: 'RFC 1191 section 4',
  },
  MTU_BLACKHOLE: {
    meaning: 'Large packets vanish on the way and nobody tells the sender.',
    causes:
      'A tunnel with a smaller MTU, and ICMP "fragmentation needed" that is not sent or not passed.',
    remedy: 'Let ICMP type 3 code 4 pass, or turn on MSS clamping for the tunnel.',
    source: 'RFC 2923 section 2.1',
  },
  LINK_BROADCAST: {
    meaning: 'A unicast packet came in a broadcast frame; it must not be forwarded.',
    causes: 'A broken sender.',
    remedy: 'Find the sender.',
    source: 'RFC 1812 section 5.3.4',
  },
  BROADCAST_NOT_FORWARDED: {
    meaning: 'Broadcasts and multicasts end at a router.',
    causes: 'DHCP, mDNS and the like do not cross a routed tunnel.',
    remedy: 'None where it is meant; a relay where the protocol has one.',
    source: 'RFC 1812 section 5.3.5, RFC 2644',
  },
  IP_OPTIONS: {
    meaning: 'The IPv4 options are broken or not accepted.',
    causes: 'Source routing, or a broken sender.',
    remedy: 'None needed.',
    source: 'RFC 1812 section 4.2.2.1',
  },
  FRAGMENT_TIMEOUT: {
    meaning: 'Some fragments of the packet did not come in time.',
    causes: 'One of them was lost.',
    remedy: 'Find the loss; avoid fragmentation.',
    source: 'RFC 1122 section 3.3.2',
  },
  FRAGMENT_OVERLAP: {
    meaning: 'Fragments overlap or contradict each other; the whole packet is dropped.',
    causes: 'An attack, or a broken sender.',
    remedy: 'Find the sender.',
    source: 'RFC 815; RFC 5722',
  },
  FRAGMENT_LIMIT: {
    meaning: 'No memory is left for more fragments.',
    causes: 'A flood of fragments that are never completed.',
    remedy: 'Find the sender.',
    source: 'Linux net/ipv4/ip_fragment.c (ipfrag_high_thresh)',
  },
  PROTOCOL_UNREACHABLE: {
    meaning: 'Nobody on this machine speaks the protocol that the packet carries.',
    causes: 'The service is on another machine, or not modelled.',
    remedy: 'Check the destination.',
    source: 'RFC 1122 section 3.2.2.1',
  },
  PORT_CLOSED: {
    meaning: 'Nothing listens on the destination port.',
    causes: 'The service is not running, or listens elsewhere.',
    remedy: 'Add the port to `listen` of the VM, or correct the port.',
    source: 'RFC 1122 section 4.1.3.1; RFC 9293 section 3.5.2',
  },
  ICMP_IGNORED: {
    meaning: 'The ICMP message asks for nothing that this machine does.',
    causes: 'A reply that nobody waits for, or an unknown type.',
    remedy: 'None needed.',
    source: 'RFC 1122 section 3.2.2',
  },
  ICMP_CHECKSUM: {
    meaning: 'The ICMP checksum is wrong.',
    causes: 'Corruption on the way.',
    remedy: 'Find the link that corrupts.',
    source: 'RFC 792',
  },
  UDP_CHECKSUM: {
    meaning: 'The UDP checksum is wrong.',
    causes: 'Corruption on the way.',
    remedy: 'Find the link that corrupts.',
    source: 'RFC 1122 section 4.1.3.4',
  },
  UDP_LENGTH: {
    meaning: 'The UDP length is below 8 or larger than the packet.',
    causes: 'A broken sender.',
    remedy: 'Find the sender.',
    source: 'RFC 768',
  },
  TCP_CHECKSUM: {
    meaning: 'The TCP checksum is wrong.',
    causes: 'Corruption on the way.',
    remedy: 'Find the link that corrupts.',
    source: 'RFC 9293 section 3.1',
  },
  TCP_REFUSED: {
    meaning: 'The other end refused the connection with a reset.',
    causes: 'Nothing listens on the port.',
    remedy: 'Add the port to `listen` of the VM, or correct the port.',
    source: 'RFC 9293 section 3.5.2',
  },
  TCP_TIMEOUT: {
    meaning: 'The other end did not answer in time.',
    causes: 'It is not reachable, or too large packets vanish on the way.',
    remedy: 'See in the hops where the last segment ended.',
    source: 'RFC 9293 section 3.8.3',
  },
  TCP_RESET: {
    meaning: 'The other end reset an open connection.',
    causes: 'It was restarted and no longer knows the connection, or its application gave up.',
    remedy: 'Look for a restart or a failover of the other end just before.',
    source: 'RFC 9293 section 3.10.7.4',
  },
  TCP_CLOSED_EARLY: {
    meaning: 'The other end closed the connection before all that was expected had come.',
    causes: 'The service sends less than the client waits for.',
    remedy: 'Let the service send as much as the client expects.',
    source: 'RFC 9293 section 3.6',
  },
  TCP_ABORTED: {
    meaning: 'This end gave the connection up.',
    causes: 'The scenario or the application aborted it.',
    remedy: 'None needed if it is meant.',
    source: 'RFC 9293 section 3.10.5',
  },
  TCP_OUT_OF_WINDOW: {
    meaning: 'The segment lies outside the window of what may arrive next.',
    causes:
      'A retransmission of what has already arrived, a probe of a closed window, or a forgery.',
    remedy: 'None needed: it is answered with an acknowledgment.',
    source: 'RFC 9293 section 3.10.7.4, table 6; RFC 5961 section 3',
  },
  TCP_BAD_ACK: {
    meaning: 'The segment acknowledges what was never sent, or what was acknowledged long ago.',
    causes: 'One end was restarted and began the connection anew, or a forgery.',
    remedy: 'None needed: the two ends sort it out by a reset.',
    source: 'RFC 9293 section 3.10.7.4; RFC 5961 section 5',
  },
  TCP_UNEXPECTED: {
    meaning: 'The segment has no meaning in the state that the connection is in.',
    causes: 'An old duplicate, a SYN on an open connection, or a segment without ACK.',
    remedy: 'None needed.',
    source: 'RFC 9293 section 3.10.7; RFC 5961 section 4',
  },
  TCP_QUEUE_FULL: {
    meaning: 'Too many pieces of the stream wait for one that is missing.',
    causes: 'Loss together with very small segments.',
    remedy: 'None needed: they are sent again.',
    source: 'RFC 9293 section 3.10.7.4 (SHLD-31)',
  },
  TCP_TABLE_FULL: {
    meaning: 'The machine has as many connections as it can hold, or no port left.',
    causes: 'A flood of connection attempts, or connections that are never closed.',
    remedy: 'Close what is not needed.',
    source: 'Standin: at most 4096 connections per machine',
  },
  FIREWALL_BLOCKED: {
    meaning: 'A rule of the device blocks this traffic.',
    causes: 'The scenario blocks the port here, for example UDP 6180 at a cloud gateway.',
    remedy: 'Open the port: a cloud gateway needs 6180 for TCP and for UDP.',
    source: 'Veeam Cloud Connect guide, Ports',
  },
  NAT_NO_MAPPING: {
    meaning: 'The packet came to a translated address without a translation to go with it.',
    causes: 'An answer that came too late, or a connection from outside.',
    remedy: 'Add a port forwarding, or start the connection from inside.',
    source: 'RFC 4787 section 5',
  },
  NAT_TABLE_FULL: {
    meaning: 'The router translates as many flows as it can hold, so it refused a new one.',
    causes: 'A flood of new connections from inside, or a scan.',
    remedy: 'Find the sender, or wait: what is not used is forgotten, UDP after five minutes.',
    source: 'RFC 4787 section 4.3; Standin: at most 4096 mappings',
  },
  ROUTING_OFF: {
    meaning: 'The appliance of the provider does not route between the networks of the replicas.',
    causes: 'The failover plan leaves "Route traffic between these networks" off.',
    remedy: 'Switch it on: `routing: true` in the failover plan.',
    source: 'Veeam Cloud Connect guide, Managing Default Gateways',
  },
  NO_INTERNET_ACCESS: {
    meaning: 'The network of the replica has no internet access, so nothing is translated for it.',
    causes: 'The hardware plan provides it as an internal network.',
    remedy: 'Map it to a network with internet access; a public-IP rule lets the internet in only.',
    source: 'Veeam Cloud Connect guide, Hardware Plan Network Settings',
  },
  // WireGuard
  WG_MALFORMED: {
    meaning: 'The datagram is not a WireGuard message.',
    causes: 'Something else is sent to the port.',
    remedy: 'Find the sender.',
    source: 'WireGuard whitepaper section 5.4',
  },
  WG_MAC1: {
    meaning: 'The handshake message was not made for this public key.',
    causes: 'The two ends do not know the same keys.',
    remedy: 'Compare the keys of the two appliances.',
    source: 'WireGuard whitepaper section 5.4.4',
  },
  WG_UNKNOWN_PEER: {
    meaning: 'The handshake is from a public key that is not configured.',
    causes: 'The two ends do not know the same keys.',
    remedy: 'Compare the keys of the two appliances.',
    source: 'WireGuard whitepaper section 5.4.2',
  },
  WG_DECRYPT: {
    meaning: 'The message could not be authenticated.',
    causes: 'Corruption, an old key, or a wrong preshared key.',
    remedy: 'Compare the preshared keys; wait for the next handshake.',
    source: 'WireGuard whitepaper section 5.4.6',
  },
  WG_REPLAY: {
    meaning: 'The message has been seen before, or is too old to tell.',
    causes: 'A duplicated datagram, or an attack.',
    remedy: 'None needed.',
    source: 'WireGuard whitepaper sections 5.1 and 5.4.6',
  },
  WG_UNKNOWN_INDEX: {
    meaning: 'The message belongs to a session that this end does not have.',
    causes: 'The session has expired, or this end was restarted.',
    remedy: 'None needed: the sender starts a new handshake after 15 s.',
    source: 'WireGuard whitepaper section 5.4.6',
  },
  WG_ALLOWED_IPS: {
    meaning: 'The inner source address is not one that this peer may use.',
    causes: 'The cryptokey routes do not match what is sent through the tunnel.',
    remedy: 'Correct the allowed addresses of the tunnel.',
    source: 'WireGuard whitepaper section 2',
  },
  WG_NO_PEER: {
    meaning: 'No peer of the tunnel is responsible for the destination address.',
    causes: 'The cryptokey routes lack the address.',
    remedy: 'Add the address to the allowed addresses of the tunnel.',
    source: 'WireGuard whitepaper section 2',
  },
  WG_NO_ENDPOINT: {
    meaning: 'The peer has no address yet to send to.',
    causes: 'It is configured without an endpoint, and has not called so far.',
    remedy: 'Let the peer start the tunnel, or give it an endpoint.',
    source: 'WireGuard whitepaper section 2.1',
  },
  WG_NO_SESSION: {
    meaning: 'The tunnel has no session, and too many packets waited for one or waited too long.',
    causes: 'The other end does not answer the handshake.',
    remedy: 'See why the handshake gets no answer: UDP 6180 at the gateway is the usual reason.',
    source: 'WireGuard whitepaper section 6.4',
  },
  WG_RATE_LIMITED: {
    meaning: 'Too many handshakes came, so this one was not looked at.',
    causes: 'A flood of handshakes.',
    remedy: 'None needed.',
    source: 'WireGuard whitepaper section 5.3',
  },
  WG_COOKIE: {
    meaning: 'The responder is busy and asked the sender to prove its address first.',
    causes: 'A flood of handshakes.',
    remedy: 'None needed: the sender tries again with the cookie.',
    source: 'WireGuard whitepaper section 5.3',
  },
  // IPsec
  ESP_NO_SA: {
    meaning: 'This gateway has no security association by the number that the packet names.',
    causes: 'The two gateways were given different SPIs, or the packet is not for this one.',
    remedy: 'Compare the security associations of the two gateways.',
    source: 'RFC 4303 section 3.4.2',
  },
  ESP_REPLAY: {
    meaning: 'The sequence number has been seen before, or is too old to tell.',
    causes: 'A duplicated packet, one that was much delayed, or an attack.',
    remedy: 'None needed.',
    source: 'RFC 4303 section 3.4.3',
  },
  ESP_ICV: {
    meaning: 'The packet could not be authenticated.',
    causes: 'Corruption on the way, or the two gateways were given different keys.',
    remedy: 'Compare the keys and salts of the two gateways.',
    source: 'RFC 4303 section 3.4.4, RFC 4106',
  },
  ESP_CONTENT: {
    meaning: 'The packet is authentic, and what is in it is no IPv4 packet.',
    causes: 'The other gateway is in transport mode, or carries another protocol.',
    remedy: 'Set both gateways to tunnel mode.',
    source: 'RFC 4303 sections 2.4 and 2.6',
  },
  ESP_SEQUENCE_OVER: {
    meaning: 'The sequence numbers of the security association are used up.',
    causes: 'Four billion packets were sent with one key; without IKE there is no other.',
    remedy: 'Give both gateways new keys.',
    source: 'RFC 4303 section 3.3.3',
  },
  IPSEC_NOT_SELECTED: {
    meaning: 'The packet went into an IPsec tunnel, or came out of one, that is not for it.',
    causes: 'A route leads into the tunnel that its traffic selectors do not cover.',
    remedy: 'Add the two networks to the traffic selectors of both gateways, or correct the route.',
    source: 'RFC 4301 sections 5.1 and 5.2',
  },
  IPSEC_NO_ENDPOINT: {
    meaning: 'The other gateway is behind a NAT and has not called, so nobody knows where it is.',
    causes: 'It is off, or UDP 4500 is blocked on the way.',
    remedy: 'Open UDP 4500 and start the other gateway.',
    source: 'RFC 3948; RFC 7296 section 2.23',
  },
  // Cloud gateway
  RELAY_UNKNOWN_SOURCE: {
    meaning: 'The cloud gateway has no session for the sender, and the datagram does not open one.',
    causes: 'The session is over, or the datagram is not the start of a tunnel of any tenant.',
    remedy: 'None needed: the tenant appliance starts a new handshake.',
    source: 'Veeam Cloud Connect guide, Ports; WireGuard whitepaper section 5.4.4',
  },
  RELAY_UNPROVEN: {
    meaning:
      'The cloud gateway has sent a new client as much as came from it, and it has not shown yet that it is where it says.',
    causes: "Handshakes were begun from an address that is not the sender's own.",
    remedy: 'None needed: whoever uses the session that it was granted may receive everything.',
    source: 'RFC 9000 section 8.1, applied to WireGuard',
  },
  RELAY_LIMIT: {
    meaning: 'The cloud gateway has as many sessions as it may.',
    causes: 'A flood of new sources.',
    remedy: 'Find the sender.',
    source: 'Standin',
  },
  // Proxy ARP
  PROXY_OUT_OF_SCOPE: {
    meaning: 'The appliance does not stand in for this address.',
    causes: 'The address is not failed over, or lives on this side.',
    remedy:
      'None where it is meant; else see which addresses the operation handed to the appliance.',
    source: 'RFC 1027 section 2.4',
  },
  PROXY_NO_ANSWER: {
    meaning: 'The far side was asked for the address and nobody answered there.',
    causes: 'The machine is off, or not on that network.',
    remedy: 'See whether the replica is up and has the address.',
    source: 'parprouted(8)',
  },
  PROXY_FAR_SIDE_DOWN: {
    meaning: 'The far side could not be asked, because the tunnel has no session.',
    causes: 'The tunnel is down.',
    remedy: 'See why the tunnel does not come up.',
    source: 'Standin',
  },
  PROXY_ARP_OFF: {
    meaning: 'The proxy-ARP daemon of the appliance does not run.',
    causes: 'The scenario switches it off, or the appliance is not configured yet.',
    remedy: 'Switch it on: `proxy_arp: relay`.',
    source: 'Veeam Cloud Connect guide, Partial Site Failover',
  },
  DAEMON_HUNG: {
    meaning: 'The process that should answer hangs, while its machine runs.',
    causes: 'A fault of the VPN daemon, the proxy-ARP daemon or the DHCP server.',
    remedy: 'Start the process anew: `resume`, or whatever configures it again.',
    source: 'scenario',
  },
  // Real networks
  ATTACHMENT_UNLISTED: {
    meaning: 'The datagram came from an address that no network of the scenario is attached to.',
    causes: 'Another VXLAN end point that takes us for one of its own, or somebody who tries.',
    remedy: 'Name the end point in `attach:` if it is meant to be heard.',
    source: 'RFC 7348 section 7',
  },
  ATTACHMENT_OTHER_VNI: {
    meaning: 'The datagram is of a VXLAN that the scenario has no part in.',
    causes: 'The end point has another VNI than `attach:` says.',
    remedy: 'Give both ends the same VNI.',
    source: 'RFC 7348 section 4.1',
  },
  ATTACHMENT_LOOP: {
    meaning: 'A frame of a machine of the scenario came back from the real network.',
    causes:
      'A loop beyond the end point, or a real machine with the MAC address of a simulated one.',
    remedy: 'Break the loop, or give the simulated machine another MAC address.',
    source: 'IEEE 802.1D-2004 section 6.3.4',
  },
  ATTACHMENT_TRANSIT: {
    meaning: 'The frame of a real machine would have left for a real network again.',
    causes:
      'Two attached networks are bridged: real networks are never joined through a rehearsal.',
    remedy: 'None needed.',
    source: 'split horizon, RFC 4762 section 4.4',
  },
  ATTACHMENT_NOT_ALLOWED: {
    meaning: 'What the frame says may not be said to real machines.',
    causes: 'ARP, proxy ARP, announcements and DHCP stay inside unless each is allowed by name.',
    remedy: 'Add it to `allow:` of the attachment, if real machines are meant to believe it.',
    source: 'scenario',
  },
  ATTACHMENT_STORM: {
    meaning: 'More was to be flooded through the attachment than passes in a second.',
    causes: 'A broadcast storm on one of its sides.',
    remedy: 'Find the loop.',
    source: 'RFC 7348 section 7',
  },

  // Causes that explain a verdict
  STALE_ARP: {
    meaning:
      'The sender still holds the MAC address of the machine that had the IP address before.',
    causes: 'The address moved and no gratuitous ARP told its neighbours.',
    remedy:
      'Let the appliance announce addresses (`gratuitous_arp: both`), or wait for the entry to age.',
    source: 'RFC 1122 section 2.3.2.1; RFC 5227 section 3',
  },
  DHCP_NO_STATIC_IP: {
    meaning:
      'The VM has no static IP address, so no appliance stands in for it: the operation succeeds and the replica cannot be reached.',
    causes: 'Partial site failover works only for VMs with a static IP address.',
    remedy: 'Give the VM a static address.',
    source: 'Veeam Cloud Connect guide, Performing Partial Site Failover',
  },
  NO_NEA: {
    meaning: 'The network of the VM has no network extension appliance.',
    causes:
      'None was deployed for this network, or it is not part of the service provider settings.',
    remedy: 'Deploy a network extension appliance for the network and start the failover again.',
    source: 'Veeam Cloud Connect guide, Performing Partial Site Failover',
  },
  NO_ADDRESS: {
    meaning: 'The machine has no address to send from or to be reached at.',
    causes: 'It got no lease, gave its address up after a conflict, or is still checking it.',
    remedy: 'Look at how it gets its address.',
    source: 'RFC 2131; RFC 5227',
  },
  DHCP_POOL_EXHAUSTED: {
    meaning: 'The DHCP server has no address left, so it does not answer the client.',
    causes: 'Every address of the pool is leased, offered, reserved or found in use by others.',
    remedy: 'Enlarge the `pool`, or shorten the `lease`.',
    source: 'RFC 2131 section 4.3.1',
  },
  DHCP_HOPS: {
    meaning: 'The DHCP request has passed more than sixteen relay agents.',
    causes: 'Relay agents that pass requests to each other in a circle.',
    remedy: 'Let each relay agent pass requests to the server itself.',
    source: 'RFC 1542 section 4.1.1',
  },
  DHCP_GIADDR_FORGED: {
    meaning: 'The DHCP request claims to have been relayed by the agent that it has just reached.',
    causes: 'A forgery, or a request that came back.',
    remedy: 'Find the sender.',
    source: 'RFC 3046 section 2.1.1',
  },
  DHCP_OPTION_82_REFUSED: {
    meaning: 'A client sent the option that only relay agents may add, so its request was dropped.',
    causes: 'A forgery, or a switch that adds option 82 and leaves giaddr empty.',
    remedy: 'Switch the option off at whoever adds it.',
    source: 'RFC 3046 section 2.1',
  },
  DHCP_OTHER_RELAY: {
    meaning: 'The DHCP reply is for the clients of another relay agent.',
    causes: 'A server that answers to a wrong address.',
    remedy: 'Look at giaddr in the reply: it must be the address of the agent.',
    source: 'RFC 1542 section 4.1.2',
  },
  ADDRESS_CONFLICT: {
    meaning: 'Another machine uses the address, so this one gave it up.',
    causes: 'The original VM is still on, or an appliance answers for the address too early.',
    remedy: 'Power off the original before its replica starts.',
    source: 'RFC 5227 section 2.4',
  },
  DUPLICATE_ADDRESS: {
    meaning: 'Two machines answer for one address; who wins differs from neighbour to neighbour.',
    causes: 'The original VM is still on while its replica runs.',
    remedy: 'Power off the original, or disconnect it from the network.',
    source: 'RFC 5227; Veeam Backup & Replication guide, Failover',
  },
  TUNNEL_DOWN: {
    meaning: 'The tunnel between the network extension appliances is not up.',
    causes: 'UDP 6180 is blocked at the cloud gateway, the keys differ, or an appliance is off.',
    remedy: 'See where the handshake ends, open the port, then reconnect.',
    source: 'Veeam Cloud Connect guide, Ports',
  },
  NO_TUNNEL_TO_PRODUCTION: {
    meaning:
      'The VM has failed over with the whole site, for which no tunnel is built: production cannot reach its replica.',
    causes: 'A failover plan was run while part of production was still there.',
    remedy: 'Fail single VMs over without a plan, or reach the replicas from the internet.',
    source: 'Veeam Cloud Connect guide, Full Site Failover',
  },
  NO_EDGE_GATEWAY: {
    meaning: 'No edge gateway of the org VDC leads to the network that the replica is in.',
    causes:
      'An isolated network is connected to none; a stretched one needs an edge at the site too.',
    remedy: 'Write `type: routed`, or stretch it with `connectivity: edge_gateway` and an `edge`.',
    source: 'Veeam Cloud Connect guide, VMware Cloud Director Support',
  },
  REPLICA_NOT_MAPPED: {
    meaning: 'The replica is connected to no network, or to another than its tunnel ends in.',
    causes: 'The replication job has no network mapping for its network.',
    remedy: 'Map the production network to a network of the hardware plan.',
    source: 'Veeam Cloud Connect guide, Network Mapping for Cloud Replicas',
  },
  // Operations
  VCD_ADAPTER_LIMIT: {
    meaning: 'The network extension appliance would need more than ten adapters.',
    causes:
      'It joins every network of the org VDC; with one adapter for management, nine are possible.',
    remedy: 'Keep at most nine networks in the org VDC.',
    source: 'Veeam Cloud Connect guide, Partial Site Failover for VMware Cloud Director',
  },
  WRONG_STATE: {
    meaning: 'The replica is in a state that does not allow the operation.',
    causes: 'It has been failed over already, or is being processed.',
    remedy: 'Order what this state allows, or wait until the operation under way has ended.',
    source: 'Veeam Backup & Replication guide, Failover and Failback',
  },
  NO_REPLICA: {
    meaning: 'The VM has no replica with the service provider.',
    causes: 'No replication job names it.',
    remedy: 'Add the VM to a replication job.',
    source: 'Veeam Cloud Connect guide, Creating Replication Jobs',
  },
  NO_RESTORE_POINT: {
    meaning: 'The replica has no such restore point.',
    causes: 'The job keeps fewer points than that.',
    remedy: 'Choose a restore point that exists: `latest`, or a lower number.',
    source: 'Veeam Cloud Connect guide, Performing Partial Site Failover',
  },
  TENANT_ONLY: {
    meaning: 'The provider started an operation that is for the tenant alone.',
    causes: 'Production is the tenant’s: where it takes over again is not for the provider to say.',
    remedy: 'Let the tenant fail back, commit the failback or undo it.',
    source: 'Veeam Cloud Connect guide, Failback',
  },
  OPERATION_STEP_FAILED: {
    meaning: 'A step of the operation could not be carried out.',
    causes: 'A machine, disk or appliance refused, or a fault of the scenario stood in the way.',
    remedy: 'See which step it was; remove the cause and start the operation again.',
    source: 'Standin',
  },
  APPLIANCE_UNREACHABLE: {
    meaning: 'The backup server cannot reach the network extension appliance to configure it.',
    causes: 'SSH (TCP 22) or ICMP is blocked, its cable is pulled, or it has no address.',
    remedy: 'Open the way to the appliance and start the operation again.',
    source: 'Veeam Cloud Connect guide, Ports',
  },
  APPLIANCE_PASSWORD: {
    meaning:
      'The network extension appliance refuses the password: it is of no use until redeployed.',
    causes: 'The password of its credentials was changed after it was deployed.',
    remedy: 'Redeploy the appliance: `redeploy`.',
    source: 'Veeam Cloud Connect guide, Network Extension Appliance Credentials',
  },
  OPERATION_TIMEOUT: {
    meaning: 'A step of the operation did not end within the patience of the controller.',
    causes: 'A machine or an appliance does not respond.',
    remedy: 'Remove the cause, or raise the patience in the policies.',
    source: 'Standin',
  },
  ROLLBACK_INCOMPLETE: {
    meaning: 'What the operation had started could not all be stopped again.',
    causes: 'A step of the way back failed too, so the replica stays in a failed failover.',
    remedy: 'Remove the cause and undo the failover.',
    source: 'Standin',
  },
  FAILOVER_TYPE_CONFLICT: {
    meaning: 'Another type of failover is under way, and one at a time is supported.',
    causes:
      'Partial failover was started during full site failover, or a failover plan during partial failover.',
    remedy: 'Undo the other one first; a failover plan can be started by force.',
    source: 'Veeam Cloud Connect guide, Cloud Failover Plan',
  },
  PROMPT_UNANSWERED: {
    meaning:
      'The failover plan asks whether to stop the partial failover that is under way, and nobody is there to answer.',
    causes: 'The policy for a plan during partial failover is `prompt`, in a run without a user.',
    remedy: 'Decide beforehand: `policies: { on_concurrent: force }` or `reject`.',
    source: 'Veeam Cloud Connect guide, Cloud Failover Plan',
  },
  PING_UNANSWERED: {
    meaning: 'The provider pinged it in the test of a failover plan and had no answer.',
    causes: 'The replica does not answer pings, or the appliance has no address in its network.',
    remedy: 'See whether the replica is up and at its address, and whether it answers pings.',
    source: 'Veeam Cloud Connect guide, Testing Cloud Failover Plan',
  },
  PORT_RESERVED: {
    meaning:
      'A public-IP rule uses port 22, which the network extension appliance keeps for itself.',
    causes: 'The rule forwards SSH, or names the wrong port.',
    remedy: 'Choose another public port for it.',
    source:
      'Veeam Cloud Connect guide, Network Extension Appliance; New-VBRFailoverPlanPublicIpRule',
  },
  REPLICATION_ON_HOLD: {
    meaning: 'The replication run was skipped, because the replica is not ready for one.',
    causes: 'The replica is failed over, being processed, or part of an operation.',
    remedy: 'Undo the failover or finish it; replication resumes when the replica is ready.',
    source: 'Veeam Cloud Connect guide, Partial Site Failover',
  },
  REPLICA_CHANGED: {
    meaning: 'The replica is not what the last replication run left, so no run can build on it.',
    causes: 'Somebody switched it on by hand, and its guest wrote to its disks.',
    remedy: 'Fail over and undo the failover: that returns it to a restore point.',
    source: 'Veeam Backup & Replication guide, Failover',
  },
  // Warnings
  NO_STATIC_IP_DETECTED: {
    meaning: 'No static IP address was detected for the VM at the last run of its replication job.',
    causes: 'It uses DHCP, or it is not a Windows VM and needs a network mapping row.',
    remedy: 'Give the VM a static address; for other systems than Windows map its network.',
    source: 'Veeam Cloud Connect guide, Creating Replication Jobs',
  },
  FAULT_WITHOUT_EFFECT: {
    meaning: 'The fault found nothing to harm at that moment.',
    causes:
      'The process did not run, or the machine had no lease or no power to be switched on with.',
    remedy: 'Let the fault come later, or start what it is to harm before.',
    source: 'scenario',
  },
  // Bounds
  BUDGET_EXCEEDED: {
    meaning: 'The run did more than it may: it probably goes round in a circle.',
    causes: 'A forwarding loop or a broadcast storm.',
    remedy:
      'Look for the frames that repeat at the end of the log; a long run gets more by --events-max.',
    source: 'Standin',
  },
} as const satisfies Record<string, ReasonEntry>;

export type Reason = keyof typeof reasons;

/** Every code, in the order of the table: an index is what the compact log stores. */
export const reasonList = Object.keys(reasons) as readonly Reason[];
const numbers: ReadonlyMap<string, number> = new Map(reasonList.map((code, i) => [code, i]));

export const reasonNumber = (code: Reason): number => numbers.get(code)!;
export const isReason = (text: string): text is Reason => numbers.has(text);
