// npm run fuzz: sends requests made from the broker's own OpenAPI document, bent in every way, and prints a verdict.

import { parseArgs } from 'node:util';
import { runCommand } from '../stack/lifetime';
import { wholeNumber } from '../stack/number-options';
import { fuzz, type FuzzVerdict } from './fuzz-run';

runCommand(async () => {
  const { values } = parseArgs({
    options: { requests: { type: 'string', default: '10000' }, seed: { type: 'string' } },
  });
  const requests = wholeNumber('--requests', values.requests);
  const seed = wholeNumber('--seed', values.seed ?? String(Date.now() % 1_000_000));
  const startedAt = performance.now();
  const verdict = await fuzz({
    requests,
    seed,
    progress: (text) => {
      const seconds = ((performance.now() - startedAt) / 1_000).toFixed(0);
      console.error(`${seconds.padStart(4)} s  ${text}`);
    },
  });
  for (const { what, request } of verdict.faults) console.log(`fault: ${what}\n  ${request ?? ''}`);
  console.log(`answers: ${statusesOf(verdict)}`);
  console.log(verdictLine(verdict));
  if (verdict.faults.length > 0) throw new Error('fuzz: a fault is repeated by its request');
});

function statusesOf({ statuses }: FuzzVerdict): string {
  return [...statuses]
    .sort(([one], [other]) => one - other)
    .map(([status, count]) => `${count} × ${status === 0 ? 'none' : status}`)
    .join(', ');
}

function verdictLine({
  requests,
  seed,
  operations,
  succeeded,
  faults,
  before,
  after,
  seconds,
}: FuzzVerdict): string {
  const megabytes = (bytes: number): string => (bytes / 1024 ** 2).toFixed(0);
  return [
    `fuzz: ${requests} requests with seed ${seed} to ${operations} operations, ${succeeded.size} of them done`,
    `${faults.length} faults`,
    `heap ${megabytes(before.heapBytes)} → ${megabytes(after.heapBytes)} MiB`,
    `${before.handles} → ${after.handles} handles`,
    `${before.natsConnections} → ${after.natsConnections} NATS connections`,
    `${seconds.toFixed(0)} s: ${faults.length === 0 ? 'passed' : 'FAILED'}`,
  ].join(', ');
}
