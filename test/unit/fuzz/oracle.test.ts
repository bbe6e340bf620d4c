// The oracle of a fuzz run notices every kind of fault, and finds none in what is right.

import { describe, expect, it } from '@jest/globals';
import type { FuzzedRequest } from '../../../scripts/fuzz/fuzzed-request';
import type { Answer } from '../../../scripts/fuzz/http-client';
import { operationsOf } from '../../../scripts/fuzz/operations';
import { Oracle, type Standing } from '../../../scripts/fuzz/oracle';
import { createOpenApi } from '../../../shared/http/openapi';
import { BrokerError, type ErrorCode } from '../../../shared/broker-error';
import { toProblem } from '../../../shared/http/problems';
import { brokerRoutes } from '../../support/broker-routes';

const document = createOpenApi(brokerRoutes(), { version: '0' });
const oracle = new Oracle(document, new Map([['somebody', ['secret-of-somebody']]]));
const [operation] = operationsOf(document).filter(({ operationId }) => operationId === 'listChannels');

const request = (changes: Partial<FuzzedRequest> = {}): FuzzedRequest => {
  if (!operation) throw new Error('there is no such operation');
  return {
    operation,
    method: 'GET',
    target: '/channels',
    headers: {},
    body: undefined,
    json: undefined,
    ...changes,
  };
};
const answer = (changes: Partial<Answer> = {}): Answer => ({
  status: 200,
  headers: new Headers({ 'content-type': 'application/json', 'x-request-id': '1' }),
  text: '[]',
  milliseconds: 1,
  ...changes,
});
const problem = (code: ErrorCode, text?: string): Answer => {
  const body = toProblem(new BrokerError(code, 'detail'), '1', 0);
  const headers = new Headers({
    'content-type': 'application/problem+json',
    'x-request-id': '1',
    'retry-after': '1',
  });
  return answer({ status: body.status, headers, text: text ?? JSON.stringify(body) });
};
const faults = (
  given: Answer | undefined,
  standing: Standing = 'participant',
  changes?: Partial<FuzzedRequest>,
) => oracle.faults({ request: request(changes), standing }, given, 'caller');

describe('the oracle of a fuzz run', () => {
  it('finds nothing in what is right', () => {
    expect(faults(answer())).toEqual([]);
    expect(faults(problem('unauthenticated'), 'no good token')).toEqual([]);
    expect(faults(problem('forbidden'), 'no role')).toEqual([]);
    expect(faults(undefined, 'participant', { cutAt: 3 })).toEqual([]);
    expect(oracle.faults({ request: request(), standing: 'participant' }, answer(), 'somebody')).toEqual([]);
  });

  it.each([
    ['no answer', undefined],
    ['a failure that the document describes', problem('message-store-unavailable')],
    ['a failure that it does not', problem('internal')],
    ['a status that it does not describe', problem('version-conflict')],
    ['a body that does not fit', answer({ text: '[{"fqcn":1}]' })],
    ['a body that is not JSON', answer({ text: 'oops' })],
    [
      'another content type',
      answer({ headers: new Headers({ 'content-type': 'text/html', 'x-request-id': '1' }) }),
    ],
    ['a header that is missing', answer({ headers: new Headers({ 'content-type': 'application/json' }) })],
    ['an answer that was long in coming', answer({ milliseconds: 60_000 })],
    ['the secret of another', problem('not-found', JSON.stringify({ detail: 'secret-of-somebody' }))],
    ['a secret in a header', answer({ headers: new Headers({ 'x-request-id': 'secret-of-somebody' }) })],
    ['a stack trace', problem('not-found', JSON.stringify({ detail: 'at Object.run (main.js:1:1)' }))],
  ])('notices %s', (_what, given) => {
    expect(faults(given)).not.toEqual([]);
  });

  it('notices that a caller is let in who should not be, or refused in the wrong way', () => {
    expect(faults(answer(), 'no good token')).not.toEqual([]);
    expect(faults(answer(), 'no role')).not.toEqual([]);
    expect(faults(problem('forbidden'), 'no good token')).not.toEqual([]);
    expect(faults(problem('unauthenticated'), 'no role')).not.toEqual([]);
  });

  it('notices a problem that contradicts its answer', () => {
    const other = JSON.stringify(toProblem(new BrokerError('not-found', 'detail'), '2', 0));
    expect(faults(problem('not-found', other))).toContain('instance is not the request id');
    const as400 = JSON.stringify(toProblem(new BrokerError('illegal-argument', 'detail'), '1', 0));
    expect(faults(problem('not-found', as400))).toContain('the problem has another status than the answer');
  });
});
