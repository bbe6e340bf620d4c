// What the Blob store's answers mean here. Codes are those of the service
// (https://learn.microsoft.com/rest/api/storageservices/blob-service-error-codes) and of its client; texts are not
// looked at.

import { BrokerError } from '../../broker-error';

/** What an answer says, where it is an outcome and no failure. */
export type BlobOutcome = 'absent' | 'changed' | 'exists' | 'mismatch';

const outcomes: Readonly<Record<string, BlobOutcome>> = {
  BlobNotFound: 'absent',
  ContainerNotFound: 'absent',
  // Another one has written or deleted since we read.
  ConditionNotMet: 'changed',
  TargetConditionNotMet: 'changed',
  BlobAlreadyExists: 'exists',
  // The bytes have another digest than the one that was sent along.
  Md5Mismatch: 'mismatch',
};

/** Undefined when it is none of the outcomes. */
export function outcomeOf(error: unknown): BlobOutcome | undefined {
  const code = codeOf(error);
  return code === undefined ? undefined : outcomes[code];
}

function codeOf(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  const { code, details } = error as { code?: unknown; details?: { errorCode?: unknown } };
  // Answers to HEAD have no body; their code stands in a header, which the client puts into the details.
  const found = typeof code === 'string' ? code : details?.errorCode;
  return typeof found === 'string' ? found : undefined;
}

/**
 * A call has ended by then, its repetitions included, and so has the wait for the next bytes of a download; the SDK
 * itself waits for a silent store for ever. Unit: ms.
 */
export const blobPatienceMs = 20_000;

/**
 * Runs a call of the store's client. All of them go through here, but for the health check, which has a deadline of its
 * own. Every failure but the expected outcomes is `blob-store-unavailable`: throttling (503), a role that is missing
 * (403), a lease or a copy in the way (409), no connection, no answer in time.
 * @param work hands what it gets to the client: a request that goes on when its time is up could land much later
 */
export async function callBlob<Result, Expected extends BlobOutcome = never>(
  work: (abortSignal: AbortSignal) => Promise<Result>,
  expected: readonly Expected[] = [],
  deadlineMs = blobPatienceMs,
): Promise<Result | Expected> {
  const controller = new AbortController();
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    const error = silentFor(deadlineMs);
    late.reject(error);
    controller.abort(error);
  }, deadlineMs);
  try {
    return await Promise.race([work(controller.signal), late.promise]);
  } catch (error) {
    const outcome = outcomeOf(error);
    const wanted = expected.find((known) => known === outcome);
    if (wanted) return wanted;
    throw blobUnavailable(error);
  } finally {
    clearTimeout(timer);
  }
}

export function silentFor(milliseconds: number): Error {
  return new Error(`The Blob store was silent for ${milliseconds} ms.`);
}

export function blobUnavailable(cause: unknown): BrokerError {
  if (cause instanceof BrokerError) return cause;
  return new BrokerError('blob-store-unavailable', 'The Blob store did not do it; try again.', {
    retryAfterSeconds: 5,
    cause,
  });
}
