// Claim check: a payload that is too large for the message store, or goes to many at once, is stored once in Blob,
// and each message carries a reference to it. The reference never leaves the broker, so only who may read the message
// can read the payload.

import { createHash } from 'node:crypto';
import { BrokerError } from '../broker-error';
import type { Log } from '../log';
import { mapConcurrently } from '../map-concurrently';
import { sweepDue } from '../sweep';
import type { StoredMessage } from './message-log';

/** What a message carries in place of its payload. */
export interface ClaimCheck {
  /** Name of the blob. */
  readonly blob: string;
  /** Bytes of the payload as JSON text. */
  readonly length: number;
  /** Of those bytes, in hex. */
  readonly sha256: string;
}

/** Port: where such payloads lie. Every method may throw `blob-store-unavailable`. */
export interface PayloadStore {
  /** Stores bytes. Returns the name under which they lie until they are deleted. */
  put(bytes: Uint8Array, dueAtMs: number): Promise<string>;
  get(name: string): Promise<Uint8Array | undefined>;
  delete(name: string): Promise<void>;
  /** Names of those that are due, up to `max`; deleted ones may still be among them. */
  findDue(nowMs: number, max: number): Promise<readonly string[]>;
}

/** Bytes stay this much longer than the last message that refers to them. */
const removalMarginMs = 3_600_000;
/** Payloads read at once for one answer, whose bytes together are bounded by the answer's. */
const concurrentReads = 4;

export interface ClaimChecksDependencies {
  readonly store: PayloadStore;
  readonly clock: () => number;
  readonly log: Log;
}

/** A message with the payload that its claim check stands for. */
export type RedeemedMessage = StoredMessage & { readonly payload?: Uint8Array };

export class ClaimChecks {
  constructor(private readonly dependencies: ClaimChecksDependencies) {}

  /**
   * Stores a payload for messages that are about to be stored.
   * @param text the payload as JSON: a string literal, in UTF-8
   * @param lifeMs of the messages
   * @throws BrokerError `blob-store-unavailable`
   */
  async deposit(text: Uint8Array, lifeMs: number): Promise<ClaimCheck> {
    const { store, clock } = this.dependencies;
    const blob = await store.put(text, clock() + lifeMs + removalMarginMs);
    return { blob, length: text.byteLength, sha256: digestOf(text) };
  }

  /** No message refers to it. What cannot be deleted now is left to the timer. */
  async forfeit({ blob }: ClaimCheck): Promise<void> {
    const { store, log } = this.dependencies;
    await store.delete(blob).catch((error: unknown) => {
      log('warn', 'unused payload is left to the timer', { blob, error });
    });
  }

  /**
   * The messages with their payloads, in their order. A payload that was lost, which only somebody outside the broker
   * can do, is logged and its message left out.
   * @throws BrokerError `blob-store-unavailable`
   */
  async redeem(messages: readonly StoredMessage[]): Promise<readonly RedeemedMessage[]> {
    if (!messages.some(({ claim }) => claim)) return messages;
    const redeemed = await mapConcurrently(messages, concurrentReads, async (message) => {
      if (!message.claim) return message;
      const payload = await this.#read(message.claim);
      return payload && { ...message, payload };
    });
    return redeemed.filter((message) => message !== undefined);
  }

  /** Removes what no message refers to any more, until nothing is left or time is up. */
  async sweep(isOutOfTime: () => boolean): Promise<{ readonly removed: number }> {
    const { store, clock } = this.dependencies;
    const removed = await sweepDue({
      findDue: (max) => store.findDue(clock(), max),
      remove: async (name) => {
        await store.delete(name);
        return true;
      },
      isOutOfTime,
    });
    return { removed };
  }

  async #read(claim: ClaimCheck): Promise<Uint8Array | undefined> {
    const bytes = await this.dependencies.store.get(claim.blob);
    if (bytes?.byteLength === claim.length && digestOf(bytes) === claim.sha256) return bytes;
    this.dependencies.log('error', 'payload of a message is lost', {
      blob: claim.blob,
      isAbsent: !bytes,
    });
    return undefined;
  }
}

function digestOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** Reads a stored reference. @throws BrokerError `message-store-unavailable` when it is none */
export function parseClaim(text: string): ClaimCheck {
  const { blob, length, sha256 } = JSON.parse(text) as Partial<ClaimCheck>;
  if (typeof blob !== 'string' || typeof length !== 'number' || typeof sha256 !== 'string') {
    throw new BrokerError('message-store-unavailable', 'A stored message cannot be read by this broker.');
  }
  return { blob, length, sha256 };
}
