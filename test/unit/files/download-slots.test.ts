// How many downloads run at once.

import { describe, expect, test } from '@jest/globals';
import { DownloadSlots } from '../../../shared/files';

describe('download slots', () => {
  test('are never more than there are, go over in turn, and come back once each', async () => {
    const slots = new DownloadSlots(2);
    let running = 0;
    let most = 0;
    const order: number[] = [];
    const work = async (index: number): Promise<void> => {
      const release = await slots.take();
      order.push(index);
      most = Math.max(most, ++running);
      await new Promise((resolve) => setImmediate(resolve));
      running -= 1;
      release();
      release();
    };
    await Promise.all(Array.from({ length: 20 }, (_none, index) => work(index)));
    expect(most).toBe(2);
    expect(order).toEqual(Array.from({ length: 20 }, (_none, index) => index));
  });

  test('are refused when too many wait already', async () => {
    const slots = new DownloadSlots(1);
    const release = await slots.take();
    const waiting = Array.from({ length: 25 }, () => slots.take());
    await expect(slots.take()).rejects.toMatchObject({ code: 'downloads-busy' });
    release();
    for (const each of waiting) (await each)();
  });
});
