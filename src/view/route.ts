/** What the page shows, as the part of its address after `#`, so that a place in a run can be linked to. */

export type Route =
  | { readonly screen: 'overview' }
  /** Runs count from 0 here, from 1 in the address; the event has the number that the log gives it. */
  | { readonly screen: 'run'; readonly run: number; readonly event?: number }
  | { readonly screen: 'compare'; readonly left: number; readonly right: number };

export function routeText(route: Route): string {
  switch (route.screen) {
    case 'overview':
      return '#overview';
    case 'run':
      return `#run=${route.run + 1}${route.event === undefined ? '' : `&e=${route.event}`}`;
    case 'compare':
      return `#compare=${route.left + 1},${route.right + 1}`;
  }
}

/** Undefined where it says nothing of the kind, or names a run that is not there. */
export function readRoute(text: string, runs: number): Route | undefined {
  if (text === '#overview') return { screen: 'overview' };
  const [, run, event] = /^#run=(\d{1,6})(?:&e=(\d{1,9}))?$/.exec(text) ?? [];
  if (run !== undefined && isPlace(run, runs)) {
    const place = Number(run) - 1;
    return { screen: 'run', run: place, ...(event !== undefined && { event: Number(event) }) };
  }
  const [, left, right] = /^#compare=(\d{1,6}),(\d{1,6})$/.exec(text) ?? [];
  if (left !== undefined && right !== undefined && isPlace(left, runs) && isPlace(right, runs))
    return { screen: 'compare', left: Number(left) - 1, right: Number(right) - 1 };
  return undefined;
}

const isPlace = (number: string, runs: number): boolean =>
  Number(number) >= 1 && Number(number) <= runs;
