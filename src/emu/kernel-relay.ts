/** The relay of a cloud gateway as a process on the kernel's sockets, seen from outside. */
import type { ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { TunnelTarget } from '../device/relay-sessions.ts';
import { relayPort } from '../device/relay-sessions.ts';
import type { TunnelRelay } from '../device/works.ts';
import { protocolUdp, transportAt } from '../stack/packet.ts';
import { showIpv4 } from '../wire/address.ts';
import type { GatewayCommand, GatewayReport } from './gateway-process.ts';
import type { KernelStack } from './kernel-stack.ts';

const script = fileURLToPath(new URL('./gateway-process.js', import.meta.url));

export class KernelRelay implements TunnelRelay {
  readonly #stack: KernelStack;
  #process: ChildProcess | undefined;
  /** What it is told before it is there. */
  readonly #waiting: GatewayCommand[] = [];

  constructor(stack: KernelStack) {
    this.#stack = stack;
  }

  start(): void {
    const { space, ground, witness, interfaces } = this.#stack;
    witness.relays = true;
    const [outside, inside] = interfaces;
    const listen: GatewayCommand = {
      kind: 'listen',
      outside: { address: showIpv4(outside!.ip), port: relayPort },
      inside: showIpv4(inside!.ip),
    };
    space.afterwards(async () => {
      const child = space.start(process.execPath, [script], {
        stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
        serialization: 'advanced',
      });
      this.#process = child;
      await new Promise<void>((resolve, reject) => {
        child.once('error', reject);
        child.once('exit', () => reject(new Error('the relay ended before it listened')));
        child.on('message', (report: GatewayReport) => {
          if (report.kind === 'listening') resolve();
          else this.#hear(report);
        });
        child.send(listen);
        for (const command of this.#waiting.splice(0)) child.send(command);
      });
      child.once('error', (error) => ground.kernel.fail(error));
    });
  }

  setTarget(network: string, { ip, port, publicKey }: TunnelTarget): void {
    const target = { kind: 'target', network, address: showIpv4(ip), port, publicKey } as const;
    if (this.#process?.connected) this.#process.send(target);
    else this.#waiting.push(target);
  }

  #hear(report: GatewayReport): void {
    const stack = this.#stack;
    const { sink, kernel, catchUp, stir } = stack.ground;
    if (!stack.running) return;
    const now = catchUp();
    if (report.kind === 'failed') kernel.fail(new Error(`relay: ${report.message}`));
    else if (report.kind === 'session') {
      const { session, to, change } = report;
      const cause = change === 'opened' ? (this.#from(session)?.cause ?? -1) : -1;
      sink.log.tell(now, stack.name, cause, { kind: 'relay', session, to, change });
    } else if (report.kind === 'dropped') {
      const taken = this.#from(report.from);
      if (taken !== undefined && !taken.settled) {
        taken.settled = true;
        stack.ends(taken.frame, report.reason, taken.from, sink);
      }
    }
    stir();
  }

  /** The newest datagram from there. */
  #from(sender: string) {
    return this.#stack.witness.find(({ protocol, source, frame }) => {
      if (protocol !== protocolUdp) return false;
      const port = frame.words.getUint16(frame.start + transportAt(frame));
      return `${showIpv4(source)}:${port}` === sender;
    });
  }
}
