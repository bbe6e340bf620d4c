// How deep and how manifold a JSON document may be, looked at before it is parsed: fifty megabytes of `[` or of `{},`
// would take gigabytes once they are values.

/** Objects and lists in each other. No body of the broker needs more than a handful. */
const maxDepth = 100;
/** Members and items in all: many times the 10,000 recipients or 20,000 ids of the longest bodies. */
const maxValues = 200_000;

const quote = 0x22;
const backslash = 0x5c;

/** What is too much about a document, as the end of a sentence; undefined when nothing is. Linear in its length. */
export function jsonExcess(text: string): string | undefined {
  let depth = 0;
  let values = 0;
  for (let at = 0; at < text.length; at++) {
    switch (text.charCodeAt(at)) {
      case quote:
        at = endOfString(text, at + 1);
        break;
      case 0x5b: // [
      case 0x7b: // {
        if (++depth > maxDepth) return `is nested deeper than ${maxDepth} levels`;
        values++;
        break;
      case 0x5d: // ]
      case 0x7d: // }
        depth--;
        break;
      case 0x2c: // ,
        values++;
        break;
    }
    if (values > maxValues) return `has more than ${maxValues} members and items`;
  }
  return undefined;
}

/** Index of the quote that ends a string; the text's length where there is none. */
function endOfString(text: string, from: number): number {
  for (let at = text.indexOf('"', from); at >= 0; at = text.indexOf('"', at + 1)) {
    let backslashes = 0;
    while (text.charCodeAt(at - 1 - backslashes) === backslash && at - 1 - backslashes >= from) backslashes++;
    if (backslashes % 2 === 0) return at;
  }
  return text.length;
}
