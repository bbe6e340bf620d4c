// Where a request comes from, as the platform's front end says: it appends the address of whoever connected to it.
// What stands before that entry was sent by the caller, who may write anything.

import type { HttpRequest } from '@azure/functions';

/** The address without its port; undefined where no front end has noted one, as on a developer's machine. */
export function clientAddress({ headers }: Pick<HttpRequest, 'headers'>): string | undefined {
  const last = headers.get('x-forwarded-for')?.split(',').at(-1)?.trim();
  if (!last) return undefined;
  // `1.2.3.4:5678` or `[2001:db8::1]:5678`; an IPv6 address without brackets has no port.
  return (/^(?:\[([^\]]+)\]|([^:]+)):\d+$/.exec(last)?.slice(1).find(Boolean) ?? last).slice(0, 100);
}
