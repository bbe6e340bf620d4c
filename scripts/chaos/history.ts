// What is written down in a chaos run. Instants are ms since the epoch by the clock of the machine, which is the
// clock of every server in it; those in `serverTime…` come from the broker's answers.

import type { FaultKind, Publication, Settlement } from './plan';

/** One request and what came of it. */
export interface Call {
  readonly instance: number;
  readonly startedAt: number;
  readonly endedAt: number;
  /** 0: no answer came. */
  readonly status: number;
  /** How much of its time the broker was asked to wait. Unit: ms. */
  readonly waitMs?: number;
}

/** `recipient/clientId`, and `/from` where it is dated. */
export type CursorName = string;

export interface Delivered {
  readonly messageId: string;
  readonly clientGatewayMessageId: string;
  /** DIDs. */
  readonly sender: string;
  readonly recipient: string;
  readonly topicId: string;
  readonly transactionId: string | undefined;
  readonly signature: string;
  /** SHA-256 of the payload, hex. */
  readonly digest: string;
  /** When it was stored. Server time. */
  readonly storedAt: number;
}

export interface Lease {
  readonly token: string;
  /** Server time. */
  readonly expiresAt: number;
  readonly deliveryCount: number;
}

export type PublishOutcome = 'sent' | 'duplicate' | 'refused' | 'unknown';

export interface Published extends Call {
  readonly kind: 'published';
  /** Number of the publication. */
  readonly publication: number;
  readonly outcomes: readonly {
    /** DID. */
    readonly recipient: string;
    readonly outcome: PublishOutcome;
    readonly messageId?: string | undefined;
  }[];
}

/** Messages in the order of the answer; none where the call failed. */
export interface Searched extends Call {
  readonly kind: 'searched';
  readonly cursor: CursorName;
  readonly messages: readonly Delivered[];
}

export interface Received extends Call {
  readonly kind: 'received';
  readonly cursor: CursorName;
  readonly leaseMs: number;
  readonly messages: readonly (Delivered & { readonly lease: Lease })[];
}

export interface Acknowledged extends Call {
  readonly kind: 'acknowledged';
  readonly cursor: CursorName;
  readonly asked: readonly string[];
  readonly acked: readonly string[];
  readonly notFound: readonly string[];
}

export interface Settled extends Call {
  readonly kind: 'settled';
  readonly cursor: CursorName;
  readonly action: Exclude<Settlement, 'abandon'>;
  /** Of a renewal. Unit: ms. */
  readonly leaseMs: number;
  readonly asked: readonly string[];
  readonly succeeded: readonly string[];
}

/** The receipts of one sender, read after the run. */
export interface ReceiptsRead {
  readonly kind: 'receipts';
  readonly sender: string;
  /** An empty answer said that these are all; else an answer failed. */
  readonly areAll: boolean;
  readonly receipts: readonly {
    readonly messageId: string;
    readonly recipient: string;
    readonly outcome: string;
    /** Server time. */
    readonly at: number;
  }[];
}

/** Whether an instance served: a message sent and found. */
export interface Probed extends Call {
  readonly kind: 'probed';
  readonly served: boolean;
}

/** A fault of the plan as it happened. */
export interface Struck {
  readonly kind: 'struck';
  readonly fault: FaultKind;
  readonly target: number;
  readonly from: number;
  /** From then on the broker has all that it needs to serve: at once, where two of three nodes are left. */
  readonly bearableFrom: number;
  readonly until: number;
}

export type HistoryEvent =
  Published | Searched | Received | Acknowledged | Settled | ReceiptsRead | Probed | Struck;

/** A publication with the names that its participants and topic got in the run. */
export interface SentPublication extends Publication {
  readonly senderDid: string;
  readonly topicId: string;
  readonly transactionId: string | undefined;
  readonly signature: string;
  readonly digest: string;
}

export interface History {
  readonly publications: readonly SentPublication[];
  /** In the order in which they ended. */
  readonly events: readonly HistoryEvent[];
  /** Cursors that were read until nothing was left, after the last fault, with the DID of their mailbox. */
  readonly drained: ReadonlyMap<CursorName, string>;
  /** For how long receipts that were missing after the run were waited for. Unit: ms. */
  readonly receiptsAwaitedMs: number;
}
