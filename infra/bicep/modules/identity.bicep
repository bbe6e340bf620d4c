// The identities: one for each thing that acts, so that each can be given only what it needs.
metadata description = 'User-assigned identities of the function app, the NATS nodes, the jobs and the SQL server.'

import { namesType, tagsType } from '../types.bicep'

@description('Required. Region.')
param location string

@description('Required. Names of all resources.')
param names namesType

@description('Required. Tags of the identities.')
param tags tagsType

resource broker 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' = {
  name: names.brokerIdentity
  location: location
  tags: tags
}

resource nats 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' = {
  name: names.natsIdentity
  location: location
  tags: tags
}

resource setup 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' = {
  name: names.setupIdentity
  location: location
  tags: tags
}

resource database 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' = {
  name: names.databaseIdentity
  location: location
  tags: tags
}

resource sqlServer 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' = {
  name: names.sqlServerIdentity
  location: location
  tags: tags
}

@description('Object id of the identity of the function app.')
output brokerPrincipalId string = broker.properties.principalId

@description('Object id of the identity of the NATS nodes.')
output natsPrincipalId string = nats.properties.principalId

@description('Object id of the identity of the job that makes keys and certificates.')
output setupPrincipalId string = setup.properties.principalId

@description('Object id of the identity of the job that prepares the database.')
output databasePrincipalId string = database.properties.principalId

@description('Object id of the identity of the SQL server.')
output sqlServerPrincipalId string = sqlServer.properties.principalId
