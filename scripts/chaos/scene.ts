// Who and what a chaos run is played with.

import type { ChaosParticipant } from './chaos-client';
import type { ChaosStack } from './chaos-stack';
import type { CursorName, HistoryEvent, SentPublication } from './history';
import type { CursorOf, Plan } from './plan';

export interface Scene {
  readonly plan: Plan;
  readonly stack: ChaosStack;
  readonly senders: readonly ChaosParticipant[];
  readonly recipients: readonly ChaosParticipant[];
  /** One for each instance. */
  readonly probers: readonly [ChaosParticipant, ChaosParticipant];
  readonly topicIds: readonly string[];
  readonly publications: readonly SentPublication[];
  /** Where dated cursors begin, ISO-8601. */
  readonly from: string;
  readonly record: (event: HistoryEvent) => void;
}

/** A cursor with what a request needs to name it. */
export interface OpenCursor {
  readonly name: CursorName;
  readonly reader: ChaosParticipant;
  readonly clientId: string;
  readonly from?: string;
}

export function openCursor({ recipients, from }: Scene, cursor: CursorOf): OpenCursor {
  const reader = recipients[cursor.recipient];
  if (!reader) throw new Error(`there is no recipient ${cursor.recipient}`);
  const { clientId } = cursor;
  const name = `${reader.did}/${clientId}`;
  return cursor.isDated ? { name: `${name}/from`, reader, clientId, from } : { name, reader, clientId };
}
