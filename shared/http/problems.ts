// The one table from error codes to what is seen on the wire: RFC 9457 problem details that also carry the
// legacy members of the first-generation broker (returnCode, returnMessage, timestamp). A code without a row
// does not compile; docs/problems.md is compared with this table by a test.

import { BrokerError, type ErrorCode, type Fault } from '../broker-error';

export interface ProblemRow {
  readonly status: number;
  readonly title: string;
  /** The first generation's code; clients look at `10` and at the text `Record exists` only. */
  readonly returnCode: string;
  /** What the caller can do about it, for the documentation. */
  readonly remedy: string;
}

export const problemTable: Readonly<Record<ErrorCode, ProblemRow>> = {
  // returnCode 10 in a 401 would make a gateway stop for ever: it logs in only on a 401 without it.
  unauthenticated: {
    status: 401,
    title: 'Not authenticated',
    returnCode: '60',
    remedy: 'Log in at POST /auth/login and send the access token as a Bearer token.',
  },
  forbidden: {
    status: 403,
    title: 'Forbidden',
    returnCode: '10',
    remedy: 'Use a token with the role that the call needs, or ask the owner of the object.',
  },
  'not-found': {
    status: 404,
    title: 'Not found',
    returnCode: '60',
    remedy: 'Check the address and the id; see GET /docs for the routes.',
  },
  'malformed-json': {
    status: 400,
    title: 'Not a JSON document',
    returnCode: '15',
    remedy: 'Send the body as one JSON document in UTF-8.',
  },
  'invalid-parameters': {
    status: 400,
    title: 'Invalid parameters',
    returnCode: '17',
    remedy: 'Mend the fields listed in errors; each is a JSON pointer or a parameter name.',
  },
  'illegal-argument': {
    status: 400,
    title: 'Illegal argument',
    returnCode: '16',
    remedy: 'See detail: the argument is well formed but not allowed here.',
  },
  'limit-reached': {
    status: 409,
    title: 'Limit reached',
    returnCode: '22',
    remedy: 'Remove what is no longer needed, or ask the operator for a higher limit.',
  },
  'anonymous-key-is-did': {
    status: 400,
    title: 'Anonymous key looks like a DID',
    returnCode: '18',
    remedy: 'Register a key that does not begin with did:; to receive as a DID, log in with it.',
  },
  'page-without-limit': {
    status: 400,
    title: 'Page without limit',
    returnCode: '14',
    remedy: 'Send limit together with a page greater than 1.',
  },
  'payload-too-large': {
    status: 413,
    title: 'Too large',
    returnCode: '17',
    remedy: 'Send a smaller body; GET /config tells the limits in bytes.',
  },
  'body-too-slow': {
    status: 408,
    title: 'Body came too slowly',
    returnCode: '60',
    remedy: 'Send the whole body at once; large files by the URL that POST /files answers.',
  },
  'too-many-logins': {
    status: 429,
    title: 'Too many logins',
    returnCode: '60',
    remedy: 'Use the tokens of the last login, and try again after Retry-After seconds.',
  },
  'topic-not-found': {
    status: 404,
    title: 'Topic does not exist',
    returnCode: '50',
    remedy: 'Use the id and version of a live topic; GET /topics?owner=&name= finds them.',
  },
  'record-exists': {
    status: 400,
    title: 'Record exists',
    returnCode: '51',
    remedy: 'The owner has a live topic of that name: use it, or delete it first.',
  },
  'version-conflict': {
    status: 409,
    title: 'Version is taken',
    returnCode: '51',
    remedy: 'Published versions are immutable: publish the changed schema under a new version number.',
  },
  'version-incompatible': {
    status: 409,
    title: 'Version is not compatible',
    returnCode: '13',
    remedy:
      'Mend the schema at the places listed in errors, or let the owner choose another compatibility mode; POST /topics/{id}/compatibility tries a schema.',
  },
  'version-sunset': {
    status: 410,
    title: 'Version has ended',
    returnCode: '50',
    remedy: 'The owner has ended this version: publish to a later one; GET /topics/{id} names the latest.',
  },
  'precondition-failed': {
    status: 412,
    title: 'Precondition failed',
    returnCode: '22',
    remedy: 'It has changed since, or is not there: read it again and send its ETag as If-Match.',
  },
  'idempotent-call-running': {
    status: 409,
    title: 'Call still running',
    returnCode: '22',
    remedy: 'The first call with this Idempotency-Key has not ended: repeat it after Retry-After seconds.',
  },
  'idempotency-key-reused': {
    status: 422,
    title: 'Idempotency-Key is taken',
    returnCode: '22',
    remedy: 'Another request was made with this Idempotency-Key: use a new key for a new request.',
  },
  'schema-invalid': {
    status: 400,
    title: 'Invalid schema',
    returnCode: '13',
    remedy: 'Mend the schema at the places listed in errors.',
  },
  'schema-type-unsupported': {
    status: 400,
    title: 'Schema type not supported',
    returnCode: '13',
    remedy: 'Send the file encrypted.',
  },
  'schema-violation': {
    status: 400,
    title: 'Payload does not match the schema',
    returnCode: '13',
    remedy: 'Mend the payload at the pointers listed in errors, or send it encrypted.',
  },
  'recipient-not-found': {
    status: 404,
    title: 'Recipient does not exist',
    returnCode: '21',
    remedy: 'The recipient has to log in once before it can receive.',
  },
  'file-not-found': {
    status: 404,
    title: 'File does not exist',
    returnCode: '40',
    remedy: 'Check the id; a file ends with the last message that refers to it.',
  },
  'file-not-complete': {
    status: 409,
    title: 'File is not complete',
    returnCode: '40',
    remedy: 'The owner uploads it, commits its blocks, and calls POST /files/{fileId}/complete.',
  },
  'file-complete': {
    status: 409,
    title: 'File is complete already',
    returnCode: '40',
    remedy: 'A completed file cannot change: send another one.',
  },
  'file-mismatch': {
    status: 409,
    title: 'Uploaded bytes are not those that were declared',
    returnCode: '30',
    remedy: 'Upload the declared bytes and complete the file again, or begin a new one.',
  },
  'upload-slot-expired': {
    status: 410,
    title: 'Time to upload is over',
    returnCode: '30',
    remedy: 'Begin anew with POST /files.',
  },
  'malformed-upload': {
    status: 400,
    title: 'Upload cannot be read',
    returnCode: '30',
    remedy: 'Send multipart/form-data: the part file first, whole, then the text parts.',
  },
  'transfers-busy': {
    status: 503,
    title: 'Too many uploads or downloads at once',
    returnCode: '40',
    remedy:
      'Try again after Retry-After seconds, or use the URLs that POST /files and GET /files/{fileId} answer.',
  },
  overloaded: {
    status: 503,
    title: 'Too much to do',
    returnCode: '60',
    remedy: 'Nothing was done: try again after Retry-After seconds.',
  },
  'cursor-contended': {
    status: 503,
    title: 'Cursor is busy',
    returnCode: '22',
    remedy: 'Many instances change one cursor at once: try again after Retry-After seconds.',
  },
  'message-store-unavailable': {
    status: 503,
    title: 'Message store unavailable',
    returnCode: '20',
    remedy: 'Try again after Retry-After seconds; nothing that was acknowledged is lost.',
  },
  'message-store-full': {
    status: 507,
    title: 'Message store full',
    returnCode: '20',
    remedy: 'The operator has to enlarge the store; stored messages are kept.',
  },
  'topic-store-unavailable': {
    status: 503,
    title: 'Topic store unavailable',
    returnCode: '50',
    remedy: 'Try again after Retry-After seconds; messages on known topics are not affected.',
  },
  'blob-store-unavailable': {
    status: 503,
    title: 'Blob store unavailable',
    returnCode: '40',
    remedy: 'Try again after Retry-After seconds.',
  },
  // The keys of a trusted issuer cannot be read: not a 401, which would make clients log in again for nothing.
  'issuer-unavailable': {
    status: 503,
    title: 'Token issuer unavailable',
    returnCode: '60',
    remedy: 'Try again after Retry-After seconds, or use a token that the broker itself issued.',
  },
  internal: {
    status: 500,
    title: 'Internal error',
    returnCode: '60',
    remedy: 'Report the instance id of the answer to the operator.',
  },
};

