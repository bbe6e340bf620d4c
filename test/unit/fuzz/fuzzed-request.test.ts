// Requests of a fuzz run follow from the seed, reach every operation of the document, and are often good.

import { describe, expect, it } from '@jest/globals';
import { fuzzRequest } from '../../../scripts/fuzz/fuzzed-request';
import { KnownThings } from '../../../scripts/fuzz/known-things';
import { operationsOf } from '../../../scripts/fuzz/operations';
import { Random } from '../../../scripts/fuzz/random';
import { disagreements, findOperation } from '../../../scripts/openapi/openapi-check';
import { createOpenApi } from '../../../shared/http/openapi';
import { brokerRoutes } from '../../support/broker-routes';

const document = createOpenApi(brokerRoutes(), { version: '0' });
const operations = operationsOf(document);

function requestsOf(seed: number, count: number) {
  const random = new Random(seed);
  const knowledge = { own: new KnownThings(), others: new KnownThings() };
  knowledge.own.add('topic', '0123456789abcdef01234567');
  return Array.from({ length: count }, () => fuzzRequest(random.pick(operations), knowledge, random));
}

describe('requests of a fuzz run', () => {
  it('are the same for the same seed, and others for another', () => {
    expect(requestsOf(3, 100)).toEqual(requestsOf(3, 100));
    expect(requestsOf(3, 100)).not.toEqual(requestsOf(4, 100));
  });

  it('reach every operation of the document', () => {
    const reached = new Set(requestsOf(1, 1_000).map(({ operation }) => operation.operationId));
    expect(reached.size).toBe(brokerRoutes().length);
  });

  it('are good ones often enough, and bad ones too', () => {
    const good = requestsOf(2, 1_000).filter(({ method, target, json, operation }) => {
      const url = URL.parse(`http://broker${target}`);
      if (!url || operation.body?.contentType !== 'application/json' || json === undefined) return false;
      const found = findOperation(document, method, url.pathname);
      const ok = { status: 200, headers: new Headers(), text: '' };
      const faults = found
        ? disagreements(document, method, url.pathname + url.search, { body: json }, ok)
        : ['none'];
      return !faults.some((fault) => /^(body|query|none)/.test(fault));
    });
    expect(good.length).toBeGreaterThan(60);
    expect(good.length).toBeLessThan(700);
  });
});
