// Key messages over real JetStream, with a clock of its own and replicas that are behind: none is lost or left out.

import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { JetStreamChannelStore } from '../../../shared/adapters/nats/channel-store';
import { DirectGet } from '../../../shared/adapters/nats/direct-get';
import type { JetStream } from '../../../shared/adapters/nats/jetstream';
import { JetStreamMessageLog } from '../../../shared/adapters/nats/jetstream-message-log';
import { CursorRoom } from '../../../shared/adapters/nats/cursor-keys';
import { JetStreamKeyCursorStore } from '../../../shared/adapters/nats/key-cursor-store';
import { JetStreamParticipantDirectory } from '../../../shared/adapters/nats/participant-store';
import { KeyMessages, MessageIds, type MessageLog } from '../../../shared/messages';
import { type NatsServer, startNatsServer } from '../../support/nats-server';
import { openStore } from '../../support/open-store';

jest.setTimeout(30_000);

/** The log as seen through replicas of which some lack the last message: a fault that cannot be provoked at will. */
function behind(log: MessageLog, isBehind: () => boolean): MessageLog {
  return {
    maxBodyBytes: log.maxBodyBytes,
    append: (message) => log.append(message),
    read: async (...call) => {
      const read = await log.read(...call);
      return isBehind() ? { messages: read.messages.slice(0, -1), more: false } : read;
    },
    readAt: (...call) => log.readAt(...call),
    lastSeq: (...call) => log.lastSeq(...call),
    at: (...call) => log.at(...call),
    generation: (mailbox) => log.generation(mailbox),
  };
}

describe('key messages as time goes by', () => {
  let server: NatsServer;
  let jetStream: JetStream;
  let keys: KeyMessages;
  let nowMs = Date.now();
  /** Reads that a replica answers which has not got the last key yet. */
  let readsBehind = 0;
  const sender = { did: 'did:example:sender', roles: [] };

  beforeAll(async () => {
    server = await startNatsServer();
    const store = openStore(server.url, { retentionClasses: ['30d'] });
    jetStream = store.jetStream;
    const { layout } = store;
    const participants = new JetStreamParticipantDirectory(layout.bucket('participants'), {
      renewAfterMs: 1_000,
      clock: Date.now,
    });
    await Promise.all(['a', 'b', 'c', 'd'].map((name) => participants.register(`did:example:${name}`, [])));
    keys = new KeyMessages({
      participants,
      admission: new JetStreamChannelStore(layout.bucket('channels'), jetStream),
      messageLog: behind(
        new JetStreamMessageLog({
          jetStream,
          directGet: new DirectGet(jetStream.connections),
          layout,
          duplicateWindowSeconds: 120,
        }),
        () => readsBehind-- > 0,
      ),
      messageIds: new MessageIds([{ number: 1, key: Buffer.alloc(32, 1) }]),
      keyCursors: new JetStreamKeyCursorStore(layout, new CursorRoom(jetStream, 50_000)),
      retentionClass: '30d',
      now: () => Promise.resolve(nowMs),
    });
  });

  afterAll(async () => {
    await jetStream.close();
    await server.stop();
  });

  const sendTo = (recipient: string, payload: string) =>
    keys.send({ sender, recipient, clientGatewayMessageId: 'id', payload });
  const received = async (recipient: string, clientId = 'reader') =>
    (await keys.search(recipient, clientId)).map(
      ({ body }) => (JSON.parse(Buffer.from(body).toString()) as { payload: string }).payload,
    );

  test('regression, key messages lost because they are acked before the answer is sent: they are repeated', async () => {
    const recipient = 'did:example:a';
    await sendTo(recipient, 'key');
    expect(await received(recipient)).toEqual(['key']); // The answer may be lost on its way,
    nowMs += 10 * 60_000;
    expect(await received(recipient)).toEqual(['key']); // this one as well,
    nowMs += 10 * 60_000;
    expect(await received(recipient)).toEqual(['key']); // and this one arrives.
    await sendTo(recipient, 'next');
    expect(await received(recipient)).toEqual(['next']);
  });

  test('none is missed because the replica that answers is behind', async () => {
    const recipient = 'did:example:d';
    for (let count = 1; count <= 20; count++) {
      await sendTo(recipient, `key ${count}`);
      readsBehind = count % 4;
      expect(await received(recipient)).toHaveLength(count);
    }
  });

  test('they are read by each client id for itself', async () => {
    const recipient = 'did:example:b';
    await sendTo(recipient, 'key');
    for (let turn = 0; turn < 3; turn++) {
      await received(recipient, 'first');
      nowMs += 120_000;
    }
    expect(await received(recipient, 'first')).toEqual([]);
    expect(await received(recipient, 'second')).toEqual(['key']);
    expect(await received(recipient, '')).toEqual(['key']);
  });

  test('more than fit an answer come in parts, each repeated, none left out', async () => {
    const recipient = 'did:example:c';
    const count = 1_200;
    for (let start = 0; start < count; start += 100) {
      const some = Array.from({ length: 100 }, (_, index) => `${start + index}:`.padEnd(16_384, 'x'));
      await Promise.all(some.map((payload) => sendTo(recipient, payload)));
    }
    const seen = new Set<string>();
    const sizes: number[] = [];
    for (let turn = 0; turn < 6; turn++) {
      const answer = await received(recipient);
      sizes.push(answer.length);
      for (const payload of answer) seen.add(payload);
      nowMs += 61_000;
    }
    expect(sizes[0]).toBeGreaterThan(900);
    expect(sizes.slice(1, 3)).toEqual([sizes[0], sizes[0]]);
    expect(seen.size).toBe(count);
    expect(await received(recipient)).toEqual([]);
  }, 60_000);
});
