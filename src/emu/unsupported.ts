/** What kernels cannot do, or not as it is asked for: said before anything is claimed. */
export class Unsupported extends Error {
  override readonly name = 'Unsupported';
}

// Known before a run from what its scenario does; thrown where that was overlooked.
export const oneClock = 'all machines on one kernel have one clock';
export const noProcess = 'the WireGuard of the kernel is no process that hangs';