/** What a problem answer holds; `instance` is the request id under which the log has the cause. */
export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly instance: string;
  readonly code: ErrorCode;
  readonly errors?: readonly Fault[];
  readonly returnCode: string;
  readonly returnMessage: string;
  readonly timestamp: string;
}

/** The status that is answered to anything thrown. */
export function statusOf(error: unknown): number {
  return problemTable[error instanceof BrokerError ? error.code : 'internal'].status;
}

/** Anything thrown, as the problem to answer. What is not a BrokerError reveals nothing of itself. */
export function toProblem(error: unknown, requestId: string, nowMs: number): Problem {
  const known =
    error instanceof BrokerError
      ? error
      : new BrokerError(
          'internal',
          'The broker failed; the operator can find the cause under this instance.',
        );
  const row = problemTable[known.code];
  const legacyMessage = known.faults.length
    ? known.faults.map((fault) => `${fault.field} : ${fault.message}`).join(', ')
    : known.code === 'record-exists'
      ? row.title
      : known.message;
  return {
    type: `urn:ddhub:problem:${known.code}`,
    title: row.title,
    status: row.status,
    detail: known.message,
    instance: `urn:ddhub:request:${requestId}`,
    code: known.code,
    ...(known.faults.length ? { errors: known.faults } : {}),
    returnCode: row.returnCode,
    returnMessage: legacyMessage,
    timestamp: new Date(nowMs).toISOString(),
  };
}
