/** The report, opened from disk with the network off. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import type { Page } from 'playwright-core';
import { played, scenarios } from '../playing.ts';
import { closeBrowser, controlsOf, openBrowser, openPage, reportOf } from './browser.ts';

const flagship = 'scenarios/01-partial-static.yaml';

test.after.always(closeBrowser);

/** Where screenshots are to go, if somebody wants to look at them. */
const shots = process.env['STANDIN_SCREENSHOTS'];

async function shoot(page: Page, name: string): Promise<void> {
  if (shots === undefined) return;
  mkdirSync(shots, { recursive: true });
  await page.screenshot({ path: join(shots, `${name}.png`) });
}

/** `42.041669 s`. */
const timeOf = async (page: Page): Promise<number> =>
  Number.parseFloat((await page.locator('output').textContent())!);

test.serial('it plays, goes on and back, and says what each event is', async (t) => {
  const browser = await openBrowser(t);
  if (browser === undefined) return;
  const { page, wrong } = await openPage(browser, reportOf(t, flagship));
  const { log, result } = await played(scenarios('01-partial-static.yaml')[0]!);
  t.regex((await page.locator('h1').textContent())!, /^✓ .*all 30 expectations hold$/);
  t.is(await page.title(), `passed: ${result.name} – Standin`);
  for (const { node } of log.facts(['machine']))
    t.is(await page.getByRole('button', { name: new RegExp(`^${node}, `) }).count(), 1, node);

  await page.keyboard.press('ArrowRight');
  const first = await timeOf(page);
  for (let i = 0; i < 120; i += 1) await page.keyboard.press('ArrowRight');
  const later = await timeOf(page);
  t.true(later > first);
  const chosen = page.locator('[role="option"][aria-selected="true"]');
  const event = Number((await chosen.getAttribute('id'))!.replace('event-', ''));
  t.is(later, Number((log.timeOf(event) / 1e9).toFixed(6)), 'the time is that of the event');
  for (let i = 0; i < 120; i += 1) await page.keyboard.press('ArrowLeft');
  t.is(await timeOf(page), first, 'back is as free as forward');

  await page.keyboard.press(' ');
  await page.getByRole('button', { name: 'stop', exact: true }).waitFor();
  await page.waitForFunction(`parseFloat(document.querySelector('output').textContent) > ${first}`);
  await page.keyboard.press(' ');
  await page.getByRole('button', { name: 'play', exact: true }).waitFor();
  await page.keyboard.press('End');
  t.is(await timeOf(page), Number((result.simulatedTime / 1e9).toFixed(6)));
  await page.keyboard.press('Home');
  t.is(await timeOf(page), 0);
  t.deepEqual(wrong, []);
});

test.serial(
  'one selection: an expectation leads to its line, its packet, its device and its hops',
  async (t) => {
    const browser = await openBrowser(t);
    if (browser === undefined) return;
    const { page, wrong } = await openPage(browser, reportOf(t, flagship));
    const { log, result } = await played(scenarios('01-partial-static.yaml')[0]!);
    const step = result.steps.find(({ expectations }) => expectations.some(({ hops }) => hops))!;
    const one = step.expectations.find(({ hops }) => hops)!;
    await page.getByRole('button', { name: one.text }).first().click();
    const hops = page.locator('aside ol > li');
    t.is(await hops.count(), one.hops!.length);
    t.true((await hops.first().textContent())!.startsWith(one.hops![0]!.where));
    t.is(
      await page.locator('.source [aria-pressed="true"]').textContent(),
      `${String(one.line).padStart(3)} ${readFileSync(flagship, 'utf8').split('\n')[one.line - 1]}`,
    );
    const selected = page.locator('[role="option"][aria-selected="true"]');
    t.is(await selected.getAttribute('id'), `event-${one.event}`);
    t.true(await selected.isVisible(), 'the list has gone there');
    const { node } = log.read(one.event!);
    const device = page.getByRole('button', { name: new RegExp(`^${node}, `) });
    t.is(await device.getAttribute('aria-pressed'), 'true');

    await page.keyboard.press('End');
    t.is(await page.getByRole('button', { name: /^nea-hq, .*tunnel lan10/ }).count(), 1);
    await page.getByRole('tab', { name: 'Ladder' }).click();
    t.true((await page.locator('.ladder .lane').count()) > 0);
    await page.getByRole('tab', { name: 'Who reaches whom' }).click();
    t.true(await page.locator('#lists').getByText('web01').first().isVisible());
    t.deepEqual(wrong, []);
  },
);

