// A message stream that is made again while a publish is being repeated. Which of the two comes first cannot be
// provoked at will, so server and layout are made for it.

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
