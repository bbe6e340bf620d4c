// The whole broker in one deployment: a resource group and everything in it. What comes after it (keys, artefacts,
// database user, migrations, code) is in docs/deploy.md.
targetScope = 'subscription'

metadata description = 'DDHub Message Broker.'

import { chosenSettings, defaultRetentionClasses } from 'settings.bicep'
import { deployerType, functionsType, monitoringType, natsType, networkType, settingsType, sqlType, storageType, tagsType } from 'types.bicep'

@description('Required. 1 to 12 characters at the beginning of every name. Letters and digits are kept, others are left out; names are unique all the same.')
@minLength(1)
@maxLength(12)
param prefix string

@description('Required. Region. With three NATS nodes it must have three availability zones.')
param location string

@description('Required. Who deploys.')
param deployer deployerType

@description('Optional. Tags of every resource.')
param tags tagsType = {}

@description('Required. Size and behaviour of the function app.')
param functions functionsType

@description('Required. Size of the NATS cluster.')
param nats natsType

@description('Required. Size of the SQL database.')
param sql sqlType

@description('Required. Blob storage.')
param storage storageType

@description('Required. Addresses and ways out.')
param network networkType

@description('Required. Logs and alerts.')
param monitoring monitoringType

@description('Optional. Streams over which mailboxes are spread. Fixed at the first start: a different value later is refused. 16 is good up to about 50,000 mailboxes or 5 million stored messages, 64 beyond.')
@minValue(1)
@maxValue(256)
param shardCount int = 64

@description('Optional. Settings of the broker that differ from its own defaults.')
param settings settingsType = {}

@description('Optional. Image with Node 24 in which the jobs run, with a fixed version.')
param jobImage string = 'docker.io/library/node:24.11.1-bookworm-slim'

@description('The longest retention class: the last one, because they ascend.')
var longestClass = last(split(
  empty(settings.?RETENTION_CLASSES ?? '') ? defaultRetentionClasses : settings.RETENTION_CLASSES,
  ','
))

@description('Seconds of the units of retention classes.')
var unitSeconds = { s: 1, m: 60, h: 3600, d: 86400 }

@description('The unit in which it is written.')
var longestClassUnit = filter(objectKeys(unitSeconds), unit => contains(longestClass, unit))[0]

@description('How long a payload may be needed.')
var longestClassSeconds = int(replace(longestClass, longestClassUnit, '')) * unitSeconds[longestClassUnit]

@description('What is refused, and the sentence that says why.')
var rules = [
  {
    broken: empty(deployer.principalId)
    because: 'deployer.principalId is missing: the object id of who deploys.'
  }
  {
    broken: empty(nats.adminPublicKey)
    because: 'nats.adminPublicKey is missing: any SSH public key.'
  }
  {
    broken: functions.alwaysReadyInstances > functions.maximumInstances
    because: 'functions.alwaysReadyInstances must not be more than functions.maximumInstances.'
  }
  {
    broken: sql.autoPauseMinutes != -1 && sql.autoPauseMinutes < 15
    because: 'sql.autoPauseMinutes must be -1 or at least 15.'
  }
  {
    broken: sql.autoPauseMinutes != -1 && sql.zoneRedundant
    because: 'sql.zoneRedundant needs a database that does not sleep: sql.autoPauseMinutes must be -1.'
  }
  {
    broken: nats.syncInterval != 'always' && nats.nodes == 1
    because: 'nats.syncInterval must be always with a single node: nothing else holds what it has not written.'
  }
  {
    broken: startsWith(nats.version, 'v')
    because: 'nats.version is a number such as 2.15.0, without a v.'
  }
  {
    broken: int(last(split(network.addressPrefix, '/'))) > 22
    because: 'network.addressPrefix must have room for four subnets: a /22 or larger.'
  }
  {
    broken: (storage.backstopDays - 1) * unitSeconds.d < longestClassSeconds
    because: 'storage.backstopDays must be at least one day more than the longest of RETENTION_CLASSES.'
  }
  {
    broken: !empty(filter(objectKeys(settings), name => !contains(objectKeys(chosenSettings), name)))
    because: 'settings holds a name that the broker does not know or that the infrastructure decides.'
  }
]

@description('The sentences of the rules that are broken.')
var refusals = map(filter(rules, rule => rule.broken), rule => rule.because)

@description('The prefix, if there is nothing to refuse.')
var checkedPrefix = empty(refusals) ? toLower(prefix) : fail(join(refusals, ' '))

@description('The letters and digits of the prefix.')
var compact = join(
  filter(
    map(range(0, length(checkedPrefix)), index => substring(checkedPrefix, index, 1)),
    character => contains('abcdefghijklmnopqrstuvwxyz0123456789', character)
  ),
  ''
)

@description('13 characters that belong to this subscription, prefix and region.')
var unique = uniqueString(subscription().id, prefix, location)

@description('Ends the names of what may have long names.')
var suffix = '${compact}${unique}'

