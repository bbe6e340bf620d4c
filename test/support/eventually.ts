// Waiting for what comes by itself and tells nobody of it.

/** Time between two looks. Unit: ms. */
const pauseMs = 20;

/** Looks until the condition holds. @throws Error when it does not within that many ms */
export async function eventually(
  condition: () => boolean | Promise<boolean>,
  withinMs = 10_000,
): Promise<void> {
  const deadline = Date.now() + withinMs;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`The condition did not come to hold within ${withinMs} ms.`);
    await new Promise((resolvePause) => setTimeout(resolvePause, pauseMs));
  }
}
