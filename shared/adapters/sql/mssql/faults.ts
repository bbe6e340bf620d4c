// Errors of SQL Server and of its client that have a meaning for the store. Numbers:
// https://learn.microsoft.com/azure/azure-sql/database/troubleshoot-common-errors-issues and
// https://learn.microsoft.com/sql/relational-databases/errors-events/database-engine-events-and-errors

import type { Fault } from '../backend';

const byNumber: Readonly<Record<number, Fault>> = {
  2601: 'unique-violation', // duplicate key in a unique index
  2627: 'unique-violation', // duplicate key in a unique or primary key constraint
  1205: 'again-now', // chosen as deadlock victim
  3960: 'again-now', // snapshot update conflict
  40613: 'unavailable', // database not available now: a serverless one wakes up, about a minute
  40197: 'unavailable', // service error, failover
  40501: 'unavailable', // service busy
  40540: 'unavailable', // transaction ended by the service
  40549: 'unavailable', // session ended: long transaction
  49918: 'unavailable', // not enough resources
  49919: 'unavailable', // too many create or update operations
  49920: 'unavailable', // too many operations
  10928: 'unavailable', // limit of workers or sessions
  10929: 'unavailable', // too busy to give more than the minimum
  4060: 'unavailable', // database cannot be opened, also while it fails over
  4221: 'unavailable', // login to a read replica while it starts
  615: 'unavailable', // database not found while it fails over
  926: 'unavailable', // database cannot be opened
  18456: 'unavailable', // login failed: for the operator, who finds it in the log
  916: 'unavailable', // no access to the database
  229: 'unavailable', // no permission on a table: the operator's as well
};

/** Codes of mssql and tedious for what happens before or beside a server's answer. */
const byCode: Readonly<Record<string, Fault>> = {
  ESOCKET: 'unavailable', // no connection, or it broke
  ECONNRESET: 'unavailable',
  ECONNCLOSED: 'again-now', // the pooled connection had died: another one may do
  ENOTOPEN: 'unavailable', // the pool is closing
  ETIMEOUT: 'unavailable', // connecting or answering took too long
  ELOGIN: 'unavailable', // login refused, or no Entra token
  EFEDAUTH: 'unavailable', // Entra authentication failed
  EINSTLOOKUP: 'unavailable', // server name or instance not found
  EABORT: 'again-now', // the server rolled the transaction back
};

/** The meaning of an error; a server's number, also inside its causes, counts before a client's code. */
export function mssqlFaultOf(error: unknown): Fault | undefined {
  const chain = [...causes(error)];
  const number = chain
    .map((cause) => cause.number)
    .find((value) => typeof value === 'number' && value in byNumber);
  if (typeof number === 'number') return byNumber[number];
  // tarn, the pool under mssql, has no code: waiting for a free connection took too long.
  if (chain.some((cause) => cause.name === 'TimeoutError')) return 'unavailable';
  const code = chain.map((cause) => cause.code).find((value) => typeof value === 'string' && value in byCode);
  return typeof code === 'string' ? byCode[code] : undefined;
}

/** What errors of mssql, tedious and Node have; by shape, since they need not be of this realm's Error. */
interface VendorError {
  readonly number?: unknown;
  readonly code?: unknown;
  readonly name?: unknown;
  readonly originalError?: unknown;
  readonly cause?: unknown;
  readonly errors?: unknown;
}

/** The error, what mssql and tedious wrapped, and the members of aggregates; each once. */
function* causes(error: unknown, seen = new Set<unknown>()): Generator<VendorError> {
  if (typeof error !== 'object' || error === null || seen.has(error)) return;
  seen.add(error);
  const wrapped: VendorError = error;
  yield wrapped;
  yield* causes(wrapped.originalError, seen);
  yield* causes(wrapped.cause, seen);
  if (Array.isArray(wrapped.errors)) for (const member of wrapped.errors) yield* causes(member, seen);
}
