// Turns of owners at what only so much may be done of at once.

import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { BrokerError } from '../../shared/broker-error';
import { Turns, type TurnsOptions } from '../../shared/turns';

const nextTick = () => new Promise((resolve) => setImmediate(resolve));

/** Begins pieces that last a moment; returns the owners in the order in which theirs were begun, and the most at once. */
async function workOff(options: TurnsOptions, owners: readonly string[]) {
  const turns = new Turns(options);
  const begun: string[] = [];
  const running = new Map<string, number>();
  const most = { atOnce: 0, perOwner: 0 };
  let atOnce = 0;
  const results = await Promise.allSettled(
    owners.map((owner) =>
      turns.run(owner, async () => {
        begun.push(owner);
        atOnce += 1;
        running.set(owner, (running.get(owner) ?? 0) + 1);
        most.atOnce = Math.max(most.atOnce, atOnce);
        most.perOwner = Math.max(most.perOwner, running.get(owner) ?? 0);
        await nextTick();
        atOnce -= 1;
        running.set(owner, (running.get(owner) ?? 0) - 1);
        if (owner === owner.toUpperCase()) throw new Error('failed');
      }),
    ),
  );
  return { begun, most, statuses: results.map(({ status }) => status) };
}

describe('turns', () => {
  it('regression: one owner with much waiting does not keep the others until all of it is done', async () => {
    const { begun } = await workOff({ atOnce: 1 }, ['a', 'a', 'a', 'a', 'b', 'b', 'c']);
    expect(begun).toEqual(['a', 'a', 'b', 'c', 'a', 'b', 'a']);
  });

  it('of one owner come one after the other while nobody else waits', async () => {
    const { begun, most } = await workOff({ perOwner: 1 }, ['a', 'a', 'a', 'b']);
    expect([begun, most]).toEqual([['a', 'b', 'a', 'a'], { atOnce: 2, perOwner: 1 }]);
  });

  it('are passed on by work that fails', async () => {
    const { statuses } = await workOff({ atOnce: 1 }, ['A', 'a', 'A']);
    expect(statuses).toEqual(['rejected', 'fulfilled', 'rejected']);
  });

  it('are never more than may be at once, and each comes, in the order of its owner', async () => {
    const limit = fc.option(fc.integer({ min: 1, max: 4 }), { nil: undefined });
    const ownersOf = fc.array(fc.constantFrom('a', 'b', 'c', 'D'), { maxLength: 30 });
    await fc.assert(
      fc.asyncProperty(limit, limit, ownersOf, async (atOnce = Infinity, perOwner = Infinity, owners) => {
        const { begun, most } = await workOff({ atOnce, perOwner }, owners);
        expect(begun.toSorted()).toEqual(owners.toSorted());
        expect(most.atOnce).toBeLessThanOrEqual(atOnce);
        expect(most.perOwner).toBeLessThanOrEqual(perOwner);
      }),
      { numRuns: 200 },
    );
  });

  it('are passed on once, however often they are ended', async () => {
    const turns = new Turns({ atOnce: 1 });
    const end = await turns.take('a');
    const [second, third] = [turns.take('a'), turns.take('a')];
    end();
    end();
    let isThird = false;
    void third.then(() => (isThird = true));
    const endSecond = await second;
    await nextTick();
    await nextTick();
    expect(isThird).toBe(false);
    endSecond();
    (await third)();
  });

  it('are refused to an owner of whom too much waits, and to nobody else', async () => {
    const refusal = () => new BrokerError('transfers-busy', 'full');
    const turns = new Turns({ atOnce: 1, maxWaiting: 1, refusal });
    const end = await turns.take('a');
    const waiting = [turns.take('a'), turns.take('b')];
    await expect(turns.take('a')).rejects.toMatchObject({ code: 'transfers-busy' });
    end();
    for (const each of waiting) (await each)();
  });

  it('are not waited for longer than was said', async () => {
    const turns = new Turns({ atOnce: 1, maxWaitMs: 1 });
    const end = await turns.take('a');
    await expect(turns.take('b')).rejects.toMatchObject({ code: 'overloaded' });
    end();
    (await turns.take('b'))();
  });
});
