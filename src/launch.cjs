#!/usr/bin/env node
/**
 * Starts the bundled command line. Most of a short run is compiling, so the bundle comes with what V8
 * made of it when it was built; where that does not fit (another Node, other flags), V8 says so and
 * compiles anew. `bundle.mjs` copies this file to `dist/bin/standin.js`. CommonJS, because Node starts
 * it without its loader of ECMAScript modules, which takes as long as the bundle itself.
 */
const { readFileSync, writeFileSync } = require('node:fs');
const { join } = require('node:path');
const { Script } = require('node:vm');

const filename = join(__dirname, 'standin.cjs');
const words = process.argv.slice(2);

if (words.length === 1 && (words[0] === '--version' || words[0] === '-V')) {
  console.log('VERSION'); // put in by bundle.mjs
  process.exit(0);
}

/** Only `bundle.mjs` says this: do what the other words say, then keep what V8 has made. */
if (words[0] === '--make-cache') void makeCache(words.slice(1));
else void evaluate(load(cachedFor(words))).start(words);

/** Whoever reads scenarios needs nearly all of the program; who asks for help shall not wait for that. */
function cacheOf([command]) {
  const name = ['run', 'check', 'list'].includes(command) ? 'scenarios' : 'others';
  return join(__dirname, `${name}.cache`);
}

function cachedFor(these) {
  try {
    return readFileSync(cacheOf(these));
  } catch {
    return undefined; // Built without it: slower, and nothing else.
  }
}

function load(cachedData) {
  // The bundler leaves nothing but ASCII, and this is how that is read fastest.
  return new Script(readFileSync(filename, 'latin1'), { filename, cachedData });
}

function evaluate(script) {
  const module = { exports: {} };
  script.runInThisContext()(module.exports, require, module);
  return module.exports;
}

async function makeCache(these) {
  const script = load();
  await evaluate(script).start(these);
  writeFileSync(cacheOf(these), script.createCachedData());
}
