// Array.map for synchronous work that adds up: between two portions others have their turn of the event loop.

/** Items of one portion, of some microseconds of work each. */
const portion = 1_000;

/** Results stand in the order of the items. What fits into one portion takes no further turn. */
export async function mapInPortions<Item, Result>(
  items: readonly Item[],
  work: (item: Item) => Result,
): Promise<readonly Result[]> {
  const results: Result[] = [];
  for (let at = 0; at < items.length; at += portion) {
    if (at > 0) await new Promise((resolve) => setImmediate(resolve));
    for (const item of items.slice(at, at + portion)) results.push(work(item));
  }
  return results;
}
