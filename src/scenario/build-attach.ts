/** What a file says of the real network that one of the scenario is joined to. */
import type { AttachmentPlan } from '../lab/topology.ts';
import { showIpv4 } from '../wire/address.ts';
import type { Context } from './build.ts';
import type { RawAttach } from './format-attach.ts';
import { values } from './raw.ts';
import type { Network } from './scenario.ts';

const mtuDefault = 1500;

/** IPv4, UDP, VXLAN, and the Ethernet header within (RFC 7348 section 5). */
const overhead = 50;

/** @param network As it is in the file; what it is called as a whole is `name`. */
export function buildAttach(
  name: string,
  raw: RawAttach | undefined,
  mtu: number,
  { findings, attached }: Context,
): Network['attach'] {
  if (raw === undefined) return undefined;
  const long = 'value' in raw ? undefined : raw;
  const to = 'value' in raw ? raw : raw.to;
  if (to === undefined) return undefined;
  const { ip, vni } = to.value;
  const key = `${ip} ${vni}`;
  const other = attached.get(key);
  if (other === undefined) attached.set(key, name);
  else {
    const message = `${other} is attached to VXLAN ${vni} at ${showIpv4(ip)} already`;
    findings.add('E324', to.spot, message, 'each network needs a VNI of its own there');
  }
  const carried = (long?.mtu?.value ?? mtuDefault) - overhead;
  if (mtu > carried) {
    const message = `packets of more than ${carried} bytes do not fit into VXLAN, and ${name} has an MTU of ${mtu}`;
    findings.add('W324', to.spot, message, `give the network "mtu: ${carried}"`);
  }
  const allows: AttachmentPlan['allows'] = [...new Set(values(long?.allow))];
  return { to: to.value, allows, mtu: carried };
}
