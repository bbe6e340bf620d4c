// Names are kept byte for byte or refused; nothing is trimmed or folded in silence.

import { describe, expect, it } from '@jest/globals';
import type { BrokerError } from '../../../shared/broker-error';
import { canBeName, checkNaming, readTags, unwrapOwner } from '../../../shared/topics/topic-rules';

const naming = { owner: 'app.apps.org.iam.ewc', name: 'prices', schemaType: 'JSD7', version: '1.0.0' };

function faultsOf(run: () => unknown): string[] {
  try {
    run();
    return [];
  } catch (error) {
    const { code, faults } = error as BrokerError;
    return faults.length ? faults.map(({ field }) => field) : [code];
  }
}

describe('the naming of a topic', () => {
  it.each([
    'a',
    'A.b-c_d',
    'x'.repeat(255),
    '🏷'.repeat(255),
    "'; --",
    'e\u0301',
    'two words',
    '\u200d',
    '"x',
  ])('may be %j', (name) => {
    expect(faultsOf(() => checkNaming({ ...naming, name }))).toEqual([]);
    expect(canBeName(name)).toBe(true);
  });

  it.each([
    '',
    ' a',
    'a ',
    '\ta',
    'a\u00a0',
    '\ufeffa',
    'a\nb',
    'a\0b',
    '\u0085',
    '\ud800',
    'x'.repeat(256),
    '🏷'.repeat(256),
  ])('may not be %j', (name) => {
    expect(faultsOf(() => checkNaming({ ...naming, name }))).toEqual(['name']);
    expect(faultsOf(() => checkNaming({ ...naming, owner: name }))).toEqual(['owner']);
    expect(canBeName(name)).toBe(false);
  });

  it('is told with every fault at once', () => {
    expect(faultsOf(() => checkNaming({ owner: ' ', name: '', schemaType: 'jsd7', version: '1.0' }))).toEqual(
      ['owner', 'name', 'version', 'schemaType'],
    );
  });

  it('has a schema type that can be validated', () => {
    for (const schemaType of ['JSD7', 'XSD6', 'XML', 'CSV', 'TSV']) {
      expect(checkNaming({ ...naming, schemaType })).toBe(schemaType);
    }
  });

  it('has an owner without the quotation marks that queries may carry', () => {
    expect(unwrapOwner('"a.b"')).toBe('a.b');
    expect(unwrapOwner('""a""')).toBe('"a"');
    expect(unwrapOwner('"')).toBe('"');
    expect(unwrapOwner('a"b')).toBe('a"b');
    expect(faultsOf(() => checkNaming({ ...naming, owner: '"a"' }))).toEqual(['owner']);
  });

  it('has tags that are a set in the order given', () => {
    expect(readTags(['b', 'a', 'b', 'B', ' b '])).toEqual(['b', 'a', 'B', ' b ']);
    expect(faultsOf(() => readTags(['ok', ''])).length).toBe(1);
    expect(faultsOf(() => readTags(['ok', 'x'.repeat(101)]))).toEqual(['tags/1']);
    expect(faultsOf(() => readTags(Array.from({ length: 51 }, (_, index) => `${index}`)))).toEqual(['tags']);
  });
});
