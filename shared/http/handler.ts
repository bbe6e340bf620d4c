// The wrapper around every route: identify, read and validate, call, write. It always answers, because in
// streaming mode the library leaves the request hanging when a handler throws (design §11).

import type { HttpHandler, HttpRequest, HttpResponseInit } from '@azure/functions';
import { randomUUID } from 'node:crypto';
import { BrokerError } from '../broker-error';
import type { Clock } from '../clock';
import type { IdempotentCalls } from '../idempotency';
import type { Caller } from '../identity/caller';
import type { Log } from '../log';
import type { EndTurn } from '../turns';
import type { Admission, StandAside } from './admission';
import type { BodyTurns } from './body-turns';
import { fingerprintOf, onceForKey, readIdempotencyKey } from './idempotent-call';
import { toProblem } from './problems';
import { parseJson, readBody, readParams, readQuery, refuseDeclared, validate } from './request';
import type { Call, Once, Reply, Route } from './route';

export interface HandlerDependencies {
  /** The caller behind an Authorization header; throws `unauthenticated`, and `forbidden` without a user role. */
  readonly authenticate: (authorization: string | null) => Promise<Caller>;
  /** Carries out what has an Idempotency-Key. */
  readonly idempotentCalls: Pick<IdempotentCalls, 'once'>;
  readonly admission: Admission;
  /** How long the body of a request may take to arrive. Unit: ms; default 60,000. */
  readonly maxBodyMs?: number;
  /** Lets requests with large bodies of one caller wait for each other; absent: they do not. */
  readonly bodyTurns?: Pick<BodyTurns, 'take'>;
  readonly log: Log;
  readonly clock: Clock;
}

const defaultMaxBodyBytes = 1024 * 1024;
const nobody: Caller = { did: '', roles: [] };
const noBytes = Buffer.alloc(0);

/** The Azure Functions handler of a route. Never rejects and never resolves to nothing. */
export function createHandler(route: Route, dependencies: HandlerDependencies): HttpHandler {
  return async (request, { invocationId }) => {
    const requestId = readRequestId(request);
    try {
      return toResponse(await answer(route, request, { requestId, invocationId }, dependencies), requestId);
    } catch (error) {
      return toResponse(problemReply(error, route, requestId, dependencies), requestId);
    }
  };
}

async function answer(
  route: Route,
  request: HttpRequest,
  names: Pick<Call, 'requestId' | 'invocationId'>,
  dependencies: HandlerDependencies,
): Promise<Reply> {
  const { authenticate, idempotentCalls, admission } = dependencies;
  admission.refuseWhenFull(route.standing);
  const caller =
    route.access === 'public' ? nobody : await authenticate(request.headers.get('authorization'));
  const key = readIdempotencyKey(route, request);
  const params = route.params && validate(route.params, readParams(request, route.path), 'params');
  const query = route.query && validate(route.query, readQuery(request), 'query');
  const endBodyTurn = await takeBodyTurn(route, request, caller, dependencies);
  try {
    const { byteLength, body, fingerprint } = await readRouteBody(route, request, dependencies, (bytes) =>
      key === undefined ? undefined : fingerprintOf({ params, query }, bytes),
    );
    return await admission.run(route.standing, byteLength, (leavePlace) => {
      const underKey = (sent: () => string, work: Parameters<Once>[1]): Promise<Reply> => {
        if (key === undefined) return work(undefined);
        return onceForKey(idempotentCalls, { route, call, key, fingerprint: sent() }, (attempt) =>
          // A refusal is an answer too, and given again.
          work(attempt).catch((error: unknown) => problemReply(error, route, names.requestId, dependencies)),
        );
      };
      const once: Once = (content, work) => underKey(() => fingerprintOf(call, content), work);
      const standAside: StandAside = (wait, giveBack) => {
        endBodyTurn();
        return leavePlace(wait, giveBack);
      };
      const call: Call = { caller, params, query, body, request, ...names, once, standAside };
      // What streams in is known to its handler alone.
      if (fingerprint === undefined) return route.handle(call);
      return underKey(
        () => fingerprint,
        (attempt) => route.handle({ ...call, attempt }),
      );
    });
  } finally {
    endBodyTurn();
  }
}

