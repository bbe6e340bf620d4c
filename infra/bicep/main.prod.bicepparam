// A broker that survives the loss of a zone: three NATS nodes in three zones, a database that does not sleep,
// instances that are always ready.
using 'main.bicep'

param prefix = readEnvironmentVariable('BROKER_PREFIX', 'ddhub')
param location = readEnvironmentVariable('AZURE_LOCATION', 'westeurope')
param deployer = {
  principalId: readEnvironmentVariable('AZURE_PRINCIPAL_ID', '')
  principalType: readEnvironmentVariable('AZURE_PRINCIPAL_TYPE', 'User') == 'User' ? 'User' : 'ServicePrincipal'
}
param tags = { 'azd-env-name': readEnvironmentVariable('AZURE_ENV_NAME', 'prod') }
param functions = {
  instanceMemoryMB: 2048
  alwaysReadyInstances: 2
  maximumInstances: 100
  httpConcurrency: 100
  clientCertificates: 'Off'
}
param nats = {
  nodes: 3
  vmSize: 'Standard_D4s_v5'
  dataDiskGiB: 256
  syncInterval: 'always'
  version: '2.15.0'
  sha256: '5d2c51caca950333aba84911df7d377f826f3a59ec36061c6539105084f65c92'
  adminUsername: 'ddhub'
  adminPublicKey: readEnvironmentVariable('BROKER_SSH_PUBLIC_KEY', '')
}
param sql = {
  minimumCores: '0.5'
  maximumCores: 2
  autoPauseMinutes: -1
  zoneRedundant: true
  backupRedundancy: 'Zone'
}
param storage = {
  redundancy: 'Standard_ZRS'
  softDeleteDays: 14
  backstopDays: 45
  corsOrigins: []
}
param network = { addressPrefix: '10.40.0.0/16', natGateway: true }
param monitoring = { retentionDays: 90, dailyQuotaGb: 10, alertEmails: [] }
