// The real host tries functions in the order of their names (case-insensitive) and takes the first whose route
// matches; a literal segment does not beat a parameter by itself (design §11). So the name is made of the route,
// with parameters written such that they sort after every literal.

import type { Route } from './route';

/** `topics/{id}` with GET → `topics-zz_id-get`; literals such as `topics-search-get` sort before it. */
export function functionName(route: Pick<Route, 'method' | 'path'>): string {
  const segments = route.path.split('/').map((segment) =>
    segment
      .replace(/^\{(\w+)\}$/, 'zz_$1')
      .replace(/^\./, 'dot_')
      .replaceAll(/[^A-Za-z0-9_]/g, '_'),
  );
  return [...segments, route.method.toLowerCase()].join('-');
}
