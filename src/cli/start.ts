/** The command line. Nothing is loaded before it is needed: most of a short run is start-up. */
import { exitCodes } from './exit-codes.ts';
import { version } from './version.ts';

/** Does what the words of the command line say, and sets the exit code of the process. */
export async function start(words: readonly string[]): Promise<void> {
  if (words.length === 1 && (words[0] === '--version' || words[0] === '-V')) {
    process.stdout.write(`${version}\n`);
    return;
  }
  for (const stream of [process.stdout, process.stderr]) {
    // A reader that has seen enough, such as `head`, is no error: the work goes on and its code counts.
    stream.on('error', ({ code, message }: NodeJS.ErrnoException) => {
      if (code === 'EPIPE') return;
      if (stream === process.stdout) process.stderr.write(`standin: cannot write: ${message}\n`);
      process.exit(exitCodes.environmentLacks);
    });
  }
  process.once('SIGINT', () => {
    process.stderr.write('standin: interrupted\n');
    process.exit(exitCodes.interrupted);
  });
  const { commandLine } = await import('./commands.ts');
  try {
    process.exitCode = await commandLine(words);
  } catch (error) {
    const { safe } = await import('../report/terminal.ts');
    const { Lacking } = await import('./output.ts');
    if (error instanceof Lacking) {
      process.stderr.write(`standin: ${safe(error.message)}\n`);
      process.exitCode = exitCodes.environmentLacks;
    } else {
      const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
      const lines = text.split('\n').map(safe).join('\n');
      process.stderr.write(`standin: this is a bug in Standin, not in your scenario\n${lines}\n`);
      process.exitCode = exitCodes.bug;
    }
  }
}
