// The database of topics. No password exists: the administrator is the identity of the database job, and the
// function app is a user that the job makes.
metadata description = 'SQL server with Entra identities only, a serverless database, its audit and private endpoint.'

import { namesType, sqlType, tagsType } from '../types.bicep'

@description('Required. Region.')
param location string

@description('Required. Names of all resources.')
param names namesType

@description('Required. Tags of the resources.')
param tags tagsType

@description('Required. Size of the database.')
param sql sqlType

resource administrator 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' existing = {
  name: names.databaseIdentity
}

resource serverIdentity 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' existing = {
  name: names.sqlServerIdentity
}

resource hostAccount 'Microsoft.Storage/storageAccounts@2026-04-01' existing = {
  name: names.hostAccount
}

resource server 'Microsoft.Sql/servers@2025-01-01' = {
  name: names.sqlServer
  location: location
  tags: tags
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: { '${serverIdentity.id}': {} }
  }
  properties: {
    version: '12.0'
    primaryUserAssignedIdentityId: serverIdentity.id
    minimalTlsVersion: '1.2'
    publicNetworkAccess: 'Disabled'
    administrators: {
      administratorType: 'ActiveDirectory'
      azureADOnlyAuthentication: true
      principalType: 'Application'
      login: administrator.name
      sid: administrator.properties.principalId
      tenantId: tenant().tenantId
    }
  }
}

resource database 'Microsoft.Sql/servers/databases@2025-01-01' = {
  parent: server
  name: names.database
  location: location
  tags: tags
  sku: {
    name: 'GP_S_Gen5'
    tier: 'GeneralPurpose'
    family: 'Gen5'
    capacity: sql.maximumCores
  }
  properties: {
    autoPauseDelay: sql.autoPauseMinutes
    minCapacity: json(sql.minimumCores)
    maxSizeBytes: 34359738368
    zoneRedundant: sql.zoneRedundant
    requestedBackupStorageRedundancy: sql.backupRedundancy
  }
}

resource auditing 'Microsoft.Sql/servers/auditingSettings@2025-01-01' = {
  parent: server
  name: 'default'
  properties: {
    state: 'Enabled'
    storageEndpoint: hostAccount.properties.primaryEndpoints.blob
    storageAccountSubscriptionId: subscription().subscriptionId
    isManagedIdentityInUse: true
    retentionDays: 90
  }
}

module endpoint 'private-endpoint.bicep' = {
  params: {
    location: location
    tags: tags
    endpointName: 'pe-sql-${names.sqlServer}'
    networkName: names.network
    targetResourceId: server.id
    group: 'sqlServer'
    zoneName: 'privatelink${environment().suffixes.sqlServerHostname}'
  }
}
