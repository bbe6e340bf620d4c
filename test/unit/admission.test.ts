// How an instance stands up to more requests than it can work on: some at once, others in line, the rest sent away.

import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Admission, leastRunning, type StandAside, type Standing } from '../../shared/http/admission';

const overloaded = { code: 'overloaded', retryAfterSeconds: 5 };

beforeEach(() => {
  jest.useFakeTimers();
});
afterEach(() => {
  jest.useRealTimers();
});

/** Requests by name: what has begun, and how each is ended. */
function scene(maxRunning = 2) {
  const busy = { lateMs: 0 };
  const admission = new Admission({
    ...{ maxRunning, maxWaitMs: 10_000, maxWaitingBytes: 1_000 },
    // Every look at the clock is later than the one before, when the process is busy.
    now: () => performance.now() + (late += busy.lateMs),
  });
  let late = 0;
  const begun: string[] = [];
  const ends = new Map<string, () => void>();
  const asides = new Map<string, StandAside>();
  const request = (name: string, standing?: Standing, bytes = 1): Promise<unknown> => {
    const outcome = admission
      .run(standing, bytes, async (standAside) => {
        begun.push(name);
        asides.set(name, standAside);
        await new Promise<void>((end) => ends.set(name, end));
        return name;
      })
      .catch((error: unknown) => error);
    return outcome;
  };
  const end = async (name: string): Promise<void> => {
    ends.get(name)?.();
    await jest.advanceTimersByTimeAsync(0);
  };
  return { admission, begun, request, end, asides, busy };
}

describe('an instance', () => {
  it('works on so many requests at once, and on the others in the order in which they came', async () => {
    const { begun, request, end } = scene();
    const all = ['a', 'b', 'c', 'd'].map((name) => request(name));
    expect(begun).toEqual(['a', 'b']);
    await end('b');
    await end('a');
    expect(begun).toEqual(['a', 'b', 'c', 'd']);
    await end('c');
    await end('d');
    expect(await Promise.all(all)).toEqual(['a', 'b', 'c', 'd']);
  });

  it('goes on when the work on a request fails', async () => {
    const { admission, begun, request, end } = scene(1);
    const failing = admission.run(undefined, 0, () => Promise.reject(new Error('failed')));
    const next = request('next');
    await expect(failing).rejects.toThrow('failed');
    await jest.advanceTimersByTimeAsync(0);
    expect(begun).toEqual(['next']);
    await end('next');
    await next;
  });

  it('lets acknowledgements go before those that wait, and health wait for nobody', async () => {
    const { begun, request, end } = scene(1);
    for (const name of ['a', 'b', 'c']) void request(name);
    void request('acknowledgement', 'first');
    void request('health', 'exempt');
    expect(begun).toEqual(['a', 'health']);
    await end('a');
    expect(begun).toEqual(['a', 'health', 'acknowledgement']);
  });

  it('gives the place of a request that only waits to another', async () => {
    const { begun, request, end, asides } = scene(1);
    void request('long poll');
    void request('next');
    const wait = Promise.withResolvers<undefined>();
    void asides.get('long poll')?.(() => wait.promise);
    await jest.advanceTimersByTimeAsync(0);
    expect(begun).toEqual(['long poll', 'next']);
    void request('third');
    await end('long poll');
    expect(begun).not.toContain('third');
  });

  it('regression: works on no request that has waited aside until it has a place again, before those that have not begun', async () => {
    const { begun, request, end, asides } = scene(1);
    void request('long poll');
    const wait = Promise.withResolvers<undefined>();
    const back = asides
      .get('long poll')?.(() => wait.promise)
      .then(() => begun.push('long poll again'));
    void request('running');
    void request('in line');
    wait.resolve(undefined);
    await jest.advanceTimersByTimeAsync(0);
    expect(begun).toEqual(['long poll', 'running']);
    await end('running');
    await back;
    expect(begun).toEqual(['long poll', 'running', 'long poll again']);
    await end('long poll');
    expect(begun).toEqual(['long poll', 'running', 'long poll again', 'in line']);
  });

  it('tells a request that has waited aside when no place comes free in time, or when its wait fails, and counts on', async () => {
    const { admission, begun, request, end } = scene(1);
    const givenBack: string[] = [];
    const late = admission
      .run(undefined, 0, async (standAside) => {
        await standAside(
          () => new Promise<string>((resolve) => setTimeout(resolve, 1_000, 'a turn')),
          (result) => {
            givenBack.push(result);
            return Promise.resolve();
          },
        );
      })
      .catch((error: unknown) => error);
    void request('running');
    await jest.advanceTimersByTimeAsync(11_100);
    expect(await late).toMatchObject(overloaded);
    expect(givenBack).toEqual(['a turn']);
    await end('running');
    await expect(
      admission.run(undefined, 0, (standAside) => standAside(() => Promise.reject(new Error('failed')))),
    ).rejects.toThrow('failed');
    for (const name of ['one', 'two']) void request(name);
    expect(begun).toEqual(['running', 'one']);
    await end('one');
    expect(begun).toEqual(['running', 'one', 'two']);
  });
});

