/** The definition of `standin shell`. */
import type { Command } from 'commander';
import { type Done, option, whole } from './command-kit.ts';
import { setOption } from './probe-command.ts';

export function addShell(program: Command, done: Done): void {
  program
    .command('shell')
    .description(
      'play a scenario by hand on a clock that stands still; "help" there lists commands',
    )
    .argument('<file>', 'a scenario file')
    .addOption(setOption())
    .addOption(option('--case <words>', 'which case of the file: words that only its name has'))
    .addOption(option('--seed <number>', 'play with this seed').argParser(whole))
    .action(async (file: string, options) => {
      const { shell } = await import('./shell.ts');
      done(await shell(file, options));
    });
}
