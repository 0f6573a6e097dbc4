/** The definition of `standin evidence`. */
import type { Command } from 'commander';
import { type Done, option } from './command-kit.ts';

export function addEvidence(program: Command, done: Done): void {
  program
    .command('evidence')
    .description('evidence packs of drills, which "run --reporter evidence=FOLDER" writes')
    .command('verify')
    .description('whether a pack is what its manifest says, file by file')
    .argument('<folder>', 'the pack')
    .addOption(option('--json', 'as JSON'))
    .action(async (folder: string, options) => {
      const { verifyEvidence } = await import('./verify-evidence.ts');
      done(verifyEvidence(folder, options));
    });
}
