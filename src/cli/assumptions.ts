/** What the outcome of a scenario rests on beside what it describes: choices, times and lines, said or silent. */
import { type Duration, showDuration } from '../base/time.ts';
import { defaultPolicies } from '../failover/configuration.ts';
import type { Assumption } from '../report/evidence.ts';
import { buildLinks, buildTimings, buildTunnel } from '../scenario/build-links.ts';
import type { RawScenario } from '../scenario/format.ts';
import type { Link, Scenario } from '../scenario/scenario.ts';

/** What a file says that says nothing. */
const silent = {} as RawScenario;

/** By their names in a file. */
const policyNames = {
  missingAppliance: 'missing_nea',
  appliancesAfterUndo: 'appliances_after_undo',
  withdrawal: 'withdrawal',
  onConcurrent: 'on_concurrent',
  reservedPort: 'reserved_port',
  permanentAfterPartial: 'permanent_after_partial',
  noStaticIpWarning: 'no_static_ip_warning',
  shutdown: 'shutdown',
} as const satisfies Partial<Record<keyof typeof defaultPolicies, string>>;

export function assumptionsOf(scenario: Scenario): Assumption[] {
  const { policies, timings, tunnel, links } = scenario;
  const policy = (key: keyof typeof policyNames): Assumption => {
    const [usual, said] = [defaultPolicies[key], policies[key]].map(inFileWords);
    return taken(`policies.${policyNames[key]}`, said ?? usual!, usual!);
  };
  const { gatewayList, mode, mtu, mssClamp, pmtud, keepalive, presharedKey } = tunnel;
  const usual = {
    timings: buildTimings(silent),
    links: buildLinks(silent),
    tunnel: buildTunnel(silent),
  };
  const names = ['lan', 'internet', 'provider'] as const;
  return [
    ...(Object.keys(policyNames) as (keyof typeof policyNames)[]).map(policy),
    taken('policies.gateway_list', gatewayList, usual.tunnel.gatewayList),
    ...(Object.keys(usual.timings) as (keyof typeof timings)[]).map((key) =>
      taken(`timings.${inSnakeCase(key)}`, timings[key], usual.timings[key]),
    ),
    taken('tunnel.mode', mode, usual.tunnel.mode),
    taken('tunnel.mtu', String(mtu), String(usual.tunnel.mtu)),
    taken('tunnel.mss_clamp', String(mssClamp), String(usual.tunnel.mssClamp)),
    taken('tunnel.pmtud', String(pmtud), String(usual.tunnel.pmtud)),
    taken('tunnel.keepalive', keepalive ?? 'none', usual.tunnel.keepalive ?? 'none'),
    taken('tunnel.preshared_key', String(presharedKey), String(usual.tunnel.presharedKey)),
    ...names.map((name) => taken(`links.${name}`, line(links[name]), line(usual.links[name]))),
  ];
}

function taken(name: string, value: string | Duration, usual: string | Duration): Assumption {
  const text = typeof value === 'string' ? value : showDuration(value);
  return { name, value: text, by: value === usual ? 'Standin' : 'scenario' };
}

/** The controller has hyphens where a file has underscores. */
const inFileWords = <T extends string | Duration | undefined>(value: T): T =>
  typeof value === 'string' ? (value.replaceAll('-', '_') as T) : value;

const line = ({ rate, latency, mtu, loss }: Link): string =>
  `${rate / 1e6} Mbit/s, ${showDuration(latency)}, MTU ${mtu}, ${loss * 100} % lost`;

const inSnakeCase = (key: string): string =>
  key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
