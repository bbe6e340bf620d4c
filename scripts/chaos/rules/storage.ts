// Rules about what is kept: everything that was answered SENT is delivered, once and unaltered, and in order.

import type { Consignment, CursorView, Delivery, HistoryIndex } from '../history-index';
import { clockToleranceMs, instant } from '../verdict';

/** Every publish answered SENT is delivered at least once to every cursor. */
export function delivered({ history, consignments, cursors }: HistoryIndex): readonly string[] {
  return [...history.drained].flatMap(([name, mailbox]) => {
    const seen = new Set(
      [...(cursors.get(name)?.deliveries.values() ?? [])].map(([one]) => one?.message.clientGatewayMessageId),
    );
    return consignments
      .filter(
        ({ recipient, confirmedAt, publication }) =>
          recipient === mailbox && confirmedAt !== undefined && publication.ttlSeconds === undefined,
      )
      .filter(({ publication }) => !seen.has(publication.clientGatewayMessageId))
      .map((lost) => `${nameOf(lost)} was never delivered to ${name}`);
  });
}

/** A message is stored once, whatever was repeated on the way to it. */
export function storedOnce({ consignments, cursors }: HistoryIndex): readonly string[] {
  const idsOf = new Map<string, Set<string>>();
  const note = (recipient: string, uuid: string, id: string): void => {
    const key = `${recipient} ${uuid}`;
    idsOf.set(key, (idsOf.get(key) ?? new Set()).add(id));
  };
  for (const { deliveries } of cursors.values()) {
    for (const [id, [first]] of deliveries) {
      if (first) note(first.message.recipient, first.message.clientGatewayMessageId, id);
    }
  }
  for (const { recipient, publication, messageId } of consignments) {
    if (messageId !== undefined) note(recipient, publication.clientGatewayMessageId, messageId);
  }
  return [...idsOf]
    .filter(([, ids]) => ids.size > 1)
    .map(([key, ids]) => `the message ${key} has the ids ${[...ids].join(', ')}`);
}

/** What is delivered is what was sent, byte for byte, to whom it was sent. */
export function unaltered({ cursors, publicationOf }: HistoryIndex): readonly string[] {
  return [...cursors.values()].flatMap(({ name, deliveries }) =>
    [...deliveries.values()].flat().flatMap(({ message, fetch }) => {
      const { clientGatewayMessageId: uuid, messageId } = message;
      const sent = publicationOf(uuid);
      if (!sent) return [`${name} got ${messageId}, which nobody has sent`];
      const pairs = {
        sender: [message.sender, sent.senderDid],
        topic: [message.topicId, sent.topicId],
        transactionId: [message.transactionId, sent.transactionId],
        signature: [message.signature, sent.signature],
        payload: [message.digest, sent.digest],
        mailbox: [message.recipient, name.slice(0, name.indexOf('/'))],
      };
      return Object.entries(pairs)
        .filter(([, [got, expected]]) => got !== expected)
        .map(
          ([what, [got, expected]]) =>
            `${name} got ${uuid} at ${instant(fetch.endedAt)} with the ${what} ${got} for ${expected}`,
        );
    }),
  );
}

/** Messages of one sender on one topic come first to each cursor in the order in which they were sent. */
export function inOrder({ consignments, cursors }: HistoryIndex): readonly string[] {
  const lines = Map.groupBy(
    consignments.filter(({ publication }) => publication.ttlSeconds === undefined),
    ({ recipient, publication }) => `${recipient} ${publication.sender} ${publication.topic}`,
  );
  return [...cursors.values()].flatMap((cursor) => {
    const byUuid = new Map([...cursor.deliveries.values()].map((all) => [uuidOf(all), all]));
    return [...lines.values()].flatMap((line) => {
      const sent = line
        .filter(({ publication }) => byUuid.has(publication.clientGatewayMessageId))
        .sort((one, other) => one.firstStartedAt - other.firstStartedAt);
      // Neighbours are enough: an order that is wrong somewhere is wrong between two of them.
      return sent.flatMap((later, index) => {
        const earlier = sent.slice(0, index).findLast(({ confirmedAt }) => isBefore(confirmedAt, later));
        if (!earlier) return [];
        const [before, after] = [earlier, later].map(
          ({ publication }) => byUuid.get(publication.clientGatewayMessageId) ?? [],
        );
        return overtakes(after ?? [], before ?? [], cursor, earlier)
          ? [`${cursor.name} got ${nameOf(later)} before ${nameOf(earlier)}`]
          : [];
      });
    });
  });
}

/** Nothing is delivered by a fetch that began after its life had ended. */
export function notAfterItsEnd({ cursors, publicationOf }: HistoryIndex): readonly string[] {
  return [...cursors.values()].flatMap(({ name, deliveries }) =>
    [...deliveries.values()].flat().flatMap(({ message, fetch }) => {
      const ttl = publicationOf(message.clientGatewayMessageId)?.ttlSeconds;
      const endsAt = message.storedAt + (ttl ?? Infinity) * 1_000;
      return fetch.startedAt > endsAt + clockToleranceMs
        ? [
            `${name} got ${message.messageId} after ${instant(fetch.startedAt)}; it ended at ${instant(endsAt)}`,
          ]
        : [];
    }),
  );
}

const isBefore = (confirmedAt: number | undefined, later: Consignment): boolean =>
  confirmedAt !== undefined && confirmedAt < later.firstStartedAt;

/** Whether a message came although the one before it had not come, and nobody can have got that one unseen. */
function overtakes(
  after: readonly Delivery[],
  before: readonly Delivery[],
  cursor: CursorView,
  earlier: Consignment,
): boolean {
  return after.some(({ fetch, position }) => {
    const together = before.find((one) => one.fetch === fetch);
    if (together) return together.position > position;
    if (before.some((one) => one.fetch.startedAt <= fetch.endedAt)) return false;
    // A receive without an answer may have leased it, which hides it from other receives.
    return !cursor.lostReceives.some(
      (lost) =>
        fetch.kind === 'received' &&
        lost.startedAt <= fetch.endedAt &&
        lost.endedAt >= earlier.firstStartedAt &&
        lost.endedAt + lost.leaseMs + clockToleranceMs >= fetch.startedAt,
    );
  });
}

const uuidOf = (deliveries: readonly Delivery[]): string =>
  deliveries[0]?.message.clientGatewayMessageId ?? '';

function nameOf({ publication, confirmedAt = NaN }: Consignment): string {
  const { number, clientGatewayMessageId } = publication;
  const at = Number.isNaN(confirmedAt) ? '' : ` (sent by ${instant(confirmedAt)})`;
  return `publication ${number}, ${clientGatewayMessageId}${at}`;
}
