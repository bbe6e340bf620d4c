// What a participant does to the cursors of a client id besides reading: seek, and looking after its dead letters.

import { type DeadLetter, deadLetters, redrive, removeDeadLetters, seek } from './cursor';
import type { Mailbox } from './mailbox';
import type { ClientCursors, CursorStore, MessageLog } from './message-log';

/** Where to: the oldest retained message, behind the newest one, or the first one stored at or after an instant (ms). */
export type SeekPlace = 'beginning' | 'end' | { readonly fromMs: number };

export interface ClientCursorsDependencies {
  readonly cursors: CursorStore & ClientCursors;
  readonly messageLog: Pick<MessageLog, 'lastSeq'>;
}

export class ClientCursorAdministration {
  constructor(private readonly dependencies: ClientCursorsDependencies) {}

  /**
   * Moves the cursor without `from`. What lies behind the place is deliverable again, also what was acknowledged; leases
   * and dead letters end. No other client id notices.
   */
  async seek(mailbox: Mailbox, clientId: string, place: SeekPlace): Promise<void> {
    const { cursors, messageLog } = this.dependencies;
    const target =
      place === 'end'
        ? { after: await messageLog.lastSeq(mailbox, { topic: null, sender: null }) }
        : place === 'beginning'
          ? { after: 0 }
          : place;
    await cursors.update({ mailbox, clientId, from: '' }, (cursor) => ({
      cursor: seek(cursor, target, -Infinity),
      outcome: undefined,
    }));
  }

  /** Dead letters of all cursors of the client id, each message once, oldest first. */
  async deadLetters(mailbox: Mailbox, clientId: string): Promise<readonly DeadLetter[]> {
    const records = await this.dependencies.cursors.loadAll(mailbox, clientId);
    const bySeq = new Map(
      records
        .flatMap(({ cursor, nowMs }) => deadLetters(cursor, nowMs))
        .map((letter): [number, DeadLetter] => [letter.seq, letter]),
    );
    return [...bySeq.values()].sort((one, other) => one.seq - other.seq);
  }

  /**
   * Makes dead letters deliverable again, with a new count.
   * @param seqs null for all
   * @returns by sequence those that are pending again; at the ceiling of pending messages the rest stay dead letters
   */
  async redrive(
    mailbox: Mailbox,
    clientId: string,
    seqs: ReadonlySet<number> | null,
  ): Promise<ReadonlyMap<number, DeadLetter>> {
    const { cursors } = this.dependencies;
    return flat(await cursors.updateAll(mailbox, clientId, (cursor, nowMs) => redrive(cursor, seqs, nowMs)));
  }

  /** Deletes dead letters: they count as acknowledged. @param seqs null for all @returns by sequence those that are gone */
  async removeDeadLetters(
    mailbox: Mailbox,
    clientId: string,
    seqs: ReadonlySet<number> | null,
  ): Promise<ReadonlyMap<number, DeadLetter>> {
    const { cursors } = this.dependencies;
    return flat(
      await cursors.updateAll(mailbox, clientId, (cursor, nowMs) => removeDeadLetters(cursor, seqs, nowMs)),
    );
  }
}

const flat = (outcomes: readonly (readonly DeadLetter[])[]): ReadonlyMap<number, DeadLetter> =>
  new Map(outcomes.flat().map((letter) => [letter.seq, letter]));
