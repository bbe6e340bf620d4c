// Values that programs trip over: texts of other languages and of other syntaxes, names of prototypes, numbers at
// the edges, structures that are deep or wide.

import type { Random } from './random';

export const hostileTexts: readonly string[] = [
  ...[
    '',
    ' ',
    '\t',
    '\n',
    '\r\n',
    '\0',
    'a\0b',
    '\u0001',
    '\u007f',
    '\u2028',
    '\ufeff',
    '\u202e',
    'a ',
    ' a',
  ],
  ...['😀', 'é', 'e\u0301', 'ﬀ', 'İ', 'ß', '中文', 'עברית', '👩‍👩‍👧', '\ud800', 'a\udc00b', '\uffff'],
  ...[
    '*',
    '>',
    '.',
    '..',
    '*.>',
    'a.b',
    'a..b',
    '$JS.API.>',
    'ddhub.0.>',
    '$KV.clients.>',
    '_INBOX.>',
    '/',
    '\\',
  ],
  ...['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty', 'valueOf', 'length', '0'],
  ...["' or 1=1--", '"; drop table topic;--', '%', '_', '[a-z]', "N'x'", '${7*7}', '{{7*7}}', '<%= 1 %>'],
  ...[
    '../../etc/passwd',
    '..%2f..%2f',
    '%00',
    '%zz',
    'file:///etc/passwd',
    'http://127.0.0.1:1/',
    '\\\\host\\x',
  ],
  ...[
    'null',
    'undefined',
    'true',
    'NaN',
    '-0',
    '1e309',
    '0x10',
    '1_000',
    '١٢',
    '00',
    '-1',
    '9007199254740993',
  ],
  ...[
    'did:',
    'did:ethr:',
    'DID:ETHR:0X1',
    'did:ethr:*:0x5b38da6a701c568545dcfcb03fcb875f56beddc4',
    'did:web:x',
  ],
  ...[
    '2026-02-30T00:00:00Z',
    '9999-12-31T23:59:60Z',
    '0000-00-00T00:00:00Z',
    '2026-01-01',
    '+275760-09-13T00:00:00Z',
  ],
  ...[
    '{"a":',
    '[]',
    '{}',
    '<a/>',
    '<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>',
    'a,b\n1,"2',
    '=cmd()',
    '\u0000{}',
  ],
  ...[
    '(a+)+$',
    '[',
    '(?<=a)b',
    '\\',
    '{"$ref":"http://127.0.0.1:1/"}',
    '{"type":"object","properties":null}',
  ],
  ...['Bearer a.b.c', 'a\r\nX-Injected: 1', 'a\r\n\r\nGET / HTTP/1.1', '"', "'", '`', '--', ';', ',', ',,'],
];

const numbers: readonly number[] = [
  ...[0, -0, -1, 1, 0.5, 1e-7, 1e21, 1e300, -1e300, 2 ** 31, 2 ** 32, 2 ** 53, 2 ** 53 + 2, -(2 ** 53)],
  ...[255, 256, 65_536, 20_001, 86_400_001],
];

/** A text that is longer than most limits. */
export function longText(random: Random): string {
  return random.pick(['x', '😀', '"', '\\', 'a.', ' ', '\u0001']).repeat(random.pick([300, 5_000, 70_000]));
}

/** Any value at all. */
export function hostileValue(random: Random): unknown {
  switch (random.below(12)) {
    case 0:
    case 1:
    case 2:
    case 3:
      return random.pick(hostileTexts);
    case 4:
      return random.pick(numbers);
    case 5:
      return random.pick([null, true, false, [], {}, [[]], [null], [0], [''], { a: { b: [1] } }]);
    case 6:
      return longText(random);
    case 7:
      return Array.from({ length: random.pick([2, 30, 300, 12_000]) }, () => random.pick(hostileTexts));
    case 8:
      return nested(random.pick([5, 70, 2_000]), random.chance(0.5));
    case 9:
      return JSON.parse(
        '{"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}}}',
      ) as unknown;
    case 10:
      return Object.fromEntries(
        Array.from({ length: random.pick([3, 1_000]) }, (_, index) => [
          `${random.pick(hostileTexts)}${index}`,
          index,
        ]),
      );
    default:
      return [random.pick(hostileTexts), random.pick(numbers), null, {}];
  }
}

/** A list in a list in a list, or objects likewise. */
export function nested(depth: number, isList: boolean): unknown {
  let value: unknown = 0;
  for (let level = 0; level < depth; level++) value = isList ? [value] : { a: value };
  return value;
}
