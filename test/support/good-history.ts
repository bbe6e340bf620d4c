// A short history in which everything went well, for tests that break it by hand: two messages that live on, one that
// ends unread; one cursor that searches, one that leases.

import type {
  Acknowledged,
  Delivered,
  History,
  HistoryEvent,
  Published,
  Received,
  Searched,
  SentPublication,
  Settled,
} from '../../scripts/chaos/history';

export const sender = 'did:sender';
export const recipient = 'did:recipient';
export const searching = `${recipient}/searching`;
export const leasing = `${recipient}/leasing`;

/** Of the first moment, so that other instants are easy to read. */
const at = (seconds: number): number => 1_800_000_000_000 + seconds * 1_000;

const publication = (number: number, ttlSeconds?: number): SentPublication => ({
  number,
  clientGatewayMessageId: `uuid-${number}`,
  sender: 0,
  recipients: [0],
  topic: 0,
  bytes: 10,
  ...(ttlSeconds === undefined ? {} : { ttlSeconds }),
  repetition: 'transaction',
  tries: 3,
  senderDid: sender,
  topicId: 'topic',
  transactionId: `transaction ${number}`,
  signature: `signature ${number}`,
  digest: `digest ${number}`,
});

export const call = (startedAt: number, endedAt: number, status = 200) => ({
  ...{ instance: 0, startedAt: at(startedAt), endedAt: at(endedAt), status },
});

export const published = (number: number, startedAt: number, endedAt: number): Published => ({
  ...{ kind: 'published', ...call(startedAt, endedAt), publication: number },
  outcomes: [{ recipient, outcome: 'sent', messageId: `id-${number}` }],
});

export const message = (number: number): Delivered => ({
  messageId: `id-${number}`,
  clientGatewayMessageId: `uuid-${number}`,
  sender,
  recipient,
  topicId: 'topic',
  transactionId: `transaction ${number}`,
  signature: `signature ${number}`,
  digest: `digest ${number}`,
  storedAt: at(number),
});

export const searched = (
  numbers: readonly number[],
  startedAt: number,
  endedAt: number,
  cursor = searching,
): Searched => ({
  ...{ kind: 'searched', ...call(startedAt, endedAt), cursor, messages: numbers.map(message) },
});

/** Leases for ten seconds. */
export const received = (
  numbers: readonly number[],
  startedAt: number,
  endedAt: number,
  lease: string,
): Received => ({
  ...{ kind: 'received', ...call(startedAt, endedAt), cursor: leasing, leaseMs: 10_000 },
  messages: numbers.map((number) => ({
    ...message(number),
    lease: { token: `${lease} ${number}`, expiresAt: at(startedAt + 10), deliveryCount: 1 },
  })),
});

export const acknowledged = (
  numbers: readonly number[],
  startedAt: number,
  endedAt: number,
): Acknowledged => {
  const asked = numbers.map((number) => `id-${number}`);
  return {
    ...{ kind: 'acknowledged', ...call(startedAt, endedAt), cursor: searching },
    ...{ asked, acked: asked, notFound: [] },
  };
};

export const settled = (
  action: Settled['action'],
  tokens: readonly string[],
  startedAt: number,
  endedAt: number,
): Settled => ({
  ...{ kind: 'settled', ...call(startedAt, endedAt), cursor: leasing },
  ...{ action, leaseMs: 10_000, asked: tokens, succeeded: tokens },
});

export const receipts = (messageId: string, atSeconds: number, of = sender, areAll = true): HistoryEvent => ({
  ...{ kind: 'receipts', sender: of, areAll },
  receipts: [{ messageId, recipient, outcome: 'expired', at: at(atSeconds) }],
});

export const probed = (startedAt: number, endedAt: number, served = true): HistoryEvent => ({
  ...{ kind: 'probed', ...call(startedAt, endedAt), served },
});

export const struck = (
  fault: 'leader-killed' | 'instance-frozen',
  from: number,
  bearableFrom: number,
  until: number,
): HistoryEvent => ({
  ...{ kind: 'struck', fault, target: 0, from: at(from), bearableFrom: at(bearableFrom), until: at(until) },
});

export const historyOf = (events: readonly HistoryEvent[]): History => ({
  publications: [publication(1), publication(2), publication(3, 2)],
  events,
  drained: new Map([
    [searching, recipient],
    [leasing, recipient],
  ]),
  receiptsAwaitedMs: 1e9,
});

/** Everything as it should be. */
export const goodEvents: readonly HistoryEvent[] = [
  published(1, 1, 1.1),
  published(2, 1.2, 2.1),
  published(3, 2.2, 3.1),
  searched([1], 1.5, 1.6),
  searched([1, 2], 4, 4.1),
  acknowledged([1, 2], 4.2, 4.3),
  received([1, 2], 5, 5.1, 'first'),
  settled('release', ['first 2'], 6, 6.1),
  settled('renew', ['first 1'], 6.2, 6.3),
  received([2], 6.4, 6.5, 'second'),
  settled('acknowledge', ['first 1', 'second 2'], 7, 7.1),
  struck('leader-killed', 8, 8, 10),
  probed(8.5, 9),
  searched([], 20, 20.1),
  receipts('id-3', 5),
];
