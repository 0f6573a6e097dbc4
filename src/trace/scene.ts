/**
 * What there is in a lab, for whoever draws a run: devices under the names that the log gives them, and
 * the cables between their ports. Areas stand from left to right: the tenants' sites, the internet, the provider.
 */
import type { MachineRole } from './event.ts';

export interface Scene {
  readonly areas: readonly SceneArea[];
  readonly cables: readonly SceneCable[];
}

export interface SceneArea {
  /** `site hq`. */
  readonly title: string;
  readonly side: 'tenant' | 'internet' | 'provider';
  readonly devices: readonly SceneDevice[];
}

export interface SceneDevice {
  /** As in the log: `web01`. */
  readonly name: string;
  readonly role: MachineRole;
  /** An address, a subnet, a VLAN; may be empty. */
  readonly detail: string;
}

/** From port to port, as the log names them: `web01.eth0`. */
export interface SceneCable {
  readonly a: ScenePort;
  readonly b: ScenePort;
}

export interface ScenePort {
  readonly device: string;
  readonly port: string;
}
