/** What the switch of a network does beyond switching, with its defaults. */
import { seconds } from '../base/time.ts';
import type { RawPortGroup } from './format-port-group.ts';
import type { PortGroup } from './scenario.ts';

/** vSphere Networking, "Security Policy": the defaults of its two kinds of virtual switch. */
const defaults: Readonly<Record<'standard' | 'distributed', NonNullable<PortGroup['rights']>>> = {
  standard: { promiscuous: false, forgedTransmits: true, macChanges: true, macLearning: false },
  distributed: {
    promiscuous: false,
    forgedTransmits: false,
    macChanges: false,
    macLearning: false,
  },
};
const probeEvery = seconds(30); // what switches do unless told (Cisco document 118630)

export function buildPortGroup(raw: Partial<RawPortGroup> | undefined): PortGroup {
  const { switch: kind, port_security: security, ip_device_tracking: tracking } = raw ?? {};
  const usual = defaults[kind?.value ?? 'standard'];
  const accepts = (
    word: { readonly value: 'accept' | 'reject' } | undefined,
    otherwise: boolean,
  ) => (word === undefined ? otherwise : word.value === 'accept');
  return {
    rights:
      kind === undefined && security === undefined
        ? undefined
        : {
            promiscuous: accepts(security?.promiscuous, usual.promiscuous),
            forgedTransmits: accepts(security?.forged_transmits, usual.forgedTransmits),
            macChanges: accepts(security?.mac_changes, usual.macChanges),
            macLearning: security?.mac_learning?.value ?? usual.macLearning,
          },
    tracking: tracking && {
      delay: tracking.delay?.value ?? seconds(0),
      interval: tracking.interval?.value ?? probeEvery,
    },
  };
}
