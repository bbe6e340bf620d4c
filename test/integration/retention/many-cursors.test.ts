// A mailbox with many cursors: what they cost those who look after all of them.

import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { JetStreamDeliveryRecord } from '../../../shared/adapters/nats/jetstream-delivery-record';
import { bucketStream, cursorBucket } from '../../../shared/adapters/nats/names';
import type { Mailbox } from '../../../shared/messages/mailbox';
import { expireMessages } from '../../../shared/retention/expiry';
import { type ExpiryInstance, openExpiryInstance, store, untilDue } from '../../support/expiry-instance';
import { type NatsServer, startNatsServer } from '../../support/nats-server';

jest.setTimeout(60_000);

const count = 100;
const everything = { topics: null, senders: null };

describe('a mailbox with many cursors', () => {
  let nats: NatsServer;
  let readers: ExpiryInstance;
  let instance: ExpiryInstance;

  beforeAll(async () => {
    nats = await startNatsServer();
    readers = openExpiryInstance(nats.url);
    instance = openExpiryInstance(nats.url);
  });

  afterAll(async () => {
    await Promise.all([readers.jetStream.close(), instance.jetStream.close()]);
    await nats.stop();
  });

  /** Lets many client ids read what a mailbox holds. */
  const readByAll = (mailbox: Mailbox) =>
    Promise.all(
      Array.from({ length: count }, (_none, number) =>
        readers.reader.search({
          mailbox,
          clientId: `reader-${number}`,
          from: undefined,
          filter: everything,
          amount: 10,
        }),
      ),
    );

  /** Counts reads of cursors, and those on their way at once. */
  function watchReads() {
    const reads = { all: 0, atOnce: 0, mostAtOnce: 0 };
    const read = instance.jetStream.lastBySubject.bind(instance.jetStream);
    const cursors = [0, 1].map((shard) => bucketStream(cursorBucket(shard)));
    const spy = jest
      .spyOn(instance.jetStream, 'lastBySubject')
      .mockImplementation(async (stream, subject) => {
        if (!cursors.includes(stream)) return read(stream, subject);
        reads.all++;
        reads.mostAtOnce = Math.max(reads.mostAtOnce, ++reads.atOnce);
        return read(stream, subject).finally(() => reads.atOnce--);
      });
    return { reads, stop: () => spy.mockRestore() };
  }

  it('regression: has each of them read once by the timer, a few at a time', async () => {
    const mailbox: Mailbox = { kind: 'did', identifier: 'did:ethr:volta:0xread' };
    await store(instance, mailbox.identifier, 'did:ethr:volta:0xsender', mailbox.identifier, '1h');
    // What is pending there is another message, so that no cursor has to be changed.
    await readByAll(mailbox);
    await store(instance, mailbox.identifier, 'did:ethr:volta:0xsender', mailbox.identifier, '1s');
    await untilDue(instance);
    const { reads, stop } = watchReads();
    expect(await expireMessages(instance.dependencies, () => false)).toMatchObject({
      expired: 1,
      receipts: 1,
    });
    stop();
    expect(reads.all).toBe(count);
    expect(reads.mostAtOnce).toBeLessThanOrEqual(8);
  });

  it('regression: is not read to its end when a cursor has said that a message was delivered', async () => {
    const mailbox: Mailbox = { kind: 'did', identifier: 'did:ethr:volta:0xdelivered' };
    const seq = await store(
      instance,
      mailbox.identifier,
      'did:ethr:volta:0xsender',
      mailbox.identifier,
      '1h',
    );
    await readByAll(mailbox);
    const message = await instance.messageLog.at(mailbox, seq);
    if (!message) throw new Error('the message is not there');
    const record = new JetStreamDeliveryRecord(instance.jetStream, instance.layout, instance.cursors);
    const { reads, stop } = watchReads();
    expect(await record.isDelivered(mailbox, message)).toBe(true);
    stop();
    expect(reads.all).toBeLessThanOrEqual(32);
  });
});
