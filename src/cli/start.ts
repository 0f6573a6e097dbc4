/** The command line. Nothing is loaded before it is needed: most of a short run is start-up. */
import { exitCodes } from './exit-codes.ts';
import { version } from './version.ts';

/** Does what the words of the command line say, and sets the exit code of the process. */
export async function start(words: readonly string[]): Promise<void> {
  if (words.length === 1 && (words[0] === '--version' || words[0] === '-V')) {
    process.stdout.write(`${version}\n`);
    return;
  }
  // A reader that has seen enough, such as `head`, is no error.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(exitCodes.asExpected);
    throw error;
  });
  process.once('SIGINT', () => process.exit(exitCodes.interrupted));
  const { commandLine } = await import('./commands.ts');
  try {
    process.exitCode = await commandLine(words);
  } catch (error) {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    process.stderr.write(`standin: this is a bug in Standin, not in your scenario\n${text}\n`);
    process.exitCode = exitCodes.bug;
  }
}
