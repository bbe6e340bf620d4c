// How receipts are read at the end of a run: an answer that is no list says nothing about what there is.

import { describe, expect, it } from '@jest/globals';
import type { ReceiptsRead } from '../../../scripts/chaos/history';
import { readReceipts } from '../../../scripts/chaos/drain';
import type { Scene } from '../../../scripts/chaos/scene';
import { historyOf } from '../../support/good-history';

const receipt = {
  messageId: 'id-3',
  recipient: 'did:recipient',
  outcome: 'expired',
  at: '2026-01-01T00:00:00Z',
};

/** A sender whose requests are answered by turns, of a broker whose timer nobody can reach. */
function sceneThatAnswers(...answers: readonly { status: number; body: unknown }[]) {
  const left = [...answers];
  const recorded: ReceiptsRead[] = [];
  const call = () => Promise.resolve(left.shift());
  const scene = {
    plan: { seconds: 60 },
    stack: { instances: [{ url: () => 'http://127.0.0.1:1' }] },
    senders: [{ did: 'did:sender', call }],
    record: (event: ReceiptsRead) => recorded.push(event),
  };
  return { scene: scene as unknown as Scene, recorded };
}

describe('the receipts of a run', () => {
  it.each([
    ['503', { status: 503, body: { title: 'Service Unavailable' } }],
    ['nothing', { status: 0, body: undefined }],
  ])('regression: are asked for again where the answer was %s', async (_what, bad) => {
    const { scene, recorded } = sceneThatAnswers(
      bad,
      ...[{ status: 200, body: { receipts: [receipt], next: '1' } }, bad],
      ...[{ status: 200, body: { receipts: [receipt], next: '1' } }],
      { status: 200, body: { receipts: [], next: '1' } },
    );
    await readReceipts(scene, (receipts) => ({ ...historyOf([]), events: receipts }));
    expect(recorded).toEqual([
      {
        ...{ kind: 'receipts', sender: 'did:sender', areAll: true },
        receipts: [{ ...receipt, at: Date.parse(receipt.at) }],
      },
    ]);
  });
});
