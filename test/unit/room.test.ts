// Room for what is counted by listing it, when many ask at once.

import { expect, it } from '@jest/globals';
import { Room } from '../../shared/room';

const options = { max: 3, what: 'things' };

async function outcomes(takes: readonly Promise<void>[]): Promise<readonly string[]> {
  return (await Promise.allSettled(takes)).map(({ status }) => status);
}

it('regression: gives no more places than there are to many who ask before it has counted', async () => {
  const room = new Room({ ...options, count: () => Promise.resolve(1) });
  const found = await outcomes(Array.from({ length: 10 }, () => room.take('owner')));
  expect(found.filter((status) => status === 'fulfilled')).toHaveLength(2);
  await expect(room.take('owner')).rejects.toMatchObject({ code: 'limit-reached' });
});

it('counts again after a count that failed', async () => {
  let isAway = true;
  const room = new Room({
    ...options,
    count: () => (isAway ? Promise.reject(new Error('away')) : Promise.resolve(0)),
  });
  expect(await outcomes([room.take('owner'), room.take('owner')])).toEqual(['rejected', 'rejected']);
  isAway = false;
  await room.take('owner');
});
