// The vendor's codes as ours: what each means and whether another try may help. Codes only, never message text.

import { ErrorCode, NatsError } from 'nats';
import { BrokerError, type ErrorCode as OurCode } from '../../broker-error';

export type Retry =
  /** A later try may succeed; the failed one was not carried out. */
  | 'later'
  /** The try may have been carried out: repeat only what is safe to repeat, or look. */
  | 'unknown-outcome'
  /** The same try will fail again. */
  | 'never'
  /** A compare-and-set was lost: read again. */
  | 'conflict';

interface Row {
  readonly retry: Retry;
  readonly code: OurCode;
  readonly detail: string;
}

const unavailable = 'The message store did not answer in time.';

/** JetStream API codes (`api_error.err_code`), as nats-server 2.12–2.15 sends them. */
const apiTable: Readonly<Record<number, Row>> = {
  // JSClusterNotAvailErr: no quorum or no leader for the moment.
  10008: { retry: 'later', code: 'message-store-unavailable', detail: unavailable },
  // JSClusterNotLeaderErr
  10009: { retry: 'later', code: 'message-store-unavailable', detail: unavailable },
  // JSInsufficientResourcesErr, JSStorageResourcesExceededErr, JSStreamStoreFailedF (maximum bytes): store full.
  10023: { retry: 'never', code: 'message-store-full', detail: 'The message store is full.' },
  10047: { retry: 'never', code: 'message-store-full', detail: 'The message store is full.' },
  10077: { retry: 'never', code: 'message-store-full', detail: 'The message store is full.' },
  // JSStreamMessageExceedsMaximumErr
  10054: { retry: 'never', code: 'payload-too-large', detail: 'The message does not fit the store.' },
  // JSStreamWrongLastSequenceErrF, JSStreamWrongLastSequenceConstantErr
  10071: { retry: 'conflict', code: 'cursor-contended', detail: 'Somebody else changed the record.' },
  10164: { retry: 'conflict', code: 'cursor-contended', detail: 'Somebody else changed the record.' },
  // JSStreamDuplicateMessageConflict: the first copy of this message id is still being stored.
  10158: { retry: 'later', code: 'message-store-unavailable', detail: unavailable },
  // JSRaftGeneralErrF, JSStreamGeneralErrorF during elections
  10041: { retry: 'later', code: 'message-store-unavailable', detail: unavailable },
};

/** Client codes (`code`) of nats.js 2.29. */
const clientTable: Readonly<Record<string, Row>> = {
  [ErrorCode.NoResponders]: { retry: 'later', code: 'message-store-unavailable', detail: unavailable },
  [ErrorCode.Timeout]: { retry: 'unknown-outcome', code: 'message-store-unavailable', detail: unavailable },
  [ErrorCode.Disconnect]: {
    retry: 'unknown-outcome',
    code: 'message-store-unavailable',
    detail: unavailable,
  },
  // Of an instance that is shutting down: what had been sent before may have been carried out, what came later not.
  [ErrorCode.ConnectionClosed]: {
    retry: 'unknown-outcome',
    code: 'message-store-unavailable',
    detail: unavailable,
  },
  [ErrorCode.ConnectionDraining]: { retry: 'later', code: 'message-store-unavailable', detail: unavailable },
  [ErrorCode.ConnectionRefused]: { retry: 'later', code: 'message-store-unavailable', detail: unavailable },
  [ErrorCode.ConnectionTimeout]: { retry: 'later', code: 'message-store-unavailable', detail: unavailable },
  [ErrorCode.MaxPayloadExceeded]: {
    retry: 'never',
    code: 'payload-too-large',
    detail: 'The message does not fit the store.',
  },
};

const unknownRow: Row = { retry: 'never', code: 'internal', detail: 'The message store refused the call.' };

/** JetStream's own code of an error, or undefined. */
export function apiCode(error: unknown): number | undefined {
  return error instanceof NatsError ? error.api_error?.err_code : undefined;
}

/** JSStreamNotFoundErr */
export const streamNotFound = 10_059;
const noResponders: string = ErrorCode.NoResponders;

/**
 * Whether a call found no stream. While a leader is elected it looks the same to publishers and direct gets: what is
 * done about it must be harmless to a stream that is there.
 */
export function isStreamMissing(error: unknown): boolean {
  if (error instanceof BrokerError) return isStreamMissing(error.cause);
  if (!(error instanceof NatsError)) return false;
  return apiCode(error) === streamNotFound || error.code === noResponders;
}

function rowOf(error: unknown): Row {
  if (!(error instanceof NatsError)) return unknownRow;
  const api = apiCode(error);
  if (api !== undefined) return apiTable[api] ?? unknownRow;
  return clientTable[error.code] ?? unknownRow;
}

export function retryOf(error: unknown): Retry {
  return rowOf(error).retry;
}

/** Anything a NATS call threw, as the error that callers of the broker may see. */
export function toBrokerError(error: unknown): BrokerError {
  if (error instanceof BrokerError) return error;
  const { code, detail } = rowOf(error);
  return new BrokerError(code, detail, {
    cause: error,
    ...(code.endsWith('unavailable') ? { retryAfterSeconds: 5 } : {}),
  });
}
