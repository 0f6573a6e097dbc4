/** A real browser, in which nothing may go wrong unseen and nothing may leave the page. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { ExecutionContext } from 'ava';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { needs } from '../needs.ts';

const bin = join(import.meta.dirname, '..', '..', 'bin', 'standin.js');

let browser: Promise<Browser> | undefined;

/** Debian's Chromium, the same for all tests of a file, or undefined after the test has logged that it is missing. */
export async function openBrowser(t: ExecutionContext): Promise<Browser | undefined> {
  const executablePath = needs(t, 'chromium');
  if (executablePath === undefined) return undefined;
  // Chromium makes no sandbox for root.
  const args = process.getuid?.() === 0 ? ['--no-sandbox'] : [];
  browser ??= chromium.launch({ executablePath, args });
  return browser;
}

export const closeBrowser = async (): Promise<void> => (await browser)?.close();

export interface Watched {
  readonly page: Page;
  /** What the page complained of, and whatever it asked for but itself. */
  readonly wrong: readonly string[];
}

export async function openPage(
  browser: Browser,
  file: string,
  options: BrowserContextOptions = {},
): Promise<Watched> {
  const context = await browser.newContext({
    viewport: { width: 1280, height: 720 },
    offline: true,
    ...options,
  });
  const page = await context.newPage();
  const { href } = pathToFileURL(file);
  const wrong: string[] = [];
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') wrong.push(message.text());
  });
  page.on('pageerror', (error) => wrong.push(String(error)));
  page.on('dialog', (dialog) => {
    wrong.push(`dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  page.on('request', (request) => {
    const [url] = request.url().split('#');
    if (url !== href && !url!.startsWith('blob:')) wrong.push(`request: ${url}`);
  });
  await page.goto(href);
  await page.locator('h1').first().waitFor();
  return { page, wrong };
}

/** The page that `standin run --html` writes of some files. */
export function reportOf(t: ExecutionContext, ...words: readonly string[]): string {
  const folder = mkdtempSync(join(tmpdir(), 'standin-page-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'report.html');
  const all = [bin, 'run', ...words, '--html', file, '--pcap', 'off'];
  const { stderr } = spawnSync(process.execPath, all, { encoding: 'utf8' });
  if (stderr !== '') t.log(stderr);
  return file;
}

/** Everything that can be operated, as assistive technology has it. */
export async function controlsOf(page: Page): Promise<{ role: string; name: string }[]> {
  const session = await page.context().newCDPSession(page);
  const { nodes } = await session.send('Accessibility.getFullAXTree');
  return nodes
    .filter(({ ignored }) => !ignored)
    .map(({ role, name }) => ({ role: String(role?.value), name: String(name?.value ?? '') }))
    .filter(({ role }) => operated.has(role));
}

const operated: ReadonlySet<string> = new Set([
  'button',
  'combobox',
  'checkbox',
  'listbox',
  'option',
  'searchbox',
  'slider',
  'tab',
  'textbox',
]);
