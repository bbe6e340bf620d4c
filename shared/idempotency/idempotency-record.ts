// What is remembered of a call under an Idempotency-Key, and every step from one state of it to the next, as pure
// functions. running → kept: its answer is given again; running → open: it came to no lasting answer, and the next
// one carries it out as the same attempt. One that stays running for too long was left so by a crash: it is open too.

import type { Attempt } from './attempt';

/** An answer that is given again. */
export interface KeptAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** What it printed, or what it is made from again. */
  readonly json: unknown;
}

export interface IdempotencyRecord {
  readonly state: 'running' | 'open' | 'kept';
  /** SHA-256 of what was asked for, in hex. */
  readonly fingerprint: string;
  /** Id of the attempt. */
  readonly attempt: string;
  /** Random: tells whoever carries it out its own record from another's. */
  readonly run: string;
  /** When it was first begun, and when it was begun last. Server time, ms. */
  readonly sinceMs: number;
  readonly runningSinceMs: number;
  /** With the state `kept`. */
  readonly answer?: KeptAnswer | undefined;
}

/** After this long without an end a running call counts as left behind by a crash. Unit: ms. */
export const takeOverMs = 60_000;

export type Decision =
  /** Carry it out: this is the record to write first. */
  | { readonly kind: 'begin'; readonly record: IdempotencyRecord; readonly attempt: Attempt }
  | { readonly kind: 'replay'; readonly answer: KeptAnswer }
  | { readonly kind: 'running' }
  /** The key belongs to another request. */
  | { readonly kind: 'different' };

/** What to do with a call, by what is remembered of its key. @param newId of this run, and of the attempt if it is the first */
export function decide(
  known: IdempotencyRecord | undefined,
  fingerprint: string,
  newId: string,
  nowMs: number,
): Decision {
  if (known && known.fingerprint !== fingerprint) return { kind: 'different' };
  if (known?.answer) return { kind: 'replay', answer: known.answer };
  if (known?.state === 'running' && nowMs < known.runningSinceMs + takeOverMs) return { kind: 'running' };
  const record: IdempotencyRecord = {
    state: 'running',
    fingerprint,
    attempt: known?.attempt ?? newId,
    run: newId,
    sinceMs: known?.sinceMs ?? nowMs,
    runningSinceMs: nowMs,
  };
  const attempt = { id: record.attempt, isRepeated: known !== undefined, sinceMs: record.sinceMs };
  return { kind: 'begin', record, attempt };
}

/** The call has come to an end. @param answer undefined: not one to be given again */
export function ended(record: IdempotencyRecord, answer: KeptAnswer | undefined): IdempotencyRecord {
  return answer ? { ...record, state: 'kept', answer } : { ...record, state: 'open' };
}
