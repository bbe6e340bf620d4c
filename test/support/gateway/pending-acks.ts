// The table of what was read and not yet acknowledged. A gateway stores the ids of what it has handed out and
// acknowledges them before it reads again; as long as that fails, that consumer reads nothing more.

import { GatewayFailure } from './gateway-failure';
import type { Session } from './session';

/** What the broker keeps a cursor for. */
export interface Cursor {
  readonly clientId: string;
  /** ISO 8601. */
  readonly from: string | null;
  readonly anonymousRecipient?: string;
}

interface Row {
  readonly cursor: Cursor;
  readonly messageIds: Set<string>;
}

export class PendingAcks {
  /** Ids that the broker said it does not know, of everything acknowledged so far. */
  readonly notFound: string[] = [];
  readonly #session: Session;
  readonly #rows = new Map<string, Row>();

  constructor(session: Session) {
    this.#session = session;
  }

  store(cursor: Cursor, messageIds: readonly string[]): void {
    const row = this.#rows.get(keyOf(cursor)) ?? { cursor, messageIds: new Set() };
    for (const id of messageIds) row.messageIds.add(id);
    this.#rows.set(keyOf(cursor), row);
  }

  pendingOf(cursor: Cursor): readonly string[] {
    return [...(this.#rows.get(keyOf(cursor))?.messageIds ?? [])];
  }

  /** @throws GatewayFailure `stuck`; the rows stay, so the next attempt does the same */
  async acknowledge(cursor: Cursor): Promise<void> {
    const messageIds = this.pendingOf(cursor);
    if (!messageIds.length) return;
    const { acked, notFound } = await this.#send(cursor, messageIds);
    const isWhole =
      acked.length + notFound.length === messageIds.length &&
      new Set([...acked, ...notFound, ...messageIds]).size === messageIds.length;
    if (!isWhole) throw new GatewayFailure('stuck', 'not every id is in exactly one list of the answer');
    this.notFound.push(...notFound);
    const row = this.#rows.get(keyOf(cursor));
    for (const id of [...acked, ...notFound]) row?.messageIds.delete(id);
  }

  async #send(cursor: Cursor, messageIds: readonly string[]) {
    let body: { readonly acked?: unknown; readonly notFound?: unknown };
    try {
      const answer = await this.#session.call({
        method: 'POST',
        path: '/messages/ack',
        body: { messageIds, ...cursor },
      });
      body = answer.json() as typeof body;
    } catch (cause) {
      throw new GatewayFailure('stuck', 'the broker did not take an acknowledgement', { cause });
    }
    const { acked, notFound } = body;
    if (!isTextList(acked) || !isTextList(notFound)) {
      throw new GatewayFailure('stuck', `an acknowledgement was answered ${JSON.stringify(body)}`);
    }
    if (!acked.length && !notFound.length) throw new GatewayFailure('stuck', 'both lists are empty');
    return { acked, notFound };
  }
}

const keyOf = ({ clientId, from, anonymousRecipient = '' }: Cursor) =>
  JSON.stringify([clientId, from, anonymousRecipient]);

function isTextList(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((one) => typeof one === 'string');
}
