/** A DHCP server that is a program of its own: `dnsmasq`, without its other half. */
import type { ChildProcess } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Instant } from '../base/time.ts';
import { DhcpService } from '../device/dhcp-service.ts';
import type { Sink } from '../stack/device.ts';
import type { DhcpServerConfig } from '../stack/dhcp-server.ts';
import type { Interface } from '../stack/interface.ts';
import { type Ipv4, type Mac, maskOf, showIpv4, showMac } from '../wire/address.ts';
import type { KernelStack } from './kernel-stack.ts';
import { runFolder } from './sandbox.ts';
import { tool } from './tools.ts';

export class ProgramDhcpService extends DhcpService {
  readonly #stack: KernelStack;
  readonly #words: readonly string[];
  readonly #leases: string;
  /** Clients that get nothing any more. */
  readonly #refused: string[] = [];
  #process: ChildProcess | undefined;

  constructor(stack: KernelStack, on: Interface, config: DhcpServerConfig) {
    super(stack, on, config);
    this.#stack = stack;
    const device = stack.deviceOf(on);
    this.#leases = join(runFolder, `leases-${stack.space.name}-${device}`);
    writeFileSync(this.#leases, '');
    this.#words = wordsFor(device, this.#leases, config);
    this.#start();
  }

  override hang(hung: boolean): void {
    this.#process?.kill(hung ? 'SIGSTOP' : 'SIGCONT');
  }

  override revoke(ip: Ipv4, mac: Mac): void {
    const [address, hardware] = [showIpv4(ip), showMac(mac)];
    this.#process?.kill('SIGKILL');
    const kept = readFileSync(this.#leases, 'utf8')
      .split('\n')
      .filter((line) => line.split(' ')[2] !== address);
    writeFileSync(this.#leases, kept.join('\n'));
    this.#refused.push(hardware);
    this.#start();
  }

  // What would answer in the simulation is asked nothing here.
  override wake(_now: Instant, _sink: Sink): void {}

  override nextWake(): undefined {
    return undefined;
  }

  #start(): void {
    const { space, ground } = this.#stack;
    space.afterwards(async () => {
      const refused = this.#refused.map((mac) => `--dhcp-host=${mac},ignore`);
      const child = space.start(tool('dnsmasq'), [...this.#words, ...refused], { stdio: 'ignore' });
      child.once('error', (error) => ground.kernel.fail(error));
      this.#process = child;
    });
  }
}

function wordsFor(device: string, leases: string, config: DhcpServerConfig): string[] {
  const { from, to, subnet, router, lease, reservations } = config;
  const range = [
    showIpv4(from),
    showIpv4(to),
    showIpv4(maskOf(subnet.length) as Ipv4),
    `${Math.max(120, Math.round(lease / 1e9))}`, // it gives none that is shorter
  ];
  const hosts = [...(reservations ?? [])].map(
    ([mac, ip]) => `--dhcp-host=${showMac(mac)},${showIpv4(ip)}`,
  );
  return [
    '--no-daemon',
    '--conf-file=/dev/null',
    '--port=0', // no DNS
    '--no-ping',
    '--dhcp-authoritative',
    '--dhcp-sequential-ip',
    '--bind-interfaces',
    `--interface=${device}`,
    '--except-interface=lo',
    `--dhcp-leasefile=${leases}`,
    `--dhcp-range=${range.join(',')}`,
    router === undefined ? '--dhcp-option=3' : `--dhcp-option=3,${showIpv4(router)}`,
    ...hosts,
  ];
}
