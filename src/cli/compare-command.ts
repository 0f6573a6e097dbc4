/** The definition of `standin compare`. */
import type { Command } from 'commander';
import { type Done, option, whole } from './command-kit.ts';
import { setOption } from './probe-command.ts';

export function addCompare(program: Command, done: Done): void {
  program
    .command('compare')
    .description('find where two runs part: the first event that differs, then layer by layer')
    .argument('<one>', 'a scenario file, or a log of one case that "run --log" wrote')
    .argument('[other]', 'another; left out, the file is compared with itself, changed')
    .addOption(setOption())
    .addOption(
      option('--seed <number>', 'play with this seed; twice, to compare two')
        .argParser((text: string, before: readonly number[]) => [...before, whole(text)])
        .default([], 'that of the file'),
    )
    .addOption(option('--case <words>', 'which case of the file: words that only its name has'))
    .addOption(
      option('--ignore <what>', 'times do not count, only what happens in which order').choices([
        'timing',
      ]),
    )
    .addOption(option('--json', 'as JSON'))
    .action(async (one: string, other: string | undefined, options) => {
      const { compare } = await import('./compare.ts');
      done(await compare(one, other, options));
    });
}
