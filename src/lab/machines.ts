/** Every machine of a lab by its name, the life that it is in, and the switches between them. */
import type { Appliance, CloudGateway } from '../device/appliance.ts';
import type { Firewall } from '../device/guards.ts';
import type { Guest } from '../device/guest.ts';
import type { Switch } from '../device/switch.ts';
import type { IpStack } from '../stack/ip-stack.ts';
import type { GuestPlan, ProviderAppliancePlan, TenantAppliancePlan } from './topology.ts';

export type AppliancePlan = TenantAppliancePlan | ProviderAppliancePlan;
export type PowerState = 'on' | 'booting' | 'off';

/** A machine that can be switched on and off, and its present life. */
export interface Slot<Plan, Life extends { readonly stack: IpStack }> {
  readonly plan: Plan;
  life: Life;
  lives: number;
  power: PowerState;
}

export class Machines {
  readonly switches = new Map<string, Switch>();
  readonly guests = new Map<string, Slot<GuestPlan, Guest>>();
  readonly appliances = new Map<string, Slot<AppliancePlan, Appliance>>();
  readonly gateways = new Map<string, CloudGateway>();
  readonly firewalls = new Map<string, Firewall>();
  /** Of machines that have no switch: routers, gateways, servers. */
  readonly alwaysOn = new Map<string, IpStack>();

  stack(name: string): IpStack | undefined {
    return (
      this.guests.get(name)?.life.stack ??
      this.appliances.get(name)?.life.stack ??
      this.alwaysOn.get(name)
    );
  }

  powerOf(name: string): PowerState | undefined {
    return (this.guests.get(name) ?? this.appliances.get(name))?.power;
  }
}
