// Azure SQL, or a SQL server of one's own, through mssql.

import { sql } from 'kysely';
import type { SqlBackend } from '../backend';
import { MssqlDialect } from './dialect';
import type { MssqlTarget } from './driver';
import { mssqlFaultOf } from './faults';

/** Compares and orders by code unit, whatever the database's own collation: case and accents count. */
const binary = 'collate Latin1_General_BIN2';

export function mssqlBackend(target: MssqlTarget): SqlBackend {
  return {
    name: 'mssql',
    dialect: new MssqlDialect(target),
    columns: {
      text: (maxLength) => `nvarchar(${maxLength}) ${binary}`,
      longText: `nvarchar(max) ${binary}`,
      integer: 'bigint',
    },
    paging: 'fetch',
    contains: (column, text) => sql`charindex(${text}, ${column}) > 0`,
    faultOf: mssqlFaultOf,
    // Held until the transaction ends, however it ends. A negative result is a lock not granted, and no error.
    lockStatement: `
      declare @result int;
      exec @result = sp_getapplock @Resource = 'ddhub-migrations', @LockMode = 'Exclusive',
        @LockOwner = 'Transaction', @LockTimeout = 25000;
      select @result as result`,
  };
}
