/** The runs that lie in a page: what came of each as JSON, its log packed, compressed, as text. */
import type { EventLog } from '../trace/log.ts';
import { unpackLog } from '../trace/pack.ts';
import type { Recording } from '../trace/recording.ts';
import type { Run } from './store.ts';

/** `<script type="application/json" id="run-0">` and `<script type="text/plain" id="log-0">`, and so on. */
export function runsIn(page: Document): readonly Run[] {
  const runs: Run[] = [];
  for (;;) {
    const number = runs.length;
    const said = page.getElementById(`run-${number}`);
    if (said === null) return runs;
    const recording = JSON.parse(said.textContent) as Recording;
    let log: Promise<EventLog> | undefined;
    runs.push({ recording, log: () => (log ??= read(page.getElementById(`log-${number}`)!)) });
  }
}

async function read(element: Element): Promise<EventLog> {
  const packed = Uint8Array.from(atob(element.textContent), (one) => one.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream('gzip'));
  return unpackLog(new Uint8Array(await new Response(stream).arrayBuffer()));
}
