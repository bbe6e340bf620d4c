// Text of participants in HTTP headers: nothing that they write may end a header, begin another one or break out
// of a quoted string.

/** Bytes of a file name in a header at most, before it is encoded. */
const maxNameBytes = 200;

/**
 * `attachment` with a name to save under (RFC 6266 §4.1): a plain form for everybody and, where that says less, the
 * encoded form (RFC 8187). Directories are cut off: the name is a stranger's.
 */
export function contentDisposition(fileName: string): string {
  const name = cut(
    (fileName.split(/[/\\]/).at(-1) ?? '')
      .toWellFormed()
      .replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '')
      .trim()
      .replace(/^\.+$/, ''),
  );
  const known = name === '' ? 'file' : name;
  const plain = known.replaceAll(/[^\x20-\x7e]|["\\%]/gu, '_');
  return plain === known
    ? `attachment; filename="${plain}"`
    : `attachment; filename="${plain}"; filename*=UTF-8''${encodeExtended(known)}`;
}

/** Text as a header value: printable ASCII as it is, anything else percent-encoded. */
export function headerText(text: string): string {
  return /^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/.test(text) || text === ''
    ? text
    : encodeURIComponent(text.toWellFormed());
}

function encodeExtended(text: string): string {
  // RFC 8187 §3.2.1: these are not attr-char, and encodeURIComponent leaves them.
  return encodeURIComponent(text).replaceAll(
    /['()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

/** Whole characters from the front, as many as fit; the ending is kept, programs go by it. */
function cut(name: string): string {
  if (Buffer.byteLength(name) <= maxNameBytes) return name;
  const ending = /\.[A-Za-z0-9]{1,10}$/.exec(name)?.[0] ?? '';
  let kept = '';
  let bytes = ending.length;
  for (const character of name) {
    bytes += Buffer.byteLength(character);
    if (bytes > maxNameBytes) break;
    kept += character;
  }
  return kept + ending;
}