@description('Names of all resources.')
var names = {
  resourceGroup: 'rg-${suffix}'
  brokerIdentity: 'id-broker-${suffix}'
  natsIdentity: 'id-nats-${suffix}'
  setupIdentity: 'id-setup-${suffix}'
  databaseIdentity: 'id-database-${suffix}'
  sqlServerIdentity: 'id-sql-${suffix}'
  network: 'vnet-${suffix}'
  natsZone: 'nats-${unique}.internal'
  workspace: 'log-${suffix}'
  insights: 'appi-${suffix}'
  hostAccount: 'sth${take(compact, 8)}${unique}'
  payloadAccount: 'stp${take(compact, 8)}${unique}'
  brokerVault: 'kvb-${take(compact, 7)}${unique}'
  natsVault: 'kvn-${take(compact, 7)}${unique}'
  sqlServer: 'sql-${suffix}'
  database: 'topics'
  plan: 'plan-${suffix}'
  functionApp: 'func-${suffix}'
  natsNode: 'vm-nats-${suffix}'
  jobEnvironment: 'cae-${suffix}'
  setupJob: 'setup-${unique}'
  databaseJob: 'database-${unique}'
}

resource group 'Microsoft.Resources/resourceGroups@2025-04-01' = {
  name: names.resourceGroup
  location: location
  tags: tags
}

module identity 'modules/identity.bicep' = {
  scope: group
  params: { location: location, names: names, tags: tags }
}

module natGateway 'modules/nat-gateway.bicep' = if (network.natGateway) {
  scope: group
  params: { location: location, names: names, tags: tags }
}

module virtualNetwork 'modules/network.bicep' = {
  scope: group
  params: { location: location, names: names, tags: tags, network: network }
  dependsOn: [natGateway]
}

module monitor 'modules/monitoring.bicep' = {
  scope: group
  params: { location: location, names: names, tags: tags, monitoring: monitoring }
}

module accounts 'modules/storage.bicep' = {
  scope: group
  params: { location: location, names: names, tags: tags, storage: storage }
  dependsOn: [virtualNetwork]
}

module brokerVault 'modules/key-vault.bicep' = {
  scope: group
  params: { location: location, tags: tags, vaultName: names.brokerVault, networkName: names.network }
  dependsOn: [virtualNetwork]
}

module natsVault 'modules/key-vault.bicep' = {
  scope: group
  params: { location: location, tags: tags, vaultName: names.natsVault, networkName: names.network }
  dependsOn: [virtualNetwork]
}

module grants 'modules/role-assignments.bicep' = {
  scope: group
  params: {
    names: names
    principals: {
      broker: identity.outputs.brokerPrincipalId
      nats: identity.outputs.natsPrincipalId
      setup: identity.outputs.setupPrincipalId
      database: identity.outputs.databasePrincipalId
      sqlServer: identity.outputs.sqlServerPrincipalId
      deployer: deployer.principalId
    }
    deployerKind: deployer.principalType
  }
  dependsOn: [accounts, brokerVault, natsVault, monitor]
}

module topics 'modules/sql.bicep' = {
  scope: group
  params: { location: location, names: names, tags: tags, sql: sql }
  dependsOn: [virtualNetwork, grants]
}

module messageStore 'modules/nats.bicep' = {
  scope: group
  params: {
    location: location
    names: names
    tags: tags
    nats: nats
    subnetPrefix: cidrSubnet(network.addressPrefix, 24, 2)
  }
  dependsOn: [virtualNetwork, grants]
}

module functionApp 'modules/function-app.bicep' = {
  scope: group
  params: {
    location: location
    names: names
    tags: tags
    functions: functions
    natsServers: messageStore.outputs.servers
    streamReplicas: nats.nodes
    shardCount: shardCount
    settings: settings
  }
  dependsOn: [topics]
}

module jobs 'modules/jobs.bicep' = {
  scope: group
  params: { location: location, names: names, tags: tags, image: jobImage, natsNodes: nats.nodes }
  dependsOn: [topics]
}

module alerts 'modules/alerts.bicep' = {
  scope: group
  params: { location: location, names: names, tags: tags, monitoring: monitoring, nats: nats }
  dependsOn: [messageStore, functionApp]
}

@description('Resource group of the broker.')
output AZURE_RESOURCE_GROUP string = group.name

@description('Function app.')
output BROKER_FUNCTION_APP string = names.functionApp

@description('Base URL of the broker.')
output BROKER_URL string = functionApp.outputs.url

@description('Storage account with the container of artefacts.')
output BROKER_ARTEFACT_ACCOUNT string = names.payloadAccount

@description('Job that makes keys and certificates.')
output BROKER_SETUP_JOB string = names.setupJob

@description('Job that prepares the database.')
output BROKER_DATABASE_JOB string = names.databaseJob

@description('NATS nodes, comma-separated.')
output BROKER_NATS_NODES string = join(map(range(0, nats.nodes), index => '${names.natsNode}-${index}'), ',')

@description('Version of nats-server that the nodes wait for.')
output BROKER_NATS_VERSION string = nats.version
