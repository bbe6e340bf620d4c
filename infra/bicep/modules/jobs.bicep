// What has to run inside the network, because nothing outside reaches the vaults and the database: the job that
// makes keys and certificates, and the job that prepares the database. Both are started by hand or by a pipeline.
metadata description = 'Container Apps environment with two manual jobs.'

import { namesType, tagsType } from '../types.bicep'

@description('Required. Region.')
param location string

@description('Required. Names of all resources.')
param names namesType

@description('Required. Tags of the resources.')
param tags tagsType

@description('Required. Image with Node 24 in which the jobs run.')
param image string

@description('Required. NATS nodes for which certificates are made.')
param natsNodes int

@description('Program of both jobs: fetches jobs.cjs from the container of artefacts and runs it.')
var command = ['node', '-e', loadTextContent('../../../scripts/deploy/fetch-and-run.cjs')]

resource network 'Microsoft.Network/virtualNetworks@2025-09-01' existing = {
  name: names.network
}

resource subnet 'Microsoft.Network/virtualNetworks/subnets@2025-09-01' existing = {
  parent: network
  name: 'jobs'
}

resource setupIdentity 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' existing = {
  name: names.setupIdentity
}

resource databaseIdentity 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' existing = {
  name: names.databaseIdentity
}

resource brokerIdentity 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' existing = {
  name: names.brokerIdentity
}

resource payloadAccount 'Microsoft.Storage/storageAccounts@2026-04-01' existing = {
  name: names.payloadAccount
}

resource brokerVault 'Microsoft.KeyVault/vaults@2026-02-01' existing = {
  name: names.brokerVault
}

resource natsVault 'Microsoft.KeyVault/vaults@2026-02-01' existing = {
  name: names.natsVault
}

resource sqlServer 'Microsoft.Sql/servers@2025-01-01' existing = {
  name: names.sqlServer
}

resource jobEnvironment 'Microsoft.App/managedEnvironments@2026-01-01' = {
  name: names.jobEnvironment
  location: location
  tags: tags
  properties: {
    appLogsConfiguration: { destination: 'azure-monitor' }
    publicNetworkAccess: 'Disabled'
    vnetConfiguration: { infrastructureSubnetId: subnet.id, internal: true }
    workloadProfiles: [{ name: 'Consumption', workloadProfileType: 'Consumption' }]
  }
}

resource setupJob 'Microsoft.App/jobs@2026-01-01' = {
  name: names.setupJob
  location: location
  tags: tags
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: { '${setupIdentity.id}': {} }
  }
  properties: {
    environmentId: jobEnvironment.id
    workloadProfileName: 'Consumption'
    configuration: {
      triggerType: 'Manual'
      replicaTimeout: 600
      replicaRetryLimit: 1
      manualTriggerConfig: { parallelism: 1, replicaCompletionCount: 1 }
    }
    template: {
      containers: [
        {
          name: 'setup'
          image: image
          command: command
          resources: { cpu: 1, memory: '2Gi' }
          env: [
            { name: 'JOB', value: 'keys' }
            { name: 'AZURE_CLIENT_ID', value: setupIdentity.properties.clientId }
            { name: 'ARTEFACTS_URL', value: '${payloadAccount.properties.primaryEndpoints.blob}artefacts' }
            { name: 'BROKER_VAULT_URI', value: brokerVault.properties.vaultUri }
            { name: 'NATS_VAULT_URI', value: natsVault.properties.vaultUri }
            { name: 'NATS_NODES', value: string(natsNodes) }
            { name: 'NATS_ZONE', value: names.natsZone }
          ]
        }
      ]
    }
  }
}

resource databaseJob 'Microsoft.App/jobs@2026-01-01' = {
  name: names.databaseJob
  location: location
  tags: tags
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: { '${databaseIdentity.id}': {} }
  }
  properties: {
    environmentId: jobEnvironment.id
    workloadProfileName: 'Consumption'
    configuration: {
      triggerType: 'Manual'
      replicaTimeout: 1800
      replicaRetryLimit: 1
      manualTriggerConfig: { parallelism: 1, replicaCompletionCount: 1 }
    }
    template: {
      containers: [
        {
          name: 'database'
          image: image
          command: command
          resources: { cpu: 1, memory: '2Gi' }
          env: [
            { name: 'JOB', value: 'database' }
            { name: 'AZURE_CLIENT_ID', value: databaseIdentity.properties.clientId }
            { name: 'ARTEFACTS_URL', value: '${payloadAccount.properties.primaryEndpoints.blob}artefacts' }
            { name: 'SQL_SERVER', value: sqlServer.properties.fullyQualifiedDomainName }
            { name: 'SQL_DATABASE', value: names.database }
            { name: 'BROKER_IDENTITY', value: names.brokerIdentity }
            { name: 'BROKER_CLIENT_ID', value: brokerIdentity.properties.clientId }
          ]
        }
      ]
    }
  }
}
