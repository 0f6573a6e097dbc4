/**
 * A switch that is a Linux bridge in a namespace: each of its ports is a cable to us, and what it does
 * with a frame the kernel does.
 */
import type { Frame } from '../base/frame.ts';
import type { Instant } from '../base/time.ts';
import { Switch } from '../device/switch.ts';
import type { PortMode } from '../device/vlan-members.ts';
import type { Port, Sink } from '../stack/device.ts';
import { type Mac, showMac } from '../wire/address.ts';
import type { Plugged } from './cable.ts';
import type { Ground } from './ground.ts';
import { kinship } from './kinship.ts';
import { tool } from './tools.ts';

/** A bridge passes a frame on within microseconds; a busy machine may take longer to tell. */
const passesWithin = 2e9;
const rememberedMost = 256;

interface Passing {
  readonly at: Instant;
  readonly cause: number;
  readonly from: Port;
  readonly key: number;
}

export class KernelSwitch extends Switch {
  readonly #ground: Ground;
  readonly #space;
  readonly #plugs: Plugged[] = [];
  readonly #vlan: number;
  /** Adapters of a bridge all have addresses, which nobody ever sees. */
  readonly #passing: Passing[] = [];
  #monitored = false;

  /** @param vlan The one that all of its ports are in. */
  constructor(name: string, vlan: number, ground: Ground) {
    super(name, 0);
    this.#ground = ground;
    this.#vlan = vlan;
    this.#space = ground.kernel.namespace();
    this.#space.sysctl('net.ipv6.conf.all.disable_ipv6=1', 'net.ipv6.conf.default.disable_ipv6=1');
    this.#space.ip('link add br0 type bridge stp_state 0 forward_delay 0 mcast_snooping 0');
    this.#space.ip('link set br0 up');
  }

  override addPort(mode?: PortMode, name?: string): Port {
    const port = super.addPort(mode, name);
    const device = `p${port.index}`;
    const mac = showMac((0x02_00_5e_00_00_00 + port.index) as Mac);
    const mtu = 9000; // what its cables carry is the machines' affair
    const plug = this.#ground.cables.plug(this.#space, { name: device, mac, mtu }, (frame) =>
      this.#emit(port, frame),
    );
    this.#plugs.push(plug);
    this.#space.ip(`link set ${device} master br0 up`);
    if (!this.#monitored) this.#space.afterwards(async () => this.#follow());
    this.#monitored = true;
    return port;
  }

  override receive(port: Port, frame: Frame, now: Instant): void {
    const { at } = this.#passing[0] ?? { at: now };
    if (now - at > passesWithin || this.#passing.length >= rememberedMost) this.#passing.shift();
    this.#passing.push({ at: now, cause: frame.cause, from: port, key: kinship(frame.bytes()) });
    this.#plugs[port.index]!.send(frame.bytes());
  }

  override carrier(port: Port, up: boolean, now: Instant, sink: Sink): void {
    super.carrier(port, up, now, sink);
    this.#space.ip(`link set p${port.index} protodown ${up ? 'off' : 'on'}`);
  }

  /** The bridge sends a frame out of a port. */
  #emit(port: Port, bytes: Uint8Array): void {
    const now = this.#ground.catchUp();
    const { sink } = this.#ground;
    const frame = sink.frames.from(bytes);
    const key = kinship(bytes);
    const passing = this.#passing.findLast(
      (one) => one.key === key && one.from !== port && now - one.at <= passesWithin,
    );
    frame.cause = passing?.cause ?? -1;
    sink.send(port, frame);
    this.#ground.stir();
  }

  /** What the bridge learns, it says. */
  #follow(): void {
    const child = this.#space.start(tool('bridge'), ['monitor', 'fdb'], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    child.once('error', (error) => this.#ground.kernel.fail(error));
    let rest = '';
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      const lines = (rest + text).split('\n');
      rest = lines.pop()!;
      for (const line of lines) this.#learn(line);
    });
  }

  #learn(line: string): void {
    // `00:50:56:03:68:84 dev p1 master br0`; its own adapters' addresses are permanent.
    const match = /^(Deleted )?([0-9a-f:]{17}) dev p(\d+) master br0 ?$/.exec(line.trim());
    if (match === null) return;
    const [, gone, mac, index] = match;
    const port = this.ports[Number(index)];
    if (port === undefined) return;
    const change = gone === undefined ? 'learned' : 'removed';
    const fact = { kind: 'switch-entry', mac: mac!, vlan: this.#vlan, port: port.name } as const;
    const now = this.#ground.catchUp();
    this.#ground.sink.log.tell(now, this.name, -1, { ...fact, change });
    this.#ground.stir();
  }
}
