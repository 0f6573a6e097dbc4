/** On paper the list of a run is its ladder, whichever was open; teachers print it. */
import type { Store } from './store.ts';

export function printLadder(store: Store, page: Window): void {
  let tab = store.tab.value;
  page.addEventListener('beforeprint', () => {
    tab = store.tab.value;
    store.tab.value = 'ladder';
  });
  page.addEventListener('afterprint', () => {
    store.tab.value = tab;
  });
}
