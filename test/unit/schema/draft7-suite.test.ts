// Every required case of the official JSON Schema test suite for draft 7
// (test/support/fixtures/json-schema-draft7). Where a case needs a document from elsewhere the schema is refused:
// nothing is ever fetched.

import { describe, expect, it } from '@jest/globals';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Check, compileJsonSchema } from '../../../shared/adapters/schema/json-schema-compiler';
import { BrokerError } from '../../../shared/broker-error';

interface Group {
  readonly description: string;
  readonly schema: unknown;
  readonly tests: readonly {
    readonly description: string;
    readonly data: unknown;
    readonly valid: boolean;
  }[];
}

const folder = join(__dirname, '../../support/fixtures/json-schema-draft7');
const files = readdirSync(folder).filter((name) => name.endsWith('.json'));
const groupsOf = (file: string) => JSON.parse(readFileSync(join(folder, file), 'utf8')) as Group[];

function accepts(check: Check, data: unknown): boolean {
  try {
    check(data);
    return true;
  } catch (error) {
    if (error instanceof BrokerError && error.code === 'schema-violation') return false;
    throw error;
  }
}

describe.each(files)('the draft 7 suite: %s', (file) => {
  for (const { description, schema, tests } of groupsOf(file)) {
    it(description, () => {
      const text = JSON.stringify(schema);
      if (file === 'refRemote.json') {
        expect(() => compileJsonSchema(text)).toThrow(expect.objectContaining({ code: 'schema-invalid' }));
        return;
      }
      const check = compileJsonSchema(text);
      const verdicts = tests.map(({ description: title, data }) => [title, accepts(check, data)]);
      expect(verdicts).toEqual(tests.map(({ description: title, valid }) => [title, valid]));
    });
  }
});
