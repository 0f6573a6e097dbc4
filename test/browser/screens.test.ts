/** The screens of a page with several runs, in a real browser: by keyboard, by address, there and back. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import test from 'ava';
import { chromium } from 'playwright-core';
import { needs } from '../needs.ts';

test('from the overview to a run, into who reaches whom, and back; two runs side by side', async (t) => {
  const executablePath = needs(t, 'chromium');
  if (executablePath === undefined) {
    t.pass();
    return;
  }
  const folder = mkdtempSync(join(tmpdir(), 'standin-page-'));
  const file = join(folder, 'page.html');
  const words = ['dist/bin/standin.js', 'run', 'scenarios/02-partial-dhcp.yaml'];
  const more = ['scenarios/07-stale-arp-no-garp.yaml', '--pcap', 'off', '--html', file];
  execFileSync(process.execPath, [...words, ...more], { stdio: 'ignore' });
  const browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] });
  try {
    const page = await browser.newPage({ viewport: { width: 390, height: 844 } });
    const wrong: string[] = [];
    page.on('pageerror', ({ message }) => wrong.push(message));
    page.on('console', (said) => {
      if (said.type() === 'error') wrong.push(said.text());
    });
    page.on('request', (request) => {
      if (!request.url().startsWith('file:')) wrong.push(request.url());
    });
    const address = pathToFileURL(file).href;
    const hash = (): string => new URL(page.url()).hash;
    const fits = (): Promise<boolean> =>
      page.evaluate<boolean>('document.documentElement.scrollWidth <= innerWidth');

    await page.goto(address);
    await page.waitForURL('**/*#overview');
    const runs = page.locator('.runs button');
    t.is(await runs.count(), 5);
    t.true(await fits());
    t.is(await page.locator('.runs button[tabindex="0"]').count(), 1, 'one stop of the Tab key');
    await runs.first().focus();
    await page.keyboard.press('ArrowRight');
    t.regex((await page.locator(':focus').textContent()) ?? '', /plan_dhcp=foreign/);
    await page.keyboard.press('Enter');
    await page.waitForURL('**/*#run=2');

    await page.getByRole('tab', { name: 'Who reaches whom' }).click();
    const limit = page.getByRole('button', { name: 'not, as it has to be DHCP_NO_STATIC_IP' });
    await limit.click();
    t.is(await limit.getAttribute('aria-pressed'), 'true');
    await page.waitForURL(/#run=2&e=\d+$/);
    t.true(await fits());
    await page.goBack();
    await page.waitForURL('**/*#overview');
    t.true(await runs.first().isVisible());
    await page.goForward();
    await page.waitForURL(/#run=2&e=\d+$/);

    await page.getByRole('button', { name: 'Compare' }).click();
    await page.waitForURL('**/*#compare=1,2');
    await page.getByLabel('Left').selectOption({ index: 2 });
    await page.waitForURL('**/*#compare=3,2');
    const first = page.locator('tr.first');
    await first.getByRole('button').first().click();
    t.is(await first.getAttribute('aria-current'), 'true');
    t.true(await fits());
    await first.getByRole('button', { name: 'Show in the right run' }).click();
    await page.waitForURL(/#run=2&e=\d+$/);

    // An address that leads nowhere changes nothing, and one for a run opens it.
    await page.evaluate("location.hash = '#run=99'");
    t.is(
      await page.getByRole('button', { name: 'Run', exact: true }).getAttribute('aria-current'),
      'page',
    );
    await page.goto(`${address}#run=4&e=100`);
    await page.reload();
    await page.getByRole('tab', { name: 'Who reaches whom' }).click();
    t.is(await page.locator('th', { hasText: 'tcp web01 -> sql01:1433' }).count(), 1);
    t.is(hash(), '#run=4&e=100');
    await page.getByRole('tab', { name: 'Events' }).click();
    await page.locator('#event-100').click({ trial: true, timeout: 5000 });
    t.deepEqual(wrong, []);
  } finally {
    await browser.close();
    rmSync(folder, { recursive: true });
  }
});
