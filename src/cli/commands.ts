/** The commands and their options. Each command's own code is loaded when it is called. */
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { exitCodes } from './exit-codes.ts';
import { version } from './version.ts';

/** @returns The exit code. */
export async function commandLine(words: readonly string[]): Promise<number> {
  let code: number = exitCodes.asExpected;
  const program = new Command('standin')
    .description(
      'Rehearse a partial site failover packet by packet: who reaches whom, who cannot, and why.',
    )
    .version(version)
    .configureHelp({ showGlobalOptions: true })
    .exitOverride()
    .showSuggestionAfterError();

  program
    .command('run')
    .description('play scenarios, check what they expect, report')
    .argument('[paths...]', 'scenario files, or folders of them', ['scenarios'])
    .option('--grep <text>', 'only cases whose name contains the text')
    .option('--tag <tag>', 'only scenarios with the tag')
    .addOption(
      new Option('--seed <number>', 'play with this seed').argParser(whole).env('STANDIN_SEED'),
    )
    .option('--json', 'one JSON document instead of text')
    .option('--junit <file>', 'also write a JUnit report')
    .addOption(
      new Option('--pcap <when>', 'which runs leave a capture')
        .choices(['all', 'on-failure', 'off'])
        .env('STANDIN_PCAP'),
    )
    .addOption(
      new Option('--out <folder>', 'where captures go').default('standin-out').env('STANDIN_OUT'),
    )
    .option('--log <file>', 'also write every event of every run, one JSON object a line')
    .option('--strict', 'verify every checksum at every receiver; refuse `fails: any`')
    .option('--verbose', 'every run in full, not one line each')
    .option('--bail', 'stop at the first case that fails')
    .option('--allow-empty', 'finding nothing to play is no failure')
    .action(async (paths: string[], options) => {
      const { run } = await import('./run.ts');
      code = await run(paths, options);
    });

  program
    .command('check')
    .description('find every mistake in scenario files without playing them')
    .argument('[paths...]', 'scenario files, or folders of them', ['scenarios'])
    .option('--strict', 'also refuse expected failures that name no reason')
    .option('--json', 'problems as JSON')
    .action(async (paths: string[], options) => {
      const { checkFiles } = await import('./check.ts');
      code = checkFiles(paths, options);
    });

  program
    .command('list')
    .description('scenarios with their tags and the number of their cases')
    .argument('[paths...]', 'scenario files, or folders of them', ['scenarios'])
    .option('--json', 'as JSON')
    .action(async (paths: string[], options) => {
      const { list } = await import('./check.ts');
      code = list(paths, options);
    });

  program
    .command('schema')
    .description('print the JSON Schema of scenario files, for editors')
    .action(async () => {
      const { scenarioSchema } = await import('../scenario/schema.ts');
      process.stdout.write(`${JSON.stringify(scenarioSchema(), undefined, 2)}\n`);
    });

  program
    .command('reasons')
    .description('what the reason codes mean, what causes them, what to do')
    .argument('[code]', 'one code; all if left out')
    .option('--json', 'as JSON')
    .action(async (reason: string | undefined, options) => {
      const { showReasons } = await import('./reasons.ts');
      code = showReasons(reason, options);
    });

  try {
    await program.parseAsync([...words], { from: 'user' });
  } catch (error) {
    // Commander has said what is wrong; asking for help or the version is no mistake.
    if (error instanceof CommanderError)
      return error.exitCode === 0 ? exitCodes.asExpected : exitCodes.invalid;
    throw error;
  }
  return code;
}

function whole(text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new InvalidArgumentError('It must be a whole number.');
  return Number(text);
}
