/**
 * A proxy that answers for a host on the asker's own side, which is alive: it takes what it was never
 * to have. It may be the only answer that is heard, so that nothing looks like a duplicate.
 */
import type { Instant } from '../../base/time.ts';
import type { EventLog } from '../../trace/log.ts';
import { type Mac, showIpv4, showMac } from '../../wire/address.ts';
import { type Holding, type World, worldOf } from '../world.ts';
import { arpTargetMac, isArpReply, macAt, senderIp, targetIp } from './frames.ts';
import { type Breach, Breaches, type Invariant } from './invariant.ts';
import { sideOf } from './sides.ts';

export class OwnSide implements Invariant {
  readonly #log: EventLog;
  readonly #breaches = new Breaches();
  /** Replies that nobody has judged yet, where they were made. */
  #made: number[] = [];

  constructor(log: EventLog) {
    this.#log = log;
  }

  crossing(id: number): void {
    const log = this.#log;
    if (!isArpReply(log, id)) return;
    const cause = log.causeOf(id);
    const isHandedOn = cause >= 0 && isArpReply(log, cause);
    if (!isHandedOn) this.#made.push(id);
  }

  judge(): readonly Breach[] {
    for (const id of this.#made) this.#judge(id);
    this.#made = [];
    return this.#breaches.all;
  }

  #judge(id: number): void {
    const log = this.#log;
    const world = worldOf(log);
    const { node, at } = log.read(id);
    const ip = showIpv4(senderIp(log, id));
    if (!isProxy(world, node, ip, at)) return;
    const asker = askerOf(world, log, id, at);
    if (asker === undefined) return;
    const side = sideOf(world, asker);
    const network = world.machine(node)!.network || world.machine(asker)!.network;
    if (network === '' || side !== sideOf(world, node)) return;
    if (world.isBridged(network, at)) return; // the answer of another machine, handed on as it is
    const holder = world.holders(ip, at, node).find((one) => {
      const machine = world.machine(one.node);
      if (one.node === node || machine?.network !== network) return false;
      return sideOf(world, one.node) === side && isThere(world, one, at);
    });
    if (holder === undefined) return;
    const whose =
      holder.node === asker
        ? 'which is its own address'
        : `which ${holder.node} has, in ${network} too`;
    this.#breaches.add(`${node} ${ip}`, () => ({
      text: `${node} answers ${asker} for ${ip}, ${whose}`,
      code: 'DUPLICATE_ADDRESS',
      at,
      events: [id],
    }));
  }
}

/** It answers, and has not the address itself. */
function isProxy(world: World, node: string, ip: string, at: Instant): boolean {
  if (world.machine(node) === undefined) return false;
  const claim = world.claim(node, ip, at);
  return claim === undefined || claim.change === 'removed';
}

const isThere = (world: World, { node }: Holding, at: Instant): boolean =>
  world.isOn(node, at) && world.cutsOff(node, at).length === 0;

/** Who asked: by the address that the answer is for, or, of who has none yet, by its MAC address. */
function askerOf(world: World, log: EventLog, id: number, at: Instant): string | undefined {
  const { node } = log.read(id);
  const mac = showMac(macAt(log, id, arpTargetMac) as Mac);
  const owners = world.ownersOf(mac).filter((owner) => world.isNear(owner, node));
  const side = sideOf(world, node);
  const here = (one: string): boolean => sideOf(world, one) === side && world.isOn(one, at);
  const byAddress = world.holders(showIpv4(targetIp(log, id)), at, node).map((one) => one.node);
  return owners.find(here) ?? byAddress.find(here);
}
