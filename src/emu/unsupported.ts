/** What kernels cannot do, or not as it is asked for: said before anything is claimed. */
export class Unsupported extends Error {
  override readonly name = 'Unsupported';
}
