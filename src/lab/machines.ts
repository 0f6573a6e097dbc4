/** Every machine of a lab by its name, the life that it is in, and the switches between them. */
import type { Appliance, CloudGateway } from '../device/appliance.ts';
import type { DhcpService } from '../device/dhcp-service.ts';
import { addGuard, Firewall } from '../device/guards.ts';
import type { Guest } from '../device/guest.ts';
import type { Switch } from '../device/switch.ts';
import type { Works } from '../device/works.ts';
import type { IpStack } from '../stack/ip-stack.ts';
import type { AlwaysOnPlan } from './always-on.ts';
import type {
  GuestPlan,
  PortGroupPlan,
  ProviderAppliancePlan,
  TenantAppliancePlan,
} from './topology.ts';

export type AppliancePlan = TenantAppliancePlan | ProviderAppliancePlan;
export type PowerState = 'on' | 'booting' | 'off';

/** A machine that can be switched on and off, and its present life. */
export interface Slot<Plan, Life extends { readonly stack: IpStack }> {
  plan: Plan;
  life: Life;
  lives: number;
  power: PowerState;
}

export class Machines {
  readonly works: Works;
  readonly switches = new Map<string, Switch>();
  /** By switch. */
  readonly portGroups = new Map<string, readonly PortGroupPlan[]>();
  readonly guests = new Map<string, Slot<GuestPlan, Guest>>();
  readonly appliances = new Map<string, Slot<AppliancePlan, Appliance>>();
  readonly gateways = new Map<string, CloudGateway>();
  /** Of routers and servers, by the machine that they run on, in its present life. */
  readonly dhcp = new Map<string, readonly DhcpService[]>();
  readonly firewalls = new Map<string, Firewall>();
  /** Routers, gateways, servers: what runs from the beginning. */
  readonly alwaysOn = new Map<string, Slot<AlwaysOnPlan, { readonly stack: IpStack }>>();

  constructor(works: Works) {
    this.works = works;
  }

  stack(name: string): IpStack | undefined {
    return (
      this.guests.get(name)?.life.stack ??
      this.appliances.get(name)?.life.stack ??
      this.alwaysOn.get(name)?.life.stack
    );
  }

  /** The firewall of a machine, which outlasts its lives; made when it is first given a rule. */
  firewall(name: string): Firewall {
    let firewall = this.firewalls.get(name);
    if (firewall === undefined) {
      this.firewalls.set(name, (firewall = new Firewall()));
      const stack = this.stack(name);
      if (stack) addGuard(stack, firewall);
    }
    return firewall;
  }

  /** A new life has the firewall of the last. */
  guarded(stack: IpStack): void {
    const firewall = this.firewalls.get(stack.name);
    if (firewall) addGuard(stack, firewall);
  }

  /** The DHCP servers that run on a machine. */
  dhcpServers(name: string): readonly DhcpService[] {
    const own = this.guests.get(name)?.life.dhcpServer;
    return own === undefined ? (this.dhcp.get(name) ?? []) : [own];
  }

  powerOf(name: string): PowerState | undefined {
    return (this.guests.get(name) ?? this.appliances.get(name) ?? this.alwaysOn.get(name))?.power;
  }
}
