// Logs and telemetry. Telemetry is accepted from identities only.
metadata description = 'Log Analytics workspace and Application Insights.'

import { monitoringType, namesType, tagsType } from '../types.bicep'

@description('Required. Region.')
param location string

@description('Required. Names of all resources.')
param names namesType

@description('Required. Tags of the resources.')
param tags tagsType

@description('Required. Retention and limits.')
param monitoring monitoringType

resource workspace 'Microsoft.OperationalInsights/workspaces@2026-03-01' = {
  name: names.workspace
  location: location
  tags: tags
  properties: {
    sku: { name: 'PerGB2018' }
    retentionInDays: monitoring.retentionDays
    workspaceCapping: { dailyQuotaGb: monitoring.dailyQuotaGb }
    features: {
      disableLocalAuth: true
      enableLogAccessUsingOnlyResourcePermissions: true
    }
  }
}

@description('Counts of the retention run as metrics, a row each: what log line and step say, under their own names.')
resource retentionMetrics 'Microsoft.OperationalInsights/workspaces/savedSearches@2026-03-01' = {
  parent: workspace
  name: 'retention-metrics'
  properties: {
    category: 'DDHub Message Broker'
    displayName: 'Metrics of the retention timer'
    functionAlias: 'RetentionMetrics'
    query: loadTextContent('../retention-metrics.kql')
  }
}

resource insights 'Microsoft.Insights/components@2020-02-02' = {
  name: names.insights
  location: location
  tags: tags
  kind: 'web'
  properties: {
    Application_Type: 'web'
    WorkspaceResourceId: workspace.id
    IngestionMode: 'LogAnalytics'
    DisableLocalAuth: true
  }
}
