import { describe, expect, it } from '@jest/globals';
import { mapInPortions } from '../../shared/map-in-portions';
import { MessageIds } from '../../shared/messages';

/** How often others had their turn of the event loop while something was done. */
async function turnsDuring(work: () => Promise<unknown>): Promise<number> {
  let turns = 0;
  let isOver = false;
  const count = (): void => {
    if (isOver) return;
    turns++;
    setImmediate(count);
  };
  setImmediate(count);
  await work();
  isOver = true;
  return turns;
}

const numbers = (count: number): readonly number[] => Array.from({ length: count }, (_none, index) => index);

describe('work in portions', () => {
  it('keeps the order, and takes no turn for a thousand items', async () => {
    expect(await mapInPortions(numbers(3_500), (number) => number + 1)).toEqual(
      numbers(3_500).map((number) => number + 1),
    );
    expect(await mapInPortions([], () => 1)).toEqual([]);
    expect(await turnsDuring(() => mapInPortions(numbers(1_000), (number) => number))).toBe(0);
  });

  it('regression: opens many message ids without keeping everybody else from their turn', async () => {
    const ids = new MessageIds([{ number: 1, key: Buffer.alloc(32, 1) }]);
    const context = { mailbox: 'mailbox', generation: 1 };
    const sealed = numbers(5_000).map((seq) => ids.seal(seq + 1, context, 1));
    let opened: ReadonlyMap<string, number | undefined> = new Map();
    const turns = await turnsDuring(async () => {
      opened = await ids.openAll([...sealed, 'none', ...sealed], context);
    });
    expect(turns).toBeGreaterThanOrEqual(4);
    expect([...opened.values()]).toEqual([...numbers(5_000).map((seq) => seq + 1), undefined]);
  });
});
