// No verdict on generated pairs of schemas is wrong: what is called compatible is not refuted by any document, and
// every witness is one. 20,000 pairs in the nightly run; COMPATIBILITY_PAIRS and COMPATIBILITY_SEED choose others.

import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { BrokerError } from '../../../shared/broker-error';
import { holdsOnlyNamed } from '../../../shared/topics/compatibility/place';
import { SchemaDocument } from '../../../shared/topics/compatibility/schema-node';
import { compare, evaluator, lazyValidator, placeOf } from '../../support/compatibility/real-validators';
import { anyDocument, type SchemaPair, schemaPair } from '../../support/compatibility/schema-pairs';

const pairs = Number(process.env['COMPATIBILITY_PAIRS'] ?? 1_500);
const seed = Number(process.env['COMPATIBILITY_SEED'] ?? 2_026);
const documentsPerPair = 40;
const documents = fc.sample(anyDocument, { numRuns: 1_500, seed });
const budgetMs = 1_200_000;

interface Tally {
  compatible: number;
  incompatible: number;
  unknown: number;
  /** Documents that have confirmed a verdict `compatible`. */
  confirmations: number;
  /** Pairs of which one is no schema. */
  invalid: number;
}

function judge(pair: SchemaPair, unknownProperties: boolean, from: number, tally: Tally): void {
  const sides = { old: lazyValidator(pair.old), new: lazyValidator(pair.new) };
  const comparison = compare(pair, ['backward'], unknownProperties, sides);
  for (const { witness, acceptedBy } of comparison.findings) {
    expect(acceptedBy).toBe('old');
    expect(sides.old(JSON.parse(witness))).toBeUndefined();
    expect(sides.new(JSON.parse(witness))).toBeDefined();
  }
  if (comparison.verdict === 'compatible') {
    const place = placeOf(pair.old, unknownProperties);
    const { root } = new SchemaDocument('old', pair.old);
    for (let index = from; index < from + documentsPerPair; index++) {
      const document = documents[index % documents.length] ?? null;
      // The validators have the last word; the evaluator only spares them most documents.
      if (evaluator.evaluate(root, document) === false || sides.old(document)) continue;
      if (!holdsOnlyNamed(place, document)) continue;
      tally.confirmations++;
      expect([document, sides.new(document)]).toEqual([document, undefined]);
    }
  }
  tally[comparison.verdict]++;
}

describe('generated pairs of schemas', () => {
  it(
    'get no wrong verdict',
    () => {
      const tally: Tally = { compatible: 0, incompatible: 0, unknown: 0, confirmations: 0, invalid: 0 };
      fc.assert(
        fc.property(schemaPair, fc.boolean(), fc.nat(documents.length), (pair, unknownProperties, from) => {
          try {
            judge(pair, unknownProperties, from, tally);
          } catch (error) {
            if (!(error instanceof BrokerError)) throw error;
            tally.invalid++;
          }
        }),
        { numRuns: pairs, seed },
      );
      // The property says little unless all verdicts occur, and most pairs are decided.
      expect(tally.compatible).toBeGreaterThan(pairs * 0.3);
      expect(tally.incompatible).toBeGreaterThan(pairs * 0.15);
      expect(tally.unknown).toBeLessThan(pairs * 0.15);
      expect(tally.confirmations).toBeGreaterThan(pairs);
      expect(tally.invalid).toBeLessThan(pairs * 0.1);
    },
    budgetMs,
  );
});
