// Reads a mailbox until nothing is missing that its leader has: a read may be answered by a replica that is behind, so
// what a read does not bring is a fact only when the leader says so too.

import { BrokerError } from '../broker-error';
import type { Mailbox } from './mailbox';
import type { LogFilter, LogStart, MessageLog, StoredMessage } from './message-log';

/** How long a replica that is behind is waited for while no read brings anything. Unit: ms. */
const replicaPatienceMs = 5_000;
/** Between two reads: replicas lag 0.3 to 2 ms, now and then 40 (design §4). Unit: ms. */
const pauseMs = 5;

/**
 * The messages after a start that were there at the call, in stream order, as the reads bring them: never an empty
 * part. Whoever has enough stops asking.
 * @param limits of the next read
 * @throws BrokerError `message-store-unavailable`, also when no replica comes to have what the leader has
 */
export async function* readToLast(
  messageLog: Pick<MessageLog, 'read' | 'lastSeq' | 'at'>,
  mailbox: Mailbox,
  filter: LogFilter,
  start: LogStart,
  limits: () => { readonly messages: number; readonly bytes: number },
): AsyncGenerator<readonly StoredMessage[], void, undefined> {
  let lastSeq = await messageLog.lastSeq(mailbox, filter);
  let next = start;
  let endsAt = performance.now() + replicaPatienceMs;
  while (lastSeq > ('after' in next ? next.after : 0)) {
    const { messages } = await messageLog.read(mailbox, filter, next, limits());
    const last = messages.at(-1);
    if (last) {
      next = { after: last.seq };
      endsAt = performance.now() + replicaPatienceMs;
      yield messages;
      continue;
    }
    // The last message may have ended or been removed meanwhile, and would be waited for in vain.
    lastSeq = await messageLog.lastSeq(mailbox, filter);
    if (await isBefore(messageLog, mailbox, lastSeq, next)) return;
    if (performance.now() > endsAt) {
      throw new BrokerError('message-store-unavailable', 'No replica has the newest messages; try again.', {
        retryAfterSeconds: 1,
      });
    }
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
  }
}

/** Whether the leader's last message lies before the start of a read, which then has rightly brought nothing. */
async function isBefore(
  messageLog: Pick<MessageLog, 'at'>,
  mailbox: Mailbox,
  lastSeq: number,
  start: LogStart,
): Promise<boolean> {
  if (lastSeq === 0) return true;
  if ('after' in start) return lastSeq <= start.after;
  const last = await messageLog.at(mailbox, lastSeq);
  return last !== undefined && last.timeMs < start.fromMs;
}
