// The message store: one or three nodes, each with a data disk of its own. What a node needs at its first start is
// its customData, which never changes; what may change later (configuration, version) is its userData, which the
// node reads whenever its service starts. So an upgrade is a deployment and then a restart, node after node.
metadata description = 'Virtual machines that run nats-server.'

import { namesType, natsType, tagsType } from '../types.bicep'

@description('Required. Region.')
param location string

@description('Required. Names of all resources.')
param names namesType

@description('Required. Tags of the resources.')
param tags tagsType

@description('Required. Size of the cluster.')
param nats natsType

@description('Required. Address range of the subnet called nats.')
param subnetPrefix string

@description('Availability zones, one for each node.')
var zones = ['1', '2', '3']

@description('Names of the nodes within the network, which their certificates hold.')
var hosts = map(range(0, nats.nodes), index => 'nats-${index}.${names.natsZone}')

@description('What the templates of infra/nats are filled in with, but for the name of the node.')
var values = {
  directory: '/etc/nats'
  storeDirectory: '/var/lib/nats'
  clientListen: '0.0.0.0:4222'
  clusterListen: '0.0.0.0:6222'
  monitorListen: '127.0.0.1:8222'
  syncInterval: nats.syncInterval
  // The rest is room for the file system and for compaction.
  maxFileStore: '${nats.dataDiskGiB * 9 / 10}GB'
  routes: join(map(hosts, host => 'tls://${host}:6222'), ', ')
}

@description('Template of a node.')
var nodeTemplate = loadTextContent('../../nats/nats-node.conf.tmpl')

@description('Template of the part that joins nodes to a cluster; one node alone has none.')
var clusterTemplate = nats.nodes == 1 ? '' : loadTextContent('../../nats/nats-cluster.conf.tmpl')

@description('Configuration files of each node.')
var configurations = map(
  range(0, nats.nodes),
  index => {
    'nats.conf': loadTextContent('../../nats/nats.conf')
    'node.conf': reduce(
      items(union(values, { nodeName: 'nats-${index}' })),
      nodeTemplate,
      (text, entry) => replace(string(text), '{{${entry.key}}}', string(entry.value))
    )
    'cluster.conf': reduce(
      items(values),
      clusterTemplate,
      (text, entry) => replace(string(text), '{{${entry.key}}}', string(entry.value))
    )
  }
)

@description('What happens at the first start of a node. JSON is YAML, so this is a cloud-config.')
var bootstrap = {
  write_files: [
    {
      path: '/opt/ddhub/prepare-node.py'
      permissions: '0755'
      encoding: 'b64'
      content: loadFileAsBase64('../../nats/prepare-node.py')
    }
    {
      path: '/etc/systemd/system/nats.service'
      permissions: '0644'
      encoding: 'b64'
      content: loadFileAsBase64('../../nats/nats.service')
    }
  ]
  runcmd: [
    ['useradd', '--system', '--home-dir', '/var/lib/nats', '--shell', '/usr/sbin/nologin', 'nats']
    ['systemctl', 'daemon-reload']
    ['systemctl', 'enable', 'nats.service']
    ['systemctl', 'start', '--no-block', 'nats.service']
  ]
}

resource network 'Microsoft.Network/virtualNetworks@2025-09-01' existing = {
  name: names.network
}

resource subnet 'Microsoft.Network/virtualNetworks/subnets@2025-09-01' existing = {
  parent: network
  name: 'nats'
}

resource zone 'Microsoft.Network/privateDnsZones@2024-06-01' existing = {
  name: names.natsZone
}

resource identity 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' existing = {
  name: names.natsIdentity
}

resource vault 'Microsoft.KeyVault/vaults@2026-02-01' existing = {
  name: names.natsVault
}

resource payloadAccount 'Microsoft.Storage/storageAccounts@2026-04-01' existing = {
  name: names.payloadAccount
}

