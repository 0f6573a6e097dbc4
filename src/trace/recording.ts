/** A run with all that is needed to play it back: what a page shows that has nothing but itself. */
import type { RunResult } from './result.ts';
import type { Scene } from './scene.ts';

/** The log goes beside it, packed (`trace/pack.ts`): a page reads that only when its run is looked at. */
export interface Recording {
  readonly result: RunResult;
  readonly scene: Scene;
  /** The scenario first, then what it extends. */
  readonly sources: readonly Source[];
}

export interface Source {
  readonly file: string;
  readonly text: string;
}
