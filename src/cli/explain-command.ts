/** The definition of `standin explain`. */
import type { Command } from 'commander';
import { type Done, option, whole } from './command-kit.ts';

export function addExplain(program: Command, done: Done): void {
  program
    .command('explain')
    .description('say why a machine reaches another or not, hop by hop, and what would change it')
    .argument('<file>', 'a scenario file, or FILE:LINE for an expectation or step of it')
    .argument('[flow...]', 'instead of a line, who asks whom: "web01 -> sql01:1433"')
    .addOption(option('--case <words>', 'which case of the file: words that only its name has'))
    .addOption(
      option('--at <time>', 'at which moment of the run: 12.5s; its end unless said otherwise'),
    )
    .addOption(option('--after <step>', 'a flow is asked after this step: step:3'))
    .addOption(option('--verify', 'play each change that is proposed, and say whether it turned'))
    .addOption(option('--seed <number>', 'play with this seed').argParser(whole))
    .addOption(option('--ladder', 'also draw every frame from device to device'))
    .addOption(option('--json', 'one JSON document instead of text'))
    .addOption(
      option('--events-max <number>', 'break a run off after so many events')
        .default(20_000_000)
        .argParser(whole),
    )
    .action(async (file: string, flow: string[], options) => {
      const { explainFile } = await import('./explain.ts');
      done(await explainFile(file, flow, options));
    });
}
