/** The definition of `standin invariants`. */
import type { Command } from 'commander';
import { type Done, option } from './command-kit.ts';

export function addInvariants(program: Command, done: Done): void {
  program
    .command('invariants')
    .description('what every run watches without being asked, and what to do where it is broken')
    .argument('[name]', 'one of them; all if left out')
    .addOption(option('--json', 'as JSON'))
    .action(async (name: string | undefined, options) => {
      const { showInvariants } = await import('./invariants.ts');
      done(showInvariants(name, options));
    });
}
