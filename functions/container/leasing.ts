// Leases: receiving, waiting, and the tokens that name leases outside.

import { JetStreamArrivals } from '../../shared/adapters/nats/jetstream-arrivals';
import { BrokerError } from '../../shared/broker-error';
import type { Settings } from '../../shared/config/settings';
import type { Log } from '../../shared/log';
import { Turns } from '../../shared/turns';
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
  { messageIdKeys, limits }: Settings,
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
    longPoll: new LongPoll(
      receiver,
      cursors,
      new JetStreamArrivals(jetStream.connections, layout),
      waitsOf(limits.waitingReceivesPerParticipant),
    ),
    leases: new Leases({
      cursors,
      messageLog,
      tokens: leaseTokens,
      settled,
      log,
    }),
  };
}

const waitsOf = (perOwner: number): Turns =>
  new Turns({
    perOwner,
    maxWaiting: 0,
    refusal: () =>
      new BrokerError('overloaded', `${perOwner} receives of yours wait already at this instance.`, {
        retryAfterSeconds: 5,
      }),
  });
