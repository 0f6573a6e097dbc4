/** The keys of the page: each part says which are its own; `?` shows them all. */

export interface Key {
  /** As `KeyboardEvent.key` has it; `Shift+ArrowLeft` with Shift. Letters in lower case. */
  readonly key: string;
  /** How it is written for people: `←`. */
  readonly shown: string;
  /** What it does: `one event back`. */
  readonly does: string;
  readonly act: () => void;
}

/** Keys that somebody types text with, or goes through a list with, are left to them. */
const own = 'input, textarea, select, [contenteditable="true"], [data-keys="own"]';

export class Keys {
  readonly #keys: Key[] = [];
  /** A reader may do without them: who dictates, or uses a program that has keys of its own. */
  enabled = true;

  add(...keys: readonly Key[]): void {
    this.#keys.push(...keys);
  }

  get all(): readonly Key[] {
    return this.#keys;
  }

  listen(page: Document): void {
    page.addEventListener('keydown', (event) => {
      if (!this.enabled || event.ctrlKey || event.metaKey || event.altKey) return;
      if (event.defaultPrevented) return;
      const target = event.target as Element | null;
      if (target?.closest(own)) return;
      const isPressed = event.key === ' ' || event.key === 'Enter';
      if (isPressed && target?.closest('button, a, summary, [role]')) return;
      const name = event.key.length === 1 ? event.key.toLowerCase() : event.key;
      const word = event.shiftKey && event.key.length > 1 ? `Shift+${name}` : name;
      const found = this.#keys.find(({ key }) => key === word);
      if (found === undefined) return;
      event.preventDefault();
      found.act();
    });
  }
}
