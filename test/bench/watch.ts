/**
 * From save to verdict: `standin run --watch` as a process of its own on files of the gallery, each saved
 * several times as editors do it. Prints one line of JSON: the median and the worst of all saves in
 * milliseconds, of warm saves only: the first of each file is not counted.
 */
import { spawn } from 'node:child_process';
import {
  copyFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';

const saves = Number(process.env['SAVES'] ?? 6);
const folder = 'dist/bench/watch';
rmSync(folder, { recursive: true, force: true });
mkdirSync(folder, { recursive: true });

const files = readdirSync('scenarios').filter((name) =>
  /^(01|02|05|07|10|13|16|20|24)-/.test(name),
);
for (const name of files) copyFileSync(join('scenarios', name), join(folder, name));

const bundle = join(import.meta.dirname, '..', '..', 'bin', 'standin.js');
const child = spawn(process.execPath, [bundle, 'run', '--watch', folder], {
  stdio: ['pipe', 'pipe', 'inherit'],
});
let said = '';
let verdicts = 0;
let seen: () => void = () => {};
child.stdout.setEncoding('utf8').on('data', (text: string) => {
  said += text;
  const found = said.match(/verdict after/g)?.length ?? 0;
  if (found > verdicts) {
    verdicts = found;
    seen();
  }
});
const verdict = (): Promise<void> =>
  new Promise((done) => {
    seen = done;
  });

await verdict();
const times: number[] = [];
const byFile: Record<string, number> = {};
for (const name of files) {
  const path = join(folder, name);
  const text = readFileSync(path, 'utf8');
  const own: number[] = [];
  for (let save = 0; save <= saves; save += 1) {
    await setTimeout(100); // nobody saves faster
    const next = verdict();
    const began = process.hrtime.bigint();
    if (save % 2 === 0) writeFileSync(path, `${text}# ${save}\n`);
    else {
      writeFileSync(`${path}~`, `${text}# ${save}\n`);
      renameSync(`${path}~`, path);
    }
    await next;
    if (save > 0) own.push(Number(process.hrtime.bigint() - began) / 1e6);
  }
  times.push(...own);
  byFile[name] = Math.round(median(own));
}
child.stdin.write('q');
function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1]!;
}
console.error(byFile);
const worst = Math.max(...times);
console.log(
  JSON.stringify({ run_s: median(times) / 1000, worst_s: worst / 1000, saves: times.length }),
);
