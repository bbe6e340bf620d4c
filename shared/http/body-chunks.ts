// The bytes of a body as they come in, for a limited time: whoever sends a byte now and then would otherwise hold a
// request for as long as it likes.

import type { HttpRequest } from '@azure/functions';
import { BrokerError } from '../broker-error';

/**
 * @param maxMs from the first reading to the end of the body
 * @throws BrokerError `body-too-slow` when it has not ended in time; what the body throws when it ends early
 */
export async function* bodyChunks(
  { body }: Pick<HttpRequest, 'body'>,
  maxMs: number,
): AsyncGenerator<Uint8Array, void, undefined> {
  if (!body) return;
  const reader = (body as ReadableStream<Uint8Array>).getReader();
  const late = Promise.withResolvers<never>();
  late.promise.catch(() => undefined);
  const timer = setTimeout(() => {
    late.reject(new BrokerError('body-too-slow', `The body has to arrive within ${maxMs / 1_000} seconds.`));
  }, maxMs);
  let mayCancel = true;
  try {
    for (;;) {
      const { done, value } = await Promise.race([reader.read(), late.promise]);
      if (done) return;
      yield value;
    }
  } catch (error) {
    // Giving up on the body ends the connection, and with it the answer: the host ends it after the answer.
    mayCancel = !(error instanceof BrokerError);
    throw error;
  } finally {
    clearTimeout(timer);
    if (mayCancel) void reader.cancel().catch(() => undefined);
    else reader.releaseLock();
  }
}
