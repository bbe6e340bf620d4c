// Text of participants in headers.

import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { contentDisposition, headerText } from '../../../shared/files';

describe('a file name in a header', () => {
  test.each([
    ['readings.csv', 'attachment; filename="readings.csv"'],
    ['../../etc/passwd', 'attachment; filename="passwd"'],
    ['C:\\temp\\a.tsv', 'attachment; filename="a.tsv"'],
    ['a\r\nSet-Cookie: x=1', 'attachment; filename="aSet-Cookie: x=1"'],
    ['..', 'attachment; filename="file"'],
    ['', 'attachment; filename="file"'],
    ['a"b.csv', `attachment; filename="a_b.csv"; filename*=UTF-8''a%22b.csv`],
    ['Zähler (1).csv', `attachment; filename="Z_hler (1).csv"; filename*=UTF-8''Z%C3%A4hler%20%281%29.csv`],
    ['\u202egnp.exe', 'attachment; filename="gnp.exe"'],
  ])('%j is written so that nobody is misled', (name, header) => {
    expect(contentDisposition(name)).toBe(header);
  });

  test('of any text is one header that ends where it should, with the same name in it', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 1_000 }), (name) => {
        const header = contentDisposition(name);
        expect(header).toMatch(
          /^attachment; filename="[ !#-[\]-~]+"(?:; filename\*=UTF-8''[A-Za-z0-9%.~_!-]+)?$/,
        );
        expect(header.length).toBeLessThan(1_000);
        expect(new Headers({ 'content-disposition': header }).get('content-disposition')).toBe(header);
      }),
    );
  });

  test('keeps its ending when it is cut', () => {
    expect(contentDisposition(`${'x'.repeat(1_000)}.csv`)).toMatch(/^attachment; filename="x{196}\.csv"$/);
  });
});

describe('any other text in a header', () => {
  test('is itself while it is printable ASCII, and percent-encoded otherwise', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const value = headerText(text);
        expect(value).toMatch(/^[\x20-\x7e]*$/);
        expect(value === text || decodeURIComponent(value) === text.toWellFormed()).toBe(true);
        expect(new Headers({ signature: value }).get('signature')).toBe(value);
      }),
    );
  });
});