resource addresses 'Microsoft.Network/privateDnsZones/A@2024-06-01' = [
  for index in range(0, nats.nodes): {
    parent: zone
    name: 'nats-${index}'
    properties: {
      ttl: 60
      aRecords: [{ ipv4Address: cidrHost(subnetPrefix, index + 3) }]
    }
  }
]

resource cards 'Microsoft.Network/networkInterfaces@2025-09-01' = [
  for index in range(0, nats.nodes): {
    name: 'nic-${names.natsNode}-${index}'
    location: location
    tags: tags
    properties: {
      enableAcceleratedNetworking: true
      ipConfigurations: [
        {
          name: 'private'
          properties: {
            subnet: { id: subnet.id }
            privateIPAllocationMethod: 'Static'
            privateIPAddress: cidrHost(subnetPrefix, index + 3)
          }
        }
      ]
    }
  }
]

resource disks 'Microsoft.Compute/disks@2026-03-02' = [
  for index in range(0, nats.nodes): {
    name: 'disk-${names.natsNode}-${index}'
    location: location
    tags: tags
    // A single node stands in no zone, so that it can start wherever there is room.
    zones: nats.nodes == 3 ? take(skip(zones, index), 1) : null
    sku: { name: 'Premium_LRS' }
    properties: {
      creationData: { createOption: 'Empty' }
      diskSizeGB: nats.dataDiskGiB
      networkAccessPolicy: 'DenyAll'
      publicNetworkAccess: 'Disabled'
    }
  }
]

resource nodes 'Microsoft.Compute/virtualMachines@2026-04-01' = [
  for index in range(0, nats.nodes): {
    name: '${names.natsNode}-${index}'
    location: location
    tags: tags
    zones: nats.nodes == 3 ? take(skip(zones, index), 1) : null
    identity: {
      type: 'UserAssigned'
      userAssignedIdentities: { '${identity.id}': {} }
    }
    properties: {
      hardwareProfile: { vmSize: nats.vmSize }
      storageProfile: {
        imageReference: {
          publisher: 'Canonical'
          offer: 'ubuntu-24_04-lts'
          sku: 'server'
          // Read when a node is made, never afterwards.
          version: 'latest'
        }
        osDisk: {
          createOption: 'FromImage'
          deleteOption: 'Delete'
          managedDisk: { storageAccountType: 'Premium_LRS' }
        }
        dataDisks: [
          {
            lun: 0
            createOption: 'Attach'
            deleteOption: 'Detach'
            // A cache could lose what NATS was told is on disk.
            caching: 'None'
            managedDisk: { id: disks[index].id }
          }
        ]
      }
      osProfile: {
        computerName: 'nats-${index}'
        adminUsername: nats.adminUsername
        customData: base64('#cloud-config\n${string(bootstrap)}')
        linuxConfiguration: {
          disablePasswordAuthentication: true
          ssh: {
            publicKeys: [
              { path: '/home/${nats.adminUsername}/.ssh/authorized_keys', keyData: nats.adminPublicKey }
            ]
          }
        }
      }
      userData: base64(string({
        vaultUri: vault.properties.vaultUri
        artefactsUrl: '${payloadAccount.properties.primaryEndpoints.blob}artefacts'
        clientId: identity.properties.clientId
        version: nats.version
        sha256: nats.sha256
        node: 'nats-${index}'
        files: configurations[index]
      }))
      networkProfile: {
        networkInterfaces: [{ id: cards[index].id, properties: { deleteOption: 'Delete' } }]
      }
      securityProfile: {
        securityType: 'TrustedLaunch'
        uefiSettings: { secureBootEnabled: true, vTpmEnabled: true }
      }
      diagnosticsProfile: { bootDiagnostics: { enabled: true } }
    }
  }
]

@description('Addresses for NATS_SERVERS.')
output servers string = join(map(hosts, host => 'tls://${host}:4222'), ',')
