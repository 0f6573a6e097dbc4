/**
 * The bridge protocol entity of a switch (IEEE 802.1D-1998 section 7.10): joins the spanning tree
 * machine to its ports, and says which of them may learn and which may forward.
 */
import type { Frame } from '../base/frame.ts';
import type { Instant } from '../base/time.ts';
import type { Device, Port, Sink } from '../stack/device.ts';
import {
  SpanningTree,
  type SpanningTreeOptions,
  type SpanningTreeOutput,
  type TreePortState,
} from '../stack/spanning-tree.ts';
import { type Bpdu, bridgeGroupMac, decodeBpdu, encodeBpdu } from '../wire/bpdu.ts';
import { encodeEthernet } from '../wire/ethernet.ts';
import { Malformed } from '../wire/malformed.ts';

/** The switch, as far as the spanning tree has to do with it. */
interface Bridge extends Device {
  readonly ports: readonly Port[];
  portChanged(): void;
  treeChanges(active: boolean, now: Instant): void;
}

const groupHigh = Math.floor(bridgeGroupMac / 2 ** 32);
const groupLow = bridgeGroupMac | 0;
const headerSize = 14;

export class BridgeProtocol {
  readonly #bridge: Bridge;
  readonly #options: SpanningTreeOptions;
  readonly #tree: SpanningTree;
  /** By the index of the port; a port that is not in it is disabled. */
  readonly #states: TreePortState[] = [];

  constructor(bridge: Bridge, options: SpanningTreeOptions) {
    this.#bridge = bridge;
    this.#options = options;
    this.#tree = new SpanningTree(options);
  }

  carrier(port: Port, up: boolean, now: Instant, sink: Sink): void {
    this.#carryOut(this.#tree.handle({ kind: 'carrier', port: port.index, up }, now), now, sink);
  }

  wake(now: Instant, sink: Sink): void {
    this.#carryOut(this.#tree.wake(now), now, sink);
  }

  forwards(port: Port): boolean {
    return this.#states[port.index] === 'forwarding';
  }

  /** Whether the switch may learn from a frame. One that is meant for the protocol ends here. */
  admits(port: Port, frame: Frame, now: Instant, sink: Sink): boolean {
    const { words, start } = frame;
    if (words.getUint16(start) === groupHigh && words.getInt32(start + 2) === groupLow) {
      this.#receive(port, frame, now, sink);
      return false;
    }
    const state = this.#states[port.index];
    if (state === 'forwarding' || state === 'learning') return true;
    sink.drop(port, frame, 'PORT_NOT_FORWARDING');
    return false;
  }

  #receive(port: Port, frame: Frame, now: Instant, sink: Sink): void {
    const length = frame.words.getUint16(frame.start + headerSize - 2);
    const end = Math.min(headerSize + length, frame.length);
    const bpdu = decodeBpdu(frame.bytes(headerSize, end));
    if (bpdu instanceof Malformed) {
      sink.drop(port, frame, 'MALFORMED');
      return;
    }
    const input = { kind: 'bpdu', port: port.index, bpdu } as const;
    this.#carryOut(this.#tree.handle(input, now), now, sink, frame.cause);
  }

  #carryOut(outputs: readonly SpanningTreeOutput[], now: Instant, sink: Sink, cause = -1): void {
    for (const output of outputs) {
      switch (output.kind) {
        case 'send':
          this.#send(this.#bridge.ports[output.port]!, output.bpdu, cause, sink);
          break;
        case 'state': {
          const { port: index, state } = output;
          this.#states[index] = state;
          const port = this.#bridge.ports[index]!.name;
          sink.log.tell(now, this.#bridge.name, cause, { kind: 'switch-port', port, state });
          this.#bridge.portChanged();
          break;
        }
        case 'topology-change':
          this.#bridge.treeChanges(output.active, now);
          break;
      }
    }
    const next = this.#tree.nextWake();
    if (next !== undefined) sink.wakeAt(this.#bridge, next);
  }

  #send(port: Port, bpdu: Bpdu, cause: number, sink: Sink): void {
    const payload = encodeBpdu(bpdu);
    const source = this.#options.bridge.mac;
    const type = payload.length; // an IEEE 802.3 frame has its length there
    const frame = sink.frames.from(
      encodeEthernet({ target: bridgeGroupMac, source, type, payload }),
    );
    frame.cause = cause;
    sink.send(port, frame);
  }
}
