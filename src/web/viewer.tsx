/** The page that plays runs which lie in it. */
import { render } from 'preact';
import { Frame } from './frame.tsx';
import { printLadder } from './printing.ts';
import { follow } from './route.ts';
import { runsIn } from './runs.ts';
import { Store } from './store.ts';

const store = new Store(runsIn(document));
store.still.value = matchMedia('(prefers-reduced-motion: reduce)').matches;
render(<Frame store={store} />, document.body);
printLadder(store, window);
await follow(store, window);
