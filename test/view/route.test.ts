import test from 'ava';
import { type Route, readRoute, routeText } from '../../src/view/route.ts';

const routes: readonly (readonly [string, Route])[] = [
  ['#overview', { screen: 'overview' }],
  ['#run=1', { screen: 'run', run: 0 }],
  ['#run=2&e=412', { screen: 'run', run: 1, event: 412 }],
  ['#compare=1,2', { screen: 'compare', left: 0, right: 1 }],
];

for (const [text, route] of routes)
  test(`${text} is written and read`, (t) => {
    t.is(routeText(route), text);
    t.deepEqual(readRoute(text, 2), route);
  });

test('what leads nowhere is no route', (t) => {
  const wrong = ['', '#', '#run=0', '#run=3', '#run=-1', '#run=1&e=', '#run=1&e=1e3', '#run=1&x=1'];
  for (const text of [...wrong, '#compare=1', '#compare=1,3', '#run=99999999999', '#s=abc'])
    t.is(readRoute(text, 2), undefined, text);
});