describe('how many requests an instance works on at once', () => {
  const requestMany = ({ request }: ReturnType<typeof scene>, count: number): void => {
    for (let index = 0; index < count; index++) void request(`request ${++made}`);
  };
  let made = 0;

  it('grows while it waits for its stores, up to what the setting says', async () => {
    const world = scene(100);
    requestMany(world, 300);
    expect(world.begun).toHaveLength(leastRunning);
    await jest.advanceTimersByTimeAsync(1_000);
    expect(world.begun).toHaveLength(100);
  });

  it('does not grow while it is busy, and shrinks to what keeps it so', async () => {
    const world = scene(1_000);
    requestMany(world, 90);
    await jest.advanceTimersByTimeAsync(100);
    expect(world.begun).toHaveLength(90);
    world.busy.lateMs = 100;
    requestMany(world, 1_000);
    const running = world.begun.length;
    await jest.advanceTimersByTimeAsync(1_000);
    for (const name of world.begun.slice(0, running - leastRunning)) await world.end(name);
    expect(world.begun).toHaveLength(running);
    await world.end(world.begun.at(-1) ?? '');
    expect(world.begun).toHaveLength(running + 1);
  });
});

describe('a request', () => {
  it('whose turn does not come in time is answered so, and takes no place', async () => {
    const { begun, request, end } = scene(1);
    void request('running');
    const late = request('late');
    await jest.advanceTimersByTimeAsync(9_900);
    const waiting = request('waiting');
    await jest.advanceTimersByTimeAsync(200);
    expect(await late).toMatchObject(overloaded);
    await end('running');
    expect(begun).toEqual(['running', 'waiting']);
    await end('waiting');
    expect(await waiting).toBe('waiting');
  });

  it('is sent away before it is read when those in front have waited for long, an acknowledgement is not', async () => {
    const { admission, request, end } = scene(1);
    void request('running');
    void request('in front');
    expect(() => admission.refuseWhenFull(undefined)).not.toThrow();
    await jest.advanceTimersByTimeAsync(8_000);
    expect(() => admission.refuseWhenFull(undefined)).toThrow(expect.objectContaining(overloaded));
    expect(() => admission.refuseWhenFull('first')).not.toThrow();
    expect(() => admission.refuseWhenFull('exempt')).not.toThrow();
    await end('running');
    expect(() => admission.refuseWhenFull(undefined)).not.toThrow();
  });

  it('does not wait where too many bytes wait', async () => {
    const { request } = scene(1);
    void request('running');
    void request('large', undefined, 900);
    expect(await request('larger', undefined, 200)).toMatchObject(overloaded);
  });
});
