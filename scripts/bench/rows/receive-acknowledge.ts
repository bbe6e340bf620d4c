// A hundred messages leased and acknowledged, two requests a turn: what workers with a backlog do, each with a mailbox
// of its own, one alone, and two hundred that share one client id.

import { type Bench, concurrency, cursorCount } from '../bench';
import { fillMailboxes } from '../filled-mailboxes';
import { leaseTemplate, postRequest } from '../http-text';
import type { Row, Sample } from '../suite';

const clientId = 'bench-worker';
const max = 100;
/** On one client id. */
const workerCount = 200;

export const receiveAcknowledge: Row = {
  name: 'receive-acknowledge',
  title: `receive(${max})+acknowledge`,
  measure: (bench) =>
    measure(bench, {
      group: 'receivers',
      mailboxes: cursorCount,
      connections: concurrency,
      turnsEach: bench.options.quick ? 1 : 2,
    }),
};

export const oneWorker: Row = {
  name: 'one-worker',
  title: `receive(${max})+acknowledge, one worker`,
  measure: (bench) =>
    measure(bench, {
      group: 'one receiver',
      mailboxes: 1,
      connections: 1,
      turnsEach: bench.options.quick ? 20 : 100,
    }),
};

export const manyWorkers: Row = {
  name: 'many-workers',
  title: `the same, ${workerCount} workers on one client id`,
  measure: (bench) =>
    measure(bench, {
      group: 'one receiver',
      mailboxes: 1,
      connections: workerCount,
      turnsEach: bench.options.quick ? 20 : workerCount,
    }),
};

interface Work {
  readonly group: string;
  readonly mailboxes: number;
  readonly connections: number;
  /** Of each mailbox. */
  readonly turnsEach: number;
}

async function measure(bench: Bench, { group, mailboxes, connections, turnsEach }: Work): Promise<Sample> {
  const receivers = await bench.participants(group, mailboxes);
  await fillMailboxes(bench, receivers, turnsEach * max);
  return bench.load({
    port: await bench.brokerPort(),
    connections,
    requests: receivers.map(({ token }) => postRequest(`/clients/${clientId}/receive`, token, { max })),
    until: { timesEach: turnsEach },
    expect: '"leaseToken"',
    acknowledge: receivers.map(({ token }) => leaseTemplate(token, clientId)),
  });
}
