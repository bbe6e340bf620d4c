// What wakes somebody up, in one table, and the page that shows the same figures.
metadata description = 'Action group, alerts and one workbook.'

import { monitoringType, namesType, natsType, tagsType } from '../types.bicep'

@description('Required. Region.')
param location string

@description('Required. Names of all resources.')
param names namesType

@description('Required. Tags of the resources.')
param tags tagsType

@description('Required. Who is told.')
param monitoring monitoringType

@description('Required. Size of the NATS cluster.')
param nats natsType

@description('The log lines of the retention run, one a minute: `event` and the counts of its steps.')
var retentionRuns = 'traces | extend line = parse_json(message) | where line.event == "retention run"'

@description('Alerts on queries. Severity 0 is critical, 4 is verbose.')
var queryAlerts = [
  {
    name: 'server-errors'
    severity: 1
    description: 'More than one in a hundred requests failed by the fault of the broker.'
    query: 'requests | summarize failed = sumif(itemCount, toint(resultCode) >= 500), total = sum(itemCount) | where total > 100 and failed * 100 > total'
    minutes: 5
  }
  {
    name: 'latency'
    severity: 2
    description: 'One in twenty requests took longer than two seconds.'
    query: 'requests | summarize slow = percentile(duration, 95), total = sum(itemCount) | where total > 100 and slow > 2000'
    minutes: 15
  }
  {
    name: 'store-full'
    severity: 0
    description: 'The message store refused a message because it is full.'
    query: 'requests | where resultCode == "507"'
    minutes: 5
  }
  {
    name: 'store-nearly-full'
    severity: 1
    description: 'The streams fill three quarters of what a node may store.'
    query: '${retentionRuns} | extend bytes = tolong(line.steps["measure store"].storedBytes) | where bytes > ${nats.dataDiskGiB} * 1073741824.0 * 0.9 * 0.75'
    minutes: 15
  }
  {
    name: 'expiry-lag'
    severity: 2
    description: 'For a quarter of an hour the retention timer has had more to do than fits into its runs.'
    query: '${retentionRuns} | summarize runs = count(), full = countif(todouble(line.steps["expire messages"].durationMs) > 0.7 * todouble(line.budgetMs)) | where runs > 5 and full == runs'
    minutes: 15
  }
  {
    name: 'retention-silent'
    severity: 1
    description: 'The retention timer has not run.'
    query: '${retentionRuns} | summarize runs = count() | where runs == 0'
    minutes: 15
  }
  {
    name: 'store-unreachable'
    severity: 1
    description: 'An instance of the function app reached no NATS server.'
    query: 'traces | extend line = parse_json(message) | where line.event == "message store cannot be reached"'
    minutes: 5
  }
  {
    name: 'dead-letters'
    severity: 3
    description: 'Messages were put aside after too many deliveries.'
    query: 'traces | extend line = parse_json(message) | where line.event == "messages dead-lettered"'
    minutes: 15
  }
]

resource workspace 'Microsoft.OperationalInsights/workspaces@2026-03-01' existing = {
  name: names.workspace
}

resource insights 'Microsoft.Insights/components@2020-02-02' existing = {
  name: names.insights
}

resource nodes 'Microsoft.Compute/virtualMachines@2026-04-01' existing = [
  for index in range(0, nats.nodes): {
    name: '${names.natsNode}-${index}'
  }
]

resource operators 'Microsoft.Insights/actionGroups@2023-01-01' = {
  name: 'ag-${names.functionApp}'
  location: 'global'
  tags: tags
  properties: {
    groupShortName: 'ddhub'
    enabled: true
    emailReceivers: [
      for (address, index) in monitoring.alertEmails: {
        name: 'operator-${index}'
        emailAddress: address
        useCommonAlertSchema: true
      }
    ]
  }
}

resource queries 'Microsoft.Insights/scheduledQueryRules@2026-03-01' = [
  for alert in queryAlerts: {
    name: 'alert-${alert.name}-${names.functionApp}'
    location: location
    tags: tags
    kind: 'LogAlert'
    properties: {
      displayName: alert.name
      description: alert.description
      severity: alert.severity
      enabled: true
      scopes: [insights.id]
      evaluationFrequency: 'PT5M'
      windowSize: 'PT${alert.minutes}M'
      autoMitigate: true
      criteria: {
        allOf: [
          {
            query: alert.query
            timeAggregation: 'Count'
            operator: 'GreaterThan'
            threshold: 0
            failingPeriods: { numberOfEvaluationPeriods: 1, minFailingPeriodsToAlert: 1 }
          }
        ]
      }
      actions: { actionGroups: [operators.id] }
    }
  }
]

resource nodeDown 'Microsoft.Insights/metricAlerts@2026-01-01' = [
  for index in range(0, nats.nodes): {
    name: 'alert-nats-node-down-${index}-${names.functionApp}'
    location: 'global'
    tags: tags
    properties: {
      description: 'A NATS node is down. With three nodes the broker goes on with the other two.'
      severity: nats.nodes == 3 ? 1 : 0
      enabled: true
      scopes: array(nodes[index].id)
      evaluationFrequency: 'PT1M'
      windowSize: 'PT5M'
      autoMitigate: true
      criteria: {
        'odata.type': 'Microsoft.Azure.Monitor.SingleResourceMultipleMetricCriteria'
        allOf: [
          {
            criterionType: 'StaticThresholdCriterion'
            name: 'available'
            metricNamespace: 'Microsoft.Compute/virtualMachines'
            metricName: 'VmAvailabilityMetric'
            timeAggregation: 'Average'
            operator: 'LessThan'
            threshold: 1
          }
        ]
      }
      actions: [{ actionGroupId: operators.id }]
    }
  }
]

resource workbook 'Microsoft.Insights/workbooks@2023-06-01' = {
  name: guid(insights.id, 'workbook')
  location: location
  tags: tags
  kind: 'shared'
  properties: {
    displayName: 'DDHub Message Broker'
    category: 'workbook'
    sourceId: workspace.id
    serializedData: replace(loadTextContent('../workbook.json'), '{{insights}}', insights.id)
  }
}
