/** Keeps the address of the page in step with what it shows, both ways, so that the back button works. */
import { effect } from '@preact/signals';
import { type Route, readRoute, routeText } from '../view/route.ts';
import type { Store } from './store.ts';

/** Browsers count how often a page changes its address, and refuse when it is too often. */
const pause = 400;

/** Goes where the address says; where it says nothing, to the only run, or to the overview of several. */
export async function follow(store: Store, page: Window): Promise<void> {
  const { length } = store.runs.value;
  const first: Route = length > 1 ? { screen: 'overview' } : { screen: 'run', run: 0 };
  const asked = readRoute(page.location.hash, length);
  await go(store, asked ?? first);
  /** Until all is there that the address names, it is not written anew. */
  let underWay = 0;
  page.addEventListener('hashchange', () => {
    const { hash } = page.location;
    const route = readRoute(hash, store.runs.value.length);
    if (route === undefined || hash === routeText(routeOf(store))) return;
    underWay += 1;
    void go(store, route).finally(() => {
      underWay -= 1;
    });
  });
  let isFirst = true;
  let shown = '';
  let timer = 0;
  effect(() => {
    const route = routeOf(store);
    const text = routeText(route);
    const place = routeText(route.screen === 'run' ? { screen: 'run', run: route.run } : route);
    page.clearTimeout(timer);
    const isSame = place === shown;
    shown = place;
    if (isFirst) {
      isFirst = false;
      if (asked !== undefined) return;
    }
    if (underWay > 0 || page.location.hash === text) return;
    // Another event of the same run is no new place to come back to.
    if (isSame) timer = page.setTimeout(() => page.history.replaceState(null, '', text), pause);
    else if (asked === undefined && page.location.hash === '')
      page.history.replaceState(null, '', text);
    else page.location.hash = text;
  });
}

function routeOf(store: Store): Route {
  const { event } = store.focus.value;
  const [left, right] = store.pair.value;
  switch (store.screen.value) {
    case 'overview':
      return { screen: 'overview' };
    case 'run':
      return { screen: 'run', run: store.chosen.value, ...(event !== undefined && { event }) };
    case 'compare':
      return { screen: 'compare', left, right };
  }
}

async function go(store: Store, route: Route): Promise<void> {
  if (route.screen === 'compare') store.pair.value = [route.left, route.right];
  if (route.screen === 'run' && (store.chosen.value !== route.run || !store.replay.value))
    await store.choose(route.run);
  store.screen.value = route.screen;
  if (route.screen !== 'run' || route.event === undefined) return;
  const events = store.replay.value?.log.length ?? 0;
  if (route.event < events) store.select({ kind: 'event', event: route.event });
}
