/**
 * The VLANs of the provider. Each tenant gets one of its own for each network of its hardware
 * plans, out of the pool of the hosts; a pool has a range for networks with internet access and one
 * for those without. The product refuses to create a tenant where ranges overlap (Veeam Cloud
 * Connect guide, Managing VLANs), and so does the check of a scenario.
 */
import type { RawProvider } from './format.ts';
import type { Names } from './names.ts';
import { placeOf, type Spot } from './place.ts';
import type { Findings } from './problem.ts';
import { members } from './raw.ts';
import type { At } from './shape.ts';
import type { VlanRange } from './units.ts';

const vlanMax = 4094;
/** Where a pool is not given. */
const firstVlan = 100;

interface Range {
  readonly pool: string;
  readonly range: VlanRange;
  readonly spot: Spot;
}

/** VLANs that are given one after the other. */
interface Supply {
  readonly pool: string;
  next: number;
  readonly last: number;
}

interface Wish {
  /** The first of the cluster. */
  readonly host: string;
  readonly internet: boolean;
  readonly explicit: At<number> | undefined;
  /** Whom to blame if there is none left. */
  readonly spot: Spot;
  readonly tenant: string;
}

export class Vlans {
  readonly #findings: Findings;
  readonly #supplies = new Map<string, Supply>();
  readonly #taken = new Map<string, Set<number>>();

  constructor(raw: RawProvider, names: Names, findings: Findings) {
    this.#findings = findings;
    const ranges = new Map<string, Range[]>();
    for (const { name, value: pool } of members(raw.vlan_pools)) {
      const hosts = (pool?.hosts?.items ?? []).flatMap((host) => names.find('host', host) ?? []);
      const given = [pool?.with_internet, pool?.without_internet];
      for (const { name: host } of hosts) {
        const before = ranges.get(host) ?? [];
        for (const [i, range] of given.entries()) {
          const limits = range?.value ?? { first: 1, last: 0 }; // no range: nothing to give
          this.#supplies.set(supplyOf(host, i === 0), {
            pool: name,
            next: limits.first,
            last: limits.last,
          });
          if (range === undefined) continue;
          this.#checkOverlap(range, before);
          before.push({ pool: name, range: range.value, spot: range.spot });
        }
        ranges.set(host, before);
      }
    }
  }

  /** A VLAN that no other tenant has on these hosts, unless the file itself says which. */
  take({ host, internet, explicit, spot, tenant }: Wish): number {
    const taken = this.#taken.get(host) ?? new Set();
    this.#taken.set(host, taken);
    const supply = this.#supply(host, internet);
    let vlan = explicit?.value;
    if (vlan === undefined || supply.pool === '') {
      const given = this.#next(supply, taken);
      vlan ??= given;
    }
    if (vlan === undefined) {
      const range = `of networks ${internet ? 'with' : 'without'} internet access`;
      const where = supply.pool === '' ? host : `the VLAN pool ${supply.pool}`;
      const whose = tenant === '' ? '' : ` for ${tenant}`;
      this.#findings.add(
        'E321',
        spot,
        `${where} has no VLAN ${range} left${whose}`,
        'widen its range',
      );
      return 0;
    }
    taken.add(vlan);
    return vlan;
  }

  #next(supply: Supply, taken: ReadonlySet<number>): number | undefined {
    while (supply.next <= supply.last) {
      const vlan = supply.next++;
      if (!taken.has(vlan)) return vlan;
    }
    return undefined;
  }

  #supply(host: string, internet: boolean): Supply {
    const known = this.#supplies.get(supplyOf(host, internet));
    if (known !== undefined) return known;
    // Without a pool both kinds of network are counted together.
    const supply = { pool: '', next: firstVlan, last: vlanMax };
    for (const kind of [true, false]) this.#supplies.set(supplyOf(host, kind), supply);
    return supply;
  }

  #checkOverlap({ value: range, spot }: At<VlanRange>, before: readonly Range[]): void {
    const other = before.find(
      (one) => range.first <= one.range.last && one.range.first <= range.last,
    );
    if (other === undefined) return;
    const { first, last } = other.range;
    const message = `the VLANs ${range.first}-${range.last} overlap ${first}-${last} of the pool ${other.pool}`;
    const hint = `given in line ${placeOf(other.spot).line}; no tenant could be created`;
    this.#findings.add('E320', spot, message, hint);
  }
}

const supplyOf = (host: string, internet: boolean): string => `${host} ${internet}`;
