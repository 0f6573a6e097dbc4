/** The definition of `standin graph`. */
import type { Command } from 'commander';
import { type Done, option } from './command-kit.ts';

export function addGraph(program: Command, done: Done): void {
  program
    .command('graph')
    .description('draw the topology of a scenario')
    .argument('<file>', 'a scenario file')
    .addOption(
      option('--format <which>', 'Mermaid for Markdown, DOT for Graphviz, or a picture')
        .choices(['mermaid', 'dot', 'svg'])
        .default('mermaid'),
    )
    .addOption(option('--case <words>', 'which case of the file: words that only its name has'))
    .addOption(option('--out <file>', 'write it there, not to the terminal'))
    .action(async (file: string, options) => {
      const { graph } = await import('./graph.ts');
      done(graph(file, options));
    });
}
