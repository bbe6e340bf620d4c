// Workers that share one client id, as a participant would run them: each asks, holds what it gets for a moment, and
// acknowledges, gives back, rejects or dies with it. What each was handed and did is written down, for tests to judge.

import type { Participant } from './broker';
import { type LeasedAnswer, settle, type SettleAnswer } from './broker-leases';

export type Deed = 'acknowledge' | 'release' | 'reject' | 'die';

/** One answer to a receive that brought something, and what became of it. */
export interface Handout {
  readonly worker: number;
  /** When it was asked for, and when it was there. Unit: ms of `performance.now()`. */
  readonly askedAt: number;
  readonly gotAt: number;
  readonly leased: readonly LeasedAnswer[];
  readonly deed: Deed;
  /** When the worker began to settle it, from which on others may have it; Infinity where it died. */
  settlesAt: number;
  settled: SettleAnswer | undefined;
}

export interface WorkOptions {
  readonly clientId: string;
  /** The same participant, at the instance that the worker asks. */
  readonly workers: readonly Participant[];
  /** Messages that there are. */
  readonly total: number;
  /** Chooses what a worker does with an answer. A worker that dies is replaced by nobody. */
  readonly deedOf: (worker: number, round: number) => Deed;
}

/** Seconds for a lease: the shortest there is, so that those of dead workers come back soon. */
const leaseSeconds = 10;
/** Messages asked for at once at most. */
const maxTogether = 4;
const deadlineMs = 120_000;

/** Lets all workers work until each message is acknowledged or rejected. @throws Error when that lasts too long */
export async function work({ clientId, workers, total, deedOf }: WorkOptions): Promise<readonly Handout[]> {
  const handouts: Handout[] = [];
  const done = new Set<string>();
  const endsAt = performance.now() + deadlineMs;
  const isOver = (): boolean => done.size >= total;
  await Promise.all(
    workers.map(async (participant, worker) => {
      for (let round = 0; !isOver(); round++) {
        if (performance.now() > endsAt) throw new Error(`${done.size} of ${total} messages were settled`);
        const askedAt = performance.now();
        const leased = await ask(participant, clientId, 1 + ((worker + round) % maxTogether));
        if (!leased.length) continue;
        const deed = deedOf(worker, round);
        const gotAt = performance.now();
        const handout: Handout = {
          worker,
          askedAt,
          gotAt,
          leased,
          deed,
          settlesAt: Infinity,
          settled: undefined,
        };
        handouts.push(handout);
        if (deed === 'die') return;
        // Long enough for others to be given the same, if they could.
        for (let turn = worker % 5; turn > 0; turn--) await new Promise((resolve) => setImmediate(resolve));
        handout.settlesAt = performance.now();
        handout.settled = await patiently(() => settle(participant, clientId, deed, leased));
        if (deed === 'release') continue;
        for (const { leaseToken, message } of leased) {
          if (handout.settled.succeeded.includes(leaseToken)) done.add(message.messageId);
        }
      }
    }),
  );
  return handouts;
}

async function ask(
  participant: Participant,
  clientId: string,
  max: number,
): Promise<readonly LeasedAnswer[]> {
  const path = `/clients/${clientId}/receive`;
  const body = { max, waitSeconds: 2, leaseSeconds };
  const answer = await participant.request<{ messages: readonly LeasedAnswer[] }>('POST', path, body);
  if (answer.status === 503) return [];
  if (answer.status !== 200) throw new Error(`POST ${path} answered ${answer.status}: ${answer.text}`);
  return answer.body.messages;
}

/** A call that the cursor's other users kept from its turn is made again. */
async function patiently<T>(call: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await call();
    } catch (error) {
      if (!(error as Error).message.includes('cursor-contended')) throw error;
    }
  }
}
