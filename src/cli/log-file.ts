/** Event logs on disk, as `run --log` writes them: read in pieces, for they may be large and from strangers. */
import { closeSync, openSync, readSync } from 'node:fs';
import { StringDecoder } from 'node:string_decoder';
import type { TraceEvent } from '../trace/event.ts';
import { LogReader, lineLengthMax } from '../trace/read-json-lines.ts';
import { causeOf, Lacking } from './output.ts';

const pieceSize = 1 << 20;

/**
 * All events of the one run in a log.
 *
 * @throws BadLine, and Lacking where the file cannot be read.
 */
export function readLog(path: string): readonly TraceEvent[] {
  const reader = new LogReader();
  let rest = '';
  for (const piece of piecesOf(path)) {
    const lines = `${rest}${piece}`.split('\n');
    rest = lines.pop()!;
    for (const line of lines) reader.take(line);
    if (rest.length > lineLengthMax) reader.refuse('the line after this one is too long');
  }
  if (rest !== '') reader.refuse('the last line has no end: the log is not complete');
  if (reader.events.length === 0) reader.refuse('there is no event in it');
  return reader.events;
}

function* piecesOf(path: string): Generator<string> {
  const decoder = new StringDecoder('utf8');
  const buffer = Buffer.alloc(pieceSize);
  const file = attempt(path, () => openSync(path, 'r'));
  try {
    for (;;) {
      const length = attempt(path, () => readSync(file, buffer));
      if (length === 0) break;
      yield decoder.write(buffer.subarray(0, length));
    }
    yield decoder.end();
  } finally {
    closeSync(file);
  }
}

function attempt<T>(path: string, deed: () => T): T {
  try {
    return deed();
  } catch (error) {
    throw new Lacking(`cannot read ${path}: ${causeOf(error)}`);
  }
}
