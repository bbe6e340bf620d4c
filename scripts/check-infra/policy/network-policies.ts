// Who reaches whom: the promises about the network and about the NATS nodes in it.

import type { Plan, PlannedResource } from './evaluate';
import { each, has, type Policy, resourcesOf, valueAt } from './policy';

const rulesOf = (plan: Plan) =>
  resourcesOf(plan, 'Network/networkSecurityGroups')
    .filter(({ symbol }) => symbol === 'natsRules')
    .flatMap((group) => valueAt(group, 'properties.securityRules') as unknown as readonly NatsRule[]);

interface NatsRule {
  readonly name: string;
  readonly properties: Readonly<Record<string, string>>;
}

const subnets = (plan: Plan) =>
  Object.fromEntries(
    resourcesOf(plan, 'Network/virtualNetworks')
      .flatMap((network) => valueAt(network, 'properties.subnets') as readonly { name: string }[])
      .map((subnet) => [subnet.name, { type: 'subnet', symbol: subnet.name, file: '', body: { ...subnet } }]),
  );

const onlyFrom = (port: string, subnet: string) => (plan: Plan) => {
  const prefix = valueAt(subnets(plan)[subnet] ?? nothing, 'properties.addressPrefix');
  const opened = rulesOf(plan).filter(
    ({ properties }) => properties['direction'] === 'Inbound' && properties['access'] === 'Allow',
  );
  const rule = opened.find(({ properties }) => properties['destinationPortRange'] === port);
  if (!rule) return [`no rule opens ${port}`];
  return rule.properties['sourceAddressPrefix'] === prefix ? [] : [rule.name];
};

const nothing: PlannedResource = { type: '', symbol: '', file: '', body: {} };

export const networkPolicies: readonly Policy[] = [
  {
    name: 'vaults, database and both storage accounts have private endpoints',
    broken: (plan) => {
      const groups = resourcesOf(plan, 'Network/privateEndpoints').map(
        (endpoint) =>
          (valueAt(endpoint, 'properties.privateLinkServiceConnections') as readonly { name: string }[])[0]
            ?.name,
      );
      const expected = ['blob', 'blob', 'queue', 'sqlServer', 'table', 'vault', 'vault'];
      return groups.toSorted().join() === expected.join() ? [] : [groups.join()];
    },
  },
  {
    name: 'NATS nodes have no public address',
    broken: each(
      'Network/networkInterfaces',
      (card) => !JSON.stringify(card.body).includes('publicIPAddress'),
    ),
  },
  { name: 'clients reach NATS from the subnet of the functions only', broken: onlyFrom('4222', 'functions') },
  { name: 'NATS nodes reach each other only among themselves', broken: onlyFrom('6222', 'nats') },
  {
    name: 'nothing else reaches a NATS node',
    broken: (plan) => {
      const inbound = rulesOf(plan).filter(({ properties }) => properties['direction'] === 'Inbound');
      const opened = inbound.filter(({ properties }) => properties['access'] === 'Allow');
      const closed = inbound.some(
        ({ properties }) => properties['access'] === 'Deny' && properties['sourceAddressPrefix'] === '*',
      );
      return opened.length === 2 && closed ? [] : inbound.map(({ name }) => name);
    },
  },
  {
    name: 'NATS nodes have no way to the internet',
    broken: (plan) =>
      has({ 'properties.defaultOutboundAccess': false, 'properties.natGateway': null })(
        subnets(plan)['nats'] ?? nothing,
      ) &&
      rulesOf(plan).some(
        ({ properties }) =>
          properties['direction'] === 'Outbound' &&
          properties['access'] === 'Deny' &&
          properties['destinationAddressPrefix'] === '*',
      )
        ? []
        : ['nats'],
  },
  {
    name: 'the subnet of the NATS nodes has its rules',
    broken: (plan) =>
      has({ 'properties.networkSecurityGroup.id': '<natsRules.id>' })(subnets(plan)['nats'] ?? nothing)
        ? []
        : ['nats'],
  },
  {
    name: 'NATS nodes stand in one zone each, with a Premium SSD data disk each',
    broken: (plan) => {
      const nodes = resourcesOf(plan, 'Compute/virtualMachines');
      const zones = nodes.map((node) => JSON.stringify(valueAt(node, 'zones')));
      const wellSpread = nodes.length === 1 || (nodes.length === 3 && new Set(zones).size === 3);
      const disks = each('Compute/disks', has({ 'sku.name': 'Premium_LRS' }))(plan);
      const enough = resourcesOf(plan, 'Compute/disks').length === nodes.length;
      return wellSpread && enough ? disks : zones;
    },
  },
  {
    name: 'nobody signs in to a NATS node with a password',
    broken: each(
      'Compute/virtualMachines',
      (node) =>
        has({ 'properties.osProfile.linuxConfiguration.disablePasswordAuthentication': true })(node) &&
        valueAt(node, 'properties.osProfile.adminPassword') === null,
    ),
  },
];
