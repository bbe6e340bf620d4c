// The types of the parameters: one group for each part that an operator sizes.
metadata description = 'Types that main.bicep and its modules share.'

@export()
@description('Tags of every resource.')
type tagsType = {
  @description('Optional. Any tag; a resource that needs tags of its own adds them.')
  *: string
}

@export()
@description('Who runs the deployment and its later steps.')
type deployerType = {
  @description('Required. Object id of the person or service principal that deploys. It may put artefacts into their container, and nothing else.')
  principalId: string

  @description('Required. Kind of that principal. Azure refuses a grant whose kind is wrong.')
  principalType: 'User' | 'Group' | 'ServicePrincipal'
}

@export()
@description('Size and behaviour of the function app.')
type functionsType = {
  @description('Required. Memory of an instance in MB. Larger instances have more CPU too, and cost in proportion.')
  instanceMemoryMB: 512 | 2048 | 4096

  @description('Required. Instances that are never stopped. 0 is cheapest; the first call after a pause then waits for a cold start.')
  @minValue(0)
  @maxValue(1000)
  alwaysReadyInstances: int

  @description('Required. Most instances at once: the ceiling of cost and of connections to NATS (two each).')
  @minValue(40)
  @maxValue(1000)
  maximumInstances: int

  @description('Required. HTTP calls that one instance works on at once. More means fewer instances and longer waits.')
  @minValue(1)
  @maxValue(1000)
  httpConcurrency: int

  @description('Required. Whether callers present a TLS certificate: Off, Optional or Required. Required refuses every caller without one.')
  clientCertificates: 'Off' | 'Optional' | 'Required'
}

@export()
@description('Size of the NATS cluster.')
type natsType = {
  @description('Required. Nodes: 1 loses availability with its only node, 3 spreads over three zones and survives the loss of one.')
  nodes: 1 | 3

  @description('Required. Size of each virtual machine. It must exist in each zone and take Premium SSD.')
  vmSize: string

  @description('Required. Data disk of each node in GiB. Streams are replicated, so every node holds all of it.')
  @minValue(32)
  @maxValue(32767)
  dataDiskGiB: int

  @description('Required. When a node writes to disk: always (before it confirms) or an interval such as 2m. With an interval a power cut on two zones at once may lose what was confirmed in it; always costs about half of the throughput of publishing.')
  syncInterval: string

  @description('Required. Version of nats-server, such as 2.15.0. Its archive must be in the container of artefacts.')
  version: string

  @description('Required. SHA-256 of the archive nats-server-v<version>-linux-amd64.tar.gz. A node refuses any other file.')
  @minLength(64)
  @maxLength(64)
  sha256: string

  @description('Required. Name of the administrator that Azure makes on a node. Nobody can sign in with it from the network: port 22 is closed.')
  adminUsername: string

  @description('Required. SSH public key of that administrator, which Azure insists on. Its private half may be thrown away.')
  adminPublicKey: string
}

@export()
@description('Size of the SQL database.')
type sqlType = {
  @description('Required. Least vCores while awake, as a decimal number such as 0.5.')
  minimumCores: string

  @description('Required. Most vCores.')
  @minValue(1)
  @maxValue(40)
  maximumCores: int

  @description('Required. Idle minutes after which the database sleeps, -1 for never. The first change of a topic after a sleep waits about a minute; messages do not wait.')
  @minValue(-1)
  @maxValue(10080)
  autoPauseMinutes: int

  @description('Required. Whether replicas stand in several zones. Costs more.')
  zoneRedundant: bool

  @description('Required. Where backups are kept.')
  backupRedundancy: 'Local' | 'Zone' | 'Geo'
}

@export()
@description('Blob storage of payloads and files.')
type storageType = {
  @description('Required. Redundancy of both accounts.')
  redundancy: 'Standard_LRS' | 'Standard_ZRS' | 'Standard_GZRS'

  @description('Required. Days for which a deleted blob can be restored.')
  @minValue(1)
  @maxValue(365)
  softDeleteDays: int

  @description('Required. Days after which the payload of a message is removed even if the broker forgot it: at least one more than the longest retention class that has been in use.')
  @minValue(2)
  @maxValue(36500)
  backstopDays: int

  @description('Required. Origins whose web pages may up- and download with a SAS. Empty allows none.')
  corsOrigins: string[]
}

@export()
@description('Addresses and ways out.')
type networkType = {
  @description('Required. Address space of the virtual network, a /16 to /22. It must not overlap with networks that are peered with it.')
  addressPrefix: string

  @description('Required. Whether a NAT gateway gives the functions one fixed address to the internet. Without it the platform chooses the address.')
  natGateway: bool
}

@export()
@description('Logs and alerts.')
type monitoringType = {
  @description('Required. Days for which logs are kept.')
  @minValue(30)
  @maxValue(730)
  retentionDays: int

  @description('Required. Most GB of logs a day, -1 for no limit. Beyond it nothing is logged until the next day, and alerts are blind.')
  @minValue(-1)
  dailyQuotaGb: int

  @description('Required. Mail addresses that get alerts. Empty: alerts are seen in the portal only.')
  alertEmails: string[]
}

@export()
@description('Settings of the broker that differ from its own defaults; names as in docs/configuration.md.')
type settingsType = {
  @description('Optional. A setting. Names that the infrastructure decides cannot be overridden.')
  *: string
}

@export()
@description('Names of all resources.')
type namesType = {
  @description('Required. Resource group.')
  resourceGroup: string

  @description('Required. Identity of the function app.')
  brokerIdentity: string

  @description('Required. Identity of the NATS nodes.')
  natsIdentity: string

  @description('Required. Identity of the job that makes keys and certificates.')
  setupIdentity: string

  @description('Required. Identity of the job that prepares the database; administrator of the SQL server.')
  databaseIdentity: string

  @description('Required. Identity of the SQL server, which writes its audit log.')
  sqlServerIdentity: string

  @description('Required. Virtual network.')
  network: string

  @description('Required. Private DNS zone of the NATS nodes.')
  natsZone: string

  @description('Required. Log Analytics workspace.')
  workspace: string

  @description('Required. Application Insights.')
  insights: string

  @description('Required. Storage account of the Functions host.')
  hostAccount: string

  @description('Required. Storage account of payloads, files and artefacts.')
  payloadAccount: string

  @description('Required. Key vault of the function app.')
  brokerVault: string

  @description('Required. Key vault of the NATS nodes.')
  natsVault: string

  @description('Required. SQL server.')
  sqlServer: string

  @description('Required. Database of topics.')
  database: string

  @description('Required. Plan of the function app.')
  plan: string

  @description('Required. Function app.')
  functionApp: string

  @description('Required. NATS nodes are called so, with -0, -1 and -2.')
  natsNode: string

  @description('Required. Container Apps environment of the jobs.')
  jobEnvironment: string

  @description('Required. Job that makes keys and certificates.')
  setupJob: string

  @description('Required. Job that prepares the database.')
  databaseJob: string
}

@export()
@description('Object ids of the identities.')
type principalsType = {
  @description('Required. Of the function app.')
  broker: string

  @description('Required. Of the NATS nodes.')
  nats: string

  @description('Required. Of the job that makes keys and certificates.')
  setup: string

  @description('Required. Of the job that prepares the database.')
  database: string

  @description('Required. Of the SQL server.')
  sqlServer: string

  @description('Required. Of who deploys.')
  deployer: string
}
