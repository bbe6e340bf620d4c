// The pins of Azure's type data: complete, and equal to the data that the checks here use.

import { describe, expect, it } from '@jest/globals';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { digestOf, pinOf, resourceTypesIn, typeDataPins } from '../../../scripts/check-infra/type-data';

const root = resolve(__dirname, '../../..');
const folder = join(root, 'infra', 'bicep');
const used = readdirSync(folder, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.bicep'))
  .flatMap((name) => resourceTypesIn(readFileSync(join(folder, name), 'utf8')));

describe('the pins of the type data', () => {
  it('cover every resource type of the templates, and no others', () => {
    const needed = used.map((type) => {
      const [name = '', version = ''] = type.toLowerCase().split('@');
      return `${name.split('/')[0] ?? ''}/${version}`;
    });
    expect(Object.keys(typeDataPins).sort()).toEqual([...new Set(needed)].sort());
  });

  const directory = process.env['BICEP_TYPES_DIR'];
  if (directory === undefined || !existsSync(directory)) {
    process.stderr.write('not run: the digests of the type data (BICEP_TYPES_DIR names none)\n');
  } else {
    it('are the digests of the data in BICEP_TYPES_DIR', () => {
      const { resources } = JSON.parse(readFileSync(join(directory, 'index.json'), 'utf8')) as {
        resources: Record<string, { $ref: string }>;
      };
      const wanted = new Set(used.map((type) => type.toLowerCase()));
      const paths = Object.entries(resources)
        .filter(([type]) => wanted.has(type.toLowerCase()))
        .map(([, { $ref }]) => $ref.split('#')[0] ?? '');
      for (const path of new Set(paths)) {
        const digest = digestOf(readFileSync(join(directory, path), 'utf8'));
        expect([path, digest]).toEqual([path, typeDataPins[pinOf(path)]]);
      }
    });
  }
});
