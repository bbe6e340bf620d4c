// Compares two schemas with the validators that judge what is published. It runs in a thread: what it takes is
// bounded, and nobody waits for it but the caller.

import { BrokerError } from '../../broker-error';
import {
  compareJsonSchemas,
  compareTables,
  type Comparison,
  type Json,
  type Refusal,
  type Validators,
} from '../../topics/compatibility';
import type { SchemaComparison } from '../../topics/schema-comparer';
import { compileRefusals, type RefusalOf } from './json-schema-compiler';
import { linearPattern, type LinearPattern } from './linear-pattern';
import { toComparedTable } from './compared-table';
import { TableCheck } from './table-check';
import { readTable, type Table } from './table-schema';

/** Time for proof and search, once both schemas are compiled. */
const comparisonMs = 300;

/** @throws BrokerError `schema-invalid` */
export function compareSchemas(comparison: SchemaComparison): Comparison {
  const { schemaType, oldText, newText, directions } = comparison;
  if (schemaType === 'CSV' || schemaType === 'TSV') {
    const tables = { old: readTable(schemaType, oldText), new: readTable(schemaType, newText) };
    return compareTables(
      { oldTable: toComparedTable(tables.old), newTable: toComparedTable(tables.new), directions },
      { refusalOf: (side, document) => refusalOfTable(tables[side], document) },
    );
  }
  if (schemaType !== 'JSD7') {
    const reason = `Schemas of type ${schemaType} are not compared.`;
    return { verdict: 'unknown', findings: [], unproven: [{ pointer: '', reason }] };
  }
  const judges = { old: compileRefusals(oldText), new: compileRefusals(newText) };
  const validators: Validators = {
    refusalOf: (side, document) => decided(judges[side], JSON.parse(document)),
  };
  const endsAt = performance.now() + comparisonMs;
  return compareJsonSchemas(
    {
      oldSchema: JSON.parse(oldText) as Json,
      newSchema: JSON.parse(newText) as Json,
      directions,
      unknownProperties: comparison.unknownProperties === 'produced',
    },
    { validators, isFound: patternSearch(), isOutOfTime: () => performance.now() > endsAt },
  );
}

function decided(judge: RefusalOf, document: unknown): Refusal | 'undecided' | undefined {
  try {
    return judge(document);
  } catch (error) {
    if (error instanceof BrokerError) return 'undecided';
    throw error;
  }
}

function refusalOfTable(table: Table, document: string): Refusal | undefined {
  const check = new TableCheck(table, { maxFaults: 1 });
  try {
    check.write(document);
    check.end();
    return undefined;
  } catch (error) {
    if (!(error instanceof BrokerError)) throw error;
    const [{ field: place, message } = { field: '', message: 'does not match' }] = error.faults;
    return { place, message };
  }
}

/** Patterns compiled once for a comparison. */
function patternSearch(): (pattern: string, text: string) => boolean {
  const compiled = new Map<string, LinearPattern>();
  return (pattern, text) => {
    const known = compiled.get(pattern) ?? linearPattern(pattern);
    compiled.set(pattern, known);
    return known.test(text);
  };
}
