// The broker itself, on Flex Consumption. It holds no secret: everything is opened with its identity, and the few
// keys that must exist are references to the vault.
metadata description = 'Plan, function app and its settings.'

import { chosenSettings } from '../settings.bicep'
import { functionsType, namesType, settingsType, tagsType } from '../types.bicep'

@description('Required. Region.')
param location string

@description('Required. Names of all resources.')
param names namesType

@description('Required. Tags of the resources.')
param tags tagsType

@description('Required. Size and behaviour.')
param functions functionsType

@description('Required. Addresses of the NATS servers, comma-separated.')
param natsServers string

@description('Required. Replicas of every stream: the number of NATS nodes.')
param streamReplicas int

@description('Required. Streams over which mailboxes are spread. Fixed at the first start.')
param shardCount int

@description('Required. Settings that differ from the defaults of the broker.')
param settings settingsType

resource identity 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' existing = {
  name: names.brokerIdentity
}

resource hostAccount 'Microsoft.Storage/storageAccounts@2026-04-01' existing = {
  name: names.hostAccount
}

resource payloadAccount 'Microsoft.Storage/storageAccounts@2026-04-01' existing = {
  name: names.payloadAccount
}

resource sqlServer 'Microsoft.Sql/servers@2025-01-01' existing = {
  name: names.sqlServer
}

resource insights 'Microsoft.Insights/components@2020-02-02' existing = {
  name: names.insights
}

resource network 'Microsoft.Network/virtualNetworks@2025-09-01' existing = {
  name: names.network
}

resource subnet 'Microsoft.Network/virtualNetworks/subnets@2025-09-01' existing = {
  parent: network
  name: 'functions'
}

@description('Settings of the Functions host: storage and telemetry by identity, and the memory of its Node worker (V8, MiB).')
var hostSettings = {
  languageWorkers__node__arguments: '--max-semi-space-size=4'
  AzureWebJobsStorage__credential: 'managedidentity'
  AzureWebJobsStorage__clientId: identity.properties.clientId
  AzureWebJobsStorage__blobServiceUri: hostAccount.properties.primaryEndpoints.blob
  AzureWebJobsStorage__queueServiceUri: hostAccount.properties.primaryEndpoints.queue
  AzureWebJobsStorage__tableServiceUri: hostAccount.properties.primaryEndpoints.table
  APPLICATIONINSIGHTS_CONNECTION_STRING: insights.properties.ConnectionString
  APPLICATIONINSIGHTS_AUTHENTICATION_STRING: 'ClientId=${identity.properties.clientId};Authorization=AAD'
}

@description('Settings of the broker that follow from the infrastructure.')
var decidedSettings = {
  NATS_SERVERS: natsServers
  NATS_CREDENTIALS: '@Microsoft.KeyVault(VaultName=${names.brokerVault};SecretName=nats-broker-seed)'
  NATS_CA_PEM: '@Microsoft.KeyVault(VaultName=${names.brokerVault};SecretName=nats-ca)'
  STREAM_REPLICAS: string(streamReplicas)
  SHARD_COUNT: string(shardCount)
  SQL_SERVER: sqlServer.properties.fullyQualifiedDomainName
  SQL_DATABASE: names.database
  BLOB_SERVICE_URL: payloadAccount.properties.primaryEndpoints.blob
  AZURE_CLIENT_ID: identity.properties.clientId
  TOKEN_SIGNING_KEY: '@Microsoft.KeyVault(VaultName=${names.brokerVault};SecretName=token-signing-key)'
  MESSAGE_ID_KEY: '@Microsoft.KeyVault(VaultName=${names.brokerVault};SecretName=message-id-key)'
  // For local brokers only.
  SQLITE_FILE: ''
  SQL_CONNECTION_STRING: ''
  BLOB_CONNECTION_STRING: ''
}

@description('All settings of the broker.')
var brokerSettings = union(chosenSettings, settings, decidedSettings)

resource plan 'Microsoft.Web/serverfarms@2025-03-01' = {
  name: names.plan
  location: location
  tags: tags
  kind: 'functionapp'
  sku: { name: 'FC1', tier: 'FlexConsumption' }
  properties: { reserved: true }
}

resource app 'Microsoft.Web/sites@2025-03-01' = {
  name: names.functionApp
  location: location
  // azd finds the app by this tag.
  tags: union(tags, { 'azd-service-name': 'broker' })
  kind: 'functionapp,linux'
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: { '${identity.id}': {} }
  }
  properties: {
    serverFarmId: plan.id
    httpsOnly: true
    keyVaultReferenceIdentity: identity.id
    virtualNetworkSubnetId: subnet.id
    clientCertEnabled: functions.clientCertificates != 'Off'
    clientCertMode: functions.clientCertificates == 'Required' ? 'Required' : 'Optional'
    // The platform asks without a certificate.
    clientCertExclusionPaths: '/health'
    siteConfig: {
      minTlsVersion: '1.2'
      scmMinTlsVersion: '1.2'
      http20Enabled: true
      healthCheckPath: '/health'
    }
    functionAppConfig: {
      runtime: { name: 'node', version: '24' }
      deployment: {
        storage: {
          type: 'blobContainer'
          value: '${hostAccount.properties.primaryEndpoints.blob}deployments'
          authentication: {
            type: 'UserAssignedIdentity'
            userAssignedIdentityResourceId: identity.id
          }
        }
      }
      scaleAndConcurrency: {
        instanceMemoryMB: functions.instanceMemoryMB
        maximumInstanceCount: functions.maximumInstances
        alwaysReady: functions.alwaysReadyInstances == 0
          ? []
          : [{ name: 'http', instanceCount: functions.alwaysReadyInstances }]
        triggers: { http: { perInstanceConcurrency: functions.httpConcurrency } }
      }
    }
  }
}

resource appSettings 'Microsoft.Web/sites/config@2025-03-01' = {
  parent: app
  name: 'appsettings'
  properties: union(hostSettings, brokerSettings)
}

resource noFtp 'Microsoft.Web/sites/basicPublishingCredentialsPolicies@2025-03-01' = {
  parent: app
  name: 'ftp'
  properties: { allow: false }
}

resource noPublishingPassword 'Microsoft.Web/sites/basicPublishingCredentialsPolicies@2025-03-01' = {
  parent: app
  name: 'scm'
  properties: { allow: false }
}

@description('Base URL of the broker.')
output url string = 'https://${app.properties.defaultHostName}'
