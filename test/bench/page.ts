/**
 * The page of one long run, as one line of JSON: `node dist/test/bench/page.js [EVENTS]`. How large its file is, and
 * where there is Chromium, how soon it shows the run and how many pictures a second it shows while somebody
 * goes through it event by event and while somebody drags the time.
 */
import { existsSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { chromium } from 'playwright-core';
import { seconds } from '../../src/base/time.ts';
import { PlayingPage } from '../../src/cli/html.ts';
import { nodeCrypto } from '../../src/crypto/node.ts';
import { check } from '../../src/scenario/check.ts';
import { play } from '../../src/scenario/play.ts';
import { SimBackend } from '../../src/sim/backend.ts';
import { EventLog } from '../../src/trace/log.ts';
import { packLog } from '../../src/trace/pack.ts';
import { ipv4 } from '../../src/wire/address.ts';
import { stand, twoSites } from '../explain/rig.ts';

const events = Number(process.argv[2] ?? 100_000);
const text = twoSites();
const rig = await stand(text);
await rig.failover();
// Through the tunnel: there is every kind of event.
const order = { probe: 900, to: ipv4('10.0.10.20'), size: 56, every: seconds(0.05) };
rig.lab.network.guest('web01')!.probes.ping(order, rig.now, rig.lab.fabric);
while (rig.log.length < events) await rig.run(1);

const scenario = check('rig.yaml', () => text).cases![0]!;
const log = new EventLog('verdicts');
const { result } = await play(scenario, new SimBackend({ crypto: nodeCrypto }), log);
const whole = { ...result, events: rig.log.length, simulatedTime: rig.now };
const began = process.hrtime.bigint();
const page = new PlayingPage();
page.add(scenario, whole, [{ file: 'rig.yaml', text }], packLog(rig.log));
const file = 'dist/bench/page.html';
mkdirSync('dist/bench', { recursive: true });
writeFileSync(file, [...page.text([{ result: whole, realTime: seconds(1) }])].join(''));
const run_s = Number(process.hrtime.bigint() - began) / 1e9;
const bytes = statSync(file).size;
const about = { events: rig.log.length, bytes, bytes_event: bytes / rig.log.length, run_s };
console.log(JSON.stringify({ workload: 'page', ...about, ...(await shown()) }));

async function shown(): Promise<object> {
  const executablePath = '/usr/bin/chromium';
  if (!existsSync(executablePath)) return {};
  // Chromium makes no sandbox for root.
  const args = process.getuid?.() === 0 ? ['--no-sandbox'] : [];
  const browser = await chromium.launch({ executablePath, args });
  const tab = await browser.newPage({ viewport: { width: 1280, height: 720 } });
  const opened = process.hrtime.bigint();
  await tab.goto(pathToFileURL(file).href);
  await tab.getByRole('button', { name: /^web01, / }).waitFor();
  const first_s = Number(process.hrtime.bigint() - opened) / 1e9;
  await tab.keyboard.press('ArrowRight');
  const pictures = (deed: string) =>
    tab.evaluate<number>(`new Promise((done) => {
      const deed = ${deed};
      const [began, times] = [performance.now(), 150];
      let shown = 0;
      requestAnimationFrame(function next() {
        if (shown === times) return done((times * 1000) / (performance.now() - began));
        deed((shown += 1) / times);
        requestAnimationFrame(next);
      });
    })`);
  const steps_s = await pictures(
    `() => document.body.dispatchEvent(new KeyboardEvent('keydown', { key: 'ArrowRight', bubbles: true }))`,
  );
  const drags_s = await pictures(`(part) => {
    const time = document.querySelector('.time input[type="range"]');
    time.value = part * time.max;
    time.dispatchEvent(new Event('input', { bubbles: true }));
  }`);
  await browser.close();
  return { first_s, steps_s, drags_s };
}
