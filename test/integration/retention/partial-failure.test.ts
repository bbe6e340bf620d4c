// A run of expiry of which a part fails, or for which there is not enough time: the rest is done all the same.

import { afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { addressOf, cursorKey } from '../../../shared/adapters/nats/names';
import { type Mailbox, senderToken } from '../../../shared/messages/mailbox';
import { type ExpiryDependencies, expireMessages } from '../../../shared/retention/expiry';
import {
  expireAll,
  type ExpiryInstance,
  openExpiryInstance,
  store,
  untilDue,
} from '../../support/expiry-instance';
import { type NatsServer, startNatsServer } from '../../support/nats-server';

const sender = 'did:ethr:volta:0xsender';

describe('expiry of messages', () => {
  let nats: NatsServer;
  let instance: ExpiryInstance;
  /** Recipients whose mailboxes lie in shard 0 and in shard 1. */
  let recipients: readonly [readonly string[], readonly string[]];

  beforeAll(() => {
    const all = Array.from({ length: 300 }, (_none, number) => `did:ethr:volta:0x${number}`);
    const inShard = (shard: number) => all.filter((did) => addressOf(mailboxOf(did), 2).shard === shard);
    recipients = [inShard(0), inShard(1)];
  });

  beforeEach(async () => {
    nats = await startNatsServer();
    instance = openExpiryInstance(nats.url);
    await Promise.all(recipients.flat().map((did) => store(instance, did, sender, did, '1s')));
    await untilDue(instance);
  }, 30_000);

  afterEach(async () => {
    await instance.jetStream.close();
    await nats.stop();
  });

  const told = async () =>
    (await instance.receiptLog.read(senderToken(sender), 0, 1_000)).map(({ receipt }) => receipt.recipient);

  const run = (changed: Partial<ExpiryDependencies>, isOutOfTime = () => false) =>
    expireMessages({ ...instance.dependencies, random: () => 0, ...changed }, isOutOfTime);

  it('regression: goes on with the other shards when one has no leader', async () => {
    const away = Object.assign(new Error('no leader'), { code: 'message-store-unavailable' });
    const failing = run({
      queues: async () =>
        (await instance.dependencies.queues()).map((queue) =>
          queue.shard === 0 ? Object.assign(queue, { look: () => Promise.reject(away) }) : queue,
        ),
    });
    const count = recipients[1].length;
    await expect(failing).rejects.toMatchObject({
      name: 'PartlyFailed',
      cause: away,
      counts: { expired: count, receipts: count, trimmed: count, postponed: 0 },
    });
    expect([...(await told())].sort()).toEqual([...recipients[1]].sort());
    await expireAll(instance);
    expect([...(await told())].sort()).toEqual([...recipients.flat()].sort());
  }, 30_000);

  it('regression: goes on with the other mailboxes when the cursor of one cannot be read', async () => {
    const [broken = ''] = recipients[0];
    const { shard, token } = addressOf(mailboxOf(broken), 2);
    const key = cursorKey(token, 'reader', '');
    const cursors = instance.layout.cursors(shard);
    const previousRevision = await cursors.put(key, Buffer.from('no cursor'));
    const count = recipients.flat().length - 1;
    await expect(run({})).rejects.toMatchObject({
      name: 'PartlyFailed',
      counts: { expired: count, receipts: count, postponed: 1 },
    });
    expect(await told()).toHaveLength(count);
    expect(await told()).not.toContain(broken);
    await cursors.remove(key, previousRevision);
  }, 30_000);

  it('regression: begins anywhere, and ends in the middle of a batch when time is up', async () => {
    let begun = 0;
    const counts = await run(
      {
        random: () => 0.5,
        tellSender: async (message) => {
          begun++;
          await instance.dependencies.tellSender(message);
        },
      },
      () => begun > 0,
    );
    const first = await told();
    expect(counts['expired']).toBe(first.length);
    expect(first.length).toBeLessThan(recipients[1].length);
    expect(first.filter((did) => recipients[0].includes(did))).toEqual([]);
    await expireAll(instance);
    expect([...(await told())].sort()).toEqual([...recipients.flat()].sort());
  }, 30_000);
});

const mailboxOf = (identifier: string): Mailbox => ({ kind: 'did', identifier });
