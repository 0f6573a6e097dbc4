/** Colours, where the other end shows them and nobody objects (NO_COLOR, FORCE_COLOR). */
import { styleText } from 'node:util';
import type { Style, TextKind } from '../report/terminal.ts';

const formats = {
  good: 'green',
  bad: 'red',
  warning: 'yellow',
  title: 'bold',
  faint: 'dim',
  code: 'cyan',
  limit: 'magenta',
  operation: 'blue',
} as const satisfies Record<TextKind, string>;

export function styleFor(stream: NodeJS.WriteStream): Style {
  const { env } = process;
  const wanted = env['FORCE_COLOR'] !== undefined && env['FORCE_COLOR'] !== '0';
  if (env['NO_COLOR'] || !(wanted || stream.isTTY)) return (_kind, text) => text;
  return (kind: TextKind, text) => {
    return styleText(formats[kind], text);
  };
}
