// Entity tags and If-Match (RFC 9110 §8.8.3, §13.1.1): a caller changes what it has seen, or nothing.

/** Whether a call may go on, by the tag of what is there now; undefined when nothing is. */
export type Precondition = (currentTag: string | undefined) => boolean;

/** A strong entity tag as the ETag header has it. @param tag without quotation marks or control characters */
export function formatEntityTag(tag: string): string {
  return `"${tag}"`;
}

/**
 * What an If-Match header demands; without one, everything goes. Tags are compared strongly, so a weak one never
 * matches, and neither does what is no entity tag.
 */
export function readIfMatch(header: string | null): Precondition {
  if (header === null) return () => true;
  if (header.trim() === '*') return (currentTag) => currentTag !== undefined;
  const tags = new Set(
    Array.from(header.matchAll(/(?:^|,)[ \t]*(W\/)?"([\x21\x23-\x7e]*)"[ \t]*(?=,|$)/g)).flatMap(
      ([, weak, tag]) => (weak === undefined && tag !== undefined ? [tag] : []),
    ),
  );
  return (currentTag) => currentTag !== undefined && tags.has(currentTag);
}
