/** `standin graph`: the topology of one case of a file, as text for a program that draws, or as a picture. */
import { svgOf } from '../report/graph-svg.ts';
import { dotOf, mermaidOf } from '../report/graph-text.ts';
import { safe } from '../report/terminal.ts';
import { graphOf } from '../scenario/graph.ts';
import { exitCodes } from './exit-codes.ts';
import { theCase } from './one-case.ts';
import { Lacking, Output } from './output.ts';

export interface GraphFlags {
  readonly format: 'mermaid' | 'dot' | 'svg';
  readonly case?: string;
  readonly out?: string;
}

const formats = { mermaid: mermaidOf, dot: dotOf, svg: svgOf };

export function graph(file: string, flags: GraphFlags): number {
  const scenario = theCase(file, flags);
  if (scenario === undefined) return exitCodes.invalid;
  const text = formats[flags.format](graphOf(scenario));
  if (flags.out === undefined) {
    process.stdout.write(text);
    return exitCodes.asExpected;
  }
  try {
    const output = new Output(flags.out);
    output.write(text);
    output.close();
  } catch (error) {
    if (!(error instanceof Lacking)) throw error;
    process.stderr.write(`standin: ${safe(error.message)}\n`);
    return exitCodes.environmentLacks;
  }
  return exitCodes.asExpected;
}
