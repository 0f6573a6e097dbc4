/** One small file for the command line, and the parts that it loads when they are wanted: half the start-up of sixty modules. */
import { chmodSync, rmSync, writeFileSync } from 'node:fs';
import { build } from 'esbuild';

rmSync('dist/bin', { recursive: true, force: true });
await build({
  entryPoints: { standin: 'src/cli/main.ts' },
  outdir: 'dist/bin',
  chunkNames: '[name]-[hash]',
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node20.19',
  minifySyntax: true,
  minifyWhitespace: true,
  legalComments: 'none',
  // Its build for Node is CommonJS and asks for modules in ways that cannot be bundled.
  alias: { yaml: './node_modules/yaml/browser/index.js' },
  banner: {
    js: "import { createRequire as makeRequire } from 'node:module'; const require = makeRequire(import.meta.url);",
  },
});
chmodSync('dist/bin/standin.js', 0o755);

const { scenarioSchema } = await import('../dist/src/scenario/schema.js');
writeFileSync('dist/scenario.schema.json', `${JSON.stringify(scenarioSchema(), undefined, 2)}\n`);
