// Participants in the `participants` bucket: one entry per DID, without a ttl. Other facts about a participant may
// stand in the same entry, so it is changed by compare-and-set and what is not known here is kept.

import { LRUCache } from 'lru-cache';
import { BrokerError } from '../../broker-error';
import type { Clock } from '../../clock';
import type { ParticipantDirectory } from '../../identity/participant-directory';
import { type KeyValueBucket, type KeyValueEntry, RevisionConflict, UnknownOutcome } from './key-value';
import { participantKey } from './names';

/** What the entry says; it may hold more. */
export interface ParticipantRecord {
  readonly did: string;
  /** Roles at the last contact. */
  readonly roles: readonly string[];
  /** When these roles were resolved, or a little earlier. Unit: ms since the epoch. */
  readonly rolesAtMs?: number;
  /** Last contact, in steps of `renewAfterMs`. Unit: ms since the epoch. */
  readonly seenAtMs: number;
}

export interface ParticipantDirectoryOptions {
  /**
   * An unchanged entry is written again only when it is this old, so that a client that registers at every turn
   * costs a read and not a write. Unit: ms; a tenth of how long registered roles count.
   */
  readonly renewAfterMs: number;
  readonly clock: Clock;
}

const maxKnown = 50_000;
const maxTries = 8;

export class JetStreamParticipantDirectory implements ParticipantDirectory {
  // Participants are never deleted, so a yes stays true for ever; a no is asked anew each time.
  readonly #known = new LRUCache<string, true>({ max: maxKnown });

  /** @param bucket `participants`, without ttl */
  constructor(
    private readonly bucket: KeyValueBucket,
    private readonly options: ParticipantDirectoryOptions,
  ) {}

  async register(did: string, roles: readonly string[], asOfMs?: number): Promise<void> {
    const key = participantKey(did);
    const { renewAfterMs, clock } = this.options;
    // The entry itself is looked at each time, never a memory of it: another instance may have written other roles.
    for (let attempt = 1; attempt <= maxTries; attempt++) {
      const entry = await this.bucket.get(key);
      const record = entry && decode(entry);
      const nowMs = clock();
      const rolesAtMs = asOfMs ?? nowMs;
      const isOutdated = record?.rolesAtMs !== undefined && rolesAtMs < record.rolesAtMs;
      const current = isOutdated ? record : { roles, rolesAtMs };
      const unchanged =
        record !== undefined &&
        sameRoles(record.roles, current.roles) &&
        nowMs - record.seenAtMs < renewAfterMs;
      const next = { ...record, ...current, did, seenAtMs: nowMs };
      if (unchanged || (await this.#write(key, next, entry))) {
        this.#known.set(did, true);
        return;
      }
    }
    throw new BrokerError('message-store-unavailable', 'The participant could not be registered; try again.');
  }

  async exists(did: string): Promise<boolean> {
    if (this.#known.has(did)) return true;
    const found = (await this.bucket.get(participantKey(did))) !== undefined;
    if (found) this.#known.set(did, true);
    return found;
  }

  /** False when another write came first or the answer was lost: look again. */
  async #write(key: string, record: ParticipantRecord, entry: KeyValueEntry | undefined): Promise<boolean> {
    try {
      await this.bucket.put(key, Buffer.from(JSON.stringify(record)), {
        previousRevision: entry?.revision ?? 0,
      });
      return true;
    } catch (error) {
      if (error instanceof RevisionConflict || error instanceof UnknownOutcome) return false;
      throw error;
    }
  }
}

const decode = (entry: KeyValueEntry): ParticipantRecord =>
  JSON.parse(Buffer.from(entry.value).toString()) as ParticipantRecord;

function sameRoles(left: readonly string[], right: readonly string[]): boolean {
  const one = new Set(left);
  const other = new Set(right);
  return one.size === other.size && [...one].every((role) => other.has(role));
}
