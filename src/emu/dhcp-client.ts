/** A DHCP client that is a program of its own, busybox's `udhcpc`: it gets the lease, the lab sets the address. */
import type { ChildProcess } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmSync, watch, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Instant } from '../base/time.ts';
import type { AddressKeeper, LeaseClient } from '../device/address-keeper.ts';
import type { DhcpClientInput, DhcpClientOutput } from '../stack/dhcp-client.ts';
import { type Lease, leaseFrom } from '../stack/dhcp-lease.ts';
import type { Interface } from '../stack/interface.ts';
import type { Profile } from '../stack/profile.ts';
import { anyIpv4, type Ipv4, parseIpv4, showIpv4 } from '../wire/address.ts';
import type { KernelStack } from './kernel-stack.ts';
import { runFolder } from './sandbox.ts';
import { environment, tool } from './tools.ts';

/**
 * What it runs at every event. It only writes down what it was told: the usual scripts of such clients
 * set addresses and rewrite the machine's resolv.conf.
 */
const script = `#!/bin/sh
umask 077
printf '%s\\n' "event=$1" "ip=$ip" "subnet=$subnet" "router=$router" "serverid=$serverid" "lease=$lease" > "$EVENTS/.$$" &&
exec mv "$EVENTS/.$$" "$EVENTS/$$.event"
`;

export interface DhcpEvent {
  /** `deconfig`, `bound`, `renew`, `leasefail` or `nak`. */
  readonly event: string;
  readonly ip: Ipv4 | undefined;
  readonly subnet: Ipv4 | undefined;
  readonly router: Ipv4 | undefined;
  readonly server: Ipv4 | undefined;
  readonly leaseSeconds: number | undefined;
}

export function readEvent(text: string): DhcpEvent {
  const fields = new Map<string, string>();
  for (const line of text.split('\n')) {
    const [, name, value] = /^([a-z]+)=(.*)$/.exec(line) ?? [];
    if (name !== undefined) fields.set(name, value!);
  }
  const address = (name: string): Ipv4 | undefined =>
    parseIpv4((fields.get(name) ?? '').split(' ')[0]!);
  const lease = fields.get('lease') ?? '';
  return {
    event: fields.get('event') ?? '',
    ip: address('ip'),
    subnet: address('subnet'),
    router: address('router'),
    server: address('serverid'),
    leaseSeconds: /^\d{1,10}$/.test(lease) ? Number(lease) : undefined,
  };
}

/**
 * How many questions, how far apart, and how long it rests when nobody answers. Its waits are all alike:
 * together they are as long as those of the system that it stands for.
 */
function timingOf(dhcp: Profile['dhcp'], remembers: boolean): string[] {
  const waits = remembers ? dhcp.requestWaits : dhcp.discoverWaits;
  const all = waits.reduce((sum, wait) => sum + wait, 0);
  const patience = remembers ? all : (dhcp.linkLocalAfter ?? all);
  const questions = remembers || dhcp.linkLocalAfter === undefined ? waits.length : 2;
  const apart = Math.max(1, Math.round(patience / questions / 1e9));
  // Who has taken an address of its own making goes on asking; the program knows one kind of rest only.
  const goesOn = !remembers && dhcp.linkLocalAfter !== undefined;
  const rest = goesOn ? 8 : Math.min(20, Math.round(dhcp.retryEvery / 1e9));
  return ['-t', `${questions}`, '-T', `${apart}`, '-A', `${rest}`];
}

export class ProgramLeaseClient implements LeaseClient {
  readonly #stack: KernelStack;
  readonly #on: Interface;
  readonly #folder: string;
  /** Whose client it is; known once it has been made. */
  keeper: AddressKeeper | undefined;
  #process: ChildProcess | undefined;
  #lease: Lease | undefined;
  #remembered: Lease | undefined;
  #read = new Set<string>();
  /** The wall clock by which leases end has jumped by so much. */
  #ahead = 0;
  /** When it asks again, who goes on with a lease that nobody has confirmed (RFC 2131 section 4.4.5). */
  #asksAgain: Instant | undefined;

  constructor(stack: KernelStack, on: Interface) {
    this.#stack = stack;
    this.#on = on;
    this.#folder = join(runFolder, `dhcp-${stack.space.name}`);
  }

  get lease(): Lease | undefined {
    return this.#lease;
  }

  handle(input: DhcpClientInput, now: Instant): DhcpClientOutput[] {
    switch (input.kind) {
      case 'start':
        this.#remembered = input.remembered;
        this.#start(now);
        return [];
      case 'stop':
        return this.#stop('stopped');
      case 'clock':
        this.#ahead += input.by;
        return this.wake(now);
      case 'checked':
      case 'message':
        return [];
    }
  }

