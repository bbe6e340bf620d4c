// The steps after the infrastructure: what main.bicep gives them, what the documentation says of them, and that azd
// and GitHub's workflow name what exists.

import { beforeAll, describe, expect, it } from '@jest/globals';
import { existsSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Workspace } from '../../../scripts/check-infra/symbols';
import {
  outputNames,
  readOutputs,
  startJobArguments,
  stepNames,
  withRotation,
} from '../../../scripts/deploy/steps';
import { rotations } from '../../../scripts/deploy/keys';
import { readDocument, tableRows } from '../../support/doc-table';
import { openInfrastructure } from '../../support/infrastructure';

let infrastructure: Workspace;
beforeAll(async () => {
  infrastructure = await openInfrastructure();
});

const npmScripts = (JSON.parse(readDocument('package.json')) as { scripts: Record<string, string> }).scripts;
const outputs = Object.fromEntries(outputNames.map((name) => [name, `the ${name}`]));

describe('the steps after the infrastructure', () => {
  it('use outputs that main.bicep has', () => {
    const file = infrastructure.file('infra/bicep/main.bicep');
    const known = file.declarations.filter(({ kind }) => kind === 'output').map(({ name }) => name);
    expect(known.sort()).toEqual([...outputNames].sort());
  });

  it('name the output that is missing', () => {
    expect(() => readOutputs({ ...outputs, BROKER_URL: '' })).toThrow('BROKER_URL');
    expect(readOutputs(outputs)).toEqual(outputs);
  });

  it('put names into commands as they are', () => {
    expect(startJobArguments(readOutputs(outputs), 'setup-x')).toEqual(
      expect.arrayContaining(['--resource-group', 'the AZURE_RESOURCE_GROUP', '--name', 'setup-x']),
    );
  });
});

describe('a rotation', () => {
  it('is told to one execution of the job, beside what the job has', () => {
    const template = { containers: [{ image: 'node', env: [{ name: 'JOB', value: 'keys' }] }], volumes: [] };
    expect(withRotation(template, 'message-id-key')).toEqual({
      containers: [
        {
          image: 'node',
          env: [
            { name: 'JOB', value: 'keys' },
            { name: 'ROTATE', value: 'message-id-key' },
          ],
        },
      ],
      volumes: [],
    });
  });

  it('is documented by every name', () => {
    const rows = tableRows(readDocument('docs/operations.md')).map(([name = '']) => name.replaceAll('`', ''));
    expect(rotations.filter((name) => !rows.includes(name))).toEqual([]);
  });
});

describe('the alerts', () => {
  it('are those that docs/operations.md explains', () => {
    const section = readDocument('docs/operations.md').split('## What the alerts go by')[1] ?? '';
    const explained = tableRows(section).map(([name = '']) => name.replaceAll('`', ''));
    const alerts = readDocument('infra/bicep/modules/alerts.bicep');
    expect(explained.filter((name) => !alerts.includes(`name: '${name}'`))).toEqual([]);
  });
});

describe('docs/deploy.md', () => {
  const document = readDocument('docs/deploy.md');
  const sequence = tableRows(document.split(/^## The sequence$/m)[1]?.split(/^## /m)[0] ?? '');

  it('lists every step in its order', () => {
    const steps = sequence
      .map(([step = '']) => step.replaceAll('`', ''))
      .filter((step) => step !== 'infrastructure');
    expect(steps).toEqual([...stepNames]);
  });

  it('names only what exists in the Bicep', () => {
    const folder = resolve(__dirname, '../../../infra/bicep');
    const texts = readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.bicep'))
      .map((name) => readDocument(join('infra/bicep', name)))
      .join('\n');
    const names = sequence
      .flatMap((cells) => cells.slice(1))
      .flatMap((cell) => [...cell.matchAll(/`([^`]+)`/g)]);
    expect(names.length).toBeGreaterThan(10);
    const missing = names
      .map(([, name = '']) => name)
      .filter((name) => !new RegExp(`\\b${name}\\b`).test(texts));
    expect(missing).toEqual([]);
  });
});

describe('what the operator is told to run', () => {
  const documents = ['deploy', 'operations', 'scaling', 'configuration'].map((name) => `docs/${name}.md`);

  it.each(documents)('in %s exists: npm scripts, steps, files', (name) => {
    const text = readDocument(name);
    const scripts = [...text.matchAll(/npm run (?:--silent )?([\w:-]+)/g)].map(([, script = '']) => script);
    expect(scripts.filter((script) => !(script in npmScripts))).toEqual([]);
    const steps = [...text.matchAll(/npm run deploy --((?: [a-z]+)+)/g)].flatMap(([, all = '']) =>
      all.trim().split(' '),
    );
    expect(steps.filter((step) => !stepNames.includes(step as never))).toEqual([]);
    const files = [...text.matchAll(/\b(?:infra|scripts|docs|\.github)\/[\w./-]*\w/g)].map(([file]) => file);
    expect(files.filter((file) => !existsSync(resolve(__dirname, '../../..', file)))).toEqual([]);
  });
});

describe('azure.yaml and the workflow', () => {
  it.each(['azure.yaml', ...['deploy', 'ci', 'nightly'].map((name) => `.github/workflows/${name}.yml`)])(
    '%s runs npm scripts that exist',
    (file) => {
      const scripts = [...readDocument(file).matchAll(/npm run (?:--silent )?([\w:-]+)/g)].map(
        ([, name = '']) => name,
      );
      expect(scripts.filter((name) => !(name in npmScripts))).toEqual([]);
    },
  );

  it.each(['azure.yaml', '.github/workflows/deploy.yml'])('%s asks for steps that exist', (file) => {
    const asked = [
      ...readDocument(file).matchAll(/(?:npm run deploy --|dist\/scripts\/deploy\.js)((?: [a-z]+)+)/g),
    ].flatMap(([, names = '']) => names.trim().split(' '));
    expect(asked.length).toBeGreaterThan(0);
    expect(asked.filter((name) => !stepNames.includes(name as never))).toEqual([]);
  });

  it.each(['deploy.yml', 'ci.yml', 'nightly.yml'])('%s pins every action to a commit', (file) => {
    const uses = [...readDocument(`.github/workflows/${file}`).matchAll(/uses: (\S+)/g)].map(
      ([, name = '']) => name,
    );
    expect(uses.filter((name) => !/@[0-9a-f]{40}$/.test(name))).toEqual([]);
  });
});
