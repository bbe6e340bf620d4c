// One fixed address for what the functions ask on the internet. A module of its own, because not every deployment has
// it: what is conditional may be null, and then every use of it would have to say so.
metadata description = 'NAT gateway with one public address.'

import { namesType, tagsType } from '../types.bicep'

@description('Required. Region.')
param location string

@description('Required. Names of all resources.')
param names namesType

@description('Required. Tags of the resources.')
param tags tagsType

resource address 'Microsoft.Network/publicIPAddresses@2025-09-01' = {
  name: 'pip-nat-${names.network}'
  location: location
  tags: tags
  sku: { name: 'Standard' }
  properties: { publicIPAllocationMethod: 'Static' }
}

resource gateway 'Microsoft.Network/natGateways@2025-09-01' = {
  name: 'nat-${names.network}'
  location: location
  tags: tags
  sku: { name: 'Standard' }
  properties: {
    idleTimeoutInMinutes: 4
    publicIpAddresses: [{ id: address.id }]
  }
}
