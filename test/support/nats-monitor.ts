// What a NATS server says of its clients' subscriptions (its monitoring endpoint `connz`).

import type { NatsServer } from './nats-server';

export { monitored } from '../../scripts/stack/nats-server';

interface Connections {
  readonly connections: readonly { readonly subscriptions_list?: readonly string[] }[];
}

/** Subjects of all subscriptions of all clients. @param server started with `monitored` */
export async function subscriptions(server: NatsServer): Promise<readonly string[]> {
  return subscriptionsAt(await server.monitorUrl());
}

/** The same of the clients of one node. @param monitorUrl address of its monitoring endpoints */
export async function subscriptionsAt(monitorUrl: string): Promise<readonly string[]> {
  const answer = await fetch(`${monitorUrl}/connz?subs=1`);
  const { connections } = (await answer.json()) as Connections;
  return connections.flatMap(({ subscriptions_list: subjects = [] }) => subjects);
}