function problemReply(
  error: unknown,
  route: Route,
  requestId: string,
  { log, clock }: HandlerDependencies,
): Reply {
  const problem = toProblem(error, requestId, clock());
  if (problem.status >= 500) {
    log(problem.status === 500 ? 'error' : 'warn', 'request failed', {
      requestId,
      operation: route.operationId,
      code: problem.code,
      error,
    });
  }
  return {
    status: problem.status,
    headers: {
      'content-type': 'application/problem+json',
      ...(problem.status === 401 ? { 'www-authenticate': 'Bearer' } : {}),
      ...retryAfter(error, problem.status),
    },
    json: problem,
  };
}

/** A caller's own request id when it is harmless (gateways also send the literal `null`), else a new one. */
function readRequestId(request: HttpRequest): string {
  const sent = request.headers.get('x-request-id');
  return sent && sent !== 'null' && /^[\w.:-]{1,128}$/.test(sent) ? sent : randomUUID();
}

/**
 * The turn of a large body, until the request has ended: what is made of it may take more memory than itself. Strangers
 * take none, as all of them would be one caller, and their bodies are small.
 */
async function takeBodyTurn(
  { access, body: schema, maxBodyBytes = defaultMaxBodyBytes }: Route,
  request: HttpRequest,
  { did }: Caller,
  { bodyTurns }: HandlerDependencies,
): Promise<EndTurn> {
  if (!schema || !bodyTurns || access === 'public') return () => undefined;
  refuseDeclared(request, maxBodyBytes);
  return bodyTurns.take(did, declaredLength(request));
}

/** What a request's body says. Its bytes are let go: they would lie in memory for as long as the request takes. */
interface ReadBody {
  readonly byteLength: number;
  readonly body: unknown;
  /** Undefined where there is no key, or nothing was read. */
  readonly fingerprint: string | undefined;
}

async function readRouteBody(
  { body: schema, streamedBody, maxBodyBytes = defaultMaxBodyBytes, ...route }: Route,
  request: HttpRequest,
  { maxBodyMs }: HandlerDependencies,
  fingerprintIfKeyed: (bytes: Buffer) => string | undefined,
): Promise<ReadBody> {
  if (streamedBody) return { byteLength: 0, body: undefined, fingerprint: undefined };
  const bytes = schema ? await readBody(request, maxBodyBytes, maxBodyMs) : noBytes;
  const body = schema && readValidBody(bytes, route, schema);
  return { byteLength: bytes.byteLength, body, fingerprint: fingerprintIfKeyed(bytes) };
}

/** Undefined for a body that is sent in chunks. */
function declaredLength({ headers, body }: HttpRequest): number | undefined {
  const length = headers.get('content-length');
  if (length !== null) return Number(length);
  return body === null || !headers.has('transfer-encoding') ? 0 : undefined;
}

function readValidBody(
  bytes: Buffer,
  route: Pick<Route, 'bodyOptional'>,
  schema: NonNullable<Route['body']>,
): unknown {
  if (!route.bodyOptional) return validate(schema, parseJson(bytes), 'body');
  // HTTP clients print an absent body as the literal `null` when they are told that it is JSON.
  return validate(schema, (bytes.byteLength === 0 ? null : parseJson(bytes)) ?? {}, 'body');
}

function retryAfter(error: unknown, status: number): Record<string, string> {
  const seconds = error instanceof BrokerError ? error.retryAfterSeconds : undefined;
  if (seconds === undefined && status !== 503) return {};
  return { 'retry-after': String(seconds ?? 5) };
}

function toResponse(reply: Reply, requestId: string): HttpResponseInit {
  const body = reply.json === undefined ? reply.body : Buffer.from(JSON.stringify(reply.json));
  const headers: Record<string, string> = {
    ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    // Answers hold what is one participant's own; a route whose answer may be kept says so itself.
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    ...reply.headers,
    'x-request-id': requestId,
  };
  // A known length avoids chunked answers (design §11).
  if (body instanceof Uint8Array) headers['content-length'] = String(body.byteLength);
  return { status: reply.status ?? 200, headers, ...(body === undefined ? {} : { body: body as never }) };
}
