/** How long the journal of a long life takes to be taken up, as one line of JSON: `node dist/test/bench/journal.js [RECORDS]`. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, type Instant, labStart, seconds } from '../../src/base/time.ts';
import { nodeFiles } from '../../src/emu/files.ts';
import { openJournal } from '../../src/emu/journal-file.ts';
import { isCommand } from '../../src/failover/decision.ts';
import { JournaledController } from '../../src/failover/journal.ts';
import type { Order } from '../../src/failover/observation.ts';
import { configuration, failover, undo } from '../failover/rig.ts';

const records = Number(process.argv[2] ?? 100_000);
const folder = mkdtempSync(join(tmpdir(), 'standin-bench-'));
try {
  const path = join(folder, 'journal');
  // What is measured is reading, so the disk need not keep up with the writing.
  const journal = openJournal(path, configuration(), { files: { ...nodeFiles, sync: () => {} } });
  const machine = new JournaledController(configuration(), journal);
  let written = 1;
  let now: Instant = labStart;
  const live = (order: Order): void => {
    let decisions = machine.handle({ kind: 'order', order }, now);
    const open = decisions.filter(isCommand);
    written += 2;
    for (let command = open.shift(); command !== undefined; command = open.shift()) {
      now = after(now, seconds(1));
      decisions = machine.handle({ kind: 'done', id: command.id }, now);
      open.push(...decisions.filter(isCommand));
      written += 2;
    }
  };
  const vms = ['sql01', 'web01', 'app01'];
  while (written < records) {
    live(failover(...vms));
    live(undo(...vms));
  }
  journal.close();
  const before = process.cpuUsage();
  const began = process.hrtime.bigint();
  openJournal(path, configuration()).close();
  const run_s = Number(process.hrtime.bigint() - began) / 1e9;
  const { user, system } = process.cpuUsage(before);
  const cpu_s = (user + system) / 1e6;
  const peakMiB = process.resourceUsage().maxRSS / 1024;
  console.log(JSON.stringify({ workload: 'journal', records: written, run_s, cpu_s, peakMiB }));
} finally {
  rmSync(folder, { recursive: true });
}
