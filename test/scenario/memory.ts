/** Scenario files that exist only in a test. */
import { readdirSync, readFileSync } from 'node:fs';
import { type Checked, type CheckOptions, check } from '../../src/scenario/check.ts';
import { type Load, Unreadable } from '../../src/scenario/extend.ts';
import { problemCodes } from '../../src/scenario/problem.ts';
import type { Scenario } from '../../src/scenario/scenario.ts';

export const shipped: Readonly<Record<string, string>> = Object.fromEntries(
  readdirSync('scenarios')
    .filter((name) => name.endsWith('.yaml'))
    .map((name) => [`scenarios/${name}`, readFileSync(`scenarios/${name}`, 'utf8')]),
);

export const from =
  (files: Readonly<Record<string, string>>): Load =>
  (path) =>
    Object.hasOwn(files, path) ? files[path]! : new Unreadable('no such file');

export const checkFiles = (
  files: Readonly<Record<string, string>>,
  options?: CheckOptions,
): Checked => check(Object.keys(files)[0]!, from(files), options);

export const checkText = (text: string, options?: CheckOptions): Checked =>
  checkFiles({ 'scenarios/x.yaml': text }, options);

/** `E201 4:9 10.0.10.300`: what was found, where, and the characters that were blamed. */
export function found(text: string, options?: CheckOptions): string[] {
  const lines = text.split(/\r?\n/);
  return checkText(text, options).problems.map(({ code, line, column, length }) => {
    const blamed = lines[line - 1]!.slice(column - 1, column - 1 + length);
    return `${code} ${line}:${column} ${blamed}`;
  });
}

export function onlyCase(checked: Checked): Scenario {
  if (checked.cases?.length === 1) return checked.cases[0]!;
  throw new Error(JSON.stringify(checked.problems.map(({ message }) => message)));
}

/** A small scenario without a mistake; what is given is written over it, key by key. */
export function scenario(changes: Readonly<Record<string, string>> = {}): string {
  const parts: Record<string, string> = {
    name: 'small',
    tenant: `
  sites:
    hq:
      networks:
        lan10: { subnet: 10.0.10.0/24, gateway: 10.0.10.1 }
      vms:
        web01: { network: lan10, ip: 10.0.10.11 }
        sql01: { network: lan10, ip: 10.0.10.20, os: windows }
      appliances:
        nea-hq: { network: lan10, ip: 10.0.10.250 }`,
    provider: `
  gateways:
    gw1: { public_ip: 203.0.113.10 }
  hardware_plan:
    networks: { plan10: { vlan: 112 } }`,
    replication: `
  job1: { vms: [sql01], network_mapping: { lan10: plan10 } }`,
    steps: `
  - expect: [{ ping: web01 -> sql01 }]`,
    ...changes,
  };
  return Object.entries(parts)
    .map(([key, value]) => `${key}: ${value}\n`)
    .join('');
}

/** What must hold of every answer, whatever was asked. */
export function complaints(
  { problems, cases, files }: Checked,
  texts: Readonly<Record<string, string>>,
): string[] {
  const wrong: string[] = [];
  const errors = problems.filter(({ severity }) => severity === 'error');
  if ((cases === undefined) !== errors.length > 0)
    wrong.push('cases and errors do not go together');
  if (cases?.length === 0) wrong.push('no cases and no error');
  if (files.length === 0) wrong.push('no files');
  for (const { file, line, column, length, code, message } of problems) {
    const lines = (texts[file] ?? '').split('\n');
    const text = lines[line - 1];
    const inside = text !== undefined && column >= 1 && column <= text.length + 1;
    const fits = length >= 1 && column - 1 + length <= Math.max(1, (text?.length ?? 0) + 1);
    if (!inside || !fits) wrong.push(`${code} stands at ${file}:${line}:${column}+${length}`);
    if (!Object.hasOwn(problemCodes, code) || message === '') wrong.push(`no code or message`);
  }
  return wrong;
}
