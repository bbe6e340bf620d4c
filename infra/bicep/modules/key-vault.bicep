// A vault that only the network reaches. Two are made: one for the function app, one for the NATS nodes, so that a
// node never sees the keys that sign tokens.
metadata description = 'Key vault with role-based access and purge protection.'

import { tagsType } from '../types.bicep'

@description('Required. Region.')
param location string

@description('Required. Tags of the resources.')
param tags tagsType

@description('Required. Name of the vault.')
param vaultName string

@description('Required. Virtual network with a subnet called endpoints.')
param networkName string

resource vault 'Microsoft.KeyVault/vaults@2026-02-01' = {
  name: vaultName
  location: location
  tags: tags
  properties: {
    tenantId: tenant().tenantId
    sku: { family: 'A', name: 'standard' }
    enableRbacAuthorization: true
    enableSoftDelete: true
    softDeleteRetentionInDays: 90
    enablePurgeProtection: true
    publicNetworkAccess: 'Disabled'
    networkAcls: { defaultAction: 'Deny', bypass: 'None' }
  }
}

module endpoint 'private-endpoint.bicep' = {
  params: {
    location: location
    tags: tags
    endpointName: 'pe-vault-${vaultName}'
    networkName: networkName
    targetResourceId: vault.id
    group: 'vault'
    zoneName: 'privatelink.vaultcore.azure.net'
  }
}
