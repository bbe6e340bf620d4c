// Two accounts: the Functions host's own, which nobody outside reaches, and the payload account, which participants
// reach with a SAS that the broker signs by its identity. Neither has a usable account key.
metadata description = 'Storage accounts of the host and of payloads, with their containers and private endpoints.'

import { namesType, storageType, tagsType } from '../types.bicep'

@description('Required. Region.')
param location string

@description('Required. Names of all resources.')
param names namesType

@description('Required. Tags of the resources.')
param tags tagsType

@description('Required. Redundancy, lifecycle and CORS.')
param storage storageType

@description('Services of the host account that the host uses.')
var hostServices = ['blob', 'queue', 'table']

@description('Container of the payloads of messages.')
var payloadContainer = 'ddhub-payloads'

@description('Containers that the broker uses.')
var brokerContainers = ['ddhub-files', 'ddhub-file-records', payloadContainer]

resource hostAccount 'Microsoft.Storage/storageAccounts@2026-04-01' = {
  name: names.hostAccount
  location: location
  tags: tags
  kind: 'StorageV2'
  sku: { name: storage.redundancy }
  properties: {
    allowSharedKeyAccess: false
    allowBlobPublicAccess: false
    allowCrossTenantReplication: false
    defaultToOAuthAuthentication: true
    minimumTlsVersion: 'TLS1_2'
    supportsHttpsTrafficOnly: true
    publicNetworkAccess: 'Disabled'
    // The SQL server is a trusted service and writes its audit log here.
    networkAcls: { defaultAction: 'Deny', bypass: 'AzureServices' }
  }
}

resource hostBlobs 'Microsoft.Storage/storageAccounts/blobServices@2026-04-01' = {
  parent: hostAccount
  name: 'default'
  properties: {
    deleteRetentionPolicy: { enabled: true, days: storage.softDeleteDays }
    containerDeleteRetentionPolicy: { enabled: true, days: storage.softDeleteDays }
  }
}

resource deployments 'Microsoft.Storage/storageAccounts/blobServices/containers@2026-04-01' = {
  parent: hostBlobs
  name: 'deployments'
  properties: { publicAccess: 'None' }
}

resource payloadAccount 'Microsoft.Storage/storageAccounts@2026-04-01' = {
  name: names.payloadAccount
  location: location
  tags: tags
  kind: 'StorageV2'
  sku: { name: storage.redundancy }
  properties: {
    accessTier: 'Hot'
    allowSharedKeyAccess: false
    allowBlobPublicAccess: false
    allowCrossTenantReplication: false
    defaultToOAuthAuthentication: true
    minimumTlsVersion: 'TLS1_2'
    supportsHttpsTrafficOnly: true
    // Participants up- and download with a SAS from wherever they are.
    publicNetworkAccess: 'Enabled'
  }
}

resource payloadBlobs 'Microsoft.Storage/storageAccounts/blobServices@2026-04-01' = {
  parent: payloadAccount
  name: 'default'
  properties: {
    deleteRetentionPolicy: { enabled: true, days: storage.softDeleteDays }
    containerDeleteRetentionPolicy: { enabled: true, days: storage.softDeleteDays }
    cors: {
      corsRules: empty(storage.corsOrigins)
        ? []
        : [
            {
              allowedOrigins: storage.corsOrigins
              allowedMethods: ['GET', 'HEAD', 'PUT', 'OPTIONS']
              allowedHeaders: ['*']
              exposedHeaders: ['etag', 'x-ms-request-id', 'content-md5']
              maxAgeInSeconds: 3600
            }
          ]
    }
  }
}

resource containers 'Microsoft.Storage/storageAccounts/blobServices/containers@2026-04-01' = [
  for container in brokerContainers: {
    parent: payloadBlobs
    name: container
    properties: { publicAccess: 'None' }
  }
]

resource artefacts 'Microsoft.Storage/storageAccounts/blobServices/containers@2026-04-01' = {
  parent: payloadBlobs
  name: 'artefacts'
  properties: { publicAccess: 'None' }
}

resource lifecycle 'Microsoft.Storage/storageAccounts/managementPolicies@2026-04-01' = {
  parent: payloadAccount
  name: 'default'
  properties: {
    policy: {
      rules: [
        {
          name: 'backstop'
          type: 'Lifecycle'
          enabled: true
          definition: {
            // Payloads alone: their life is fixed when they are stored. A file lives on each time that it is sent again,
            // while its bytes keep their age, so that no age says that it has ended: the retention timer goes by its
            // record.
            filters: { blobTypes: ['blockBlob'], prefixMatch: ['${payloadContainer}/'] }
            actions: { baseBlob: { delete: { daysAfterCreationGreaterThan: storage.backstopDays } } }
          }
        }
      ]
    }
  }
}

module hostEndpoints 'private-endpoint.bicep' = [
  for service in hostServices: {
    params: {
      location: location
      tags: tags
      endpointName: 'pe-${service}-${names.hostAccount}'
      networkName: names.network
      targetResourceId: hostAccount.id
      group: service
      zoneName: 'privatelink.${service}.${environment().suffixes.storage}'
    }
  }
]

module payloadEndpoint 'private-endpoint.bicep' = {
  params: {
    location: location
    tags: tags
    endpointName: 'pe-blob-${names.payloadAccount}'
    networkName: names.network
    targetResourceId: payloadAccount.id
    group: 'blob'
    zoneName: 'privatelink.blob.${environment().suffixes.storage}'
  }
}
