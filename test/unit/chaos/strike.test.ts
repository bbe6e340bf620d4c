// In which order the faults of a plan strike and are mended.

import { describe, expect, it } from '@jest/globals';
import type { ChaosStack } from '../../../scripts/chaos/chaos-stack';
import type { Struck } from '../../../scripts/chaos/history';
import type { Fault } from '../../../scripts/chaos/plan';
import { strikeAll } from '../../../scripts/chaos/strike';

/** Nodes that write down what is done to them, of a cluster that is whole as soon as it is asked. */
function clusterThatTells(told: string[]): ChaosStack {
  const tell = (what: string) => () => {
    told.push(what);
    return Promise.resolve();
  };
  const node = (index: number) => ({
    name: `nats-${index}`,
    kill: tell(`kill ${index}`),
    restart: tell(`restart ${index}`),
    freeze: tell(`freeze ${index}`),
    continue: tell(`continue ${index}`),
  });
  return {
    store: 'cluster',
    nodes: [node(0), node(1), node(2)],
    instances: [{}, {}],
    ready: tell('whole'),
  } as unknown as ChaosStack;
}

const fault = (kind: Fault['kind'], target: number): Fault => ({ kind, target, atMs: 0, forMs: 0 });

describe('faults', () => {
  it('regression: the next node fails only when the one before has come back, however late that is', async () => {
    const told: string[] = [];
    const struck: Struck[] = [];
    await strikeAll(
      [fault('node-killed', 0), fault('node-frozen', 1)],
      clusterThatTells(told),
      (one) => struck.push(one),
      () => undefined,
    );
    expect(told).toEqual(['kill 0', 'restart 0', 'whole', 'freeze 1', 'continue 1', 'whole']);
    expect(struck.map(({ fault: kind }) => kind)).toEqual(['node-killed', 'node-frozen']);
  });
});
