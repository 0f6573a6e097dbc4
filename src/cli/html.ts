/** The page that plays runs, put together. */
import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { pageOf, runElements } from '../report/html.ts';
import type { Scenario } from '../scenario/scenario.ts';
import { sceneOf } from '../scenario/scene.ts';
import type { Source } from '../trace/recording.ts';
import { type RunResult, type TimedResult, verdictOfRun } from '../trace/result.ts';
import { pagePath } from './scripts.ts';

export class PlayingPage {
  readonly #template = readFileSync(pagePath('viewer'), 'utf8');
  readonly #runs: string[] = [];

  /** @param packed Its log. */
  add(scenario: Scenario, result: RunResult, sources: readonly Source[], packed: Uint8Array): void {
    const recording = { result, scene: sceneOf(scenario), sources };
    const log = gzipSync(packed).toString('base64');
    this.#runs.push(runElements(this.#runs.length, recording, log));
  }

  /** In pieces: together they may be longer than a text can be. */
  *text(results: readonly TimedResult[]): Generator<string> {
    const { head, tail } = pageOf(this.#template, titleOf(results));
    yield head;
    yield* this.#runs;
    yield tail;
  }
}

/** What a tab of a browser is called. */
function titleOf(results: readonly TimedResult[]): string {
  const [first] = results;
  const failed = results.filter(({ result }) => verdictOfRun(result) !== 'met').length;
  const verdict = failed === 0 ? 'passed' : results.length === 1 ? 'failed' : `${failed} failed`;
  const about = results.length === 1 ? first!.result.name : `${results.length} runs`;
  return `${verdict}: ${about} – Standin`;
}
