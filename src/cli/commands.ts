/** The commands and their options. Each command's own code is loaded when it is called. */
import { Command, CommanderError, type Option } from 'commander';
import { safe } from '../report/terminal.ts';
import { type Done, option, whole } from './command-kit.ts';
import { addCompare } from './compare-command.ts';
import { addEvidence } from './evidence-command.ts';
import { exitCodes } from './exit-codes.ts';
import { addExplain } from './explain-command.ts';
import { withFlows } from './flow-words.ts';
import { addGraph } from './graph-command.ts';
import { addInvariants } from './invariants-command.ts';
import { addLock, lockOption } from './lock-command.ts';
import { addMatrix } from './matrix-command.ts';
import { addProbe } from './probe-command.ts';
import { addShell } from './shell-command.ts';
import { version } from './version.ts';

/** @returns The exit code. */
export async function commandLine(words: readonly string[]): Promise<number> {
  let code: number = exitCodes.asExpected;
  const done: Done = (result) => {
    code = result;
  };
  // What the user typed comes back in messages, and is no more to be trusted than a file.
  const writeSafely =
    (stream: NodeJS.WriteStream) =>
    (text: string): void => {
      stream.write(text.split('\n').map(safe).join('\n'));
    };
  const program = new Command('standin')
    .description(
      'Rehearse a partial site failover packet by packet: who reaches whom, who cannot, and why.',
    )
    .version(version)
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({
      writeOut: writeSafely(process.stdout),
      writeErr: writeSafely(process.stderr),
    })
    .exitOverride()
    .showSuggestionAfterError();

  program
    .command('run')
    .description('play scenarios, check what they expect, report')
    .argument('[paths...]', 'scenario files, or folders of them', ['scenarios'])
    .addOption(option('--grep <text>', 'only cases whose file, name or case contains the text'))
    .addOption(option('--tag <tag>', 'only scenarios with the tag'))
    .addOption(option('--first', 'of each scenario only its first case'))
    .addOption(
      option(
        '--backend <which>',
        'where to play: simulated, on Linux kernels, or both and compared',
      )
        .choices(['sim', 'linux', 'both'])
        .default('sim'),
    )
    .addOption(
      option(
        '--profile <which>',
        'on Linux: appliances and gateways are ours, or kernels with wireguard-go and a relay',
      )
        .choices(['node', 'kernel'])
        .default('node'),
    )
    .addOption(
      option('--labs <number>', 'on Linux: how many cases are played at a time')
        .default(8)
        .argParser(whole),
    )
    .addOption(lateOnLinux())
    .addOption(lateLimit('25ms'))
    .addOption(option('--seed <number>', 'play with this seed').argParser(whole))
    .addOption(option('--json', 'one JSON document instead of text'))
    .addOption(option('--junit <file>', 'also write a JUnit report'))
    .addOption(option('--html <file>', 'also write one page that plays the runs, by itself'))
    .addOption(
      option(
        '--reporter <list>',
        'which reports instead of text, each with its file where one is named: text, json, ndjson, ' +
          'junit, tap, sarif, github, html, evidence=FOLDER; "text,junit=out.xml,sarif=out.sarif"',
      ),
    )
    .addOption(
      option('--held-at <words>', 'when the drill is held, for the evidence: "2026-11-30T19:00Z"'),
    )
    .addOption(
      option(
        '--pcap <when>',
        'which runs leave a capture: all where there is one run, else on-failure',
      ).choices(['all', 'on-failure', 'off']),
    )
    .addOption(option('--out <folder>', 'where captures go').default('standin-out'))
    .addOption(
      option('--log <file>', 'also write every event of every run, one JSON object a line'),
    )
    .addOption(option('--strict', 'verify every checksum at every receiver; refuse `fails: any`'))
    .addOption(
      option(
        '--invariants <severity>',
        'what becomes of broken invariants, whatever the files say',
      ).choices(['fail', 'warn', 'ignore']),
    )
    .addOption(option('--verbose', 'every run in full, not one line each'))
    .addOption(option('--locked', 'hold every run against the lock file: see "standin lock"'))
    .addOption(lockOption())
    .addOption(option('--bail', 'stop at the first case that fails'))
    .addOption(option('--watch', 'play again whatever a saved file is part of, until q or Ctrl-C'))
    .addOption(option('--allow-empty', 'finding nothing to play is no failure'))
    .addOption(
      option('--events-max <number>', 'break a run off after so many events')
        .default(20_000_000)
        .argParser(whole),
    )
    .action(async (paths: string[], options) => {
      const { run } = await import('./run.ts');
      code = await run(paths, options);
    });

  addExplain(program, done);

  program
    .command('check')
    .description('find every mistake in scenario files without playing them')
    .argument('[paths...]', 'scenario files, or folders of them', ['scenarios'])
    .addOption(option('--strict', 'also refuse expected failures that name no reason'))
    .addOption(option('--json', 'problems as JSON'))
    .addOption(option('--allow-empty', 'finding no files is no failure'))
    .action(async (paths: string[], options) => {
      const { checkFiles } = await import('./check.ts');
      code = checkFiles(paths, options);
    });

  program
    .command('attach')
    .description('play a scenario in real time, its networks joined to real ones by VXLAN')
    .argument('<file>', 'a scenario file with a network that says "attach:"')
    .addOption(
      option(
        '--listen <address>',
        'the own address to send from and listen at: 192.0.2.1[:4789]',
      ).makeOptionMandatory(),
    )
    .addOption(option('--case <words>', 'which case of the file: words that only its name has'))
    .addOption(late())
    .addOption(lateLimit('50ms'))
    .addOption(option('--json', 'one JSON document instead of text'))
    .addOption(option('--out <folder>', 'where the capture goes').default('standin-out'))
    .addOption(
      option('--events-max <number>', 'break the run off after so many events')
        .default(20_000_000)
        .argParser(whole),
    )
    .action(async (file: string, options) => {
      const { attach } = await import('./attach.ts');
      code = await attach(file, options);
    });

  program
    .command('list')
    .description('scenarios with their tags and the number of their cases')
    .argument('[paths...]', 'scenario files, or folders of them', ['scenarios'])
    .addOption(option('--json', 'as JSON'))
    .addOption(option('--allow-empty', 'finding no files is no failure'))
    .action(async (paths: string[], options) => {
      const { list } = await import('./check.ts');
      code = list(paths, options);
    });

  program
    .command('schema')
    .description('print the JSON Schema of scenario files, for editors')
    .addOption(option('--result', 'of what --json and --reporter ndjson write, for programs'))
    .action(async ({ result }) => {
      const { scenarioSchema } = await import('../scenario/schema.ts');
      const { resultSchema } = await import('../report/result-schema.ts');
      const schema = result ? resultSchema() : scenarioSchema();
      process.stdout.write(`${JSON.stringify(schema, undefined, 2)}\n`);
    });

  program
    .command('reasons')
    .description('what the reason codes mean, what causes them, what to do')
    .argument('[code]', 'one code; all if left out')
    .addOption(option('--json', 'as JSON'))
    .action(async (reason: string | undefined, options) => {
      const { showReasons } = await import('./reasons.ts');
      code = showReasons(reason, options);
    });

  addInvariants(program, done);

  program
    .command('doctor')
    .description('what of the emulation works here, what is missing, what mends it')
    .argument('[paths...]', 'also say which of these scenarios can be played on kernels', [])
    .addOption(
      option('--backend <name>', 'which backend must work for the exit code to be 0')
        .choices(['sim', 'linux'])
        .default('sim'),
    )
    .addOption(
      option('--profile <which>', 'what appliances are to be: ours, or kernels themselves')
        .choices(['node', 'kernel'])
        .default('node'),
    )
    .addOption(option('--json', 'as JSON'))
    .action(async (paths: string[], options) => {
      const { doctor } = await import('./doctor.ts');
      code = await doctor(paths, options);
    });

  addProbe(program, done);
  addCompare(program, done);
  addShell(program, done);
  addEvidence(program, done);
  addLock(program, done);
  addMatrix(program, done);
  addGraph(program, done);
  addEmulate(program, done);

  try {
    await program.parseAsync(withFlows(words), { from: 'user' });
  } catch (error) {
    // Commander has said what is wrong; asking for help or the version is no mistake.
    if (error instanceof CommanderError)
      return error.exitCode === 0 ? exitCodes.asExpected : exitCodes.invalid;
    throw error;
  }
  return code;
}

