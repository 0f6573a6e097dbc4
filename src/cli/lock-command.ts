/** The definition of `standin lock`. */
import type { Command, Option } from 'commander';
import { type Done, option, whole } from './command-kit.ts';

export const defaultLock = 'standin.lock';

export const lockOption = (): Option =>
  option('--lock <file>', 'the lock file').default(defaultLock);

export function addLock(program: Command, done: Done): void {
  program
    .command('lock')
    .description(
      'keep what scenarios do, layer by layer, for "run --locked" to hold later runs against',
    )
    .argument('[paths...]', 'scenario files, or folders of them', ['scenarios'])
    .addOption(lockOption())
    .addOption(option('--check', 'write nothing; say what differs from the lock file'))
    .addOption(option('--grep <text>', 'only cases whose file, name or case contains the text'))
    .addOption(option('--tag <tag>', 'only scenarios with the tag'))
    .addOption(option('--first', 'of each scenario only its first case'))
    .addOption(
      option(
        '--seed <number>',
        'play with this seed, and keep what is locked with others',
      ).argParser(whole),
    )
    .addOption(option('--json', 'what has changed, as JSON'))
    .addOption(option('--allow-empty', 'finding nothing to play is no failure'))
    .addOption(
      option('--events-max <number>', 'break a run off after so many events')
        .default(20_000_000)
        .argParser(whole),
    )
    .action(async (paths: string[], options) => {
      const { lock } = await import('./lock.ts');
      done(await lock(paths, options));
    });
}
