/** Colours, where the other end shows them and nobody objects (no-color.org, FORCE_COLOR). */
import type { Style, TextKind } from '../report/terminal.ts';

/** ECMA-48 SGR: how to begin, and how to end. */
const codes = {
  good: [32, 39],
  bad: [31, 39],
  warning: [33, 39],
  title: [1, 22],
  faint: [2, 22],
  code: [36, 39],
  limit: [35, 39],
  operation: [34, 39],
} as const satisfies Record<TextKind, readonly [number, number]>;

export function styleFor(stream: NodeJS.WriteStream, env = process.env): Style {
  const { NO_COLOR: objects, FORCE_COLOR: forced, TERM: terminal } = env;
  const wanted = forced === undefined ? stream.isTTY && terminal !== 'dumb' : forced !== '0';
  if (objects || !wanted) return (_kind, text) => text;
  return (kind, text) => {
    const [begin, end] = codes[kind];
    return `\x1b[${begin}m${text}\x1b[${end}m`;
  };
}
