import type { Instant } from '../../src/base/time.ts';
import type { Configuration } from '../../src/failover/configuration.ts';
import type { Decision } from '../../src/failover/decision.ts';
import {
  decidedText,
  type Journal,
  type Past,
  replay,
  toldText,
} from '../../src/failover/journal.ts';
import type { Observation } from '../../src/failover/observation.ts';

/** A journal in memory: its texts, but for the first. */
export class Paper implements Journal {
  readonly past: Past | undefined;
  readonly texts: string[];
  constructor(configuration: Configuration, texts: readonly string[] = []) {
    this.texts = [...texts];
    const past = texts.length > 0 ? replay(configuration, texts) : undefined;
    if (typeof past === 'string') throw new Error(past);
    this.past = past;
  }

  told(observation: Observation | undefined, at: Instant): void {
    this.texts.push(toldText(observation, at));
  }

  decided(decisions: readonly Decision[]): void {
    this.texts.push(decidedText(decisions));
  }
}
