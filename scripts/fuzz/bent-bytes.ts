// What happens to a request below its JSON: repeated members, other encodings, bodies that end early, odd headers.

import { hostileTexts } from './hostile-values';
import type { Random } from './random';

export interface BentBody {
  readonly bytes: Buffer;
  /** Bytes after which the connection is ended; absent: all are sent. */
  readonly cutAt?: number;
  /** False: it no longer says what the text said. */
  readonly isWhole: boolean;
}

/** The text as bytes, bent in one case of eight. */
export function bendText(text: string, random: Random): BentBody {
  if (!random.chance(0.12)) return { bytes: Buffer.from(text), isWhole: true };
  const bytes = Buffer.from(text);
  const bent = (changed: Buffer | string): BentBody => ({
    bytes: Buffer.from(changed as string),
    isWhole: false,
  });
  switch (random.below(12)) {
    case 0:
      return { bytes, cutAt: random.below(bytes.byteLength + 1), isWhole: false };
    case 1:
      return bent(bytes.subarray(0, random.below(bytes.byteLength + 1)));
    case 2:
      return bent(Buffer.from(text, 'utf16le'));
    case 3:
      return bent(`\ufeff${text}`);
    case 4:
      // A byte that UTF-8 does not have, within the text.
      return bent(
        Buffer.concat([
          bytes.subarray(0, bytes.byteLength >> 1),
          Buffer.of(0xff),
          bytes.subarray(bytes.byteLength >> 1),
        ]),
      );
    case 5:
      return bent(text + random.pick(['}', ',', ' x', '\0', text]));
    case 6:
      // The second member of a name wins, or nothing does.
      return bent(text.replace(/^\{"([^"]*)":/, '{"$1":null,"$1":"twice","$1":'));
    case 7:
      return bent(text.replace(/"([^"]*)"/, '"\\ud800$1"'));
    case 8:
      return bent(text.replace(/^\{/, '{"__proto__":{"a":1},"constructor":{"prototype":{"a":1}},'));
    case 9:
      return bent(random.pick(['[', '{"a":']).repeat(random.pick([100, 100_000])));
    case 10:
      return bent(
        random.pick(['', ' ', 'null', '[]', '0', '"x"', "{'a':1}", '{"a":NaN}', '{"a":1,}', 'a=b&c=d']),
      );
    default:
      return bent(text.replaceAll(',', ' ,\n\t').replaceAll(':', ' : '));
  }
}

/** Now and then a header that the broker, or a library below it, might look at. */
export function bendHeaders(random: Random): Record<string, string> {
  if (!random.chance(0.15)) return {};
  const text = headerText(random.pick(hostileTexts));
  return random.pick<Record<string, string>>([
    { 'x-request-id': text },
    { 'x-request-id': random.uuid() },
    { 'idempotency-key': text },
    { 'idempotency-key': random.pick(['a', 'b', random.uuid()]) },
    { 'if-match': random.pick(['*', '"1"', 'W/"1"', '"', text]) },
    { 'if-none-match': random.pick(['*', '"1"', text]) },
    { 'x-http-method-override': 'DELETE' },
    { 'x-forwarded-for': random.pick(['127.0.0.1', '1.2.3.4:5, 6.7.8.9', text]) },
    { 'content-encoding': random.pick(['gzip', 'br', 'identity']) },
    { accept: random.pick(['application/xml', '*/*', text]) },
    { 'accept-encoding': random.pick(['gzip', 'br', '*;q=0']) },
    { range: 'bytes=0-1' },
    { origin: 'https://example.org' },
    { cookie: 'a=b; c=d' },
    { 'x-ddhub-client-version': text },
    { 'transfer-encoding': 'chunked' },
  ]);
}

/** What a header's value can be at all. */
const headerText = (text: string): string => text.replaceAll(/[^\x20-\x7e]/g, '?');
