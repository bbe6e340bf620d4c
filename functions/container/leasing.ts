// Leases: receiving, waiting, and the tokens that name leases outside.

import { JetStreamArrivals } from '../../shared/adapters/nats/jetstream-arrivals';
import type { Settings } from '../../shared/config/settings';
import type { Log } from '../../shared/log';
import {
  Leases,
  LeaseTokens,
  LongPoll,
  type MessageIds,
  Receiver,
  type TellSettled,
} from '../../shared/messages';
import type { MessageStore } from './message-store';

export function leasingOf(
  { messageIdKeys }: Settings,
  { jetStream, layout, messageLog, cursors }: MessageStore,
  messageIds: MessageIds,
  settled: TellSettled,
  log: Log,
) {
  const receiver = new Receiver(
    messageLog,
    cursors,
    () => layout.longestMemoryMs,
    ({ clientId }, seqs) =>
      log('warn', 'messages dead-lettered', { clientId, count: seqs.length, cause: 'max-deliveries' }),
  );
  const leaseTokens = new LeaseTokens(messageIdKeys, messageIds);
  return {
    leaseTokens,
    longPoll: new LongPoll(receiver, cursors, new JetStreamArrivals(jetStream.connections, layout)),
    leases: new Leases({
      cursors,
      messageLog,
      tokens: leaseTokens,
      settled,
      log,
    }),
  };
}
