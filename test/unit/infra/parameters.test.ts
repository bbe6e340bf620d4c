// What main.bicep makes of its parameters: names within Azure's limits, sentences for what cannot work, the settings
// of the program, and the same pins as the launcher.

import { beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { type Plan, planDeployment, Refused } from '../../../scripts/check-infra/policy/evaluate';
import { textOf, type Value } from '../../../scripts/check-infra/policy/value';
import { deploymentEnvironment, profiles } from '../../../scripts/check-infra/policy/policies';
import { resourcesOf, valueAt } from '../../../scripts/check-infra/policy/policy';
import type { Workspace } from '../../../scripts/check-infra/symbols';
import { literalText } from '../../../scripts/check-infra/syntax';
import { bicepVersion } from '../../../scripts/launcher/bicep.mjs';
import { workerArguments } from '../../../scripts/stack/worker-arguments';
import { containerNames } from '../../../shared/adapters/blob/container-names';
import { settingsSchema } from '../../../shared/config/settings-schema';
import { readDocument } from '../../support/doc-table';
import { openInfrastructure } from '../../support/infrastructure';

let infrastructure: Workspace;
beforeAll(async () => {
  infrastructure = await openInfrastructure();
});

const [dev, prod] = profiles;
const plan = (parameters: Readonly<Record<string, Value>> = {}, profile: string = dev): Plan =>
  planDeployment(infrastructure, profile, { environment: deploymentEnvironment, parameters });

const parametersOf = (profile: string) => {
  const file = infrastructure.file(profile);
  return (name: string) => file.declarations.find((declaration) => declaration.name === name);
};

/** Azure's rules for the names that have narrow ones, by resource type. */
const limits: Readonly<Record<string, RegExp>> = {
  'Resources/resourceGroups': /^[\w().-]{1,89}[\w()-]$/,
  'ManagedIdentity/userAssignedIdentities': /^[a-zA-Z0-9][\w-]{2,127}$/,
  'Storage/storageAccounts': /^[a-z0-9]{3,24}$/,
  'KeyVault/vaults': /^[a-zA-Z](?:[a-zA-Z0-9]|-(?!-)){1,22}[a-zA-Z0-9]$/,
  'Sql/servers': /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/,
  'Network/virtualNetworks': /^[a-zA-Z0-9][\w.-]{0,62}\w$/,
  'Network/privateEndpoints': /^[a-zA-Z0-9][\w.-]{0,62}\w$/,
  'OperationalInsights/workspaces': /^[a-zA-Z0-9][a-zA-Z0-9-]{2,61}[a-zA-Z0-9]$/,
  'Web/serverfarms': /^[a-zA-Z0-9-]{1,60}$/,
  'Web/sites': /^[a-zA-Z0-9][a-zA-Z0-9-]{0,58}[a-zA-Z0-9]$/,
  'Compute/virtualMachines': /^[a-zA-Z0-9][\w.-]{0,62}\w$/,
  'Compute/disks': /^[a-zA-Z0-9][\w.-]{0,78}\w$/,
  'App/managedEnvironments': /^[a-z](?:[a-z0-9]|-(?!-)){0,58}[a-z0-9]$/,
  'App/jobs': /^[a-z](?:[a-z0-9]|-(?!-)){0,30}[a-z0-9]$/,
};

describe('names', () => {
  it('are within Azure’s limits for any prefix of 1 to 12 characters', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.string({ minLength: 1, maxLength: 12 }), fc.stringMatching(/^[A-Za-z0-9-]{1,12}$/)),
        (prefix) => {
          const planned = plan({ prefix }, prod);
          for (const [type, rule] of Object.entries(limits)) {
            const names = resourcesOf(planned, type).map(({ body }) => textOf(body['name'] ?? null));
            expect(names.length).toBeGreaterThan(0);
            expect([type, names.filter((name) => !rule.test(name))]).toEqual([type, []]);
            expect(new Set(names).size).toBe(names.length);
          }
        },
      ),
      { numRuns: 100 },
    );
  });

  it('differ between prefixes that differ only in what names cannot hold', () => {
    const nameOf = (prefix: string) =>
      textOf(resourcesOf(plan({ prefix }), 'Storage/storageAccounts')[0]?.body['name'] ?? null);
    expect(nameOf('ab')).not.toBe(nameOf('a-b'));
    expect(nameOf('twelve-chars')).not.toBe(nameOf('twelve-char2'));
  });
});

