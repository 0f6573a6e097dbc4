/** A lab from the text of a scenario, driven by hand: real devices in virtual time, and their log. */
import { type Instant, seconds } from '../../src/base/time.ts';
import { nodeCrypto } from '../../src/crypto/node.ts';
import { type Explanation, why } from '../../src/explain/why.ts';
import { type World, worldOf } from '../../src/explain/world.ts';
import { check } from '../../src/scenario/check.ts';
import { compile } from '../../src/scenario/compile.ts';
import { SimBackend, type SimLab } from '../../src/sim/backend.ts';
import type { TraceEvent } from '../../src/trace/event.ts';
import { EventLog, type LogLevel } from '../../src/trace/log.ts';
import { ipv4 } from '../../src/wire/address.ts';

export type ProbeEvent = Extract<TraceEvent, { kind: 'probe' }>;

export interface Parts {
  readonly sql01?: string;
  readonly web01?: string;
  readonly appliance?: string;
  /** Lines of the site besides. */
  readonly site?: string;
  readonly plan?: string;
  readonly provider?: string;
  readonly mapping?: string;
  readonly job?: string;
  /** Lines at the top of the file. */
  readonly more?: string;
}

/** The scenario of the manual: web01 and sql01 on lan10, both appliances, one cloud gateway. */
export const twoSites = (parts: Parts = {}): string => `
name: rig
about: a rig for tests
seed: 7
${parts.more ?? ''}
tenant:
  sites:
    hq:
      networks: { lan10: { subnet: 10.0.10.0/24, gateway: 10.0.10.1 } }
      vms:
        web01: { network: lan10, ${parts.web01 ?? 'ip: 10.0.10.11, os: linux'} }
        sql01: { network: lan10, ${parts.sql01 ?? 'ip: 10.0.10.20, os: windows'}, listen: [tcp/1433, udp/53] }
      appliances: { ${parts.appliance ?? 'nea-hq: { network: lan10, ip: 10.0.10.250 }'} }
${parts.site ?? ''}
provider:
  gateways: { gw1: { public_ip: 203.0.113.10 } }
  hardware_plan:
    hosts: [esx-dr1]
    networks: { ${parts.plan ?? 'plan10: { vlan: 112, internet: true }'} }
${parts.provider ?? ''}
replication:
  job1: { vms: [sql01], network_mapping: ${parts.mapping ?? '{ lan10: plan10 }'}${parts.job ?? ''} }
steps:
  - failover: { vms: [sql01] }
`;

export async function stand(text: string, level: LogLevel = 'full', settle = 15): Promise<Rig> {
  const { cases, problems } = check('rig.yaml', () => text);
  const [scenario] = cases ?? [];
  if (scenario === undefined)
    throw new Error(problems.map(({ message }) => message).join('\n') || 'no case');
  const log = new EventLog(level);
  const lab = await new SimBackend({ crypto: nodeCrypto }).start(compile(scenario), log);
  const rig = new Rig(lab, log);
  await rig.run(settle);
  return rig;
}

export class Rig {
  readonly lab: SimLab;
  readonly log: EventLog;
  #probes = 0;

  constructor(lab: SimLab, log: EventLog) {
    this.lab = lab;
    this.log = log;
  }

  get now(): Instant {
    return this.lab.now;
  }

  get world(): World {
    return worldOf(this.log);
  }

  async run(forSeconds: number): Promise<void> {
    await this.lab.until((this.lab.now + seconds(forSeconds)) as Instant);
  }

  /** Starts a failover and waits until it has ended and its replicas have booted. */
  async failover(vms = ['sql01'], planned = false): Promise<void> {
    this.lab.order({ kind: 'failover', vms, restorePoint: 'latest', reason: '', planned });
    await this.finish();
    await this.run(90);
  }

  async undo(vms = ['sql01']): Promise<void> {
    this.lab.order({ kind: 'undo-failover', vms });
    await this.finish();
  }

  async finish(): Promise<void> {
    const limit = (this.lab.now + seconds(3600)) as Instant;
    await this.lab.until(limit, () => this.lab.recoveries[0]?.finished !== undefined);
  }

  /** Pings once a second for a while; returns the number of the probe. */
  async ping(from: string, to: string, forSeconds = 5, size = 56, every = 1): Promise<number> {
    const number = ++this.#probes;
    const probes = this.lab.network.probes(from);
    if (probes === undefined) throw new Error(`${from} is off`);
    const order = { probe: number, to: ipv4(to), size, every: seconds(every) };
    probes.ping(order, this.now, this.lab.fabric);
    await this.run(forSeconds);
    probes.stopPing(number);
    return number;
  }

  async tcp(
    from: string,
    to: string,
    port: number,
    bytes: number,
    forSeconds: number,
  ): Promise<number> {
    const number = ++this.#probes;
    const probes = this.lab.network.probes(from)!;
    probes.connect(number, ipv4(to), port, bytes, bytes, this.now, this.lab.fabric);
    await this.run(forSeconds);
    return number;
  }

  async udp(from: string, to: string, port: number, forSeconds = 2): Promise<number> {
    const number = ++this.#probes;
    this.lab.network.probes(from)!.udp(number, ipv4(to), port, this.now, this.lab.fabric);
    await this.run(forSeconds);
    return number;
  }

  async arping(from: string, to: string, forSeconds = 3): Promise<number> {
    const number = ++this.#probes;
    const stack = this.lab.network.stack(from)!;
    const adapter = stack.interfaces.find((one) => one.onLink(ipv4(to)))!;
    const probes = this.lab.network.probes(from)!;
    probes.arping(number, adapter, ipv4(to), this.now, this.lab.fabric);
    await this.run(forSeconds);
    probes.stopArping(number);
    return number;
  }

  events(probe: number): readonly ProbeEvent[] {
    return this.world.probe(probe);
  }

  answers(probe: number): readonly ProbeEvent[] {
    return this.events(probe).filter(({ what }) => what === 'answered');
  }

  why(probe: number): Explanation | undefined {
    const [sent] = this.events(probe);
    return why(this.log, { probe, from: sent!.node, to: sent!.to, at: this.now });
  }
}
