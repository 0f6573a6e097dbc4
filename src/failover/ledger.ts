/**
 * What has been started and not yet stopped, as far as can be known from what was ordered and
 * answered. From the order until the answer, and after an answer that it failed, a thing is in
 * doubt: it may or may not run. Doubt counts as started when something has to be stopped, and as
 * stopped when something has to be started, so that neither is ever forgotten.
 */
import type { Command, GatewayDuty, ProxyDuty, Work } from './decision.ts';

export type Certainty = 'off' | 'in doubt' | 'on';

export type Thing =
  | `${'replica' | 'snapshot' | 'delta' | 'hold' | 'failback snapshot'} ${string}`
  /** An original that an operation has shut down: if it fails, the original is to run again. */
  | `shutdown ${string}`
  | `${'provider appliance' | 'provider gateway' | 'tenant appliance'} ${string}`
  | `${'vpn server' | 'vpn client'} ${string}`
  | `${'provider' | 'tenant'} proxy ${string}`;

export class Ledger {
  readonly #things = new Map<Thing, Certainty>();
  /** What each proxy and gateway was last known to be told; holds while it is on. */
  readonly #duties = new Map<Thing, string>();
  /** What turned each thing on that is on, in that order. */
  readonly #causes = new Map<Thing, Command>();
  readonly #hostOf: (network: string) => string | undefined;

  /** @param hostOf Where the provider's appliance for a production network is. */
  constructor(hostOf: (network: string) => string | undefined) {
    this.#hostOf = hostOf;
  }

  get(thing: Thing): Certainty {
    return this.#things.get(thing) ?? 'off';
  }

  /** Whether the proxy runs and has exactly this duty. */
  performs(network: string, duty: ProxyDuty): boolean {
    const thing: Thing = `${duty.side} proxy ${network}`;
    return this.get(thing) === 'on' && this.#duties.get(thing) === JSON.stringify(duty.scope);
  }

  /** Whether the appliance of a host is a default gateway and has exactly this duty. */
  serves(host: string, duty: GatewayDuty): boolean {
    const thing: Thing = `provider gateway ${host}`;
    return this.get(thing) === 'on' && this.#duties.get(thing) === dutyText(duty);
  }

  /** Everything that runs or may run, with what it is told, in alphabetical order. */
  started(): readonly string[] {
    return (
      [...this.#things]
        .filter(([, certainty]) => certainty !== 'off')
        // A duty goes with certainty: of a proxy in doubt it is the old one, if any.
        .map(([thing, certainty]) => {
          const duty = certainty === 'on' ? this.#duties.get(thing) : undefined;
          return `${thing}: ${certainty}${duty === undefined ? '' : ` ${duty}`}`;
        })
        .sort()
    );
  }

  /** The work has been ordered. If it fails, this is also all that is known. */
  ordered(work: Work): void {
    // An original that nobody has shut down is not in doubt of being so.
    if (work.kind === 'power-on-original' && this.get(`shutdown ${work.vm}`) === 'off') return;
    for (const thing of effect(work).things) this.#things.set(thing, 'in doubt');
  }

  /** What would have to be done, in this order, where nothing has been done yet, for all to be as it is. */
  standing(): readonly Command[] {
    const on = [...this.#causes].filter(([thing]) => this.get(thing) === 'on');
    return on.map(([, command]) => command);
  }

  done(work: Command): void {
    const { things, to } = effect(work);
    for (const thing of things) {
      this.#things.set(thing, to);
      this.#causes.delete(thing);
      if (to === 'on') this.#causes.set(thing, work);
    }
    if (work.kind === 'configure-proxy')
      this.#duties.set(`${work.side} proxy ${work.network}`, JSON.stringify(work.scope));
    if (work.kind === 'configure-gateway')
      this.#duties.set(`provider gateway ${work.host}`, dutyText(work));
    if (work.kind === 'power-off-tenant-appliance')
      this.#gone([`vpn client ${work.network}`, `tenant proxy ${work.network}`]);
    if (work.kind === 'power-off-provider-appliance')
      this.#gone([...this.#things.keys()].filter((thing) => this.#runsOn(work.host, thing)));
  }

  #runsOn(host: string, thing: Thing): boolean {
    if (thing === `provider gateway ${host}`) return true;
    const network = /^(?:vpn server|provider proxy) (.*)$/.exec(thing)?.[1];
    return network !== undefined && this.#hostOf(network) === host;
  }

  /** It is not to be stopped any more, by nobody. */
  settle(thing: Thing): void {
    this.#gone([thing]);
  }

  #gone(things: readonly Thing[]): void {
    for (const thing of things) this.#things.set(thing, 'off');
  }
}

