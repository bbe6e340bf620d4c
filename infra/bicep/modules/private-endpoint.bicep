// One private endpoint with its registration in DNS, as storage, key vaults and SQL need it alike.
metadata description = 'A private endpoint in the subnet for endpoints.'

import { tagsType } from '../types.bicep'

@description('Required. Region.')
param location string

@description('Required. Tags of the endpoint.')
param tags tagsType

@description('Required. Name of the endpoint.')
param endpointName string

@description('Required. Virtual network with a subnet called endpoints.')
param networkName string

@description('Required. Resource that is reached through the endpoint.')
param targetResourceId string

@description('Required. Part of that resource: blob, queue, table, vault or sqlServer.')
param group string

@description('Required. Private DNS zone of that service.')
param zoneName string

resource network 'Microsoft.Network/virtualNetworks@2025-09-01' existing = {
  name: networkName
}

resource subnet 'Microsoft.Network/virtualNetworks/subnets@2025-09-01' existing = {
  parent: network
  name: 'endpoints'
}

resource zone 'Microsoft.Network/privateDnsZones@2024-06-01' existing = {
  name: zoneName
}

resource endpoint 'Microsoft.Network/privateEndpoints@2025-09-01' = {
  name: endpointName
  location: location
  tags: tags
  properties: {
    subnet: { id: subnet.id }
    privateLinkServiceConnections: [
      {
        name: group
        properties: {
          privateLinkServiceId: targetResourceId
          groupIds: [group]
        }
      }
    ]
  }
}

resource registration 'Microsoft.Network/privateEndpoints/privateDnsZoneGroups@2025-09-01' = {
  parent: endpoint
  name: 'default'
  properties: {
    privateDnsZoneConfigs: [
      { name: group, properties: { privateDnsZoneId: zone.id } }
    ]
  }
}
