// What must hold of every deployment, one sentence each. They are asked of the values that main.bicep works out for
// each parameter file, so a value may come from wherever it likes.

import type { Workspace } from '../symbols';
import { planDeployment } from './evaluate';
import { networkPolicies } from './network-policies';
import { each, has, type Policy, resourcesOf, textAt, valueAt } from './policy';
import { type Reference, textOf, type Value } from './value';

const storage = 'Storage/storageAccounts';

/** Azure's built-in roles `Storage Blob …`, by id. */
const blobRoles: Readonly<Record<string, string>> = {
  'b7e6dc6d-f1e8-4753-8033-0f276bb0955b': 'owner',
  'ba92f5b4-2d11-453d-a403-e96b0029c9fe': 'contributor',
  'db58b8e5-c6ad-4a2a-8342-4190687cbf4a': 'delegator',
};

export const policies: readonly Policy[] = [
  {
    name: 'no storage account has a usable key',
    broken: each(storage, has({ 'properties.allowSharedKeyAccess': false })),
  },
  {
    name: 'no blob can be made public',
    broken: each(storage, has({ 'properties.allowBlobPublicAccess': false })),
  },
  {
    name: 'storage speaks HTTPS with TLS 1.2 or newer only',
    broken: each(
      storage,
      has({ 'properties.minimumTlsVersion': 'TLS1_2', 'properties.supportsHttpsTrafficOnly': true }),
    ),
  },
  {
    name: 'the host account is private, the payload account is reached by participants',
    broken: each(storage, (account) =>
      has({ 'properties.publicNetworkAccess': account.symbol === 'hostAccount' ? 'Disabled' : 'Enabled' })(
        account,
      ),
    ),
  },
  {
    name: 'deleted blobs can be restored',
    broken: each(
      'Storage/storageAccounts/blobServices',
      has({
        'properties.deleteRetentionPolicy.enabled': true,
        'properties.containerDeleteRetentionPolicy.enabled': true,
      }),
    ),
  },
  {
    name: 'no container is public',
    broken: each(
      'Storage/storageAccounts/blobServices/containers',
      has({ 'properties.publicAccess': 'None' }),
    ),
  },
  {
    name: 'a lifecycle rule removes what the broker forgot',
    broken: each('Storage/storageAccounts/managementPolicies', (policy) => {
      const rules = valueAt(policy, 'properties.policy.rules') as readonly Readonly<Record<string, Value>>[];
      return rules.some(
        (body) =>
          body['enabled'] === true &&
          Number.isInteger(
            valueAt({ ...policy, body }, 'definition.actions.baseBlob.delete.daysAfterCreationGreaterThan'),
          ),
      );
    }),
  },
  {
    name: 'the function app has an identity of its own and no password',
    broken: (plan) => [
      ...each('Web/sites', has({ 'identity.type': 'UserAssigned' }))(plan),
      ...each('Web/sites/basicPublishingCredentialsPolicies', has({ 'properties.allow': false }))(plan),
    ],
  },
  {
    name: 'the function app answers HTTPS only',
    broken: each('Web/sites', has({ 'properties.httpsOnly': true })),
  },
  {
    name: 'the function app speaks TLS 1.2 or newer',
    broken: each(
      'Web/sites',
      has({ 'properties.siteConfig.minTlsVersion': '1.2', 'properties.siteConfig.scmMinTlsVersion': '1.2' }),
    ),
  },
  {
    name: 'the function app runs Node 24 on Flex Consumption, inside the network, with a health check',
    broken: (plan) => [
      ...each('Web/serverfarms', has({ 'sku.name': 'FC1' }))(plan),
      ...each('Web/sites', (site) =>
        has({
          'properties.functionAppConfig.runtime.name': 'node',
          'properties.functionAppConfig.runtime.version': '24',
          'properties.virtualNetworkSubnetId': '<subnet.id>',
          'properties.siteConfig.healthCheckPath': '/health',
        })(site),
      )(plan),
    ],
  },
  {
    name: 'code is deployed by identity',
    broken: each(
      'Web/sites',
      has({ 'properties.functionAppConfig.deployment.storage.authentication.type': 'UserAssignedIdentity' }),
    ),
  },
  {
    name: 'the Functions host opens its storage by identity',
    broken: each(
      'Web/sites/config',
      (config) =>
        has({ 'properties.AzureWebJobsStorage__credential': 'managedidentity' })(config) &&
        valueAt(config, 'properties.AzureWebJobsStorage') === null,
    ),
  },
  {
    name: 'every secret setting is a reference to the vault',
    broken: each('Web/sites/config', (config) =>
      ['NATS_CREDENTIALS', 'TOKEN_SIGNING_KEY', 'MESSAGE_ID_KEY'].every((name) =>
        textAt(config, `properties.${name}`).startsWith('@Microsoft.KeyVault('),
      ),
    ),
  },
  {
    name: 'telemetry is accepted from identities only',
    broken: (plan) => [
      ...each('Insights/components', has({ 'properties.DisableLocalAuth': true }))(plan),
      ...each('OperationalInsights/workspaces', has({ 'properties.features.disableLocalAuth': true }))(plan),
      ...each('Web/sites/config', (config) =>
        textAt(config, 'properties.APPLICATIONINSIGHTS_AUTHENTICATION_STRING').endsWith('Authorization=AAD'),
      )(plan),
    ],
  },
  {
    name: 'the SQL server knows Entra identities only',
    broken: each(
      'Sql/servers',
      (server) =>
        has({ 'properties.administrators.azureADOnlyAuthentication': true })(server) &&
        valueAt(server, 'properties.administratorLogin') === null,
    ),
  },
  {
    name: 'the SQL server has no public endpoint and speaks TLS 1.2 or newer',
    broken: each(
      'Sql/servers',
      has({ 'properties.publicNetworkAccess': 'Disabled', 'properties.minimalTlsVersion': '1.2' }),
    ),
  },
  {
    name: 'the SQL server is audited',
    broken: each('Sql/servers/auditingSettings', has({ 'properties.state': 'Enabled' })),
  },
  {
    name: 'the database is serverless',
    broken: each('Sql/servers/databases', has({ 'sku.name': 'GP_S_Gen5' })),
  },
  {
    name: 'key vaults use roles, cannot be purged and have no public endpoint',
    broken: each(
      'KeyVault/vaults',
      has({
        'properties.enableRbacAuthorization': true,
        'properties.enablePurgeProtection': true,
        'properties.publicNetworkAccess': 'Disabled',
      }),
    ),
  },
  {
    name: 'the broker signs SAS, writes into its own containers and reaches nothing else of the payload account',
    broken: (plan) => {
      const granted = resourcesOf(plan, 'Authorization/roleAssignments')
        .filter((grant) => valueAt(grant, 'properties.principalId') === '<broker.properties.principalId>')
        .map((grant) => {
          const role = textAt(grant, 'properties.roleDefinitionId').split('/').at(-1) ?? '';
          return `${(grant.body['scope'] as Reference).symbol} ${blobRoles[role] ?? ''}`;
        })
        .filter((grant) => /^(payload|container|artefact)/.test(grant));
      const expected = [
        'containers[0] contributor',
        'containers[1] owner',
        'containers[2] owner',
        'payloadAccount delegator',
      ];
      return granted.toSorted().join() === expected.join() ? [] : granted;
    },
  },
  {
    name: 'NATS nodes read their own vault and no other',
    broken: (plan) =>
      resourcesOf(plan, 'Authorization/roleAssignments')
        .filter((grant) => valueAt(grant, 'properties.principalId') === '<nats.properties.principalId>')
        .map((grant) => (grant.body['scope'] as Reference).symbol)
        .filter((scope) => scope !== 'natsVault' && scope !== 'artefacts'),
  },
  {
    name: 'no output shows a key or a connection string',
    broken: (plan) =>
      Object.entries(plan.outputs)
        .filter(([name, value]) => /key|secret|password|connection/i.test(`${name} ${textOf(value)}`))
        .map(([name]) => name),
  },
  {
    name: 'alerts cover errors, latency, nodes, the store, expiry and dead letters',
    broken: (plan) => {
      const names = [
        ...resourcesOf(plan, 'Insights/scheduledQueryRules').map((rule) =>
          textAt(rule, 'properties.displayName'),
        ),
        ...resourcesOf(plan, 'Insights/metricAlerts').map((rule) => textAt(rule, 'name')),
      ].join(' ');
      const wanted = [
        'server-errors',
        'latency',
        'nats-node-down',
        'store-nearly-full',
        'expiry-lag',
        'dead-letters',
      ];
      return wanted.filter((name) => !names.includes(name));
    },
  },
  ...networkPolicies,
];

/** Parameter files that must keep the policies. */
export const profiles = ['infra/bicep/main.dev.bicepparam', 'infra/bicep/main.prod.bicepparam'] as const;

/** What the environment of a deployment gives at least. */
export const deploymentEnvironment = {
  AZURE_PRINCIPAL_ID: '00000000-0000-0000-0000-000000000000',
  BROKER_SSH_PUBLIC_KEY: 'ssh-ed25519 AAAA',
};

/** A sentence for each policy that a parameter file breaks. */
export function checkPolicies(workspace: Workspace): readonly string[] {
  return profiles.flatMap((profile) => {
    const plan = planDeployment(workspace, profile, { environment: deploymentEnvironment });
    return policies.flatMap(({ name, broken }) => {
      const what = broken(plan);
      return what.length ? [`${profile}: not so: ${name}: ${what.join(', ')}`] : [];
    });
  });
}
