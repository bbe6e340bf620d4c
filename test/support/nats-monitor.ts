// What a NATS server says of its clients' subscriptions (its monitoring endpoint `connz`).

import { readFile } from 'node:fs/promises';
import type { NatsServer } from './nats-server';

/** Configuration that switches monitoring on, on a port chosen by the system. */
export const monitored = 'http: "127.0.0.1:-1"';

interface Connections {
  readonly connections: readonly { readonly subscriptions_list?: readonly string[] }[];
}

/** Subjects of all subscriptions of all clients. @param server started with `monitored` */
export async function subscriptions({ storeDir, pid }: NatsServer): Promise<readonly string[]> {
  const ports = JSON.parse(await readFile(`${storeDir}.run/nats-server_${pid}.ports`, 'utf8')) as {
    monitoring: readonly string[];
  };
  const answer = await fetch(`${ports.monitoring[0]}/connz?subs=1`);
  const { connections } = (await answer.json()) as Connections;
  return connections.flatMap(({ subscriptions_list: subjects = [] }) => subjects);
}
