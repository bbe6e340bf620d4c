// Vendors' errors mean something by their numbers and codes, never by their texts.

import { describe, expect, it } from '@jest/globals';
import { mssqlFaultOf } from '../../../shared/adapters/sql/mssql/faults';
import { sqliteFaultOf } from '../../../shared/adapters/sql/sqlite/faults';

const vendorError = (members: object, cause?: unknown) => Object.assign(new Error('x', { cause }), members);

describe('an error of SQL Server', () => {
  it.each([2601, 2627])('%d is a unique violation', (number) => {
    expect(mssqlFaultOf(vendorError({ number, code: 'EREQUEST' }))).toBe('unique-violation');
  });

  it.each([40613, 40197, 40501, 49918, 49919, 49920, 10928, 10929, 4060, 4221])(
    '%d means unavailable',
    (number) => {
      expect(mssqlFaultOf(vendorError({ number, code: 'EREQUEST' }))).toBe('unavailable');
    },
  );

  it('1205, a deadlock, may succeed at once when it is tried again', () => {
    expect(mssqlFaultOf(vendorError({ number: 1205, code: 'EREQUEST' }))).toBe('again-now');
  });

  it.each(['ESOCKET', 'ETIMEOUT', 'ELOGIN', 'EINSTLOOKUP', 'ECONNRESET'])('%s means unavailable', (code) => {
    expect(mssqlFaultOf(vendorError({ code }))).toBe('unavailable');
  });

  it('is found inside what mssql and tedious wrap it in, and inside aggregates', () => {
    const inner = vendorError({ number: 40613, code: 'ELOGIN' });
    expect(mssqlFaultOf(vendorError({ code: 'EOTHER', originalError: inner }))).toBe('unavailable');
    expect(mssqlFaultOf(vendorError({}, inner))).toBe('unavailable');
    expect(mssqlFaultOf(Object.assign(new AggregateError([new Error('x'), inner])))).toBe('unavailable');
  });

  it('ends the search when an error is its own cause', () => {
    const circular = vendorError({ code: 'EOTHER' });
    circular.cause = circular;
    expect(mssqlFaultOf(circular)).toBeUndefined();
  });

  it('is a fault of ours when it is not in the table', () => {
    expect(mssqlFaultOf(vendorError({ number: 102, code: 'EREQUEST' }))).toBeUndefined();
    expect(mssqlFaultOf('40613')).toBeUndefined();
    expect(mssqlFaultOf(undefined)).toBeUndefined();
  });
});

describe('an error of SQLite', () => {
  it.each([
    [2067, 'unique-violation'],
    [1555, 'unique-violation'],
    [5, 'unavailable'],
    [261, 'unavailable'],
    [517, 'again-now'],
    [778, 'unavailable'],
    [14, 'unavailable'],
    [1, undefined],
    [787, undefined],
  ])('%d means %s', (errcode, fault) => {
    expect(sqliteFaultOf(vendorError({ code: 'ERR_SQLITE_ERROR', errcode }))).toBe(fault);
  });

  it('has a result code, else it is a fault of ours', () => {
    expect(sqliteFaultOf(new Error('database is locked'))).toBeUndefined();
    expect(sqliteFaultOf(null)).toBeUndefined();
  });
});
