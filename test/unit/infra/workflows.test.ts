// GitHub's workflows are valid by GitHub's own parser: keys, types, and every name in an expression.

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type * as WorkflowParser from '@actions/workflow-parser';
import { build } from 'esbuild';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { readDocument } from '../../support/doc-table';

const root = resolve(__dirname, '../../..');
let directory: string;
let parser: typeof WorkflowParser;
beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'broker-workflows-'));
  // It imports JSON as bundlers take it and Node does not.
  const outfile = join(directory, 'parser.cjs');
  await build({
    stdin: { contents: "export * from '@actions/workflow-parser'", resolveDir: root },
    bundle: true,
    platform: 'node',
    outfile,
    logLevel: 'error',
  });
  parser = createRequire(__filename)(outfile) as typeof WorkflowParser;
}, 30_000);
afterAll(() => {
  rmSync(directory, { recursive: true, force: true });
});

const faultsOf = (name: string, content: string) =>
  parser
    .parseWorkflow({ name, content }, new parser.NoOperationTraceWriter())
    .context.errors.getErrors()
    .map(({ message }) => message);

describe('the workflows', () => {
  it.each(readdirSync(join(root, '.github', 'workflows')))('%s is one', (name) => {
    expect(faultsOf(name, readDocument(`.github/workflows/${name}`))).toEqual([]);
  });

  it('would be told of a misspelt key, and of a name that does not exist', () => {
    const text = readDocument('.github/workflows/ci.yml');
    const broken = text.replace('timeout-minutes', 'timeout').replace('${{ matrix.', '${{ matrx.');
    expect(faultsOf('ci.yml', broken)).toHaveLength(2);
  });
});
