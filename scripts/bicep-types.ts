// npm run bicep-types: fetches Azure's type data for the resources that infra/bicep uses. Pinned by digest: a file
// that has changed since is refused, and whoever renews the pin (--renew) looks at what changed.

import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { digestOf, pinOf, resourceTypesIn, typeDataPins } from './check-infra/type-data';

const source = 'https://raw.githubusercontent.com/Azure/bicep-types-az/main/generated';
const downloadMilliseconds = 60_000;

async function fetchTypeData(to: string, renew: boolean): Promise<void> {
  const folder = join('infra', 'bicep');
  const used = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.bicep'))
    .flatMap((name) => resourceTypesIn(readFileSync(join(folder, name), 'utf8')));
  const all = JSON.parse(await read('index.json')) as { resources: Record<string, { $ref: string }> };
  const references = new Map(
    Object.entries(all.resources).map(([name, { $ref }]) => [name.toLowerCase(), $ref]),
  );
  const resources: Record<string, { $ref: string }> = {};
  for (const type of new Set(used)) {
    const $ref = references.get(type.toLowerCase());
    if ($ref === undefined) throw new Error(`${type} is not in Azure's type data`);
    resources[type] = { $ref };
  }
  const pins: Record<string, string> = {};
  for (const path of new Set(Object.values(resources).map(({ $ref }) => $ref.split('#')[0] ?? ''))) {
    const text = await read(path);
    const digest = digestOf(text);
    pins[pinOf(path)] = digest;
    if (!renew && typeDataPins[pinOf(path)] !== digest) {
      throw new Error(`${path} is not what is pinned: look at it, then run npm run bicep-types -- --renew`);
    }
    mkdirSync(dirname(join(to, path)), { recursive: true });
    writeFileSync(join(to, path), text);
  }
  writeFileSync(join(to, 'index.json'), JSON.stringify({ resources, resourceFunctions: {} }));
  if (renew) {
    const sorted = Object.fromEntries(Object.entries(pins).sort());
    writeFileSync(join('scripts', 'check-infra', 'type-data.json'), `${JSON.stringify(sorted, null, 2)}\n`);
  }
  console.log(`type data of ${Object.keys(resources).length} resource types in ${to}`);
}

async function read(path: string): Promise<string> {
  const answer = await fetch(`${source}/${path}`, { signal: AbortSignal.timeout(downloadMilliseconds) });
  if (!answer.ok) throw new Error(`${source}/${path} answered ${answer.status}`);
  return answer.text();
}

const { values } = parseArgs({
  options: {
    to: { type: 'string', default: join('.tools', 'bicep-types') },
    renew: { type: 'boolean', default: false },
  },
});
fetchTypeData(values.to, values.renew).catch((error: unknown) => {
  console.error((error as Error).message);
  process.exitCode = 1;
});
