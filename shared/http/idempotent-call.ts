// The Idempotency-Key of a request: what was asked for as a fingerprint, and answers in the form in which they are
// kept (see shared/idempotency).

import type { HttpRequest } from '@azure/functions';
import { createHash } from 'node:crypto';
import { type Attempt, type IdempotentCalls, parseIdempotencyKey } from '../idempotency';
import type { Call, Reply, Route } from './route';

const idempotencyHeader = 'idempotency-key';

/** What a call under a key is. */
export interface IdempotentRequest {
  readonly route: Route;
  readonly call: Call;
  readonly key: string;
  /** See fingerprintOf(). */
  readonly fingerprint: string;
}

/**
 * The key of a request, on a route that takes one.
 * @throws BrokerError `invalid-parameters`
 */
export function readIdempotencyKey(route: Route, request: HttpRequest): string | undefined {
  const header = route.idempotency && request.headers.get(idempotencyHeader);
  return header === undefined || header === null ? undefined : parseIdempotencyKey(header);
}

/**
 * The answer of a call that is carried out once for its key.
 * @param respond carries it out; an error is a Reply too
 * @throws BrokerError as IdempotentCalls.once()
 */
export function onceForKey(
  calls: Pick<IdempotentCalls, 'once'>,
  { route, call, key, fingerprint }: IdempotentRequest,
  respond: (attempt: Attempt) => Promise<Reply>,
): Promise<Reply> {
  const { keep = (json: unknown) => json, replay } = route.idempotency ?? {};
  return calls.once<Reply>(
    { did: call.caller.did, operationId: route.operationId, key },
    {
      fingerprint,
      work: respond,
      keep: ({ status = 200, headers = {}, json, isTransient = false }) => {
        if (isTransient || status >= 500) return undefined;
        return { status, headers, json: status < 300 ? keep(json) : json };
      },
      replay: ({ status, headers, json }) =>
        status < 300 && replay ? replay(call, json) : Promise.resolve({ status, headers, json }),
    },
  );
}

/**
 * What was asked for, so that the call need not keep the bytes.
 * @param content the bytes of the body, or a text that says all that was sent
 */
export function fingerprintOf(
  { params, query }: Pick<Call, 'params' | 'query'>,
  content: Uint8Array | string,
): string {
  return createHash('sha256')
    .update(`${JSON.stringify([params ?? null, query ?? null])}\n`)
    .update(content)
    .digest('hex');
}
