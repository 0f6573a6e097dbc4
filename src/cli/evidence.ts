/** Evidence packs as folders: written while runs end, for their owner's eyes. */
import { createHash } from 'node:crypto';
import { closeSync, openSync, readdirSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { nanoseconds } from '../base/time.ts';
import {
  type EvidenceFile,
  type EvidenceOptions,
  type EvidenceRun,
  evidenceIndex,
  evidenceManifest,
} from '../report/evidence.ts';
import { runsJson } from '../report/json.ts';
import type { Scenario } from '../scenario/scenario.ts';
import type { RunResult } from '../trace/result.ts';
import { assumptionsOf } from './assumptions.ts';
import { attempt, inPieces, Lacking, makeFolder, plainName } from './output.ts';

export const manifestName = 'manifest.json';

/** A scenario file as it was read. */
export interface Input {
  readonly path: string;
  readonly text: string;
}

/** A folder that is filled. What a pack has is never replaced, so it begins empty. */
export class EvidenceFolder {
  readonly #path: string;
  readonly #files: EvidenceFile[] = [];
  readonly #runs: EvidenceRun[] = [];
  /** Of runs and inputs, in small letters: some file systems do not tell them from large ones. */
  readonly #paths = new Set<string>();

  constructor(path: string, inputs: readonly Input[]) {
    this.#path = path;
    const there = attempt(path, () => {
      makeFolder(path, 0o700);
      return readdirSync(path);
    });
    if (there.length > 0)
      throw new Lacking(`the folder ${path} is not empty, and evidence is never overwritten`);
    for (const { path: from, text } of inputs)
      this.#write(
        `${this.#free('inputs', plainName({ file: from, case: '' }))}.yaml`,
        [text],
        from,
      );
  }

  /** @param log Lines without their ends. */
  add(scenario: Scenario, result: RunResult, log: Iterable<string>, capture: Uint8Array): void {
    const folder = this.#free('runs', plainName(scenario));
    this.#write(`${folder}/events.ndjson`, inPieces(log));
    this.#write(`${folder}/capture.pcapng`, [capture]);
    const replicated = scenario.tenants.flatMap(({ jobs }) =>
      jobs.flatMap(({ vms }) => vms.map(({ name }) => name)),
    );
    this.#runs.push({
      result: { ...result, capture: `${folder}/capture.pcapng` },
      folder,
      assumptions: assumptionsOf(scenario),
      replicated,
    });
  }

  /** @returns What to keep elsewhere, to know later that the manifest is the one that was written. */
  finish(options: EvidenceOptions): { readonly files: number; readonly sha256: string } {
    const results = this.#runs.map(({ result }) => ({ result, realTime: nanoseconds(0) }));
    const { version, unplayed: unsupported } = options;
    this.#write('result.json', [runsJson(results, { version, unsupported })]);
    this.#write('index.md', [evidenceIndex(this.#runs, this.#files, options)]);
    const { sha256 } = this.#write(manifestName, [
      evidenceManifest(this.#runs, this.#files, options),
    ]);
    return { files: this.#files.length, sha256 };
  }

  /** A path that nothing of the pack has yet. */
  #free(folder: string, name: string): string {
    const plain = `${folder}/${name === '' ? 'unnamed' : name}`;
    let free = plain;
    for (let n = 2; this.#paths.has(free.toLowerCase()); n += 1) free = `${plain}-${n}`;
    this.#paths.add(free.toLowerCase());
    return free;
  }

  #write(path: string, pieces: Iterable<string | Uint8Array>, from?: string): EvidenceFile {
    const whole = join(this.#path, path);
    const sum = createHash('sha256');
    let bytes = 0;
    attempt(whole, () => {
      makeFolder(dirname(whole), 0o700);
      const file = openSync(whole, 'wx', 0o600);
      try {
        for (const piece of pieces) {
          const data = typeof piece === 'string' ? Buffer.from(piece) : piece;
          sum.update(data);
          for (let at = 0; at < data.length; ) at += writeSync(file, data, at);
          bytes += data.length;
        }
      } finally {
        closeSync(file);
      }
    });
    const written = { path, bytes, sha256: sum.digest('hex'), ...(from !== undefined && { from }) };
    this.#files.push(written);
    return written;
  }
}
