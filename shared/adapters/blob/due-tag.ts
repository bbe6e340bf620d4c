// The index tag by which the timer finds what is due. The index compares texts, so instants are written as texts of
// one length whose order is that of time.

const tagName = 'due';

export function dueTag(dueAtMs: number): Record<string, string> {
  return { [tagName]: new Date(dueAtMs).toISOString() };
}

/** For findBlobsByTags of one container. */
export function dueQuery(nowMs: number): string {
  return `"${tagName}" <= '${new Date(nowMs).toISOString()}'`;
}
