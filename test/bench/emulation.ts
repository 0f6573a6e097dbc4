/** How long a lab of 50 namespaces takes to stand and to be gone, as one line of JSON, in seconds. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { openSandbox } from '../../src/emu/sandbox.ts';

/** With the router, the bridge and the one that all cables lead through there are 50 namespaces. */
const machines = 47;

const began = performance.now();
const since = (moment: number): number => Number(((performance.now() - moment) / 1000).toFixed(3));
const sandbox = openSandbox(join(import.meta.dirname, 'emulation-inside.js'), [String(machines)]);
sandbox.stderr?.pipe(process.stderr);
const parts = await new Promise<object>((resolve, reject) => {
  sandbox.once('message', resolve);
  sandbox.once('exit', () => reject(new Error('the lab does not stand')));
});
const stands_s = since(began);
const inner = readFileSync(`/proc/${sandbox.pid}/task/${sandbox.pid}/children`, 'utf8').trim();
const ends = performance.now();
sandbox.kill('SIGKILL');
// The kernel lets the first process of a PID namespace go when all others in it have gone.
while (existsSync(`/proc/${inner}`)) await sleep(1);
console.log(JSON.stringify({ run_s: stands_s, gone_s: since(ends), ...parts }));
