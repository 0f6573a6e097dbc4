import type { Instant } from './time.ts';

/**
 * The one shape of everything that decides once per protocol step rather than once per frame: a
 * TCP connection, a DHCP client, a tunnel's handshake, the failover controller, an expectation. It
 * reads no clock and touches no socket; it is told what happened and when, and answers with what
 * should happen next.
 */
export interface Machine<Input, Output> {
  handle(input: Input, now: Instant): Output[];
  /** Does whatever has come due. Calling it early or twice is harmless. */
  wake(now: Instant): Output[];
  /** When `wake` would next do something, if ever. */
  nextWake(): Instant | undefined;
}