const dutyText = ({ gateways, routing, rules }: GatewayDuty): string =>
  JSON.stringify({ gateways, routing, rules });

/** Which things a piece of work turns on or off. */
function effect(work: Work): { readonly things: readonly Thing[]; readonly to: 'on' | 'off' } {
  switch (work.kind) {
    case 'revert-snapshot':
      return { things: [`snapshot ${work.vm}`], to: 'on' };
    case 'create-delta':
      return { things: [`delta ${work.vm}`], to: 'on' };
    case 'discard-delta':
    case 'remove-delta':
    case 'merge-delta':
      return { things: [`delta ${work.vm}`, `snapshot ${work.vm}`], to: 'off' };
    case 'power-on-replica':
      return { things: [`replica ${work.vm}`], to: 'on' };
    case 'power-off-replica':
    case 'shut-down-replica':
      return { things: [`replica ${work.vm}`], to: 'off' };
    case 'shut-down-original':
      return { things: [`shutdown ${work.vm}`], to: 'on' };
    case 'power-on-original':
      return { things: [`shutdown ${work.vm}`], to: 'off' };
    case 'create-failback-snapshot':
      return { things: [`failback snapshot ${work.vm}`], to: 'on' };
    case 'revert-failback-snapshot':
    case 'remove-failback-snapshot':
      return { things: [`failback snapshot ${work.vm}`], to: 'off' };
    case 'hold-replication':
      return { things: [`hold ${work.vm}`], to: 'on' };
    case 'resume-replication':
    case 'exclude-from-job':
      return { things: [`hold ${work.vm}`], to: 'off' };
    case 'power-on-provider-appliance':
      return { things: [`provider appliance ${work.host}`], to: 'on' };
    case 'power-off-provider-appliance':
      return { things: [`provider appliance ${work.host}`], to: 'off' };
    case 'power-on-tenant-appliance':
      return { things: [`tenant appliance ${work.network}`], to: 'on' };
    case 'power-off-tenant-appliance':
      return { things: [`tenant appliance ${work.network}`], to: 'off' };
    case 'start-vpn-server':
      return { things: [`vpn server ${work.network}`], to: 'on' };
    case 'stop-vpn-server':
      return { things: [`vpn server ${work.network}`], to: 'off' };
    case 'start-vpn-client':
      return { things: [`vpn client ${work.network}`], to: 'on' };
    case 'stop-vpn-client':
      return { things: [`vpn client ${work.network}`], to: 'off' };
    case 'configure-proxy':
      return { things: [`${work.side} proxy ${work.network}`], to: 'on' };
    case 'withdraw-proxy':
      return { things: [`${work.side} proxy ${work.network}`], to: 'off' };
    case 'configure-gateway':
      return { things: [`provider gateway ${work.host}`], to: 'on' };
    case 'withdraw-gateway':
      return { things: [`provider gateway ${work.host}`], to: 'off' };
    case 'await-address': // these only look
    case 'ping-replica':
    case 'check-provider-appliance':
    case 'run-replication': // its VM is in state processing meanwhile
    case 'power-off-original': // for somebody else to switch on again
    case 'transfer-changes':
      return { things: [], to: 'off' };
  }
}
