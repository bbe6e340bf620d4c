// The limits that keep one caller from taking what belongs to all, each decided without I/O.

import { describe, expect, it, jest } from '@jest/globals';
import { BrokerError } from '../../shared/broker-error';
import { BodyTurns } from '../../shared/http/body-turns';
import { bodyChunks } from '../../shared/http/body-chunks';
import { clientAddress } from '../../shared/http/client-address';
import { jsonExcess } from '../../shared/http/json-bounds';
import { LoginLimits } from '../../shared/identity';
import { PacedWork, TooMuchWaiting } from '../../shared/identity/paced-work';
import { RateLimit } from '../../shared/identity/rate-limit';

const nest = (levels: number) => '['.repeat(levels) + ']'.repeat(levels);

describe('abuse: deep and wide JSON', () => {
  it('is noticed before it is parsed, in time that grows with its length alone', () => {
    expect(jsonExcess(nest(101))).toMatch(/deeper/);
    expect(jsonExcess('{"a":'.repeat(101))).toMatch(/deeper/);
    expect(jsonExcess(`[${'{},'.repeat(2_000_000)}{}]`)).toMatch(/more than/);
    expect(jsonExcess(`[${'1,'.repeat(2_000_001)}1]`)).toMatch(/more than/);
    expect(jsonExcess(`[${'1,'.repeat(200_000)}1]`)).toMatch(/more than/);
    const startedAt = performance.now();
    expect(jsonExcess(`"${'\\"'.repeat(4_000_000)}"`)).toBeUndefined();
    expect(jsonExcess(`"${'\\\\'.repeat(4_000_000)}"`)).toBeUndefined();
    expect(performance.now() - startedAt).toBeLessThan(5_000);
  });

  it.each([
    ['the greatest depth', nest(100)],
    ['100,000 ids', JSON.stringify({ messageIds: Array.from({ length: 100_000 }, () => 'x'.repeat(24)) })],
    ['brackets in texts', JSON.stringify({ payload: `${'['.repeat(500)}"\\"${'{'.repeat(500)}` })],
    ['many lists side by side', `[${'[],'.repeat(1_000)}[]]`],
    ['a text that does not end', '"[[[['],
    ['nothing', ''],
  ])('is not taken for it: %s', (_what, text) => {
    expect(jsonExcess(text)).toBeUndefined();
  });
});

describe('abuse: slow bodies', () => {
  it('are given up in time, however steadily they drip', async () => {
    const drip = new ReadableStream<Uint8Array>({
      pull: (controller) =>
        new Promise<void>((resolve) => {
          setTimeout(() => {
            controller.enqueue(Uint8Array.of(0x20));
            resolve();
          }, 5);
        }),
    });
    const received: Uint8Array[] = [];
    const reading = (async () => {
      for await (const chunk of bodyChunks({ body: drip as never }, 60)) received.push(chunk);
    })();
    await expect(reading).rejects.toMatchObject({ code: 'body-too-slow' });
    expect(received.length).toBeGreaterThan(0);
  });
});

