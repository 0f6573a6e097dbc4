/**
 * A VM and its replica both live: switched on, with the same address. Whatever ARP makes of it, both
 * write to disks of their own, and one of the two will be thrown away.
 */
import { type Instant, showMoment } from '../../base/time.ts';
import type { Fact } from '../../trace/event.ts';
import type { EventLog } from '../../trace/log.ts';
import { type World, worldOf } from '../world.ts';
import { type Breach, Breaches, type Invariant, type Told } from './invariant.ts';

type Claim = Told<'address'>;

export class TwoLives implements Invariant {
  readonly #log: EventLog;
  readonly #breaches = new Breaches();
  #claims: Claim[] = [];

  constructor(log: EventLog) {
    this.#log = log;
  }

  fact(id: number, fact: Fact): void {
    if (fact.kind !== 'address' || fact.change !== 'added') return;
    this.#claims.push(this.#log.read(id) as Claim);
  }

  judge(): readonly Breach[] {
    const world = worldOf(this.#log);
    for (const claim of this.#claims) this.#judge(world, claim);
    this.#claims = [];
    return this.#breaches.all;
  }

  #judge(world: World, { node, ip, at, id }: Claim): void {
    const machine = world.machine(node);
    const other = machine && otherLife(world, machine.role, machine.vm || node);
    if (other === undefined || !world.isOn(node, at) || !world.isOn(other, at)) return;
    const holding = world.holders(ip, at, node).find((one) => one.node === other);
    if (holding === undefined || isTest(world, machine!.vm || node, at)) return;
    const [late, early] = [node, other];
    this.#breaches.add(machine!.vm || node, () => ({
      text: `${late} and ${early} are both on with ${ip}, ${early} since ${showMoment(holding.since)}`,
      code: 'DUPLICATE_ADDRESS',
      at,
      events: [id],
    }));
  }
}

function otherLife(world: World, role: string, vm: string): string | undefined {
  if (role === 'vm') return world.replicaOf(vm)?.name;
  return role === 'replica' ? vm : undefined;
}

/** The test of a plan lets replicas live for a while, in networks that lead nowhere. */
const isTest = (world: World, vm: string, at: Instant): boolean =>
  world
    .operationsUpTo(at)
    .some(
      ({ operation, vms, ended }) =>
        operation.startsWith('test') && vms.includes(vm) && (ended === undefined || ended >= at),
    );
