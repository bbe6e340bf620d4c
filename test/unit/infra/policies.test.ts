// Each policy about the infrastructure holds, and each can fail: for every one there is a change to the templates
// that breaks it.

import { beforeAll, describe, expect, it } from '@jest/globals';
import { checkPolicies, policies } from '../../../scripts/check-infra/policy/policies';
import type { Workspace } from '../../../scripts/check-infra/symbols';
import { openInfrastructure } from '../../support/infrastructure';

const moduleFile = (name: string) => `infra/bicep/modules/${name}.bicep`;

/** Policy → file, what stands there, what stands there instead. */
const changes: Readonly<Record<string, readonly [string, string, string]>> = {
  'no storage account has a usable key': [
    moduleFile('storage'),
    'allowSharedKeyAccess: false',
    'allowSharedKeyAccess: true',
  ],
  'no blob can be made public': [
    moduleFile('storage'),
    'allowBlobPublicAccess: false',
    'allowBlobPublicAccess: true',
  ],
  'storage speaks HTTPS with TLS 1.2 or newer only': [moduleFile('storage'), "'TLS1_2'", "'TLS1_0'"],
  'the host account is private, the payload account is reached by participants': [
    moduleFile('storage'),
    "publicNetworkAccess: 'Disabled'",
    "publicNetworkAccess: 'Enabled'",
  ],
  'deleted blobs can be restored': [
    moduleFile('storage'),
    'deleteRetentionPolicy: { enabled: true',
    'deleteRetentionPolicy: { enabled: false',
  ],
  'no container is public': [moduleFile('storage'), "publicAccess: 'None'", "publicAccess: 'Blob'"],
  'a lifecycle rule removes what the broker forgot': [
    moduleFile('storage'),
    'daysAfterCreationGreaterThan',
    'daysAfterModificationGreaterThan',
  ],
  'the function app has an identity of its own and no password': [
    moduleFile('function-app'),
    'allow: false',
    'allow: true',
  ],
  'the function app answers HTTPS only': [moduleFile('function-app'), 'httpsOnly: true', 'httpsOnly: false'],
  'the function app speaks TLS 1.2 or newer': [
    moduleFile('function-app'),
    "minTlsVersion: '1.2'",
    "minTlsVersion: '1.0'",
  ],
  'the function app runs Node 24 on Flex Consumption, inside the network, with a health check': [
    moduleFile('function-app'),
    "version: '24'",
    "version: '20'",
  ],
  'code is deployed by identity': [
    moduleFile('function-app'),
    "type: 'UserAssignedIdentity'",
    "type: 'StorageAccountConnectionString'",
  ],
  'the Functions host opens its storage by identity': [
    moduleFile('function-app'),
    "'managedidentity'",
    "'key'",
  ],
  'every secret setting is a reference to the vault': [
    moduleFile('function-app'),
    "TOKEN_SIGNING_KEY: '@Microsoft.KeyVault(",
    "TOKEN_SIGNING_KEY: '(",
  ],
  'telemetry is accepted from identities only': [
    moduleFile('monitoring'),
    'DisableLocalAuth: true',
    'DisableLocalAuth: false',
  ],
  'the SQL server knows Entra identities only': [
    moduleFile('sql'),
    'azureADOnlyAuthentication: true',
    'azureADOnlyAuthentication: false',
  ],
  'the SQL server has no public endpoint and speaks TLS 1.2 or newer': [
    moduleFile('sql'),
    "publicNetworkAccess: 'Disabled'",
    "publicNetworkAccess: 'Enabled'",
  ],
  'the SQL server is audited': [moduleFile('sql'), "state: 'Enabled'", "state: 'Disabled'"],
  'the database is serverless': [moduleFile('sql'), "'GP_S_Gen5'", "'GP_Gen5'"],
  'key vaults use roles, cannot be purged and have no public endpoint': [
    moduleFile('key-vault'),
    'enablePurgeProtection: true',
    'enableSoftDelete: true',
  ],
  'vaults, database and both storage accounts have private endpoints': [
    moduleFile('storage'),
    "['blob', 'queue', 'table']",
    "['blob', 'queue']",
  ],
  'NATS nodes have no public address': [
    moduleFile('nats'),
    'subnet: { id: subnet.id }',
    'subnet: { id: subnet.id }\n            publicIPAddress: { id: subnet.id }',
  ],
  'clients reach NATS from the subnet of the functions only': [
    moduleFile('network'),
    'sourceAddressPrefix: prefixes.functions',
    "sourceAddressPrefix: '*'",
  ],
  'NATS nodes reach each other only among themselves': [
    moduleFile('network'),
    "sourceAddressPrefix: prefixes.nats\n          sourcePortRange: '*'\n          destinationAddressPrefix: prefixes.nats",
    "sourceAddressPrefix: 'VirtualNetwork'\n          sourcePortRange: '*'\n          destinationAddressPrefix: prefixes.nats",
  ],
  'nothing else reaches a NATS node': [moduleFile('network'), "access: 'Deny'", "access: 'Allow'"],
  'NATS nodes have no way to the internet': [
    moduleFile('network'),
    'defaultOutboundAccess: false',
    'defaultOutboundAccess: true',
  ],
  'the subnet of the NATS nodes has its rules': [
    moduleFile('network'),
    '{ id: natsRules.id }',
    '{ id: endpointRules.id }',
  ],
  'NATS nodes stand in one zone each, with a Premium SSD data disk each': [
    moduleFile('nats'),
    "'Premium_LRS'",
    "'Standard_LRS'",
  ],
  'nobody signs in to a NATS node with a password': [
    moduleFile('nats'),
    'disablePasswordAuthentication: true',
    'disablePasswordAuthentication: false',
  ],
  'the broker signs SAS, writes into its own containers and reaches nothing else of the payload account': [
    moduleFile('role-assignments'),
    "{ who: 'broker', role: 'blobDelegator'",
    "{ who: 'broker', role: 'blobDataContributor'",
  ],
  'NATS nodes read their own vault and no other': [
    moduleFile('role-assignments'),
    "{ who: 'setup', role: 'secretsOfficer', why: 'Makes and rotates keys.' }",
    "{ who: 'nats', role: 'secretsUser', why: 'Curiosity.' }",
  ],
  'no output shows a key or a connection string': [
    'infra/bicep/main.bicep',
    'output BROKER_URL string',
    'output BROKER_CONNECTION string',
  ],
  'alerts cover errors, latency, nodes, the store, expiry and dead letters': [
    moduleFile('alerts'),
    "'dead-letters'",
    "'dead'",
  ],
};

describe('the policies', () => {
  let infrastructure: Workspace;
  beforeAll(async () => {
    infrastructure = await openInfrastructure();
  });

  it('hold for every parameter file', () => {
    expect(checkPolicies(infrastructure)).toEqual([]);
  });

  it('are all proven able to fail', () => {
    expect(Object.keys(changes).sort()).toEqual(policies.map(({ name }) => name).sort());
  });

  it.each(Object.entries(changes))('%s: a change that breaks it is found', async (name, [path, from, to]) => {
    let changed = false;
    const broken = await openInfrastructure((file, text) => {
      if (file !== path) return text;
      changed = text.includes(from);
      return text.replace(from, to);
    });
    const sentences = checkPolicies(broken);
    expect(changed).toBe(true);
    expect(sentences.filter((sentence) => sentence.includes(`not so: ${name}: `)).length).toBeGreaterThan(0);
  });
});
