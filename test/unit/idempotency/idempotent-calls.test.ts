// A call under an Idempotency-Key, over random histories of calls, deaths and passing time: its effect is one attempt,
// its answer is given again, and it never hangs.

import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { BrokerError } from '../../../shared/broker-error';
import {
  type Attempt,
  type IdempotencyRecord,
  type IdempotencyStore,
  IdempotentCalls,
  type IdempotentWork,
  type KeptAnswer,
  parseIdempotencyKey,
} from '../../../shared/idempotency';

const scope = { did: 'did:ethr:0x1', operationId: 'makeThing', key: 'key' };

/** A store with one record, changed by compare-and-set. */
class OneRecord implements IdempotencyStore {
  record: IdempotencyRecord | undefined;
  revision = 0;
  /** Writes whose answer is lost, counted from the next one. */
  lostAnswers = 0;

  read() {
    return Promise.resolve(this.record && { record: this.record, revision: this.revision });
  }

  replace(_scope: unknown, record: IdempotencyRecord, revision: number) {
    if (revision !== this.revision) return Promise.resolve(undefined);
    this.record = JSON.parse(JSON.stringify(record)) as IdempotencyRecord;
    this.revision++;
    if (this.lostAnswers > 0) {
      this.lostAnswers--;
      return Promise.resolve(undefined);
    }
    return Promise.resolve(this.revision);
  }
}

class World {
  readonly store = new OneRecord();
  nowMs = 1_000_000;
  readonly attempts: Attempt[] = [];
  readonly calls = new IdempotentCalls({
    store: this.store,
    now: () => Promise.resolve(this.nowMs),
    log: () => undefined,
  });

  call(work: Partial<IdempotentWork<KeptAnswer>> & { status?: number } = {}): Promise<KeptAnswer> {
    const { status = 200 } = work;
    return this.calls.once(scope, {
      fingerprint: 'fingerprint',
      work: (attempt) => {
        this.attempts.push(attempt);
        return Promise.resolve({ status, headers: {}, json: { attempt: attempt.id } });
      },
      keep: (answer) => (answer.status < 500 ? answer : undefined),
      replay: (kept) => Promise.resolve(kept),
      ...work,
    });
  }
}

const codeOf = (call: Promise<unknown>): Promise<string> =>
  call.then(
    () => 'answered',
    (error: unknown) => (error instanceof BrokerError ? error.code : 'thrown'),
  );

const never = () => new Promise<never>(() => undefined);

describe('a call with an Idempotency-Key', () => {
  it('is answered again as it was', async () => {
    const world = new World();
    const first = await world.call();
    expect(await world.call()).toEqual(first);
    expect(world.attempts).toEqual([
      { id: world.store.record?.attempt, isRepeated: false, sinceMs: 1_000_000 },
    ]);
  });

  it('is refused for another request, whatever became of the first', async () => {
    for (const status of [200, 500]) {
      const world = new World();
      await world.call({ status });
      expect(await codeOf(world.call({ fingerprint: 'another' }))).toBe('idempotency-key-reused');
    }
  });

  it.each([
    ['fails for now', (world: World) => world.call({ status: 503 })],
    ['throws', (world: World) => codeOf(world.call({ work: () => Promise.reject(new Error()) }))],
    [
      'has an answer too large to be kept',
      (world: World) =>
        world.call({
          keep: (answer) => ({ ...answer, json: 'x'.repeat(1024 * 1024) }),
        }),
    ],
    [
      'has an answer that cannot be printed',
      (world: World) =>
        world.call({ keep: (answer) => ({ ...answer, json: 1n }) }).then(() => {
          world.nowMs += 60_000;
        }),
    ],
  ])('that %s is carried out again as the same attempt', async (_what, first) => {
    const world = new World();
    await first(world);
    const [begun = world.store.record?.attempt] = world.attempts.map(({ id }) => id);
    await world.call();
    expect(world.attempts.at(-1)).toEqual({ id: begun, isRepeated: true, sinceMs: 1_000_000 });
  });

  it('is taken over a minute after it was begun, not before, by one of many', async () => {
    const world = new World();
    void world.call({ work: never });
    await codeOf(world.call());
    world.nowMs += 59_999;
    expect(await codeOf(world.call())).toBe('idempotent-call-running');
    world.nowMs += 1;
    const running = new Promise((resolve) => setImmediate(() => resolve('running')));
    const codes = await Promise.all(
      Array.from({ length: 10 }, () => Promise.race([codeOf(world.call({ work: never })), running])),
    );
    expect(codes.filter((code) => code === 'running')).toHaveLength(1);
    expect(codes.filter((code) => code === 'idempotent-call-running')).toHaveLength(9);
  });

  it('knows its own writes when their answers are lost', async () => {
    const world = new World();
    world.store.lostAnswers = 1;
    const first = await world.call();
    world.store.lostAnswers = 0;
    expect(await world.call()).toEqual(first);
  });

  it('is one attempt, and has one lasting answer, in every history', async () => {
    const step = fc.record({
      kind: fc.constantFrom('answer', 'fail', 'die'),
      waitMs: fc.integer({ min: 0, max: 40_000 }),
      lostAnswers: fc.integer({ min: 0, max: 2 }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 12 }), async (history) => {
        const world = new World();
        const kept: KeptAnswer[] = [];
        for (const { kind, waitMs, lostAnswers } of history) {
          world.nowMs += waitMs;
          world.store.lostAnswers = lostAnswers;
          if (kind === 'die') {
            const dying = world.call({
              work: (attempt) => {
                world.attempts.push(attempt);
                return never();
              },
            });
            dying.catch(() => undefined);
            // Whatever it waits for is settled by then, but for the work itself.
            await new Promise((resolve) => setImmediate(resolve));
            continue;
          }
          await world
            .call({ status: kind === 'answer' ? 200 : 503 })
            .then((answer) => answer.status === 200 && kept.push(answer))
            .catch((error: unknown) => {
              expect((error as BrokerError).code).toBe('idempotent-call-running');
            });
        }
        expect(new Set(world.attempts.map(({ id }) => id)).size).toBeLessThanOrEqual(1);
        expect(new Set(kept.map((answer) => JSON.stringify(answer))).size).toBeLessThanOrEqual(1);
        expect(world.attempts.slice(1).every(({ isRepeated }) => isRepeated)).toBe(true);
      }),
      { numRuns: 300 },
    );
  });
});

describe('the header', () => {
  it.each([
    ['"8e03978e-40d5-43dd-bc93-6894a57f9324"', '8e03978e-40d5-43dd-bc93-6894a57f9324'],
    ['8e03978e-40d5-43dd-bc93-6894a57f9324', '8e03978e-40d5-43dd-bc93-6894a57f9324'],
    ['"a \\"b\\" \\\\ c"', 'a "b" \\ c'],
    [' "a" ', 'a'],
    ['urn:uuid:1/2==', 'urn:uuid:1/2=='],
  ])('%j names the key %j', (header, key) => {
    expect(parseIdempotencyKey(header)).toBe(key);
  });

  it.each(['', '""', '"', 'a b', 'a,b', '"a", "b"', '"a";p', '"\u00e9"', '"\\a"', 'x'.repeat(256)])(
    'is refused when it is %j',
    (header) => {
      expect(() => parseIdempotencyKey(header)).toThrow(BrokerError);
    },
  );
});
