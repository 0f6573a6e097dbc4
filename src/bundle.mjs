/**
 * One file for the command line, with what V8 makes of it: a third of the start-up of two hundred
 * modules. Also writes the JSON Schemas that editors and readers of results use.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { build } from 'esbuild';

const script = 'dist/bin/standin.cjs';

rmSync('dist/bin', { recursive: true, force: true });
const { metafile } = await build({
  entryPoints: ['src/cli/start.ts'],
  outfile: script,
  bundle: true,
  format: 'cjs',
  platform: 'node',
  target: 'node20.19',
  charset: 'ascii', // launch.cjs counts on it
  minifySyntax: true,
  minifyWhitespace: true,
  legalComments: 'none', // see below
  metafile: true,
  logOverride: { 'empty-import-meta': 'silent' }, // where it is empty, another way is known
  // Its build for Node is in two hundred pieces; this one says the same.
  alias: { yaml: './node_modules/yaml/browser/index.js' },
});
writeFileSync(script, `(function (exports, require, module) {${readFileSync(script, 'utf8')}\n})`);

/** What the licences of the packages in a bundle ask for: most say it in a file of their own, not in comments. */
function noticesOf({ inputs }) {
  const packages = Object.keys(inputs).map(
    (path) => /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1],
  );
  return [...new Set(packages)]
    .filter((name) => name !== undefined)
    .sort()
    .map((name) => `${name}\n\n${readFileSync(`node_modules/${name}/LICENSE`, 'utf8')}`)
    .join('\n\n');
}
writeFileSync('dist/bin/standin.cjs.LICENSES.txt', noticesOf(metafile));

/**
 * A page in one file, that says itself what it may do: run this script, use this style sheet, and reach
 * nothing. Where it says `<!--runs-->`, whoever writes a report puts what is to be seen.
 */
async function page(name) {
  const { outputFiles, metafile } = await build({
    entryPoints: [`src/web/${name}.tsx`],
    outdir: 'out', // nothing is written there
    write: false,
    bundle: true,
    format: 'esm',
    platform: 'browser',
    target: ['chrome111', 'firefox121', 'safari17.5'],
    jsx: 'automatic',
    jsxImportSource: 'preact',
    charset: 'ascii',
    minify: true,
    legalComments: 'none',
    metafile: true,
  });
  const text = (end) => outputFiles.find(({ path }) => path.endsWith(end)).text.trim();
  const digest = (of) => `'sha256-${createHash('sha256').update(of).digest('base64')}'`;
  const [script, style] = [text('.js').replaceAll('</script', '<\\/script'), text('.css')];
  const may = `default-src 'none'; script-src ${digest(script)}; style-src ${digest(style)}; img-src data:; base-uri 'none'; form-action 'none'`;
  writeFileSync(
    `dist/page/${name}.html`,
    `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${may}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Standin</title>
<style>${style}</style>
<body>
<noscript>This page plays a run: it needs JavaScript.</noscript>
<!--runs-->
<script type="module">${script}</script>
<!--
${noticesOf(metafile).replaceAll('--', '- -')}
-->
</html>
`,
  );
}
mkdirSync('dist/page', { recursive: true });
await page('viewer');

const { version } = JSON.parse(readFileSync('package.json', 'utf8'));
writeFileSync(
  'dist/bin/standin.js',
  readFileSync('src/launch.cjs', 'utf8').replace('VERSION', version),
);
writeFileSync('dist/bin/package.json', '{ "type": "commonjs" }\n');
chmodSync('dist/bin/standin.js', 0o755);
for (const words of ['run scenarios/01-partial-static.yaml --pcap off', '--help']) {
  execFileSync(process.execPath, ['dist/bin/standin.js', '--make-cache', ...words.split(' ')], {
    stdio: 'ignore',
  });
}

const { scenarioSchema } = await import('../dist/src/scenario/schema.js');
const { resultSchema } = await import('../dist/src/report/result-schema.js');
const schemas = { scenario: scenarioSchema(), result: resultSchema() };
for (const [name, schema] of Object.entries(schemas))
  writeFileSync(`dist/${name}.schema.json`, `${JSON.stringify(schema, undefined, 2)}\n`);
