/**
 * One file for the command line, with what V8 makes of it: a third of the start-up of two hundred
 * modules. Also writes the JSON Schema that editors use.
 */
import { execFileSync } from 'node:child_process';
import { chmodSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { build } from 'esbuild';

const script = 'dist/bin/standin.cjs';

rmSync('dist/bin', { recursive: true, force: true });
await build({
  entryPoints: ['src/cli/start.ts'],
  outfile: script,
  bundle: true,
  format: 'cjs',
  platform: 'node',
  target: 'node20.19',
  minifySyntax: true,
  minifyWhitespace: true,
  legalComments: 'none',
  // Its build for Node is in two hundred pieces; this one says the same.
  alias: { yaml: './node_modules/yaml/browser/index.js' },
});
writeFileSync(script, `(function (exports, require, module) {${readFileSync(script, 'utf8')}\n})`);
const { version } = JSON.parse(readFileSync('package.json', 'utf8'));
writeFileSync(
  'dist/bin/standin.js',
  readFileSync('src/launch.mjs', 'utf8').replace('VERSION', version),
);
chmodSync('dist/bin/standin.js', 0o755);
const flagship = ['run', 'scenarios/01-partial-static.yaml', '--pcap', 'off'];
execFileSync(process.execPath, ['dist/bin/standin.js', '--make-cache', ...flagship], {
  stdio: 'ignore',
});

const { scenarioSchema } = await import('../dist/src/scenario/schema.js');
writeFileSync('dist/scenario.schema.json', `${JSON.stringify(scenarioSchema(), undefined, 2)}\n`);
