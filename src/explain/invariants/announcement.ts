/**
 * An address has moved to another MAC address, and nobody told the neighbours: no gratuitous ARP
 * within the time set, and somebody still sends to where it was.
 */
import { type Duration, type Instant, roughly, seconds } from '../../base/time.ts';
import type { Fact, MachineRole } from '../../trace/event.ts';
import type { EventLog } from '../../trace/log.ts';
import { parseIpv4, showIpv4 } from '../../wire/address.ts';
import { type World, worldOf } from '../world.ts';
import { arpSenderMac, isAnnouncement, macAt, senderIp, sourceMac } from './frames.ts';
import { type Breach, Breaches, type Invariant, type Told } from './invariant.ts';
import { sideOf } from './sides.ts';

/** Who lays an address down says whose it is again before that machine has started. */
const before = seconds(120);

/** A machine has an address from now on, or stands in for who has it. */
interface Move {
  readonly node: string;
  readonly ip: string;
  readonly at: Instant;
  readonly event: number;
}

interface Announced {
  readonly by: string;
  /** On behalf of another machine, with its MAC address. */
  readonly isForAnother: boolean;
  readonly at: Instant;
}

export class Announcement implements Invariant {
  readonly #log: EventLog;
  readonly #within: Duration;
  readonly #breaches = new Breaches();
  #moves: Move[] = [];
  /** By address. */
  readonly #announced = new Map<string, Announced[]>();

  constructor(log: EventLog, within: Duration) {
    this.#log = log;
    this.#within = within;
  }

  crossing(id: number): void {
    const log = this.#log;
    if (!isAnnouncement(log, id)) return;
    const cause = log.causeOf(id);
    if (cause >= 0 && isAnnouncement(log, cause)) return; // handed on
    const ip = showIpv4(senderIp(log, id));
    const isForAnother = macAt(log, id, arpSenderMac) !== macAt(log, id, sourceMac);
    const announced = { by: log.read(id).node, isForAnother, at: log.timeOf(id) };
    const known = this.#announced.get(ip);
    if (known === undefined) this.#announced.set(ip, [announced]);
    else known.push(announced);
  }

  fact(id: number, fact: Fact): void {
    if (this.#log.level !== 'full') return; // announcements would not be seen
    const isMove = fact.kind === 'address' || fact.kind === 'proxy-entry';
    if (!isMove || fact.change !== 'added' || parseIpv4(fact.ip) === undefined) return;
    const { node, at } = this.#log.read(id) as Told<'address' | 'proxy-entry'>;
    this.#moves.push({ node, ip: fact.ip, at, event: id });
  }

  judge(now: Instant): readonly Breach[] {
    const world = worldOf(this.#log);
    const isDue = ({ at }: Move): boolean => at + this.#within <= now;
    const tenants = byTenant(world);
    for (const move of this.#moves) if (isDue(move)) this.#judge(world, move, tenants);
    this.#moves = this.#moves.filter((move) => !isDue(move));
    return this.#breaches.all;
  }

  #judge(world: World, move: Move, tenants: ReadonlyMap<string, readonly string[]>): void {
    const { node, ip, at, event } = move;
    const machine = world.machine(node);
    if (machine === undefined || !takesOver.has(machine.role)) return;
    const until = (at + this.#within) as Instant;
    if (!world.isOn(node, until) || this.#isAnnounced(move, until)) return;
    const misled = misledBy(world, move, until, tenants.get(machine.tenant) ?? []);
    const [first] = misled;
    if (first === undefined) return;
    const more = misled.length > 1 ? `, as ${misled.length - 1} more do` : '';
    const wait = roughly(this.#within);
    this.#breaches.add(`${node} ${ip}`, () => ({
      text: `${node} has taken over ${ip} and nobody announced it within ${wait}: ${first.node} still sends to ${first.mac}${more}`,
      code: 'STALE_ARP',
      at: until,
      events: [event, first.source],
    }));
  }

  #isAnnounced({ node, ip, at }: Move, until: Instant): boolean {
    return (this.#announced.get(ip) ?? []).some(
      (one) => one.at >= at - before && one.at <= until && (one.by === node || one.isForAnother),
    );
  }
}

/** Not the provider's appliance: what that is told of lives on its side, and speaks for itself. */
const takesOver: ReadonlySet<MachineRole> = new Set([
  'vm',
  'replica',
  'tenant-appliance',
  'router',
]);

/** Who still holds the MAC address of another machine, which it had learned before the move. */
function misledBy(world: World, { node, ip, at }: Move, until: Instant, tenant: readonly string[]) {
  const side = sideOf(world, node);
  return tenant.flatMap((other) => {
    if (other === node || sideOf(world, other) !== side || !world.isOn(other, until)) return [];
    const entry = world.neighbour(other, ip, until);
    if (entry === undefined || entry.mac === '' || entry.learned >= at) return [];
    const owners = world.ownersOf(entry.mac);
    if (owners.length === 0 || owners.includes(node)) return [];
    return [{ node: other, mac: entry.mac, source: entry.source }];
  });
}

/** The machines of each tenant: those of two have nothing to do with each other. */
function byTenant(world: World): Map<string, string[]> {
  const tenants = new Map<string, string[]>();
  for (const { name, tenant } of world.machines.values()) {
    const known = tenants.get(tenant);
    if (known === undefined) tenants.set(tenant, [name]);
    else known.push(name);
  }
  return tenants;
}
