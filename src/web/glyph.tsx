/** A state by its shape, so that nobody needs its colour; the words stand beside it or are said aloud. */

export type GlyphKind = 'good' | 'bad' | 'limit' | 'late' | 'none';

const shapes: Record<GlyphKind, string> = {
  good: '\u2713',
  bad: '\u2717',
  limit: '\u25c6',
  late: '\u25d0',
  none: '\u2013',
};

export function Glyph({ kind }: { readonly kind: GlyphKind }) {
  return (
    <span class={`glyph ${kind}`} aria-hidden="true">
      {shapes[kind]}
    </span>
  );
}
