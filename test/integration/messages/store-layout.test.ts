// Several instances on one store that want different things, as while a new version takes the place of an old one.

import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { JetStream } from '../../../shared/adapters/nats/jetstream';
import { JetStreamMailboxRemoval } from '../../../shared/adapters/nats/mailbox-removal';
import { addressOf, bucketStream, cursorBucket, mailStream } from '../../../shared/adapters/nats/names';
import { StoreLayout } from '../../../shared/adapters/nats/store-layout';
import type { Mailbox } from '../../../shared/messages/mailbox';
import { type NatsServer, startNatsServer } from '../../support/nats-server';

const hourNs = 3_600e9;

describe('instances with different retention classes', () => {
  let nats: NatsServer;
  let jetStream: JetStream;
  let events: string[];

  beforeEach(async () => {
    nats = await startNatsServer();
    jetStream = new JetStream({ servers: [nats.url], log: () => undefined });
    events = [];
  });

  afterEach(async () => {
    await jetStream.close();
    await nats.stop();
  });

  const layoutWith = (...retentionClasses: string[]) =>
    new StoreLayout(jetStream, {
      shardCount: 2,
      replicas: 1,
      duplicateWindowSeconds: 120,
      retentionClasses,
      log: (_level, event) => events.push(event),
    });

  const maxAgeOf = async (stream: string) => (await jetStream.streamState(stream))?.config.max_age;

  it('regression: do not change a stream to and fro', async () => {
    const [old, young] = [layoutWith('1h', '2h'), layoutWith('1h')];
    await old.generation(0);
    await young.generation(0);
    await young.forgetClass('2h');
    events = [];
    for (const layout of [young, old, young, old]) await layout.generationNow(0);
    expect(events).toEqual([]);
  });

  it('regression: do not cut short what lives by a class that another has brought meanwhile', async () => {
    const [old, young] = [layoutWith('1h'), layoutWith('1h', '2h')];
    await old.generation(0);
    await young.generation(1);
    await young.cursors(1).get('key');
    await old.generation(1);
    await old.cursors(1).get('key');
    expect(await maxAgeOf(mailStream(1))).toBe(3 * hourNs);
    expect(await maxAgeOf(bucketStream(cursorBucket(1)))).toBe(3 * hourNs);
  });

  it('regression: keep cursors for the longest stored class when the first call removes some', async () => {
    const mailbox: Mailbox = { kind: 'did', identifier: 'did:ethr:volta:0xmailbox' };
    const { shard } = addressOf(mailbox, 2);
    const earlier = layoutWith('1h', '2h');
    await earlier.generation(shard);
    await earlier.cursors(shard).get('key');
    await new JetStreamMailboxRemoval(jetStream, layoutWith('1h')).removeCursors(mailbox, 'reader');
    expect(await maxAgeOf(bucketStream(cursorBucket(shard)))).toBe(3 * hourNs);
  });
});