test.serial(
  'keyboard and assistive technology: everything has a name, and a device is chosen without a mouse',
  async (t) => {
    const browser = await openBrowser(t);
    if (browser === undefined) return;
    const { page, wrong } = await openPage(browser, reportOf(t, 'scenarios/02-partial-dhcp.yaml'));
    await page.getByRole('heading', { name: 'Overview' }).waitFor();
    t.deepEqual(
      (await controlsOf(page)).filter(({ name }) => name === ''),
      [],
    );
    await page
      .getByRole('button', { name: /limit reproduced.*lease=valid plan_dhcp=none/ })
      .click();
    const h1 = page.getByRole('heading', { level: 1 });
    t.regex((await h1.textContent())!, /DHCP_NO_STATIC_IP/);
    t.deepEqual(
      (await controlsOf(page)).filter(({ name }) => name === ''),
      [],
    );
    const found = false;
    for (let i = 0; i < 200 && !found; i += 1) {
      await page.keyboard.press('Tab');
      const name = await page.evaluate('document.activeElement.getAttribute("aria-label")');
      if (typeof name === 'string' && name.startsWith('sql01-replica, ')) break;
    }
    await page.keyboard.press('Enter');
    const device = page.getByRole('combobox', { name: 'Device' });
    t.is(await device.inputValue(), 'sql01-replica');
    await page.keyboard.press('?');
    t.true(await page.getByRole('dialog', { name: 'Keys' }).isVisible());
    await page.keyboard.press('Escape');
    t.false(await page.getByRole('dialog', { name: 'Keys' }).isVisible());
    t.deepEqual(wrong, []);
  },
);

test.serial('light and dark, wide and narrow: nothing leaves the page sideways', async (t) => {
  const browser = await openBrowser(t);
  if (browser === undefined) return;
  const file = reportOf(t, flagship);
  for (const colorScheme of ['light', 'dark'] as const)
    for (const viewport of [
      { width: 1280, height: 720 },
      { width: 390, height: 844 },
    ]) {
      const { page, wrong } = await openPage(browser, file, { colorScheme, viewport });
      await page.keyboard.press('ArrowRight');
      const scrollWidth = await page.evaluate<number>('document.documentElement.scrollWidth');
      const paper = await page.evaluate('getComputedStyle(document.body).backgroundColor');
      t.true(scrollWidth <= viewport.width, `${scrollWidth} of ${viewport.width}`);
      t.is(paper === 'rgb(255, 255, 255)', colorScheme === 'light');
      await shoot(page, `${colorScheme}-${viewport.width}`);
      t.deepEqual(wrong, []);
      await page.context().close();
    }
});

test.serial('hostile text is text: nothing of a scenario becomes markup or is run', async (t) => {
  const browser = await openBrowser(t);
  if (browser === undefined) return;
  const hostile = '</script><img src=x onerror=alert(1)><script>alert(2)</script><!--';
  const folder = mkdtempSync(join(tmpdir(), 'standin-hostile-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const own = join(folder, 'hostile.yaml');
  const text = readFileSync(flagship, 'utf8')
    .replace(/^name: .*$/m, `name: "${hostile}"`)
    .replace('name: before the disaster', `name: "${hostile}"`);
  writeFileSync(own, text);
  const { page, wrong } = await openPage(browser, reportOf(t, own));
  t.true((await page.locator('h1').textContent())!.includes(hostile));
  t.true((await page.title()).includes(hostile));
  t.true((await page.locator('.steps ol').textContent())!.includes(hostile));
  t.is(await page.locator('img').count(), 0);
  t.deepEqual(wrong, []);
  // The policy of the page holds, whoever gets something into it.
  await page.evaluate(`{
    const script = document.createElement('script');
    script.textContent = 'document.title = "run"';
    document.body.append(script);
  }`);
  t.not(await page.title(), 'run');
});
