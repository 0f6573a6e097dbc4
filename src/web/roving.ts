/** Grids of buttons are one stop of the Tab key: arrow keys go from one to the next. */

/** For `onKeyDown` of a grid whose rows are `[data-row]` and whose cells are buttons in them. */
export function rove(event: KeyboardEvent): void {
  const { currentTarget, key, target } = event;
  const grid = currentTarget as HTMLElement;
  const rows = [...grid.querySelectorAll<HTMLElement>('[data-row]')].map(buttonsIn);
  const filled = rows.filter(({ length }) => length > 0);
  const at = filled.findIndex((row) => row.includes(target as HTMLButtonElement));
  if (at < 0) return;
  const row = filled[at]!;
  const place = row.indexOf(target as HTMLButtonElement);
  const go = (to: HTMLButtonElement | undefined): void => {
    event.preventDefault();
    to?.focus();
  };
  const inRow = (other: HTMLButtonElement[] | undefined): HTMLButtonElement | undefined =>
    other?.[Math.min(place, other.length - 1)];
  if (key === 'ArrowRight') go(row[place + 1]);
  else if (key === 'ArrowLeft') go(row[place - 1]);
  else if (key === 'ArrowDown') go(inRow(filled[at + 1]));
  else if (key === 'ArrowUp') go(inRow(filled[at - 1]));
  else if (key === 'Home') go(row[0]);
  else if (key === 'End') go(row.at(-1));
}

const buttonsIn = (row: HTMLElement): HTMLButtonElement[] => [...row.querySelectorAll('button')];
