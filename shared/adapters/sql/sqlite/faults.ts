// SQLite result codes that have a meaning for the store (https://www.sqlite.org/rescode.html); node:sqlite puts
// the extended code into `errcode`.

import type { Fault } from '../backend';

const faults: Readonly<Record<number, Fault>> = {
  1555: 'unique-violation', // SQLITE_CONSTRAINT_PRIMARYKEY
  2067: 'unique-violation', // SQLITE_CONSTRAINT_UNIQUE
  5: 'unavailable', // SQLITE_BUSY, after the driver's own wait
  261: 'unavailable', // SQLITE_BUSY_RECOVERY: another process repairs the log
  517: 'again-now', // SQLITE_BUSY_SNAPSHOT: another connection wrote in between
  6: 'again-now', // SQLITE_LOCKED
  8: 'unavailable', // SQLITE_READONLY: the file's permissions
  10: 'unavailable', // SQLITE_IOERR
  13: 'unavailable', // SQLITE_FULL: the disk
  14: 'unavailable', // SQLITE_CANTOPEN
};

/** Extended codes hold the primary one in their low byte. */
export function sqliteFaultOf(error: unknown): Fault | undefined {
  const code = errorCode(error);
  return code === undefined ? undefined : (faults[code] ?? faults[code & 0xff]);
}

export function isBusy(error: unknown): boolean {
  const code = errorCode(error);
  return code !== undefined && (code & 0xff) === 5;
}

/** By shape, not by class: an error of the runtime need not be an instance of this realm's Error. */
function errorCode(error: unknown): number | undefined {
  return typeof error === 'object' &&
    error !== null &&
    'errcode' in error &&
    typeof error.errcode === 'number'
    ? error.errcode
    : undefined;
}
