import { readdirSync, readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import test from 'ava';

/** What each layer may import besides itself, lowest first. A layer can only look down. */
const layers: Record<string, { sees: string[]; pure: boolean }> = {
  base: { sees: [], pure: true },
  wire: { sees: ['base'], pure: true },
  trace: { sees: ['base', 'wire'], pure: true },
  stack: { sees: ['base', 'wire', 'trace'], pure: true },
  device: { sees: ['base', 'wire', 'trace', 'stack'], pure: true },
  failover: { sees: ['base', 'trace'], pure: true },
  crypto: { sees: ['base', 'stack'], pure: false },
  lab: { sees: ['base', 'wire', 'trace', 'stack', 'device', 'failover'], pure: true },
  sim: { sees: ['base', 'wire', 'trace', 'stack', 'device', 'lab'], pure: true },
  emu: {
    sees: ['base', 'wire', 'trace', 'stack', 'device', 'failover', 'crypto', 'lab', 'sim'],
    pure: false,
  },
  explain: { sees: ['base', 'wire', 'trace'], pure: true },
  scenario: { sees: ['base', 'wire', 'trace', 'explain', 'lab'], pure: true },
  compare: { sees: ['base', 'wire', 'trace', 'explain'], pure: true },
  report: { sees: ['base', 'wire', 'trace', 'compare'], pure: true },
  view: { sees: ['base', 'wire', 'trace', 'explain', 'compare'], pure: true },
  web: { sees: ['base', 'wire', 'trace', 'explain', 'compare', 'view'], pure: false },
  cli: {
    sees: [
      'base',
      'wire',
      'trace',
      'failover',
      'crypto',
      'lab',
      'sim',
      'emu',
      'explain',
      'scenario',
      'compare',
      'report',
    ],
    pure: false,
  },
};

const order = Object.keys(layers);
const files = readdirSync('src', { recursive: true, encoding: 'utf8' })
  .filter((file) => /\.tsx?$/.test(file))
  .map((file) => file.split('\\').join('/'));

test('a row names only rows above it, so there are no cycles', (t) => {
  for (const [row, { sees }] of Object.entries(layers)) {
    const above = order.slice(0, order.indexOf(row));
    for (const seen of sees) t.true(above.includes(seen), `${row} may not see ${seen}`);
  }
});

for (const file of files) {
  test(`src/${file} keeps to its layer`, (t) => {
    const name = file.split('/')[0]!;
    const layer = layers[name];
    if (layer === undefined) return t.fail(`src/${name} has no row in the table of layers`);
    const source = readFileSync(join('src', file), 'utf8');
    for (const [, target] of source.matchAll(/(?:from|import)\s*\(?\s*'(\.[^']+)'/g)) {
      const reached = posix.join(posix.dirname(file), target!).split('/')[0]!;
      t.true([name, ...layer.sees].includes(reached), `${name} may not import ${target}`);
    }
    const impure = /\bDate\.now\b|\bnew Date\(\)|\bMath\.random\b|\bfrom 'node:/.exec(source);
    t.false(
      layer.pure && impure !== null,
      `${impure?.[0]} in a pure layer: take it as an argument`,
    );
  });
}
