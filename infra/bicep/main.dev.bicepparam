// A broker to try: one NATS node, a database that sleeps, nothing that runs while nobody calls. It loses
// availability, and with its only disk its messages, with its only node.
using 'main.bicep'

param prefix = readEnvironmentVariable('BROKER_PREFIX', 'ddhubdev')
param location = readEnvironmentVariable('AZURE_LOCATION', 'westeurope')
param deployer = {
  principalId: readEnvironmentVariable('AZURE_PRINCIPAL_ID', '')
  principalType: readEnvironmentVariable('AZURE_PRINCIPAL_TYPE', 'User') == 'User' ? 'User' : 'ServicePrincipal'
}
param tags = { 'azd-env-name': readEnvironmentVariable('AZURE_ENV_NAME', 'dev') }
param functions = {
  instanceMemoryMB: 2048
  alwaysReadyInstances: 0
  maximumInstances: 40
  httpConcurrency: 100
  clientCertificates: 'Off'
}
param nats = {
  nodes: 1
  vmSize: 'Standard_D2s_v5'
  dataDiskGiB: 32
  syncInterval: 'always'
  version: '2.15.0'
  sha256: '5d2c51caca950333aba84911df7d377f826f3a59ec36061c6539105084f65c92'
  adminUsername: 'ddhub'
  adminPublicKey: readEnvironmentVariable('BROKER_SSH_PUBLIC_KEY', '')
}
param sql = {
  minimumCores: '0.5'
  maximumCores: 1
  autoPauseMinutes: 60
  zoneRedundant: false
  backupRedundancy: 'Local'
}
param storage = {
  redundancy: 'Standard_LRS'
  softDeleteDays: 7
  backstopDays: 45
  corsOrigins: []
}
param network = { addressPrefix: '10.40.0.0/16', natGateway: false }
param monitoring = { retentionDays: 30, dailyQuotaGb: 1, alertEmails: [] }
param shardCount = 16
// Everybody may use it and create topics of the demo namespace.
param settings = { ROLES_FILE: '/home/site/wwwroot/roles.sample.json' }
