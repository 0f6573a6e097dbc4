/** Changes to scenario files that a person, or somebody hostile, might make. */
import { parse, stringify } from 'yaml';
import { Random } from '../../src/base/random.ts';
import type { Json } from '../../src/scenario/json.ts';

export const random = (name: string): Random => new Random(`mutations/${name}`);

const pick = <T>(luck: Random, from: readonly T[]): T => from[luck.between(0, from.length - 1)]!;

const pieces = [
  ...'[]{}:,-?#&*!|>%@`"\'\\ \t\n\r$',
  '${',
  `\${x}`,
  '}',
  '..',
  '->',
  '{1..3}',
  '---\n',
  '...\n',
  '&a ',
  '*a',
  '!!str ',
  '<<: ',
  '__proto__: ',
  '\u0000',
  '\u001b[31m',
  '\u202e',
  '\ud800',
  '\ufeff',
  '😀',
  '10.0.10.300',
  '010',
  '1e3',
  '0x2a',
  'null',
  '~',
  'true',
  'on',
  'no',
  '9999999999999999999999',
  '-1',
  'dhcp',
  'none',
  'any',
  'internet',
  'hq.gateway',
  'tunnel.lan10',
  'extends: ./01-partial-static.yaml\n',
  'when: lease == valid\n',
  '\n  - wait: 5s\n',
  '    ',
  '  ',
] as const;

/** One to three changes to the characters of a text; `others` lend lines. */
export function mutateText(text: string, others: readonly string[], luck: Random): string {
  let changed = text;
  for (let n = luck.between(1, 3); n > 0; n -= 1) {
    const at = luck.between(0, changed.length);
    const length = luck.between(1, 12);
    const lines = changed.split('\n');
    const line = luck.between(0, lines.length - 1);
    switch (luck.between(0, 8)) {
      case 0:
        changed = changed.slice(0, at) + changed.slice(at + length);
        break;
      case 1:
        changed = changed.slice(0, at) + pick(luck, pieces) + changed.slice(at);
        break;
      case 2:
        changed = changed.slice(0, at) + pick(luck, pieces) + changed.slice(at + length);
        break;
      case 3:
        changed = lines.toSpliced(line, 1).join('\n');
        break;
      case 4:
        changed = lines.toSpliced(line, 0, lines[luck.between(0, lines.length - 1)]!).join('\n');
        break;
      case 5:
        changed = lines
          .with(line, `${pick(luck, ['', ' ', '  ', '\t'])}${lines[line]!.trimStart()}`)
          .join('\n');
        break;
      case 6:
        changed = lines.toSpliced(line, 0, pick(luck, pick(luck, others).split('\n'))).join('\n');
        break;
      case 7:
        changed = changed.slice(0, at);
        break;
      default:
        changed =
          changed.slice(0, at) +
          pick(luck, pieces).repeat(luck.between(1, 200)) +
          changed.slice(at);
    }
  }
  return changed;
}

const values: readonly Json[] = [
  null,
  true,
  false,
  0,
  -1,
  1.5,
  67,
  1500,
  70_000,
  1e21,
  '',
  ' ',
  'x',
  '10.0.10.11',
  '10.0.10.0/24',
  '300.1.1.1',
  '5s',
  '5',
  '100Mbit',
  '1%',
  'dhcp',
  'none',
  'latest',
  'lan10',
  'sql01',
  'web01 -> sql01',
  'web01 -> sql01:80',
  'hq.gateway',
  'tcp/80',
  'DHCP_NO_STATIC_IP',
  'any',
  'up',
  'ready',
  'udp port 67',
  '>= 2',
  'a\u0000b',
  'x'.repeat(70),
  [],
  {},
  ['sql01'],
  [1],
  { at: 'lan10' },
  { vms: ['sql01'] },
  [{ ping: 'web01 -> sql01' }],
  [{ expect: [{ warning: 'NO_NEA' }] }],
  { wait: '5s' },
  { sql01: 'failover' },
];
const keys = [
  'name',
  'about',
  'vms',
  'network',
  'ip',
  'mtu',
  'when',
  'expect',
  'wait',
  'ping',
  'within',
  'via',
  'fails',
  'at',
  'x',
  'lan10',
  'tunnel.lan10',
  'net{01..03}',
  'gateway',
  'internet',
  'a b',
  'matrix',
  'seed',
  'not',
  'block',
  'set',
];

type Mutable = { [key: string]: Json } | Json[];

/** One or two changes to the tree of a scenario: the value, and the same as YAML. */
export function mutateTree(text: string, luck: Random): { value: Json; text: string } {
  const root = parse(text) as Mutable;
  for (let n = luck.between(1, 2); n > 0; n -= 1) {
    const places: { parent: Mutable; key: string | number }[] = [];
    const walk = (parent: Mutable): void => {
      for (const key of Array.isArray(parent) ? parent.keys() : Object.keys(parent)) {
        places.push({ parent, key });
        const child = (parent as Record<string | number, Json>)[key];
        if (typeof child === 'object' && child !== null) walk(child as Mutable);
      }
    };
    walk(root);
    if (places.length > 0) change(pick(luck, places), luck);
  }
  return { value: structuredClone(root), text: stringify(root, { aliasDuplicateObjects: false }) };
}

function change({ parent, key }: { parent: Mutable; key: string | number }, luck: Random): void {
  const value = structuredClone(pick(luck, values));
  if (Array.isArray(parent)) {
    const at = Number(key);
    const action = luck.between(0, 2);
    if (action === 0) parent.splice(at, 1);
    else if (action === 1) parent[at] = value;
    else parent.splice(at, 0, structuredClone(pick(luck, parent)));
    return;
  }
  const action = luck.between(0, 3);
  const name = String(key);
  const old = parent[name]!;
  if (action === 0 || action === 3) delete parent[name];
  if (action === 1) parent[name] = value;
  if (action === 2) parent[pick(luck, keys)] = value;
  if (action === 3) parent[pick(luck, keys)] = old; // renamed
}