describe('abuse: login floods', () => {
  it('spend a minute’s worth at once, then one after the other', () => {
    let nowMs = 1_000_000;
    const limit = new RateLimit(60, () => nowMs);
    expect(Array.from({ length: 60 }, () => limit.take('a'))).toEqual(Array.from({ length: 60 }, () => 0));
    expect(limit.take('a')).toBe(1_000);
    expect(limit.waitMs('a')).toBe(1_000);
    expect(limit.take('b')).toBe(0);
    nowMs += 999;
    expect(limit.take('a')).toBe(1);
    nowMs += 1;
    expect(limit.take('a')).toBe(0);
    expect(limit.take('a')).toBe(1_000);
    nowMs += 3_600_000;
    expect(Array.from({ length: 61 }, () => limit.take('a')).filter((waitMs) => waitMs === 0)).toHaveLength(
      60,
    );
  });

  it('do not lock out the DID that they name: only proven logins count for it', () => {
    const limits = new LoginLimits({ perDidAndMinute: 2, perAddressAndMinute: 3, clock: () => 0 });
    for (let tries = 0; tries < 100; tries++) limits.checkClaimed('did:ethr:0x1');
    limits.countProven('did:ethr:0x1');
    limits.countProven('did:ethr:0x1');
    expect(() => limits.checkClaimed('did:ethr:0x1')).toThrow(BrokerError);
    expect(() => limits.countProven('did:ethr:0x1')).toThrow(BrokerError);
    limits.countProven('did:ethr:0x2');
  });

  it('count by address, where one is known', () => {
    const limits = new LoginLimits({ perDidAndMinute: 2, perAddressAndMinute: 3, clock: () => 0 });
    for (let tries = 0; tries < 3; tries++) limits.countAttempt('1.2.3.4');
    expect(() => limits.countAttempt('1.2.3.4')).toThrow(expect.objectContaining({ retryAfterSeconds: 20 }));
    limits.countAttempt('1.2.3.5');
    for (let tries = 0; tries < 100; tries++) limits.countAttempt(undefined);
  });

  it.each([
    ['1.2.3.4:5678', '1.2.3.4'],
    ['1.2.3.4', '1.2.3.4'],
    ['spoofed, 10.0.0.1, 1.2.3.4:80', '1.2.3.4'],
    ['[2001:db8::1]:443', '2001:db8::1'],
    ['2001:db8::1', '2001:db8::1'],
    ['', undefined],
    [null, undefined],
  ])('know the address that the front end noted: %j', (header, address) => {
    const headers = new Headers(header === null ? {} : { 'x-forwarded-for': header });
    expect(clientAddress({ headers: headers })).toBe(address);
  });
});

describe('abuse: many large bodies', () => {
  const mebibyte = 1024 ** 2;

  it('of one caller are read one after the other, and nobody else waits', async () => {
    const turns = new BodyTurns();
    const order: string[] = [];
    const first = await turns.take('abuser', mebibyte);
    const second = turns.take('abuser', undefined).then((end) => {
      order.push('second');
      end();
    });
    const third = turns.take('abuser', mebibyte).then((end) => {
      order.push('third');
      end();
    });
    (await turns.take('other', mebibyte))();
    (await turns.take('abuser', 1_024))();
    order.push('others');
    first();
    await Promise.all([second, third]);
    expect(order).toEqual(['others', 'second', 'third']);
    (await turns.take('abuser', mebibyte))();
  });
});

describe('abuse: work that keeps the thread busy', () => {
  it('is done one after the other, and refused when too much waits', async () => {
    const paced = new PacedWork({ pauses: 1, maxWaiting: 2 });
    let running = 0;
    let most = 0;
    const work = async (fails: boolean): Promise<string> => {
      most = Math.max(most, ++running);
      await new Promise((resolve) => setImmediate(resolve));
      running--;
      if (fails) throw new Error('failed');
      return 'done';
    };
    const outcomes = await Promise.allSettled([
      paced.run(() => work(false)),
      paced.run(() => work(true)),
      paced.run(() => work(false)),
      paced.run(() => work(false)),
    ]);
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled', 'rejected']);
    expect(outcomes[3]).toMatchObject({ reason: expect.any(TooMuchWaiting) as unknown });
    expect(most).toBe(1);
    expect(await paced.run(() => work(false))).toBe('done');
  });

  it('leaves the thread to others for as many times as long as it took', async () => {
    jest.useFakeTimers();
    try {
      const paced = new PacedWork({ pauses: 3, maxWaiting: 1 });
      let hasBegun = false;
      await paced.run(() => {
        jest.advanceTimersByTime(20);
        return Promise.resolve();
      });
      const next = paced.run(() => Promise.resolve((hasBegun = true)));
      await jest.advanceTimersByTimeAsync(59);
      expect(hasBegun).toBe(false);
      await jest.advanceTimersByTimeAsync(1);
      expect(hasBegun).toBe(true);
      await next;
    } finally {
      jest.useRealTimers();
    }
  });
});
