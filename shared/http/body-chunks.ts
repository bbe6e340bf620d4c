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
  const late = new AbortController();
  // Ends the read that waits. A race with one promise for all reads would keep every chunk until the body's end.
  const timer = setTimeout(() => {
    late.abort();
    reader.releaseLock();
  }, maxMs);
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield value;
    }
  } catch (error) {
    if (!late.signal.aborted) throw error;
    throw new BrokerError('body-too-slow', `The body has to arrive within ${maxMs / 1_000} seconds.`, {
      cause: error,
    });
  } finally {
    clearTimeout(timer);
    // Giving up on the body ends the connection, and with it the answer: what is late is ended by the host after it.
    if (!late.signal.aborted) void reader.cancel().catch(() => undefined);
  }
}