describe('combinations that cannot work', () => {
  const changed = (name: string, change: Readonly<Record<string, Value>>) => {
    const group = parametersOf(dev)(name)?.value;
    if (group?.kind !== 'object') throw new Error(`${name} is no group`);
    const values = Object.fromEntries(
      group.properties.map(({ key, value }) => [
        String(key.kind === 'literal' ? key.value : ''),
        value.kind === 'literal' ? value.value : 'x',
      ]),
    );
    return { [name]: { ...values, ...change } };
  };

  it.each([
    ['nobody who deploys', { deployer: { principalId: '', principalType: 'User' } }, 'deployer.principalId'],
    [
      'more instances ready than allowed',
      () => changed('functions', { alwaysReadyInstances: 41 }),
      'alwaysReadyInstances',
    ],
    ['a pause that Azure does not offer', () => changed('sql', { autoPauseMinutes: 5 }), 'autoPauseMinutes'],
    ['a sleeping database in several zones', () => changed('sql', { zoneRedundant: true }), 'zoneRedundant'],
    ['a single node that writes late', () => changed('nats', { syncInterval: '2m' }), 'syncInterval'],
    ['a version with a v', () => changed('nats', { version: 'v2.15.0' }), 'nats.version'],
    ['no SSH key', () => changed('nats', { adminPublicKey: '' }), 'adminPublicKey'],
    [
      'a network that is too small',
      { network: { addressPrefix: '10.0.0.0/24', natGateway: false } },
      'addressPrefix',
    ],
    [
      'payloads that are removed before their messages end',
      { settings: { RETENTION_CLASSES: '1h,24h,90d' } },
      'storage.backstopDays',
    ],
    [
      'payloads that are removed on the day on which their messages end',
      { settings: { RETENTION_CLASSES: '1057h' } },
      'storage.backstopDays',
    ],
    [
      'a setting that the infrastructure decides',
      { settings: { NATS_SERVERS: 'nats://elsewhere' } },
      'settings holds a name',
    ],
  ])('%s: are refused with a sentence', (_what, parameters, sentence) => {
    const refuse = () => plan(typeof parameters === 'function' ? parameters() : parameters);
    expect(refuse).toThrow(Refused);
    expect(refuse).toThrow(sentence);
  });
});

describe('the settings of the function app', () => {
  const settingsOf = (profile: string, settings: Readonly<Record<string, string>> = {}) => {
    const config = resourcesOf(plan({ settings }, profile), 'Web/sites/config')[0];
    return (config ? valueAt(config, 'properties') : {}) as Readonly<Record<string, string>>;
  };
  const ofTheHost = /^(languageWorkers__|AzureWebJobs|APPLICATIONINSIGHTS_)/;

  it('are all settings of the program, and no others', () => {
    const names = Object.keys(settingsOf(prod)).filter((name) => !ofTheHost.test(name));
    expect(names.sort()).toEqual(Object.keys(settingsSchema.properties).sort());
  });

  it('hold secrets as references to the vault only', () => {
    const settings = settingsOf(prod);
    const secrets = Object.entries(settingsSchema.properties)
      .filter(([, { description = '' }]) => description.startsWith('Secret.'))
      .map(([name]) => settings[name] ?? '');
    for (const value of secrets) expect(value).toMatch(/^(@Microsoft\.KeyVault\(.*SecretName=[\w-]+\))?$/);
  });

  it('give the worker the arguments with which it is measured', () => {
    expect(settingsOf(prod)['languageWorkers__node__arguments']).toBe(workerArguments.join(' '));
  });

  it('follow the choices of the operator', () => {
    expect(settingsOf(dev, { TOKEN_ISSUER: 'example' })).toMatchObject({
      TOKEN_ISSUER: 'example',
      STREAM_REPLICAS: '1',
    });
    expect(settingsOf(prod)).toMatchObject({ STREAM_REPLICAS: '3', SHARD_COUNT: '64' });
  });
});

