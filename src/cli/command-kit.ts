/** What the definitions of commands are made with. */
import { InvalidArgumentError, Option } from 'commander';

/** Told the exit code of the command that ran. */
export type Done = (code: number) => void;

/** An option that an environment variable may set too: `--allow-empty` is `STANDIN_ALLOW_EMPTY`. */
export function option(flags: string, about: string): Option {
  const made = new Option(flags, about);
  const name = `STANDIN_${made.name().toUpperCase().replaceAll('-', '_')}`;
  // To Commander a flag is on if its variable is there at all, and an empty text is a text.
  const value = process.env[name];
  const isOff = value === '' || (made.isBoolean() && (value === '0' || value === 'false'));
  return isOff ? made : made.env(name);
}

/** A flow that came as three words, as one: to Commander `->` would be an option. */
export function joinFlows(words: readonly string[]): string[] {
  const joined: string[] = [];
  for (let i = 0; i < words.length; i += 1) {
    const [from, arrow, to] = words.slice(i, i + 3);
    if (arrow === '->' && to !== undefined) {
      joined.push(`${from} -> ${to}`);
      i += 2;
    } else joined.push(from!);
  }
  return joined;
}

export function whole(text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new InvalidArgumentError('It must be a whole number.');
  return Number(text);
}
