// Carries a call out once for its Idempotency-Key, on whichever instance it comes in again: the first one writes down
// that it runs, then its answer. What a crash leaves running is taken over as the same attempt.

import { BrokerError } from '../broker-error';
import type { Log } from '../log';
import { type Attempt, newAttemptId } from './attempt';
import { decide, ended, type IdempotencyRecord, type KeptAnswer } from './idempotency-record';
import type { IdempotencyScope, IdempotencyStore } from './idempotency-store';

/** Bytes of a record: what a key-value entry holds without being a burden. A larger answer is not kept. */
export const maxRecordBytes = 1024 * 1024;
/** Others may change the record meanwhile: each time it is looked at anew. */
const maxTurns = 8;
/** When to try again while the first call runs. Unit: s. */
const runningRetrySeconds = 1;

export interface IdempotentWork<Answer> {
  /** SHA-256 of what was asked for, in hex. */
  readonly fingerprint: string;
  /** Carries it out. */
  readonly work: (attempt: Attempt) => Promise<Answer>;
  /** What is to be given again of an answer; undefined: the next call has to carry it out again. */
  readonly keep: (answer: Answer) => KeptAnswer | undefined;
  /** Makes the answer of a repetition. */
  readonly replay: (kept: KeptAnswer) => Promise<Answer>;
}

export interface IdempotentCallsDependencies {
  readonly store: IdempotencyStore;
  /** Server time. Unit: ms. */
  readonly now: () => Promise<number>;
  readonly log: Log;
}

export class IdempotentCalls {
  constructor(private readonly dependencies: IdempotentCallsDependencies) {}

  /**
   * The answer to a call: of its own, or the kept one.
   * @throws BrokerError `idempotency-key-reused`, `idempotent-call-running`, `message-store-unavailable`
   */
  async once<Answer>(scope: IdempotencyScope, call: IdempotentWork<Answer>): Promise<Answer> {
    const { store, now } = this.dependencies;
    const newId = newAttemptId();
    // Most calls are the first with their key, so the record is written before it is read.
    let found: Awaited<ReturnType<IdempotencyStore['read']>>;
    for (let turn = 1; turn <= maxTurns; turn++) {
      const decision = decide(found?.record, call.fingerprint, newId, await now());
      switch (decision.kind) {
        case 'different':
          throw new BrokerError(
            'idempotency-key-reused',
            'Another request was made with this Idempotency-Key; use a new key for a new request.',
          );
        case 'running':
          throw new BrokerError(
            'idempotent-call-running',
            'The call with this Idempotency-Key has not ended yet; repeat it to get its answer.',
            { retryAfterSeconds: runningRetrySeconds },
          );
        case 'replay':
          return call.replay(decision.answer);
        case 'begin': {
          const revision = await store.replace(scope, decision.record, found?.revision ?? 0);
          if (revision !== undefined) return this.#carryOut(scope, call, decision, revision);
          found = await store.read(scope);
          // Our own write, whose answer was lost.
          if (found?.record.run === newId) {
            return this.#carryOut(scope, call, decision, found.revision);
          }
        }
      }
    }
    throw new BrokerError('message-store-unavailable', 'The Idempotency-Key could not be noted; try again.', {
      retryAfterSeconds: 1,
    });
  }

  async #carryOut<Answer>(
    scope: IdempotencyScope,
    { work, keep }: IdempotentWork<Answer>,
    { record, attempt }: { readonly record: IdempotencyRecord; readonly attempt: Attempt },
    revision: number,
  ): Promise<Answer> {
    let kept: KeptAnswer | undefined;
    try {
      const answer = await work(attempt);
      kept = keep(answer);
      return answer;
    } finally {
      await this.#end(scope, ended(record, kept), revision);
    }
  }

  /**
   * Writes the end down. When it cannot, the call is done all the same: its repetition is told that it runs, and after
   * a minute carries it out as the same attempt. Whoever has taken it over meanwhile writes its own end.
   */
  async #end(scope: IdempotencyScope, record: IdempotencyRecord, revision: number): Promise<void> {
    const { store, log } = this.dependencies;
    try {
      const isTooLarge = Buffer.byteLength(JSON.stringify(record)) > maxRecordBytes;
      const end: IdempotencyRecord = isTooLarge ? { ...record, state: 'open', answer: undefined } : record;
      for (let turn = 1; turn <= maxTurns; turn++) {
        if ((await store.replace(scope, end, revision)) !== undefined) return;
        // It was written and the answer lost, or is another's by now, or was not written yet.
        if ((await store.read(scope))?.revision !== revision) return;
      }
    } catch (error) {
      log('warn', 'end of an idempotent call was not written', { operation: scope.operationId, error });
    }
  }
}
