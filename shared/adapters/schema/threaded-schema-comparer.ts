// SchemaComparer in threads: comparing is work of the heaviest kind, and done on none that answers requests.

import type { Comparison } from '../../topics/compatibility';
import type { ComparisonPurpose, SchemaComparer, SchemaComparison } from '../../topics/schema-comparer';
import type { SchemaThreads } from './schema-threads';

/** Processor time: two schemas are compiled and then compared. */
const limitMs = 800;

export class ThreadedSchemaComparer implements SchemaComparer {
  constructor(private readonly threads: SchemaThreads) {}

  async compare(comparison: SchemaComparison, purpose: ComparisonPurpose): Promise<Comparison> {
    const urgency = purpose === 'version' ? 'later' : 'last';
    const answer = await this.threads.run({ kind: 'compare', ...comparison }, limitMs, urgency);
    if (answer.outcome === 'compared') return answer.comparison;
    const reason =
      answer.outcome === 'refused'
        ? 'A schema that was published earlier can no longer be compiled.'
        : 'The schemas take too long to compare.';
    return { verdict: 'unknown', findings: [], unproven: [{ pointer: '', reason }] };
  }
}
