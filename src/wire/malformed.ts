/** Bytes that are not what they claim to be. On a network that is data, not an exception. */
export class Malformed {
  readonly protocol: string;
  readonly reason: 'truncated' | 'unsupported' | 'bad-length' | 'bad-checksum' | 'bad-value';
  /** Where in the given bytes the trouble was found. */
  readonly offset: number;

  constructor(protocol: string, reason: Malformed['reason'], offset: number) {
    this.protocol = protocol;
    this.reason = reason;
    this.offset = offset;
  }
}
