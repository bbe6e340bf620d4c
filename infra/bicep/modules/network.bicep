// The network: who can reach whom. A subnet each for the functions, the jobs, the NATS nodes and the private
// endpoints; the first two have a way to the internet, the others have none.
metadata description = 'Virtual network, subnets, security rules and private DNS zones.'

import { namesType, networkType, tagsType } from '../types.bicep'

@description('Required. Region.')
param location string

@description('Required. Names of all resources.')
param names namesType

@description('Required. Tags of the resources.')
param tags tagsType

@description('Required. Addresses and ways out.')
param network networkType

@description('Address ranges of the subnets.')
var prefixes = {
  functions: cidrSubnet(network.addressPrefix, 24, 0)
  jobs: cidrSubnet(network.addressPrefix, 24, 1)
  nats: cidrSubnet(network.addressPrefix, 24, 2)
  endpoints: cidrSubnet(network.addressPrefix, 24, 3)
}

@description('Zones in which private endpoints register, by the service they belong to.')
var endpointZones = [
  'privatelink.blob.${environment().suffixes.storage}'
  'privatelink.queue.${environment().suffixes.storage}'
  'privatelink.table.${environment().suffixes.storage}'
  'privatelink.vaultcore.azure.net'
  'privatelink${environment().suffixes.sqlServerHostname}'
]

resource natsRules 'Microsoft.Network/networkSecurityGroups@2025-09-01' = {
  name: 'nsg-nats-${names.network}'
  location: location
  tags: tags
  properties: {
    securityRules: [
      {
        name: 'clients-from-functions'
        properties: {
          description: 'The function app talks to NATS.'
          direction: 'Inbound'
          access: 'Allow'
          priority: 100
          protocol: 'Tcp'
          sourceAddressPrefix: prefixes.functions
          sourcePortRange: '*'
          destinationAddressPrefix: prefixes.nats
          destinationPortRange: '4222'
        }
      }
      {
        name: 'routes-among-nodes'
        properties: {
          description: 'The nodes talk to each other.'
          direction: 'Inbound'
          access: 'Allow'
          priority: 110
          protocol: 'Tcp'
          sourceAddressPrefix: prefixes.nats
          sourcePortRange: '*'
          destinationAddressPrefix: prefixes.nats
          destinationPortRange: '6222'
        }
      }
      {
        name: 'nothing-else-in'
        properties: {
          description: 'Stands before the default rule that lets the whole network in.'
          direction: 'Inbound'
          access: 'Deny'
          priority: 4096
          protocol: '*'
          sourceAddressPrefix: '*'
          sourcePortRange: '*'
          destinationAddressPrefix: '*'
          destinationPortRange: '*'
        }
      }
      {
        name: 'artefacts-and-keys'
        properties: {
          description: 'A node fetches its program and its certificates.'
          direction: 'Outbound'
          access: 'Allow'
          priority: 100
          protocol: 'Tcp'
          sourceAddressPrefix: prefixes.nats
          sourcePortRange: '*'
          destinationAddressPrefix: prefixes.endpoints
          destinationPortRange: '443'
        }
      }
      {
        name: 'routes-to-nodes'
        properties: {
          description: 'The nodes talk to each other.'
          direction: 'Outbound'
          access: 'Allow'
          priority: 110
          protocol: 'Tcp'
          sourceAddressPrefix: prefixes.nats
          sourcePortRange: '*'
          destinationAddressPrefix: prefixes.nats
          destinationPortRange: '6222'
        }
      }
      {
        name: 'nothing-else-out'
        properties: {
          description: 'A node starts no other connection.'
          direction: 'Outbound'
          access: 'Deny'
          priority: 4096
          protocol: '*'
          sourceAddressPrefix: '*'
          sourcePortRange: '*'
          destinationAddressPrefix: '*'
          destinationPortRange: '*'
        }
      }
    ]
  }
}

resource endpointRules 'Microsoft.Network/networkSecurityGroups@2025-09-01' = {
  name: 'nsg-endpoints-${names.network}'
  location: location
  tags: tags
  properties: {
    securityRules: [
      {
        name: 'services-from-inside'
        properties: {
          description: 'HTTPS and SQL from the network.'
          direction: 'Inbound'
          access: 'Allow'
          priority: 100
          protocol: 'Tcp'
          sourceAddressPrefix: 'VirtualNetwork'
          sourcePortRange: '*'
          destinationAddressPrefix: prefixes.endpoints
          destinationPortRanges: ['443', '1433']
        }
      }
      {
        name: 'nothing-else-in'
        properties: {
          description: 'Nothing else.'
          direction: 'Inbound'
          access: 'Deny'
          priority: 4096
          protocol: '*'
          sourceAddressPrefix: '*'
          sourcePortRange: '*'
          destinationAddressPrefix: '*'
          destinationPortRange: '*'
        }
      }
    ]
  }
}

resource natGateway 'Microsoft.Network/natGateways@2025-09-01' existing = {
  name: 'nat-${names.network}'
}

resource virtualNetwork 'Microsoft.Network/virtualNetworks@2025-09-01' = {
  name: names.network
  location: location
  tags: tags
  properties: {
    addressSpace: { addressPrefixes: [network.addressPrefix] }
    subnets: [
      {
        name: 'functions'
        properties: {
          addressPrefix: prefixes.functions
          delegations: [
            { name: 'functions', properties: { serviceName: 'Microsoft.App/environments' } }
          ]
          // Tokens, telemetry and the key sets of trusted issuers are on the internet.
          defaultOutboundAccess: !network.natGateway
          natGateway: network.natGateway ? { id: natGateway.id } : null
        }
      }
      {
        name: 'jobs'
        properties: {
          addressPrefix: prefixes.jobs
          delegations: [
            { name: 'jobs', properties: { serviceName: 'Microsoft.App/environments' } }
          ]
          // The image of the jobs comes from a public registry.
          defaultOutboundAccess: true
        }
      }
      {
        name: 'nats'
        properties: {
          addressPrefix: prefixes.nats
          defaultOutboundAccess: false
          networkSecurityGroup: { id: natsRules.id }
        }
      }
      {
        name: 'endpoints'
        properties: {
          addressPrefix: prefixes.endpoints
          defaultOutboundAccess: false
          networkSecurityGroup: { id: endpointRules.id }
          // Without this the rules above do not count for private endpoints.
          privateEndpointNetworkPolicies: 'NetworkSecurityGroupEnabled'
        }
      }
    ]
  }
}

resource zones 'Microsoft.Network/privateDnsZones@2024-06-01' = [
  for zone in endpointZones: {
    name: zone
    location: 'global'
    tags: tags
  }
]

resource zoneLinks 'Microsoft.Network/privateDnsZones/virtualNetworkLinks@2024-06-01' = [
  for (zone, index) in endpointZones: {
    parent: zones[index]
    name: names.network
    location: 'global'
    tags: tags
    properties: {
      registrationEnabled: false
      virtualNetwork: { id: virtualNetwork.id }
    }
  }
]

resource natsZone 'Microsoft.Network/privateDnsZones@2024-06-01' = {
  name: names.natsZone
  location: 'global'
  tags: tags
}

resource natsZoneLink 'Microsoft.Network/privateDnsZones/virtualNetworkLinks@2024-06-01' = {
  parent: natsZone
  name: names.network
  location: 'global'
  tags: tags
  properties: {
    registrationEnabled: false
    virtualNetwork: { id: virtualNetwork.id }
  }
}
