// Server time where answers are slow: by it leases end, and two instances have to agree about that.

import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { JetStream, StreamState } from '../../../shared/adapters/nats/jetstream';
import { ServerClock } from '../../../shared/adapters/nats/server-clock';

beforeEach(() => {
  jest.useFakeTimers();
});
afterEach(() => {
  jest.useRealTimers();
});

/** A server whose clock is ahead, and which reads it at once and answers late. */
function clockWith(answerMs: () => number, aheadMs = 5_000) {
  const jetStream = {
    streamState: async (): Promise<Partial<StreamState>> => {
      const serverTimeMs = Date.now() + aheadMs;
      await jest.advanceTimersByTimeAsync(answerMs());
      return { serverTimeMs };
    },
  };
  return new ServerClock(jetStream as unknown as JetStream, () => Date.now());
}

const errorOf = async (clock: ServerClock): Promise<number> => (await clock.now()) - Date.now() - 5_000;

/** Time passes, and whatever is measured meanwhile is measured. */
async function pass(clock: ServerClock, ms: number): Promise<void> {
  await jest.advanceTimersByTimeAsync(ms);
  await clock.now();
  await jest.advanceTimersByTimeAsync(0);
}

describe('server time', () => {
  it('is not moved by an answer that took ten seconds', async () => {
    let answerMs = 2;
    const clock = clockWith(() => answerMs);
    expect(Math.abs(await errorOf(clock))).toBeLessThanOrEqual(1);
    answerMs = 10_000;
    await pass(clock, 61_000);
    expect(Math.abs(await errorOf(clock))).toBeLessThanOrEqual(1);
  });

  it('is asked for again at once when the first answer was slow', async () => {
    const answers = [4_000, 1_500];
    const clock = clockWith(() => answers.shift() ?? 2);
    expect(Math.abs(await errorOf(clock))).toBeLessThanOrEqual(1);
  });

  it('of first answers that were all slow is measured again soon', async () => {
    let answerMs = 4_000;
    const clock = clockWith(() => answerMs);
    expect(Math.abs(await errorOf(clock))).toBe(2_000);
    answerMs = 2;
    await pass(clock, 1_100);
    expect(Math.abs(await errorOf(clock))).toBeLessThanOrEqual(1);
  });

  it('follows a clock that was set, also when its answers are slow', async () => {
    let now = 0;
    const jetStream = {
      streamState: (): Promise<Partial<StreamState>> => {
        const serverTimeMs = now;
        now += 1_000;
        return Promise.resolve({ serverTimeMs });
      },
    };
    const clock = new ServerClock(jetStream as unknown as JetStream, () => now);
    await clock.now();
    now += 3_600_000;
    await pass(clock, 1_100);
    expect(Math.abs((await clock.now()) - now)).toBeLessThanOrEqual(1_000);
  });

  it('regression, a minute by the own clock: is measured again soon where there was no stream yet', async () => {
    const server: { state?: Partial<StreamState> } = {};
    const jetStream = { streamState: () => Promise.resolve(server.state) };
    const clock = new ServerClock(jetStream as unknown as JetStream, () => 1_000);
    await clock.now();
    server.state = { serverTimeMs: 6_000 };
    await pass(clock, 1_100);
    expect(await clock.now()).toBe(6_000);
  });
});