const late = (): Option =>
  option('--late <policy>', 'when something happens too late: carry on and say so, or fail')
    .choices(['carry-on', 'fail'])
    .default('carry-on');
/** The time of kernels that nobody else's depends on may also stand still. */
const lateOnLinux = (): Option =>
  option(
    '--late <policy>',
    'on Linux, when something happens too late: the time of the lab stands still meanwhile; carry on; fail',
  )
    .choices(['stand-still', 'carry-on', 'fail'])
    .default('stand-still');
const lateLimit = (unlessSaid: string): Option =>
  option('--late-limit <duration>', 'how late is too late').default(unlessSaid);

function addEmulate(program: Command, done: Done): void {
  const emulate = program
    .command('emulate')
    .description('let the lab of a scenario stand on Linux kernels, to play with');
  const which = (): Option =>
    option('--case <words>', 'which case of the file: words that only its name has');
  emulate
    .command('plan')
    .description('what would be made; nothing is touched')
    .argument('<file>', 'a scenario file')
    .addOption(which())
    .addOption(option('--json', 'as JSON'))
    .action(async (file: string, options) => {
      const { plan } = await import('./emulate.ts');
      done(plan(file, options));
    });
  emulate
    .command('up')
    .description('let the lab stand, until Ctrl-C or in the background')
    .argument('<file>', 'a scenario file')
    .addOption(which())
    .addOption(
      option('--until <number>', 'play so many steps first; what they expect is not asked')
        .default(0)
        .argParser(whole),
    )
    .addOption(
      option(
        '--journal <folder>',
        'keep the journal of the failover controller there, and go on where one ends',
      ),
    )
    .addOption(option('--detach', 'in the background, until "emulate down"'))
    .addOption(option('--json', 'as JSON'))
    .action(async (file: string, options) => {
      const { up } = await import('./emulate.ts');
      done(await up(file, options));
    });
  emulate
    .command('exec')
    .description('run a program at a machine: emulate exec web01 -- ping 10.0.10.20')
    .argument('<machine>', 'its name')
    .argument('<program...>', 'the program and its words')
    .addOption(option('--lab <file>', 'the scenario file, where several labs stand'))
    .action(async (machine: string, words: string[], options) => {
      const { exec } = await import('./emulate.ts');
      done(await exec(machine, words, options));
    });
  emulate
    .command('status')
    .description('how labs stand: machines, addresses, neighbours, tunnels')
    .argument('[file]', 'a scenario file; all labs if left out')
    .addOption(option('--json', 'as JSON'))
    .action(async (file: string | undefined, options) => {
      const { status } = await import('./emulate.ts');
      done(await status(file, options));
    });
  emulate
    .command('down')
    .description('end labs that stand')
    .argument('[file]', 'a scenario file; all labs if left out')
    .action(async (file: string | undefined) => {
      const { down } = await import('./emulate.ts');
      done(await down(file));
    });
}
