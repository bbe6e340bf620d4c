// Turns of owners at what only one may do at a time.

import { expect, test } from '@jest/globals';
import { FairTurns } from '../../../shared/files/fair-turns';

test('regression: one owner with much waiting does not keep the others until all of it is done', async () => {
  const turns = new FairTurns();
  const order: string[] = [];
  const enter = (owner: string) =>
    turns.run(owner, () => {
      order.push(owner);
      return Promise.resolve();
    });
  await Promise.all(['a', 'a', 'a', 'a', 'b', 'b', 'c'].map(enter));
  expect(order.join('')).toBe('aabcaba');
});

test('work is done one at a time, and one that fails passes the turn on', async () => {
  const turns = new FairTurns();
  let running = 0;
  const work = async (): Promise<void> => {
    expect(++running).toBe(1);
    await Promise.resolve();
    running -= 1;
    throw new Error('failed');
  };
  const results = await Promise.allSettled(['a', 'b', 'a'].map((owner) => turns.run(owner, work)));
  expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
  expect(await turns.run('a', () => Promise.resolve('done'))).toBe('done');
});