  /** The program renews in time where it can; what it could not renew ends. */
  wake(now: Instant): DhcpClientOutput[] {
    if (this.#asksAgain !== undefined && this.#asksAgain <= now) {
      this.#asksAgain = undefined;
      this.#start(now);
    }
    if (this.#lease === undefined || this.#endsAt > now) return [];
    const { ip } = this.#lease;
    this.#lease = undefined;
    return [{ kind: 'unbound', ip, because: 'expired' }];
  }

  nextWake(): Instant | undefined {
    if (this.#lease === undefined) return undefined;
    return this.#asksAgain === undefined
      ? this.#endsAt
      : (Math.min(this.#asksAgain, this.#endsAt) as Instant);
  }

  get #endsAt(): Instant {
    return Math.max(0, this.#lease!.expiresAt - this.#ahead) as Instant;
  }

  #start(now: Instant): void {
    const { space, ground, profile } = this.#stack;
    mkdirSync(this.#folder, { recursive: true });
    const path = join(runFolder, 'dhcp-event');
    writeFileSync(path, script, { mode: 0o755 });
    const watcher = watch(this.#folder, () => this.#look());
    watcher.on('error', () => {});
    const old = this.#remembered;
    const wanted = old === undefined || old.expiresAt <= now ? [] : ['-r', showIpv4(old.ip)];
    const flags = profile.dhcp.broadcastFlag ? ['-B'] : [];
    space.afterwards(async () => {
      const own = ['udhcpc', '-f', '-i', this.#stack.deviceOf(this.#on), '-s', path];
      const timing = timingOf(profile.dhcp, wanted.length > 0);
      // Whether it asks if an address is free before it takes it.
      const asks = this.#stack.profile.conflictDetection.probes ? ['-a'] : [];
      const child = space.start(
        tool('busybox'),
        [...own, ...flags, ...timing, ...asks, ...wanted],
        {
          stdio: 'ignore',
          env: { ...environment, EVENTS: this.#folder },
        },
      );
      child.once('error', (error) => ground.kernel.fail(error));
      child.once('exit', () => watcher.close());
      this.#process = child;
    });
  }

  #stop(because: 'stopped'): DhcpClientOutput[] {
    this.#process?.kill('SIGKILL');
    this.#process = undefined;
    this.#asksAgain = undefined;
    const lease = this.#lease;
    this.#lease = undefined;
    return lease === undefined ? [] : [{ kind: 'unbound', ip: lease.ip, because }];
  }

  #look(): void {
    let names: string[];
    try {
      names = readdirSync(this.#folder).filter((name) => /^\d+\.event$/.test(name));
    } catch {
      return; // the machine has been switched off
    }
    const order = (name: string): number => Number.parseInt(name, 10);
    for (const name of names.sort((a, b) => order(a) - order(b))) {
      if (this.#read.has(name)) continue;
      this.#read.add(name);
      const path = join(this.#folder, name);
      const text = readFileSync(path, 'utf8');
      rmSync(path);
      const { ground } = this.#stack;
      const now = ground.catchUp();
      this.keeper?.told(this.#outputs(readEvent(text), now), now, ground.sink);
      ground.stir();
    }
  }

  #outputs(event: DhcpEvent, now: Instant): DhcpClientOutput[] {
    switch (event.event) {
      case 'bound':
      case 'renew':
        return this.#bound(event, now);
      case 'deconfig':
      case 'nak': {
        const lease = this.#lease;
        this.#lease = undefined;
        return lease === undefined ? [] : [{ kind: 'unbound', ip: lease.ip, because: 'refused' }];
      }
      case 'leasefail':
        return this.#gaveUp(now);
      default:
        return [];
    }
  }

  #bound(
    { ip, subnet, router, server, leaseSeconds }: DhcpEvent,
    now: Instant,
  ): DhcpClientOutput[] {
    if (ip === undefined || leaseSeconds === undefined) return [];
    const options = {
      leaseSeconds,
      ...(subnet !== undefined && { subnetMask: subnet }),
      ...(router !== undefined && { routers: [router] }),
    };
    const lease = leaseFrom(ip, server ?? anyIpv4, options, now);
    if (lease === undefined) return [];
    this.#lease = lease;
    this.#remembered = undefined;
    return [{ kind: 'bound', lease }];
  }

  #gaveUp(now: Instant): DhcpClientOutput[] {
    if (this.#lease !== undefined) return [];
    const { keepsLeaseUnanswered, linkLocalAfter } = this.#stack.profile.dhcp;
    const old = this.#remembered;
    if (old !== undefined && keepsLeaseUnanswered && old.expiresAt > now) {
      this.#lease = old;
      // Left to itself the program would go on asking at once, as if it had none.
      this.#process?.kill('SIGKILL');
      this.#process = undefined;
      this.#asksAgain = (now + (old.expiresAt - now) / 2) as Instant;
      return [
        { kind: 'gave-up', fallback: 'lease' },
        { kind: 'bound', lease: old },
      ];
    }
    const fallback = linkLocalAfter === undefined ? 'nothing' : 'link-local';
    return [{ kind: 'gave-up', fallback }];
  }
}
