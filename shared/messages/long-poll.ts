// Waiting for messages instead of polling: a receive that finds nothing sleeps until a message arrives, a lease or a
// delay ends, or its time is up. It watches before it reads, so nothing falls between the two.

import { setTimeout as pause } from 'node:timers/promises';
import type { Turns } from '../turns';
import type { Arrivals } from './arrivals';
import type { Mailbox } from './mailbox';
import type { CursorStore } from './message-log';
import { cursorName } from './reader';
import type { Received, Receiver, ReceiveRequest } from './receiver';

/** What releases, seeks and redrives publish nothing, so the record is looked at this often. Unit: ms. */
const lookEveryMs = 1_000;
/** A look counts this long for all who wait on the same cursor: they may be thousands. Unit: ms. */
const sharedLookMs = 250;
/** And the messages themselves this often, whatever was heard. Unit: ms. */
const readEveryMs = 5_000;
/** After a notification, in which a replica may be behind the leader: pauses between reads. Unit: ms. */
const repeatAfterMs = [2, 5, 10, 15, 25];

export interface Patience {
  /** Waits this long for the first message; 0 for not at all. Unit: ms. */
  readonly waitMs: number;
  /** Ends the waiting early: nobody is there for the answer any more. */
  readonly signal: AbortSignal;
  /** Every wait goes through it: whoever only waits takes no place from those who work, and whoever reads has one. */
  readonly standAside: <T>(wait: () => Promise<T>) => Promise<T>;
}

interface Waiter {
  /** Topics of the messages that were heard of since the last read. */
  arrived: Set<string>;
  wake: () => void;
}

export class LongPoll {
  /** Looks at records, by cursor: the revision that each has found. */
  readonly #looks = new Map<string, Promise<number>>();

  constructor(
    private readonly receiver: Pick<Receiver, 'receive'>,
    private readonly cursors: Pick<CursorStore, 'load'>,
    private readonly arrivals: Arrivals,
    /** Of owners of mailboxes: who waits costs little, and thousands of one owner much. */
    private readonly waits: Turns,
  ) {}

  /**
   * Like `Receiver.receive`, and when there is nothing waits for something. Empty when the time is up.
   * @throws BrokerError as `Receiver.receive`, `overloaded` when too many of this mailbox wait
   */
  async receive(request: ReceiveRequest, patience: Patience): Promise<Received> {
    if (patience.waitMs <= 0) return this.receiver.receive(request);
    return this.waits.run(request.mailbox.identifier, () => this.#receiveOrWait(request, patience));
  }

  /**
   * Waits as a receive does to whose filter nothing can come: whoever is told so at once would ask again at once.
   * @throws BrokerError `overloaded` as `receive`
   */
  async waitInVain({ identifier }: Mailbox, { waitMs, signal, standAside }: Patience): Promise<void> {
    if (waitMs <= 0) return;
    const timeIsUp = () => pause(waitMs, undefined, { signal }).catch(() => undefined);
    await this.waits.run(identifier, () => standAside(timeIsUp));
  }

  async #receiveOrWait(request: ReceiveRequest, patience: Patience): Promise<Received> {
    const { waitMs, signal } = patience;
    const endsAt = performance.now() + waitMs;
    const waiter: Waiter = { arrived: new Set(), wake: () => undefined };
    const { topics, senders } = request.filter;
    const stopWatching = await this.arrivals.watch(request.mailbox, (topic, sender) => {
      if (!(topics?.includes(topic) ?? true) || !(senders?.includes(sender) ?? true)) return;
      waiter.arrived.add(topic);
      waiter.wake();
    });
    try {
      let received = await this.receiver.receive(request);
      const isGone = (): boolean => signal.aborted;
      const isOver = (): boolean => isGone() || performance.now() >= endsAt;
      while (!received.messages.length && !isOver()) {
        const arrived = await this.#sleep(request, received, waiter, endsAt, patience);
        if (isGone()) break;
        received = await this.#readAgain(request, received, arrived, patience);
      }
      return received;
    } finally {
      stopWatching();
    }
  }

  /** Returns when there may be something, with the topics of what has arrived. */
  async #sleep(
    request: ReceiveRequest,
    { revision, freeInMs }: Received,
    waiter: Waiter,
    endsAt: number,
    { signal, standAside }: Patience,
  ): Promise<ReadonlySet<string>> {
    const readAt = Math.min(endsAt, performance.now() + Math.min(readEveryMs, freeInMs));
    for (;;) {
      const left = readAt - performance.now();
      if (!waiter.arrived.size && !signal.aborted && left > 0) {
        await standAside(() => nap(waiter, Math.min(lookEveryMs, left), signal));
      }
      if (waiter.arrived.size || signal.aborted || performance.now() >= readAt) break;
      if ((await this.#revisionOf(request)) !== revision) break;
    }
    const { arrived } = waiter;
    waiter.arrived = new Set();
    return arrived;
  }

  /** As it was a moment ago at most. */
  #revisionOf(request: ReceiveRequest): Promise<number> {
    const name = cursorName(request);
    const key = JSON.stringify(name);
    const known = this.#looks.get(key);
    if (known) return known;
    const look = this.cursors.load(name).then(({ revision }) => revision);
    this.#looks.set(key, look);
    setTimeout(() => this.#looks.delete(key), sharedLookMs).unref();
    return look;
  }

  /**
   * After a notification nothing is no fact yet: the replica that answered may not have the message. Unless the record
   * has moved, by which somebody else has it.
   */
  async #readAgain(
    request: ReceiveRequest,
    before: Received,
    arrived: ReadonlySet<string>,
    { signal, standAside }: Patience,
  ): Promise<Received> {
    let received = await this.receiver.receive({ ...request, arrived });
    if (!arrived.size) return received;
    for (const pauseMs of repeatAfterMs) {
      if (received.messages.length || received.revision !== before.revision || signal.aborted) break;
      await standAside(() => new Promise((resolve) => setTimeout(resolve, pauseMs)));
      received = await this.receiver.receive(request);
    }
    return received;
  }
}

/** Sleeps until it is woken, the time is up, or nobody waits any more. */
function nap(waiter: Waiter, ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
      waiter.wake = () => undefined;
      resolve();
    };
    const timer = setTimeout(end, ms);
    waiter.wake = end;
    signal.addEventListener('abort', end, { once: true });
  });
}
