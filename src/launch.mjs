#!/usr/bin/env node
/**
 * Starts the bundled command line. Most of a short run is compiling, so the bundle comes with what V8
 * made of it when it was built; where that does not fit (another Node, other flags), V8 says so and
 * compiles anew. `bundle.mjs` copies this file to `dist/bin/standin.js`.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Script } from 'node:vm';

const folder = dirname(fileURLToPath(import.meta.url));
const filename = join(folder, 'standin.cjs');
const cache = join(folder, 'standin.cache');
const words = process.argv.slice(2);
/** Only `bundle.mjs` says this: play something, then keep what V8 has made. */
const making = words[0] === '--make-cache';

if (words.length === 1 && (words[0] === '--version' || words[0] === '-V')) {
  console.log('VERSION'); // put in by bundle.mjs
  process.exit(0);
}

let cachedData;
try {
  if (!making) cachedData = readFileSync(cache);
} catch {
  // Built without it: slower, and nothing else.
}
const script = new Script(readFileSync(filename, 'utf8'), { filename, cachedData });
const module = { exports: {} };
script.runInThisContext()(module.exports, createRequire(import.meta.url), module);
await module.exports.start(making ? words.slice(1) : words);
if (making) writeFileSync(cache, script.createCachedData());
