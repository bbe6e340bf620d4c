// What counts as service: a message that was sent is found, that very one.

import { describe, expect, it } from '@jest/globals';
import type { HistoryEvent } from '../../../scripts/chaos/history';
import { probe } from '../../../scripts/chaos/probe';
import type { Scene } from '../../../scripts/chaos/scene';

type Found = 'its own' | 'another';

/** A broker that sends everything, and answers searches by turns; then it answers 503. */
function sceneThatFinds(...searches: readonly (readonly Found[])[]) {
  const events: HistoryEvent[] = [];
  const left = [...searches];
  let uuid = '';
  const answer = (status: number, body: unknown) =>
    Promise.resolve({ ...{ instance: 0, startedAt: 1, endedAt: 2 }, status, body });
  const call = (_instance: number, _method: string, path: string, body: unknown) => {
    if (path === '/messages') {
      uuid = (body as { clientGatewayMessageId: string }).clientGatewayMessageId;
      return answer(200, { recipients: { sent: 1 } });
    }
    const found = left.shift();
    return found
      ? answer(
          200,
          found.map((which) => ({ clientGatewayMessageId: which === 'another' ? 'other' : uuid })),
        )
      : answer(503, {});
  };
  const prober = { did: 'did:prober', call };
  const scene = {
    probers: [prober, prober],
    topicIds: ['topic'],
    record: (event: HistoryEvent) => events.push(event),
  };
  return { scene: scene as unknown as Scene, events };
}

describe('an instance', () => {
  it('regression: does not serve where a search finds nothing, or only what was sent before', async () => {
    const { scene, events } = sceneThatFinds([], ['another']);
    expect(await probe(scene, 0)).toBe(false);
    expect(events).toMatchObject([{ kind: 'probed', served: false, status: 503 }]);
  });

  it('serves where the message is found, be it after a while', async () => {
    const { scene, events } = sceneThatFinds([], ['another', 'its own']);
    expect(await probe(scene, 1)).toBe(true);
    expect(events).toMatchObject([{ kind: 'probed', served: true, status: 200 }]);
  });
});
