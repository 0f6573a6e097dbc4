/** Switching machines on and off: a power cycle is a new life behind the same cables. */
import { after, nanoseconds, seconds } from '../base/time.ts';
import type { AddressPlan as KeptAddress } from '../device/address-keeper.ts';
import type { IpStack } from '../stack/ip-stack.ts';
import { beginAlwaysOn, newStack } from './always-on.ts';
import type { Cables } from './cables.ts';
import type { Fabric } from './fabric.ts';
import { beginAppliance, newAppliance, newGuest } from './lives.ts';
import type { Machines, PowerState } from './machines.ts';
import type { GuestPlan, TunnelPlan } from './topology.ts';
import type { Tunnels } from './tunnels.ts';
import type { Vpns } from './vpns.ts';

/** How long before its first heartbeat an operating system brings up its network. */
const networkBeforeHeartbeat = seconds(10);
/** What a remembered lease is worth when its owner starts again. */
const rememberedLease = seconds(8 * 3600);

/** What a router or a gateway takes to start. */
const infrastructureBoot = seconds(15);

/** Told once whether the machine has come up, or was switched off before. */
type Booted = (up: boolean) => void;
export type HeartbeatListener = (guest: GuestPlan) => void;

export class Power {
  readonly #fabric: Fabric;
  readonly #machines: Machines;
  readonly #cables: Cables;
  readonly #tunnels: Tunnels;
  readonly #vpns: Vpns;
  readonly #tunnel: TunnelPlan;
  /** Who waits for an appliance that boots. */
  readonly #booting = new Map<string, Booted[]>();
  /** What has no power to be switched on with, and whether it ran when that went. */
  readonly #cutOff = new Map<string, boolean>();
  /** Told of the first heartbeat of a guest's life. */
  onHeartbeat: HeartbeatListener = () => {};

  constructor(
    fabric: Fabric,
    machines: Machines,
    cables: Cables,
    tunnels: Tunnels,
    vpns: Vpns,
    tunnel: TunnelPlan,
  ) {
    this.#fabric = fabric;
    this.#machines = machines;
    this.#cables = cables;
    this.#tunnels = tunnels;
    this.#vpns = vpns;
    this.#tunnel = tunnel;
  }

