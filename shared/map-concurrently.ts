// Array.map for asynchronous work of which only so much may be on its way at once.

/**
 * At most `width` calls at once; results stand in the order of the items. The first failure rejects the whole, and
 * no further item is begun.
 */
export async function mapConcurrently<Item, Result>(
  items: readonly Item[],
  width: number,
  work: (item: Item) => Promise<Result>,
): Promise<readonly Result[]> {
  const [only] = items;
  if (only !== undefined && items.length === 1) return [await work(only)];
  const results: Result[] = [];
  const indexed = items.entries();
  let failed = false;
  const worker = async (): Promise<void> => {
    for (const [index, item] of indexed) {
      if (failed) return;
      try {
        results[index] = await work(item);
      } catch (error) {
        failed = true;
        throw error;
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(width, items.length) }, worker));
  return results;
}
