/** The definition of `standin matrix`. */
import type { Command } from 'commander';
import { type Done, option, whole } from './command-kit.ts';

export function addMatrix(program: Command, done: Done): void {
  program
    .command('matrix')
    .description('who reaches whom before, during and after each step, and how long nobody did')
    .argument('<file>', 'a scenario file')
    .addOption(option('--case <words>', 'which case of the file: words that only its name has'))
    .addOption(option('--seed <number>', 'play with this seed').argParser(whole))
    .addOption(option('--pairs <pattern>', "only these: 'web01 -> *', '* -> sql01:1433'"))
    .addOption(
      option('--services <on|off>', 'whether listening services are asked, or pings only')
        .choices(['on', 'off'])
        .default('on'),
    )
    .addOption(
      option('--observe', 'play once while everybody pings everybody, which may heal something'),
    )
    .addOption(option('--apart', 'ask each pair in plays of its own, however long that takes'))
    .addOption(option('--all', 'also rows in which everything is reached all the time'))
    .addOption(option('--json', 'one JSON document instead of text'))
    .addOption(
      option('--events-max <number>', 'break a run off after so many events')
        .default(20_000_000)
        .argParser(whole),
    )
    .action(async (file: string, options) => {
      const { matrix } = await import('./matrix.ts');
      done(await matrix(file, options));
    });
}
