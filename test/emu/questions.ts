/** What proxies are asked in tests, and who is where. */

/** One ARP packet of a proxy, in words. */
export type Said = string;

export interface Question {
  readonly sender: string;
  readonly target: string;
}

export const macs = {
  asker: '52:54:00:00:00:0a',
  /** Of the proxy, on either side. */
  near: '52:54:00:00:00:01',
  far: '52:54:00:00:00:02',
  host: '52:54:00:00:00:14',
};

export const near = { own: '10.0.10.250', asker: '10.0.10.11' };

export const far = {
  own: '10.0.10.251',
  present: '10.0.10.20',
  absent: '10.0.10.21',
  routed: ['10.0.10.20/32', '10.0.10.21/32', '10.0.99.0/24'],
};

export const questions: Readonly<Record<string, Question>> = {
  'for a host over there': { sender: near.asker, target: far.present },
  'for a host over there that is absent': { sender: near.asker, target: far.absent },
  'whether the address of a host over there is free': { sender: '0.0.0.0', target: far.present },
  'for an address of the segment that nobody has': { sender: near.asker, target: '10.0.10.99' },
  'for an address of another network over there': { sender: near.asker, target: '10.0.99.5' },
  'for its own address': { sender: near.asker, target: near.own },
};
