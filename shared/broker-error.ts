// The one error that crosses module borders. A code from a closed union, safe details for the caller, and the
// cause for the log. How a code looks on the wire is decided in http/problems.ts alone.

export type ErrorCode =
  | 'unauthenticated'
  | 'forbidden'
  | 'not-found'
  | 'malformed-json'
  | 'invalid-parameters'
  | 'illegal-argument'
  | 'limit-reached'
  | 'page-without-limit'
  | 'anonymous-key-is-did'
  | 'payload-too-large'
  | 'body-too-slow'
  | 'too-many-logins'
  | 'topic-not-found'
  | 'record-exists'
  | 'version-conflict'
  | 'version-incompatible'
  | 'version-sunset'
  | 'precondition-failed'
  | 'idempotent-call-running'
  | 'idempotency-key-reused'
  | 'schema-invalid'
  | 'schema-type-unsupported'
  | 'schema-violation'
  | 'recipient-not-found'
  | 'file-not-found'
  | 'file-not-complete'
  | 'file-complete'
  | 'file-mismatch'
  | 'upload-slot-expired'
  | 'malformed-upload'
  | 'transfers-busy'
  | 'overloaded'
  | 'cursor-contended'
  | 'message-store-unavailable'
  | 'message-store-full'
  | 'topic-store-unavailable'
  | 'blob-store-unavailable'
  | 'issuer-unavailable'
  | 'internal';

/** One fault in what the caller sent: where it is (a JSON pointer or a parameter's name) and what to do. */
export interface Fault {
  readonly field: string;
  readonly message: string;
}

export interface BrokerErrorOptions {
  /** Faults in the request, each with its field. Never a value the caller sent. */
  readonly faults?: readonly Fault[];
  /** Seconds after which the same call may succeed; becomes Retry-After. */
  readonly retryAfterSeconds?: number;
  readonly cause?: unknown;
}

/** A failure that has a meaning for the caller. Anything else that is thrown is answered as `internal`. */
export class BrokerError extends Error {
  readonly code: ErrorCode;
  readonly faults: readonly Fault[];
  readonly retryAfterSeconds: number | undefined;

  /**
   * @param code what happened, from the closed union
   * @param detail one sentence for the caller that says what to do; holds no secret and no payload
   */
  constructor(code: ErrorCode, detail: string, options: BrokerErrorOptions = {}) {
    super(detail, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'BrokerError';
    this.code = code;
    this.faults = options.faults ?? [];
    this.retryAfterSeconds = options.retryAfterSeconds;
  }
}

/** `invalid-parameters` with one fault: the commonest refusal. */
export function invalidParameter(field: string, message: string): BrokerError {
  return new BrokerError('invalid-parameters', `${field} : ${message}`, { faults: [{ field, message }] });
}
