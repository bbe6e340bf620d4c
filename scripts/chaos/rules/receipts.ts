// Rules about receipts: none is false, and none is missing.

import type { ReceiptsRead } from '../history';
import { type Consignment, type HistoryIndex, mailboxOf } from '../history-index';
import { clockToleranceMs, instant } from '../verdict';

/** Of an expired message: when its time came, no client id then existing had acknowledged it. */
export function trueReceipts(index: HistoryIndex): readonly string[] {
  const { history, consignments } = index;
  const byId = new Map(
    consignments.flatMap((one) => (one.messageId === undefined ? [] : [[one.messageId, one] as const])),
  );
  const seen = deliveredIds(index);
  return history.events
    .filter((event): event is ReceiptsRead => event.kind === 'receipts')
    .flatMap(({ sender, receipts }) => {
      const told = new Set<string>();
      return receipts
        .filter(({ outcome }) => outcome === 'expired')
        .flatMap(({ messageId, recipient, at }) => {
          const name = `the receipt of ${messageId} to ${recipient}`;
          if (told.has(messageId)) return [`${name} was given twice`];
          told.add(messageId);
          const known = byId.get(messageId)?.publication ?? seen.get(messageId);
          // It was stored for a sender that got no answer, and nobody has seen it.
          if (!known) return [];
          if (known.senderDid !== sender) return [`${name} was given to ${sender}, who has not sent it`];
          if (known.ttlSeconds === undefined) return [`${name} is of a message that has not ended`];
          const acknowledgedAt = confirmedAcknowledgement(index, recipient, messageId);
          return acknowledgedAt + clockToleranceMs < at
            ? [
                `${name} says that it ended at ${instant(at)}; it was acknowledged by ${instant(acknowledgedAt)}`,
              ]
            : [];
        });
    });
}

/** What a timer that died had in hand is looked after by another one after two minutes. Unit: ms. */
export const handedOutMs = 125_000;

/**
 * A sender is told of every message that ended without anybody having tried to acknowledge it. Judged only where it was
 * waited for long enough.
 */
export function completeReceipts(index: HistoryIndex): readonly string[] {
  const { events, receiptsAwaitedMs } = index.history;
  if (receiptsAwaitedMs < handedOutMs) return [];
  const unread = new Set(
    events.flatMap((event) => (event.kind === 'receipts' && !event.areAll ? [event.sender] : [])),
  );
  const missing = missingReceipts(index)
    .filter(({ publication }) => !unread.has(publication.senderDid))
    .map(
      ({ publication, messageId, recipient }) =>
        `no receipt of ${messageId} (publication ${publication.number}) to ${recipient}`,
    );
  return [...[...unread].map((sender) => `${sender} could not read its receipts to their end`), ...missing];
}

export function missingReceipts(index: HistoryIndex): readonly Consignment[] {
  const { history, consignments, cursors } = index;
  const told = new Set(
    history.events.flatMap((event) =>
      event.kind === 'receipts' ? event.receipts.map(({ messageId }) => messageId) : [],
    ),
  );
  const touched = new Set(
    [...cursors.values()].flatMap(({ acknowledgements }) => [...acknowledgements.keys()]),
  );
  return consignments.filter(
    ({ publication, messageId }) =>
      publication.ttlSeconds !== undefined &&
      messageId !== undefined &&
      !touched.has(messageId) &&
      !told.has(messageId),
  );
}

/** By their ids: also of messages whose sender got no answer. */
function deliveredIds({ cursors, publicationOf }: HistoryIndex) {
  return new Map(
    [...cursors.values()].flatMap(({ deliveries }) =>
      [...deliveries].map(
        ([id, [first]]) => [id, publicationOf(first?.message.clientGatewayMessageId ?? '')] as const,
      ),
    ),
  );
}

/** When the first cursor of a mailbox was known to have acknowledged a message; Infinity: none. */
function confirmedAcknowledgement({ cursors }: HistoryIndex, recipient: string, messageId: string): number {
  return [...cursors.values()]
    .filter(({ name }) => mailboxOf(name) === recipient)
    .flatMap(({ acknowledgements }) => acknowledgements.get(messageId) ?? [])
    .filter(({ isConfirmed }) => isConfirmed)
    .reduce((least, { call }) => Math.min(least, call.endedAt), Infinity);
}
