// Every grant of the deployment, in one table.
metadata description = 'Role assignments.'

import { deployerType, namesType, principalsType } from '../types.bicep'

@description('Required. Names of all resources.')
param names namesType

@description('Required. Object ids of the identities.')
param principals principalsType

@description('Required. Kind of the principal that deploys.')
param deployerKind deployerType.principalType

@description('Built-in roles by the names that Azure gives them.')
var roles = {
  blobDataOwner: 'b7e6dc6d-f1e8-4753-8033-0f276bb0955b'
  blobDataContributor: 'ba92f5b4-2d11-453d-a403-e96b0029c9fe'
  blobDataReader: '2a2b9908-6ea1-4ae2-8e65-a410df84e7d1'
  blobDelegator: 'db58b8e5-c6ad-4a2a-8342-4190687cbf4a'
  queueDataContributor: '974c5e8b-45b9-4653-ba55-5f855dd0fb88'
  tableDataContributor: '0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3'
  secretsUser: '4633458b-17de-408a-b874-0445c86b69e6'
  secretsOfficer: 'b86a8fe4-44ce-4948-aee5-eccb2c155cd7'
  metricsPublisher: '3913510d-42f4-4e42-8a64-420c390055eb'
}

@description('On the host account: what the Functions host needs, and the audit log of SQL.')
var onHostAccount = [
  { who: 'broker', role: 'blobDataOwner', why: 'Leases, keys and packages of the Functions host.' }
  { who: 'broker', role: 'queueDataContributor', why: 'Queues of the Functions host.' }
  { who: 'broker', role: 'tableDataContributor', why: 'Diagnostic events of the Functions host.' }
  { who: 'sqlServer', role: 'blobDataContributor', why: 'Audit log.' }
]

@description('On the payload account: no access to any blob.')
var onPayloadAccount = [
  { who: 'broker', role: 'blobDelegator', why: 'Signs SAS for participants.' }
]

@description('On the containers of the broker, and not on the account, whose artefacts are not its affair. Owner where blobs have index tags: writing them and finding by them is not within Contributor.')
var onContainers = [
  { container: 'ddhub-files', role: 'blobDataContributor', why: 'Bytes of files.' }
  { container: 'ddhub-file-records', role: 'blobDataOwner', why: 'Records of files, with the tag by which those due are found.' }
  { container: 'ddhub-payloads', role: 'blobDataOwner', why: 'Large payloads, with the tag by which those due are found.' }
]

@description('On the container of artefacts.')
var onArtefacts = [
  { who: 'deployer', role: 'blobDataContributor', why: 'Puts nats-server and the jobs there.' }
  { who: 'nats', role: 'blobDataReader', why: 'Fetches nats-server.' }
  { who: 'setup', role: 'blobDataReader', why: 'Fetches its program.' }
  { who: 'database', role: 'blobDataReader', why: 'Fetches its program.' }
]

@description('On the vault of the function app.')
var onBrokerVault = [
  { who: 'broker', role: 'secretsUser', why: 'Key Vault references of the settings.' }
  { who: 'setup', role: 'secretsOfficer', why: 'Makes and rotates keys.' }
]

@description('On the vault of the NATS nodes.')
var onNatsVault = [
  { who: 'nats', role: 'secretsUser', why: 'Certificates and public nkeys.' }
  { who: 'setup', role: 'secretsOfficer', why: 'Makes and renews certificates.' }
]

@description('On Application Insights.')
var onInsights = [
  { who: 'broker', role: 'metricsPublisher', why: 'Telemetry.' }
]

resource hostAccount 'Microsoft.Storage/storageAccounts@2026-04-01' existing = {
  name: names.hostAccount
}

resource payloadAccount 'Microsoft.Storage/storageAccounts@2026-04-01' existing = {
  name: names.payloadAccount
}

resource payloadBlobs 'Microsoft.Storage/storageAccounts/blobServices@2026-04-01' existing = {
  parent: payloadAccount
  name: 'default'
}

resource containers 'Microsoft.Storage/storageAccounts/blobServices/containers@2026-04-01' existing = [
  for grant in onContainers: {
    parent: payloadBlobs
    name: grant.container
  }
]

resource artefacts 'Microsoft.Storage/storageAccounts/blobServices/containers@2026-04-01' existing = {
  parent: payloadBlobs
  name: 'artefacts'
}

resource brokerVault 'Microsoft.KeyVault/vaults@2026-02-01' existing = {
  name: names.brokerVault
}

resource natsVault 'Microsoft.KeyVault/vaults@2026-02-01' existing = {
  name: names.natsVault
}

resource insights 'Microsoft.Insights/components@2020-02-02' existing = {
  name: names.insights
}

resource hostAccountGrants 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for grant in onHostAccount: {
    scope: hostAccount
    name: guid(hostAccount.id, grant.who, grant.role)
    properties: {
      principalId: principals[grant.who]
      principalType: 'ServicePrincipal'
      roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles[grant.role])
      description: grant.why
    }
  }
]

resource payloadAccountGrants 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for grant in onPayloadAccount: {
    scope: payloadAccount
    name: guid(payloadAccount.id, grant.who, grant.role)
    properties: {
      principalId: principals[grant.who]
      principalType: 'ServicePrincipal'
      roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles[grant.role])
      description: grant.why
    }
  }
]

resource containerGrants 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for (grant, index) in onContainers: {
    scope: containers[index]
    name: guid(containers[index].id, 'broker', grant.role)
    properties: {
      principalId: principals.broker
      principalType: 'ServicePrincipal'
      roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles[grant.role])
      description: grant.why
    }
  }
]

resource artefactGrants 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for grant in onArtefacts: {
    scope: artefacts
    name: guid(artefacts.id, grant.who, grant.role)
    properties: {
      principalId: principals[grant.who]
      principalType: grant.who == 'deployer' ? deployerKind : 'ServicePrincipal'
      roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles[grant.role])
      description: grant.why
    }
  }
]

resource brokerVaultGrants 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for grant in onBrokerVault: {
    scope: brokerVault
    name: guid(brokerVault.id, grant.who, grant.role)
    properties: {
      principalId: principals[grant.who]
      principalType: 'ServicePrincipal'
      roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles[grant.role])
      description: grant.why
    }
  }
]

resource natsVaultGrants 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for grant in onNatsVault: {
    scope: natsVault
    name: guid(natsVault.id, grant.who, grant.role)
    properties: {
      principalId: principals[grant.who]
      principalType: 'ServicePrincipal'
      roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles[grant.role])
      description: grant.why
    }
  }
]

resource insightsGrants 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for grant in onInsights: {
    scope: insights
    name: guid(insights.id, grant.who, grant.role)
    properties: {
      principalId: principals[grant.who]
      principalType: 'ServicePrincipal'
      roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles[grant.role])
      description: grant.why
    }
  }
]
