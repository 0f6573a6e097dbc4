/** What Standin uses of the package `raw-socket`: ICMP over IPv4, as this machine receives it. */
declare module 'raw-socket' {
  export interface Socket {
    /** `source` is an address without a port. The buffer is used again for the next message: copy it. */
    on(event: 'message', listener: (buffer: Buffer, source: string) => void): this;
    on(event: 'error', listener: (error: Error) => void): this;
    on(event: 'close', listener: () => void): this;
    send(
      buffer: Buffer,
      offset: number,
      length: number,
      address: string,
      done: (error: Error | null, bytes: number) => void,
    ): this;
    setOption(level: number, option: number, value: number): void;
    close(): this;
  }

  const raw: {
    readonly AddressFamily: { readonly IPv4: number; readonly IPv6: number };
    readonly Protocol: { readonly None: number; readonly ICMP: number };
    readonly SocketLevel: { readonly IPPROTO_IP: number; readonly SOL_SOCKET: number };
    readonly SocketOption: {
      readonly IP_HDRINCL: number;
      readonly IP_TTL: number;
      readonly SO_RCVTIMEO: number;
    };
    createSocket(options: {
      readonly addressFamily?: number;
      readonly protocol?: number;
      readonly bufferSize?: number;
    }): Socket;
    createChecksum(...parts: readonly Buffer[]): number;
    writeChecksum(buffer: Buffer, offset: number, checksum: number): Buffer;
  };
  export default raw;
}