  /** As the lab begins: a guest that runs has booted long ago. */
  beginGuest(plan: GuestPlan): void {
    const slot = this.#machines.guests.get(plan.name)!;
    if (!plan.running) {
      this.#cables.power(slot.life.stack, false);
      this.#tell(plan.name, 'off', -1);
      return;
    }
    slot.power = 'on';
    const on = this.#tell(plan.name, 'on', -1);
    slot.life.start(this.#addressOf(plan), this.#fabric.now, this.#fabric, on);
  }

  /** Nobody can switch it on until it has power again. */
  cut(name: string): void {
    const isSwitch = this.#machines.switches.has(name);
    const runs = isSwitch || this.#machines.powerOf(name) !== 'off';
    if (!this.#cutOff.has(name)) this.#cutOff.set(name, runs);
  }

  /** @returns Whether it starts by itself now that it has power again, for it ran before. */
  supply(name: string): boolean {
    const ran = this.#cutOff.get(name) ?? false;
    this.#cutOff.delete(name);
    return ran;
  }

  /** @returns Whether it could be: not where there is no power. */
  guestOn(name: string, cause: number): boolean {
    const slot = this.#machines.guests.get(name)!;
    if (slot.power !== 'off') return true;
    if (this.#cutOff.has(name)) return false;
    slot.lives += 1;
    const life = newGuest(slot.plan, slot.lives, this.#fabric, this.#machines);
    this.#machines.guarded(life.stack);
    this.#cables.replug(slot.life.stack, life.stack);
    slot.life = life;
    slot.power = 'booting';
    const booting = this.#tell(name, 'booting', cause);
    this.#cables.power(life.stack, true);
    this.#vpns.notePower(slot.plan, true, booting);
    const { boot } = slot.plan;
    const now = this.#fabric.now;
    const networkUp = after(now, nanoseconds(Math.max(0, boot - networkBeforeHeartbeat)));
    this.#fabric.at(networkUp, {
      run: () => {
        if (slot.life !== life || slot.power !== 'booting') return;
        life.start(this.#addressOf(slot.plan), this.#fabric.now, this.#fabric, booting);
        this.#cables.reset(life.stack);
      },
    });
    this.#fabric.at(after(now, boot), {
      run: () => {
        if (slot.life !== life || slot.power !== 'booting') return;
        slot.power = 'on';
        this.#tell(name, 'on', booting);
        this.onHeartbeat(slot.plan);
      },
    });
    return true;
  }

  /** What the guest will use when it starts: its disks say so. */
  setAddress(name: string, address: GuestPlan['address']): void {
    const slot = this.#machines.guests.get(name)!;
    slot.plan = { ...slot.plan, address };
  }

  guestOff(name: string, cause: number): void {
    const slot = this.#machines.guests.get(name)!;
    if (slot.power === 'off') return;
    slot.power = 'off';
    const off = this.#tell(name, 'off', cause);
    this.#stop(slot.life.stack);
    this.#vpns.notePower(slot.plan, false, off);
  }

  applianceOn(name: string, cause: number, booted: Booted): void {
    const slot = this.#machines.appliances.get(name)!;
    if (slot.power === 'on') {
      booted(true);
      return;
    }
    if (slot.power === 'booting') {
      this.#booting.get(name)?.push(booted);
      return;
    }
    if (this.#cutOff.has(name)) {
      booted(false);
      return;
    }
    slot.lives += 1;
    const life = newAppliance(slot.plan, slot.lives, this.#fabric, this.#machines, this.#tunnel);
    this.#machines.guarded(life.stack);
    this.#cables.replug(slot.life.stack, life.stack);
    slot.life = life;
    slot.power = 'booting';
    this.#booting.set(name, [booted]);
    const booting = this.#tell(name, 'booting', cause);
    this.#cables.power(life.stack, true);
    this.#fabric.at(after(this.#fabric.now, slot.plan.boot), {
      run: () => {
        if (slot.life !== life || slot.power !== 'booting') return;
        slot.power = 'on';
        life.stack.running = true;
        const on = this.#tell(name, 'on', booting);
        beginAppliance(slot.plan, life, this.#fabric, on);
        this.#tellBooted(name, true);
      },
    });
  }

  applianceOff(name: string, cause: number): void {
    const slot = this.#machines.appliances.get(name)!;
    if (slot.power === 'off') return;
    for (const network of slot.life.extensions.keys()) this.#tunnels.stop(name, network, cause);
    slot.power = 'off';
    this.#tell(name, 'off', cause);
    this.#stop(slot.life.stack);
    this.#tellBooted(name, false);
  }

  infrastructureOff(name: string): void {
    const slot = this.#machines.alwaysOn.get(name)!;
    if (slot.power === 'off') return;
    slot.power = 'off';
    this.#tell(name, 'off', -1);
    this.#stop(slot.life.stack);
  }

  infrastructureOn(name: string): void {
    const slot = this.#machines.alwaysOn.get(name)!;
    if (slot.power !== 'off' || this.#cutOff.has(name)) return;
    slot.lives += 1;
    const stack = newStack(slot.plan, slot.lives, this.#machines, this.#fabric);
    stack.running = false;
    this.#cables.replug(slot.life.stack, stack);
    slot.life = { stack };
    slot.power = 'booting';
    const booting = this.#tell(name, 'booting', -1);
    this.#cables.power(stack, true);
    this.#fabric.at(after(this.#fabric.now, infrastructureBoot), {
      run: () => {
        if (slot.life.stack !== stack || slot.power !== 'booting') return;
        slot.power = 'on';
        stack.running = true;
        this.#tell(name, 'on', booting);
        beginAlwaysOn(slot.plan, this.#machines, this.#fabric, this.#vpns);
        const gateway = this.#machines.gateways.get(name);
        if (gateway) this.#tunnels.openRelaysAt(gateway);
      },
    });
  }

  #addressOf({ address, lease, replica, vm }: GuestPlan): KeptAddress {
    if (address.kind === 'static' || !replica || lease === 'none') return address;
    // The replica's disk is the original's: it remembers the lease that the original had.
    const original = this.#machines.guests.get(vm)?.life.keeper?.lease;
    if (original === undefined) return { kind: 'dhcp' };
    const now = this.#fabric.now;
    const expiresAt = lease === 'valid' ? after(now, rememberedLease) : now;
    const remembered = { ...original, renewAt: expiresAt, rebindAt: expiresAt, expiresAt };
    return { kind: 'dhcp', remembered };
  }

  #stop(stack: IpStack): void {
    stack.running = false;
    this.#cables.power(stack, false);
  }

  #tellBooted(name: string, up: boolean): void {
    const waiting = this.#booting.get(name) ?? [];
    this.#booting.delete(name);
    for (const booted of waiting) booted(up);
  }

  #tell(node: string, state: PowerState, cause: number): number {
    return this.#fabric.log.tell(this.#fabric.now, node, cause, { kind: 'power', state });
  }
}
