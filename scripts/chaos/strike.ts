// Faults as they are done to the stack, one after the other for each kind of target, and mended.

import { setTimeout as delay } from 'node:timers/promises';
import { type ChaosStack, shardCount } from './chaos-stack';
import type { Struck } from './history';
import type { Fault } from './plan';

export const now = (): number => performance.timeOrigin + performance.now();

/**
 * Faults of one target wait for each other, others may come together.
 * @param record gets each fault as it happened @param say gets a line for each
 */
export async function strikeAll(
  faults: readonly Fault[],
  stack: ChaosStack,
  record: (struck: Struck) => void,
  say: (text: string) => void,
): Promise<void> {
  const targets = Map.groupBy(faults, ({ kind }) => targetOf(kind));
  await Promise.all([...targets.values()].map((own) => strikeInTurn(own, stack, record, say)));
}

async function strikeInTurn(
  faults: readonly Fault[],
  stack: ChaosStack,
  record: (struck: Struck) => void,
  say: (text: string) => void,
): Promise<void> {
  const beganAt = now();
  for (const fault of faults) {
    await delay(Math.max(0, beganAt + fault.atMs - now()));
    say(`${fault.kind} (${fault.target}) for ${fault.forMs} ms`);
    record(await strike(fault, stack));
    // Two nodes of three at once are an outage: how long one takes to come back, the plan cannot know.
    if (isOfNode(fault)) await stack.ready();
  }
}

const targetOf = (kind: Fault['kind']): string =>
  kind === 'answers-lost' ? 'network' : kind.replace('leader', 'node').replace(/-.*/, '');

/** Strikes, waits, mends. */
async function strike(fault: Fault, stack: ChaosStack): Promise<Struck> {
  const target =
    fault.kind === 'leader-killed' ? await stack.leaderOf(fault.target % shardCount) : fault.target;
  const from = now();
  const mend = await begin(fault, target, stack);
  const struckAt = now();
  await delay(fault.forMs);
  await mend();
  const until = now();
  // Two of three nodes can do without the third.
  const isBearable = stack.store === 'cluster' && isOfNode(fault);
  return {
    kind: 'struck',
    fault: fault.kind,
    target,
    from,
    until,
    bearableFrom: isBearable ? struckAt : until,
  };
}

const isOfNode = ({ kind }: Fault): boolean => kind.startsWith('node') || kind.startsWith('leader');

/** Returns what mends it. */
async function begin(
  { kind, forMs }: Fault,
  target: number,
  { nodes, instances, blob }: ChaosStack,
): Promise<() => unknown> {
  const node = nodes[target % nodes.length];
  const instance = instances[target % 2 === 0 ? 0 : 1];
  const { network } = instance;
  if (!node) throw new Error('there is no node');
  const pass = (): void => network.forEach((proxy) => proxy.pass());
  switch (kind) {
    case 'node-killed':
    case 'leader-killed':
      await node.kill();
      return node.restart;
    case 'node-frozen':
      await node.freeze();
      return node.continue;
    case 'node-isolated':
      node.isolate();
      return node.rejoin;
    case 'instance-killed':
      await instance.kill();
      return instance.restart;
    case 'instance-frozen':
      await instance.freeze();
      return instance.continue;
    case 'network-slow':
      for (const proxy of network) proxy.delay(20 + (forMs % 200));
      return pass;
    case 'network-reset':
      for (const proxy of network) proxy.reset();
      return pass;
    case 'network-half-open':
      for (const proxy of network) proxy.abandon();
      return pass;
    case 'network-cut':
      for (const proxy of network) proxy.isolate();
      return pass;
    case 'network-refused':
      for (const proxy of network) proxy.refuse();
      return pass;
    case 'answers-lost':
      for (const proxy of network) proxy.loseAnswers(3);
      return pass;
    case 'blob-slow':
      blob.delay(300);
      return blob.pass;
    case 'blob-refused':
      blob.refuse();
      return blob.pass;
    case 'blob-cut':
      blob.isolate();
      return blob.pass;
  }
}
