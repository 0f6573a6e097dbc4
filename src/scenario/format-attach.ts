/** The part of the format that joins a network to a real one. */
import { integer, vxlanEnd, word } from './scalars.ts';
import { either, list, named, object, optional, required, type ValueOf } from './shape.ts';

const example = 'vxlan://192.0.2.10:4789/42';

const attachment = named(
  'attachment',
  object({
    to: required(vxlanEnd, `The one VXLAN end point that it is joined to: ${example}.`),
    allow: optional(
      list(word('arp', 'proxy_arp', 'announcements', 'dhcp')),
      'What machines may say to real hosts besides IP: arp for themselves, proxy_arp for others, ' +
        'announcements of addresses, dhcp; nothing unless it is listed.',
    ),
    mtu: optional(
      integer(68 + 50, 9216),
      'The largest IP packet on the way to the end point; 1500 unless said otherwise.',
    ),
  }),
);

export const attach = either(vxlanEnd, attachment);
export const attachAbout =
  `Where "standin attach" joins the network to a real one, by VXLAN: ${example}. ` +
  'It has no meaning for "standin run".';

export type RawAttach = ValueOf<typeof attach>;