describe('what is pinned', () => {
  it('is the same Bicep compiler in the workflow as the launcher’s', () => {
    const workflow = readDocument('.github/workflows/deploy.yml');
    const installed = [...workflow.matchAll(/az bicep install --version v([\d.]+)/g)].map(
      ([, version]) => version,
    );
    expect(installed).toEqual([bicepVersion, bicepVersion]);
  });

  it('is the same nats-server as the launcher’s', () => {
    const release = readDocument('scripts/launcher/nats-release.mjs');
    const releaseVersion = /releaseVersion = '([\d.]+)'/.exec(release)?.[1] ?? '';
    const digest = /'linux-amd64': '([0-9a-f]{64})'/.exec(release)?.[1];
    for (const profile of profiles) {
      const text = readDocument(profile);
      expect(text).toContain(`version: '${releaseVersion}'`);
      expect(text).toContain(`sha256: '${digest ?? ''}'`);
    }
  });
});

describe('the documentation of parameters', () => {
  it('says of every parameter and every member of a type whether it is required, and what follows', () => {
    const files = ['main', 'types', ...readModules()].map((name) =>
      infrastructure.file(`infra/bicep/${name}.bicep`),
    );
    const undocumented = files.flatMap((file) => {
      const members = file.declarations
        .filter(({ kind }) => kind === 'type')
        .flatMap(({ value }) => (value?.kind === 'object' ? value.properties : []));
      return [...file.declarations.filter(({ kind }) => kind === 'param'), ...members]
        .map(({ decorators }) => decorators.find(({ name }) => name === 'description')?.arguments[0])
        .map((description) => literalText(description) ?? '')
        .filter((description) => !/^(Required|Optional|Conditional)\. .+\.$/.test(description));
    });
    expect(undocumented).toEqual([]);
  });
});

function readModules(): readonly string[] {
  return infrastructure
    .file('infra/bicep/main.bicep')
    .declarations.filter(({ kind }) => kind === 'module')
    .map(({ reference = '' }) => reference.replace('.bicep', ''));
}

describe('the containers', () => {
  it('are those that the broker uses, and those of the deployment', () => {
    const names = resourcesOf(plan(), 'Storage/storageAccounts/blobServices/containers').map(
      ({ body }) => body['name'],
    );
    expect(names.sort()).toEqual([...Object.values(containerNames), 'artefacts', 'deployments'].sort());
  });

  it('are granted to the broker one by one', () => {
    const grants = readDocument('infra/bicep/modules/role-assignments.bicep');
    const granted = [...grants.matchAll(/container: '([\w-]+)'/g)].map(([, name]) => name);
    expect(granted.sort()).toEqual(Object.values(containerNames).sort());
  });
});

describe('the lifecycle rule', () => {
  it('regression: goes by age where a life is fixed at the start, which a file that is sent again has not', () => {
    const rule = resourcesOf(plan(), 'Storage/storageAccounts/managementPolicies')[0];
    const text = textOf((rule && valueAt(rule, 'properties.policy')) ?? null);
    const { rules } = JSON.parse(text) as {
      rules: { definition: { filters: { prefixMatch: string[] }; actions: object } }[];
    };
    expect(rules.map(({ definition }) => definition.filters.prefixMatch)).toEqual([
      [`${containerNames.payloads}/`],
    ]);
    expect(Object.keys(rules[0]?.definition.actions ?? {})).toEqual(['baseBlob']);
  });

  it.each(['44d', '1056h', '1h,63360m', '3801600s'])('lets the longest class be %s', (classes) => {
    expect(() => plan({ settings: { RETENTION_CLASSES: classes } })).not.toThrow();
  });

  it('knows the classes that the program takes by default', () => {
    const { value } =
      infrastructure
        .file('infra/bicep/settings.bicep')
        .declarations.find(({ name }) => name === 'defaultRetentionClasses') ?? {};
    expect(value && literalText(value)).toBe(settingsSchema.properties.RETENTION_CLASSES.default);
  });
});
