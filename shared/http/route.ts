// What a route is: one record that registration, request validation, OpenAPI and the authorisation matrix all
// read. Handlers do four things: read and validate, identify, call, write; this type and handler.ts do the
// first two and the last, so that a handler is the call alone.

import type { HttpRequest } from '@azure/functions';
import type { Static, TSchema } from '@sinclair/typebox';
import type { ErrorCode } from '../broker-error';
import type { Attempt } from '../idempotency';
import type { Caller } from '../identity/caller';
import type { StandAside, Standing } from './admission';

export type Method = 'GET' | 'POST' | 'PUT' | 'DELETE';

/** Who may call: anybody, or a participant with a role of the broker's user pattern (contract §2). */
export type Access = 'public' | 'participant';

/** One answer of a route, for OpenAPI. Problems are described once for all routes and not listed here. */
export interface ResponseDescription {
  readonly description: string;
  readonly schema?: TSchema;
  /** Defaults to application/json. */
  readonly contentType?: string;
  /** A whole answer as the caller sees it. */
  readonly example?: unknown;
  /** Headers that carry part of the answer, by name, each with what it says. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** A body that the handler reads by itself while it streams in, for OpenAPI. */
export interface StreamedBody {
  /** E.g. `multipart/form-data`. */
  readonly contentType: string;
  readonly schema: TSchema;
}

/** What a handler gets. `body`, `query` and `params` have passed their schemas. */
export interface Call<Body = unknown, Query = unknown, Params = unknown> {
  readonly caller: Caller;
  readonly body: Body;
  readonly query: Query;
  readonly params: Params;
  /** The request itself, for routes that stream. */
  readonly request: HttpRequest;
  readonly requestId: string;
  /** The host's name for this call. */
  readonly invocationId: string;
  /** Of a call with an Idempotency-Key, on routes that read no stream. */
  readonly attempt?: Attempt | undefined;
  /** Carries a call out once for its Idempotency-Key: for routes that stream, when they know what was sent. */
  readonly once: Once;
  /** Gives up its place among the requests that are worked on for as long as it only waits for others. */
  readonly standAside: StandAside;
}

/**
 * @param content a text that says all that was sent
 * @param work gets no attempt where the call has no key
 */
export type Once = (
  content: string,
  work: (attempt: Attempt | undefined) => Promise<Reply>,
) => Promise<Reply>;

/** How a route takes an Idempotency-Key. */
export interface Idempotency {
  /** What is kept of an answer in place of its JSON: for an answer with a secret in it. */
  readonly keep?: (json: unknown) => unknown;
  /** Makes the answer to a repetition from what was kept. Absent: it is what was kept. */
  readonly replay?: (call: Call, kept: unknown) => Promise<Reply>;
}

/** What a handler gives back: a value to print as JSON, or bytes or a stream with a content type of their own. */
export interface Reply {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly json?: unknown;
  readonly body?: Uint8Array | string | ReadableStream<Uint8Array>;
  /** The same call may bring more another time: not given again under an Idempotency-Key. */
  readonly isTransient?: boolean;
}

export interface Route {
  readonly method: Method;
  /** Path without a leading slash, parameters in braces: `topics/{id}/versions/{version}`. */
  readonly path: string;
  /** A verb and its object, unique: `searchMessages`. */
  readonly operationId: string;
  readonly summary: string;
  readonly tag: string;
  readonly access: Access;
  readonly params?: TSchema;
  readonly query?: TSchema;
  /** Schema of a JSON body; absent where the route reads none (a body sent all the same is ignored). */
  readonly body?: TSchema;
  /** In place of `body`: nothing is read or validated before the handler. */
  readonly streamedBody?: StreamedBody;
  /** An absent or empty body, and a `null`, are taken for `{}`. */
  readonly bodyOptional?: boolean;
  /** Bytes of body read at most; beyond it 413. Default 1 MiB. */
  readonly maxBodyBytes?: number;
  /** It creates something, and takes an Idempotency-Key. */
  readonly idempotency?: Idempotency;
  /** How it stands in line when there is too much to do; absent: behind those that came before it. */
  readonly standing?: Standing;
  readonly responses: Readonly<Record<number, ResponseDescription>>;
  /**
   * Problems of this route beyond those that follow from its shape (see `problemsOf` in openapi.ts: token and
   * role, malformed or invalid input, too large). Tests refuse an answer with a status that is not described.
   */
  readonly problems?: readonly ErrorCode[];
  readonly handle: (call: Call) => Promise<Reply>;
}

type Infer<S> = S extends TSchema ? Static<S> : unknown;

/** Gives a route's handler the types of its schemas; the handler wrapper has validated them before. */
export function route<
  const Body extends TSchema | undefined = undefined,
  const Query extends TSchema | undefined = undefined,
  const Params extends TSchema | undefined = undefined,
>(
  definition: Omit<Route, 'handle' | 'body' | 'query' | 'params'> & {
    readonly body?: Body;
    readonly query?: Query;
    readonly params?: Params;
    readonly handle: (call: Call<Infer<Body>, Infer<Query>, Infer<Params>>) => Promise<Reply>;
  },
): Route {
  return definition as unknown as Route;
}
