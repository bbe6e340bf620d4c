// docs/problems.md says exactly what the table of problems does, and the table keeps the promises that the first
// generation's clients rely on.

import { describe, expect, it } from '@jest/globals';
import { BrokerError, type ErrorCode } from '../../shared/broker-error';
import { problemTable, toProblem } from '../../shared/http/problems';
import { readDocument, tableRows } from '../support/doc-table';

const codes = Object.keys(problemTable) as ErrorCode[];
const now = Date.UTC(2026, 0, 1);

describe('docs/problems.md', () => {
  it('has a row for every problem, and only for those, with the values of the table', () => {
    const expected = codes.map((code) => {
      const { status, title, returnCode, remedy } = problemTable[code];
      return [`\`${code}\``, String(status), title, `\`${returnCode}\``, remedy];
    });
    expect(tableRows(readDocument('docs/problems.md'))).toEqual(expected);
  });
});

describe('problemTable', () => {
  it('uses returnCode 10 for 403 and for nothing else, because gateways stop for ever on it', () => {
    for (const code of codes) {
      const { status, returnCode } = problemTable[code];
      expect([code, returnCode === '10']).toEqual([code, status === 403]);
    }
  });

  it('uses only codes of the first generation', () => {
    const known = '00 10 12 13 14 15 16 17 18 20 21 22 30 40 50 51 60'.split(' ');
    for (const code of codes) expect(known).toContain(problemTable[code].returnCode);
  });

  it('tells everybody what to do', () => {
    for (const code of codes) expect(problemTable[code].remedy).toMatch(/^[A-Z].{10,}[.]$/);
  });
});

describe('toProblem', () => {
  it('answers the text that gateways look for when a record exists', () => {
    const problem = toProblem(new BrokerError('record-exists', 'Use the one that is there.'), 'r', now);
    expect(problem.returnMessage).toBe('Record exists');
  });

  it('lists faults with their fields in both forms', () => {
    const faults = [
      { field: 'a', message: 'is required' },
      { field: 'b/0', message: 'must be string' },
    ];
    const problem = toProblem(new BrokerError('invalid-parameters', 'Two faults.', { faults }), 'r', now);
    expect(problem.errors).toEqual(faults);
    expect(problem.returnMessage).toBe('a : is required, b/0 : must be string');
  });

  it.each(codes)('gives %s every member that clients of both generations read', (code) => {
    const problem = toProblem(new BrokerError(code, 'Why.'), 'request-1', now);
    expect(problem).toEqual({
      type: `urn:ddhub:problem:${code}`,
      title: problemTable[code].title,
      status: problemTable[code].status,
      detail: 'Why.',
      instance: 'urn:ddhub:request:request-1',
      code,
      returnCode: problemTable[code].returnCode,
      returnMessage: code === 'record-exists' ? 'Record exists' : 'Why.',
      timestamp: '2026-01-01T00:00:00.000Z',
    });
  });

  it('does not take an error that merely looks like one of ours for ours', () => {
    const lookalike = Object.assign(new Error('secret'), { code: 'forbidden', faults: [] });
    expect(toProblem(lookalike, 'r', now)).toMatchObject({ code: 'internal', status: 500 });
    expect(JSON.stringify(toProblem(lookalike, 'r', now))).not.toContain('secret');
  });
});
