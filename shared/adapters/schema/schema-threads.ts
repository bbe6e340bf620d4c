// Threads for heavy validation: each does one job at a time, and one that takes too long or too much memory is
// ended, whatever it is doing, and replaced. libxml2 cannot be interrupted in any other way.
//
// A thread is starting, idle or busy. Jobs wait in three lines, by what waits for them; a thread that becomes idle takes
// the first one of the first line that has any. One thread is kept for the first line.

import { Worker } from 'node:worker_threads';
import { BrokerError } from '../../broker-error';
import { type Answer, type Job, ready } from './thread-messages';

/** Memory of one thread, its WebAssembly not counted. Unit: MB. */
const maxThreadMegabytes = 256;

/** A job on a busy machine is ended after so many times its limit, however little it could work. */
const maxWaitFactor = 4;

export type Outcome = Answer | { readonly outcome: 'ended' };

export interface SchemaThreadsOptions {
  /** The built program of a thread: dist/schema-worker.mjs. */
  readonly program: string;
  readonly maxThreads?: number;
}

/**
 * What waits for a job: `first`, a call that is short but for it, such as a message; `later`, one that takes its time,
 * such as a file or a new version; `last`, one that changes nothing.
 */
export type Urgency = 'first' | 'later' | 'last';

interface Waiting {
  readonly urgency: Urgency;
  readonly job: Job;
  /** Processor time from when a thread takes it. */
  readonly limitMs: number;
  readonly settle: (outcome: Outcome) => void;
  readonly fail: (error: Error) => void;
}

export class SchemaThreads {
  readonly #program: string;
  readonly #maxThreads: number;
  readonly #lines: Readonly<Record<Urgency, Waiting[]>> = { first: [], later: [], last: [] };
  readonly #threads = new Set<Thread>();
  #isClosed = false;

  /** Starts no thread yet. */
  constructor({ program, maxThreads = 2 }: SchemaThreadsOptions) {
    this.#program = program;
    this.#maxThreads = maxThreads;
  }

  /**
   * Does a job.
   * @returns `ended` when it took more than `limitMs` of processor time, or too much memory
   * @throws BrokerError `overloaded` when the threads are closed: that says nothing about the job
   */
  run(job: Job, limitMs: number, urgency: Urgency = 'first'): Promise<Outcome> {
    return new Promise((settle, fail) => {
      if (this.#isClosed) {
        fail(shuttingDown());
        return;
      }
      const settleOrFail = (outcome: Outcome): void => {
        if (this.#isClosed && outcome.outcome === 'ended') fail(shuttingDown());
        else settle(outcome);
      };
      this.#lines[urgency].push({ urgency, job, limitMs, settle: settleOrFail, fail });
      this.#next();
    });
  }

  /** Ends all jobs, those that wait too. */
  async close(): Promise<void> {
    this.#isClosed = true;
    for (const line of Object.values(this.#lines)) {
      for (const { settle } of line.splice(0)) settle({ outcome: 'ended' });
    }
    await Promise.all([...this.#threads].map((thread) => thread.end()));
  }

  #next(): void {
    for (const thread of this.#threads) {
      if (!thread.isIdle) continue;
      const { first, later, last } = this.#lines;
      const waiting =
        first.shift() ?? (this.#mayBeginLater > 0 ? (later.shift() ?? last.shift()) : undefined);
      if (!waiting) return;
      thread.take(waiting);
    }
    const starting = [...this.#threads].filter((thread) => thread.isStarting).length;
    if (this.#isClosed) return;
    if (this.#startable > starting && this.#threads.size < this.#maxThreads) this.#start();
  }

  /** How many jobs that are not of the first line may be begun now. */
  get #mayBeginLater(): number {
    const busy = [...this.#threads].filter(({ urgency = 'first' }) => urgency !== 'first').length;
    return Math.max(1, this.#maxThreads - 1) - busy;
  }

  /** How many jobs would be begun if there were threads. */
  get #startable(): number {
    const { first, later, last } = this.#lines;
    return first.length + Math.min(later.length + last.length, this.#mayBeginLater);
  }

  #start(): void {
    const thread = new Thread(this.#program, {
      onIdle: () => this.#next(),
      onEnd: (failure) => {
        this.#threads.delete(thread);
        // One that cannot even start would be started for ever.
        const { first, later, last } = this.#lines;
        if (failure) (first.shift() ?? later.shift() ?? last.shift())?.fail(failure);
        this.#next();
      },
    });
    this.#threads.add(thread);
  }
}

function shuttingDown(): BrokerError {
  return new BrokerError('overloaded', 'The broker is shutting down.', { retryAfterSeconds: 1 });
}

interface ThreadEvents {
  readonly onIdle: () => void;
  /** @param failure set when the thread ended before it was ready */
  readonly onEnd: (failure: Error | undefined) => void;
}

class Thread {
  readonly #worker: Worker;
  readonly #onIdle: () => void;
  #state: 'starting' | 'idle' | 'busy' = 'starting';
  #work: Waiting | undefined;
  #timer: NodeJS.Timeout | undefined;
  #failure: Error | undefined;

  constructor(program: string, { onIdle, onEnd }: ThreadEvents) {
    this.#onIdle = onIdle;
    this.#worker = new Worker(program, {
      resourceLimits: { maxOldGenerationSizeMb: maxThreadMegabytes, stackSizeMb: 4 },
      // A thread needs neither settings nor secrets.
      env: {},
    });
    this.#worker.on('message', (message: Answer | typeof ready) => this.#receive(message));
    this.#worker.on('error', (error: Error) => (this.#failure = error));
    this.#worker.on('exit', () => {
      clearTimeout(this.#timer);
      const neverReady = this.#state === 'starting';
      this.#work?.settle({ outcome: 'ended' });
      this.#work = undefined;
      this.#state = 'busy';
      onEnd(neverReady ? (this.#failure ?? new Error('a validation thread ended at its start')) : undefined);
    });
  }

  get isIdle(): boolean {
    return this.#state === 'idle';
  }

  get isStarting(): boolean {
    return this.#state === 'starting';
  }

  /** Of its job; undefined when it has none. */
  get urgency(): Urgency | undefined {
    return this.#work?.urgency;
  }

  take(waiting: Waiting): void {
    this.#state = 'busy';
    this.#work = waiting;
    this.#worker.ref();
    this.#watch(waiting.limitMs, process.cpuUsage(), performance.now());
    this.#worker.postMessage(waiting.job);
  }

  /**
   * Ends the job once it has had its time. On a busy machine that comes later: while the whole process has worked
   * less than the limit since the job began, so has this thread.
   */
  #watch(limitMs: number, startCpu: NodeJS.CpuUsage, startMs: number, waitMs = limitMs): void {
    this.#timer = setTimeout(() => {
      const { user, system } = process.cpuUsage(startCpu);
      const leftMs = limitMs - (user + system) / 1_000;
      if (leftMs <= 0 || performance.now() - startMs >= limitMs * maxWaitFactor) void this.end();
      else this.#watch(limitMs, startCpu, startMs, Math.max(10, leftMs));
    }, waitMs);
  }

  async end(): Promise<void> {
    await this.#worker.terminate();
  }

  #receive(message: Answer | typeof ready): void {
    clearTimeout(this.#timer);
    if (message !== ready) this.#work?.settle(message);
    this.#work = undefined;
    this.#state = 'idle';
    // An idle thread does not keep the app alive.
    this.#worker.unref();
    this.#onIdle();
  }
}
