/** The definition of `standin probe`. */
import { type Command, InvalidArgumentError } from 'commander';
import { type Done, option, whole } from './command-kit.ts';
import type { Change } from './one-case.ts';

export function addProbe(program: Command, done: Done): void {
  program
    .command('probe')
    .description('ask whether one machine reaches another, after some steps and with changes')
    .argument('<file>', 'a scenario file')
    .argument('<flow...>', "'web01 -> sql01' pings, 'web01 -> sql01:1433' connects, also :53/udp")
    .addOption(
      option('--after <step>', 'after this step, and not after the last: step:3').argParser(stepOf),
    )
    .addOption(setOption())
    .addOption(option('--case <words>', 'which case of the file: words that only its name has'))
    .addOption(option('--seed <number>', 'play with this seed').argParser(whole))
    .addOption(option('--json', 'as JSON'))
    .action(async (file: string, flow: string[], options) => {
      const { probe } = await import('./probe.ts');
      done(await probe(file, flow, options));
    });
}

/** `--set sql01.ip=dhcp`, as often as there are changes. */
export const setOption = () =>
  option('--set <path=value>', 'with a value that differs from the file: sql01.ip=dhcp')
    .argParser(changeOf)
    .default([], 'none');

function changeOf(text: string, before: readonly Change[]): readonly Change[] {
  const at = text.indexOf('=');
  if (at < 1) throw new InvalidArgumentError('Write it like sql01.ip=dhcp.');
  return [...before, { kind: 'set', path: text.slice(0, at), value: text.slice(at + 1) }];
}

function stepOf(text: string): number {
  const [, number] = /^(?:step:)?(\d{1,6})$/.exec(text) ?? [];
  if (number === undefined) throw new InvalidArgumentError('Write it like step:3.');
  return Number(number);
}
