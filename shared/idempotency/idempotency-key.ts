// The Idempotency-Key header: a String of Structured Fields (draft-ietf-httpapi-idempotency-key-header-07 §2.1,
// RFC 9651 §3.3.3). A bare token is taken as well, since many clients send a UUID without quotes.

import { invalidParameter } from '../broker-error';

export const maxKeyLength = 255;

/** Characters of a String are printable ASCII; a quotation mark and a backslash are escaped. */
const quoted = /^"((?:[\x20\x21\x23-\x5b\x5d-\x7e]|\\["\\])*)"$/;
/** Characters of a token (RFC 9110 §5.6.2), and `: / =` as Structured Fields and base64 have them. */
const bare = /^[\w!#$%&'*+.^`|~:/=-]+$/;

/**
 * The key: `"abc"` and `abc` are the same one.
 * @throws BrokerError `invalid-parameters`
 */
export function parseIdempotencyKey(header: string): string {
  const text = header.trim();
  const key = quoted.exec(text)?.[1]?.replaceAll(/\\(.)/g, '$1') ?? bare.exec(text)?.[0];
  if (key === undefined || key.length === 0 || key.length > maxKeyLength) {
    throw invalidParameter(
      'Idempotency-Key',
      `has to be one quoted text of 1 to ${maxKeyLength} printable ASCII characters, e.g. a UUID`,
    );
  }
  return key;
}
