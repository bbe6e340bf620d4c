// What the message log asks the server for. A message stream that is made again while a publish is being repeated
// cannot be provoked at will, so server and layout are made for it.

import { expect, it } from '@jest/globals';
import { JetStreamMessageLog } from '../../../shared/adapters/nats/jetstream-message-log';

/** @returns how often the stream was looked at for a message that was stored at the `tries`th try */
async function looksAfter(tries: number): Promise<number> {
  let looks = 0;
  const layout = {
    shardCount: 1,
    generation: () => Promise.resolve(1),
    lastSeq: () => 0,
    generationNow: () => Promise.resolve(++looks),
  };
  const jetStream = { publish: () => Promise.resolve({ seq: 1, duplicate: false, tries }) };
  const log = new JetStreamMessageLog({
    jetStream,
    layout,
    duplicateWindowSeconds: 120,
  } as unknown as ConstructorParameters<typeof JetStreamMessageLog>[0]);
  await log.append({
    mailbox: { kind: 'did', identifier: 'did:b' },
    senderDid: 'did:a',
    topicId: '0'.repeat(24),
    retentionClass: '1d',
    keyNumber: 0,
    body: Buffer.from('{}'),
    transactionId: undefined,
  });
  return looks;
}

it('regression, an id of the lost stream: a publish that was repeated looks which stream has taken it', async () => {
  expect(await looksAfter(2)).toBe(1);
  expect(await looksAfter(1)).toBe(0);
});

it('looks first whether a quiet mailbox has anything, unless a message is said to have arrived', async () => {
  const asked: string[] = [];
  const directGet = {
    read: (_stream: string, request: object) => {
      asked.push('multi_last' in request ? 'look' : 'read');
      return Promise.resolve({ messages: [], more: false, left: 0, upTo: 5 });
    },
  };
  const layout = { shardCount: 1, generation: () => Promise.resolve(1) };
  const log = new JetStreamMessageLog({ directGet, layout } as unknown as ConstructorParameters<
    typeof JetStreamMessageLog
  >[0]);
  const read = async (start: { readonly after: number; readonly hasArrived?: boolean }) => {
    await log.read({ kind: 'did', identifier: 'did:b' }, { topic: null, sender: null }, start, {
      messages: 10,
      bytes: 1_000,
    });
    return asked.splice(0);
  };
  expect(await read({ after: 3 })).toEqual(['read']);
  expect(await read({ after: 3 })).toEqual(['look']);
  expect(await read({ after: 3, hasArrived: true })).toEqual(['read']);
});
