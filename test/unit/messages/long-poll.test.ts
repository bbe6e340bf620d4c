// What waiting costs: who waits has no place among the requests that are worked on, who reads has one, and those who
// wait on one cursor look at it together.

import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { LongPoll } from '../../../shared/messages/long-poll';
import { Receiver } from '../../../shared/messages/receiver';
import { Turns } from '../../../shared/turns';
import { LaggingLog, newWorld, RecordStore } from '../../support/cursor-world';

beforeEach(() => {
  jest.useFakeTimers();
});
afterEach(() => {
  jest.useRealTimers();
});

const request = {
  mailbox: { kind: 'did', identifier: 'did:ethr:volta:0x1' },
  clientId: 'worker',
  from: undefined,
  filter: { topics: null, senders: null },
  max: 1,
  leaseMs: 60_000,
  maxDeliveries: 10,
} as const;

function scene(maxWaiting = Infinity) {
  const world = newWorld();
  const log = new LaggingLog(world);
  const cursors = new RecordStore(world);
  const receiver = new Receiver(
    log,
    cursors,
    () => 3_600_000,
    () => undefined,
  );
  const seen = { looks: 0, waits: 0, places: 0, fewestPlaces: Infinity };
  const ears = new Set<(topic: string, sender: string) => void>();
  const longPoll = new LongPoll(
    {
      receive: (order) => {
        seen.fewestPlaces = Math.min(seen.fewestPlaces, seen.places);
        return receiver.receive(order);
      },
    },
    {
      load: (name) => {
        seen.looks++;
        return cursors.load(name);
      },
    },
    {
      watch: (_mailbox, hear) => {
        ears.add(hear);
        return Promise.resolve(() => ears.delete(hear));
      },
    },
    new Turns({ perOwner: maxWaiting, maxWaiting: 0 }),
  );
  const wait = async (waitMs: number) => {
    seen.places++;
    const received = await longPoll.receive(request, {
      waitMs,
      signal: new AbortController().signal,
      standAside: async (waiting) => {
        seen.waits++;
        seen.places--;
        const result = await waiting();
        seen.places++;
        return result;
      },
    });
    expect(seen.places).toBeGreaterThan(0);
    seen.places--;
    return received.messages.map(({ seq }) => seq);
  };
  const publish = (): number => {
    const { seq, topic, sender } = log.store('t', 's', 3_600_000, 0);
    for (const hear of ears) hear(topic, sender);
    return seq;
  };
  return { seen, wait, publish, longPoll };
}

describe('a receive that waits', () => {
  it('regression: has a place while it reads, and none while it waits', async () => {
    const { seen, wait, publish } = scene();
    const answer = wait(50_000);
    await jest.advanceTimersByTimeAsync(7_500);
    expect(seen.places).toBe(0);
    expect(seen.waits).toBeGreaterThan(0);
    const seq = publish();
    await jest.advanceTimersByTimeAsync(100);
    expect(await answer).toEqual([seq]);
    expect(seen.fewestPlaces).toBe(1);
  });

  it('regression: looks at its cursor together with all that wait on it', async () => {
    const { seen, wait } = scene();
    const answers = Array.from({ length: 500 }, () => wait(4_500));
    await jest.advanceTimersByTimeAsync(5_000);
    expect((await Promise.all(answers)).flat()).toEqual([]);
    expect(seen.looks).toBeGreaterThan(0);
    expect(seen.looks).toBeLessThanOrEqual(20);
  });

  it('regression, no bound: is refused while too many of its mailbox wait, and nothing is kept of it', async () => {
    const { wait, publish } = scene(2);
    const answers = [wait(50_000), wait(50_000)];
    await jest.advanceTimersByTimeAsync(1);
    await expect(wait(50_000)).rejects.toMatchObject({ code: 'overloaded' });
    publish();
    publish();
    await jest.advanceTimersByTimeAsync(100);
    expect((await Promise.all(answers)).flat()).toHaveLength(2);
    const next = wait(50_000);
    await jest.advanceTimersByTimeAsync(1);
    publish();
    await jest.advanceTimersByTimeAsync(100);
    expect(await next).toHaveLength(1);
  });

  it('regression, no bound: one whose filter lets nothing through counts like any other', async () => {
    const { wait, longPoll } = scene(2);
    const client = new AbortController();
    const patience = {
      waitMs: 50_000,
      signal: client.signal,
      standAside: <T>(waiting: () => Promise<T>) => waiting(),
    };
    const waits = [0, 1].map(() => longPoll.waitInVain(request.mailbox, patience));
    await expect(longPoll.waitInVain(request.mailbox, patience)).rejects.toMatchObject({
      code: 'overloaded',
    });
    await expect(wait(50_000)).rejects.toMatchObject({ code: 'overloaded' });
    client.abort();
    await Promise.all(waits);
  });
});
