// Two existing gateways talk to each other, in clear and encrypted, with users that read over REST and WebSocket.

import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { demoOwner } from '../../scripts/guided/guided-exchange';
import type { ClientGateway } from '../support/gateway/client-gateway';
import { type Deployment, startDeployment } from '../support/gateway/deployment';
import type { ReadMessage } from '../support/gateway/message-inbox';
import type { OutgoingMessage } from '../support/gateway/message-sender';
import { createWallet } from '../support/gateway/wallet';

jest.setTimeout(60_000);

describe('two existing gateways', () => {
  let broker: Deployment;
  let alice: ClientGateway;
  let bob: ClientGateway;
  let topicId: string;
  let otherTopicId: string;

  async function createTopic(): Promise<string> {
    const body = {
      name: `exchange ${randomUUID()}`,
      owner: demoOwner,
      schemaType: 'JSD7',
      schema: '{"type":"object","required":["n"]}',
      version: '1.0.0',
      tags: [],
    };
    return ((await alice.json({ method: 'POST', path: '/topics', body })) as { id: string }).id;
  }

  beforeAll(async () => {
    broker = await startDeployment();
    [alice, bob] = [broker.createGateway(), broker.createGateway()];
    await Promise.all([alice.start(), bob.start()]);
    [topicId, otherTopicId] = await Promise.all([createTopic(), createTopic()]);
  }, 60_000);
  afterAll(() => broker.stop());

  /** From Alice to Bob, if nothing else is said. */
  async function send(payload: string, fields: Partial<OutgoingMessage> = {}) {
    const answer = await alice.sender.send({
      recipients: [bob.did],
      topicId,
      topicVersion: '1.0.0',
      payload,
      ...fields,
    });
    return answer;
  }

  const sendAll = async (payloads: readonly string[], fields: Partial<OutgoingMessage> = {}) => {
    for (const payload of payloads) expect((await send(payload, fields)).recipients.failed).toBe(0);
  };
  const numbered = (count: number) => Array.from({ length: count }, (_, n) => JSON.stringify({ n }));
  const textsOf = (messages: readonly ReadMessage[]) => messages.map(({ text }) => text);

  /** What Bob's user reads with a client id of its own, when all before is read. */
  async function freshReading(fields: { readonly clientName?: string } = {}) {
    const reading = { fqcn: `channel.${randomUUID()}`, channelTopics: [topicId], ...fields };
    await bob.inbox.readAll({ ...reading, amount: 1_000 });
    return reading;
  }

  it('exchange messages in clear: in order, signed, and each once', async () => {
    const reading = await freshReading({ clientName: 'app1' });
    await sendAll(numbered(12));
    const got = await bob.inbox.readAll(reading);
    expect(textsOf(got)).toEqual(numbered(12));
    expect(got.every((one) => one.isSignatureValid && one.senderDid === alice.did)).toBe(true);
    expect(bob.inbox.acks.notFound).toEqual([]);
  });

  it('read again what was found and not yet acknowledged, also in a new process', async () => {
    const reading = await freshReading();
    await sendAll(numbered(3));
    expect(textsOf(await bob.inbox.read(reading))).toEqual(numbered(3));
    const restarted = bob.restarted();
    expect(textsOf(await restarted.inbox.read(reading))).toEqual(numbered(3));
    expect(await bob.inbox.read(reading)).toEqual([]);
    // The other process still has them in its table: acknowledging twice is no error.
    expect(await restarted.inbox.read(reading)).toEqual([]);
    expect([...bob.inbox.acks.notFound, ...restarted.inbox.acks.notFound]).toEqual([]);
  });

  it('read with client ids without a name, and each client id on its own', async () => {
    const readings = [await freshReading(), await freshReading({ clientName: 'app1:my' })];
    await sendAll(numbered(2));
    for (const reading of readings) {
      expect(textsOf(await bob.inbox.readAll(reading))).toEqual(numbered(2));
    }
    const known = (await bob.json({ method: 'GET', path: '/channel/clientIds' })) as string[];
    const expected = [`undefined:${readings[0]?.fqcn}`, `app1:my:${readings[1]?.fqcn}`];
    expect(known).toEqual(expect.arrayContaining(expected));
  });

  it('push to a WebSocket, and again what the socket did not take', async () => {
    const reading = { fqcn: 'all', channelTopics: [topicId], amount: 100 };
    await bob.inbox.emit({ ...reading, amount: 1_000 }, () => true);
    await sendAll(numbered(4));
    const turns: string[][] = [];
    for (const isTaken of [(n: number) => n % 2 === 0, () => true, () => true]) {
      const pushed: string[] = [];
      await bob.inbox.emit(reading, ({ text }) => {
        pushed.push(text);
        return isTaken((JSON.parse(text) as { n: number }).n);
      });
      turns.push(pushed);
    }
    expect(turns).toEqual([numbered(4), ['{"n":1}', '{"n":3}'], []]);
    expect(bob.inbox.acks.notFound).toEqual([]);
  });

  it('exchange encrypted messages of any text, which go over the wire as something else', async () => {
    const reading = await freshReading();
    const secrets = ['no JSON at all', '{"n":"ä\u0301😀\\u0000"}', ''];
    await sendAll(secrets, { isEncrypted: true });
    const got = await bob.inbox.readAll(reading);
    expect(textsOf(got)).toEqual(secrets);
    expect(got.every((one) => one.isSignatureValid && one.payload !== one.text)).toBe(true);
  });

  it('have the key of every message as soon as they have the message', async () => {
    const reading = await freshReading();
    const count = 60;
    const sending = Promise.all(
      numbered(count).map((payload) => send(payload, { isEncrypted: true, recipients: [bob.did] })),
    );
    const got: string[] = [];
    // The reader hurries after the senders: a key that came later than its message would end this test.
    while (got.length < count) got.push(...textsOf(await bob.inbox.read({ ...reading, amount: 5 })));
    await sending;
    expect(new Set(got)).toEqual(new Set(numbered(count)));
    expect(got).toHaveLength(count);
  });

  it('get all keys of a backlog that is larger than what they ask for', async () => {
    const carol = broker.createGateway();
    await carol.start();
    const count = 130;
    await Promise.all(
      numbered(count).map((payload) => send(payload, { isEncrypted: true, recipients: [carol.did] })),
    );
    const got = await carol.inbox.readAll({ fqcn: 'late', channelTopics: [topicId], amount: 1_000 });
    expect(new Set(textsOf(got))).toEqual(new Set(numbered(count)));
    expect(carol.keys.count).toBe(count);
  });

  it('find their keys again after a restart between the key and the message', async () => {
    const reading = await freshReading();
    await sendAll(['{"n":1}'], { isEncrypted: true });
    await bob.keys.fetch();
    // The table of keys is gone with the process.
    expect(textsOf(await bob.restarted().inbox.read(reading))).toEqual(['{"n":1}']);
  });

  it('send to several, of whom one does not exist', async () => {
    const reading = await freshReading();
    const nobody = createWallet().did;
    const answer = await send('{"n":1}', { recipients: [bob.did, nobody, 'not a DID', bob.did] });
    expect(answer.recipients).toEqual({ total: 3, sent: 1, failed: 2 });
    const failed = answer.status.find(({ name }) => name === 'FAILED')?.details ?? [];
    expect(failed.map(({ did, err }) => [did, err?.code])).toEqual([
      [nobody, 'MB::INVALID_FQCN'],
      ['not a DID', 'MB::INVALID_FQCN'],
    ]);
    expect(failed[0]?.err?.reason).toContain(`fqcn:${nobody} not exists`);
    expect(textsOf(await bob.inbox.readAll(reading))).toEqual(['{"n":1}']);
    expect((await send('{"n":1}', { recipients: [] })).status).toEqual([]);
  });

  it('send a transaction once, and what it set in motion', async () => {
    const reading = await freshReading();
    const transactionId = randomUUID();
    const first = await send('{"n":1}', { transactionId });
    expect(first.recipients.sent).toBe(1);
    const again = await send('{"n":2}', { transactionId });
    expect(again.status[0]?.details[0]?.err).toMatchObject({
      code: 'MB::NATS_SERVER',
      reason: 'Duplicate transaction id.',
    });
    // An empty transaction id is none.
    await sendAll(['{"n":3}', '{"n":4}'], { transactionId: '' });
    const [got] = await bob.inbox.read({ ...reading, amount: 1 });
    expect(got?.transactionId).toBe(transactionId);
    await sendAll(['{"n":5}'], {
      initiatingMessageId: got?.messageId ?? '',
      initiatingTransactionId: transactionId,
    });
    const rest = await bob.inbox.readAll(reading);
    expect(textsOf(rest)).toEqual(['{"n":3}', '{"n":4}', '{"n":5}']);
    expect(rest.at(-1)).toMatchObject({
      initiatingMessageId: got?.messageId,
      initiatingTransactionId: transactionId,
    });
  });

  it('read by topic, by sender and from an instant, and leave the rest for later', async () => {
    const reading = { ...(await freshReading()), channelTopics: [topicId, otherTopicId], amount: 100 };
    await bob.inbox.readAll(reading);
    await sendAll(['{"n":1}', '{"n":2}']);
    await sendAll(['{"n":3}'], { topicId: otherTopicId });
    expect(textsOf(await bob.inbox.readAll({ ...reading, topics: [otherTopicId] }))).toEqual(['{"n":3}']);
    expect(await bob.inbox.readAll({ ...reading, senders: [bob.did] })).toEqual([]);
    const now = await bob.inbox.readAll({ ...reading, senders: [alice.did, bob.did] });
    expect(textsOf(now)).toEqual(['{"n":1}', '{"n":2}']);
    const from = new Date(Math.round((now[1]?.timestampNanos ?? 0) / 1e6)).toISOString();
    const since = textsOf(await bob.inbox.readAll({ ...reading, from }));
    expect(since).toEqual(expect.arrayContaining(['{"n":2}', '{"n":3}']));
    expect(await bob.inbox.readAll({ ...reading, from: from.replace('Z', '+00:00') })).toEqual([]);
  });

  it('acknowledge more than 256 messages at once', async () => {
    const reading = await freshReading();
    await Promise.all(numbered(300).map((payload) => send(payload)));
    expect(await bob.inbox.read({ ...reading, amount: 1_000 })).toHaveLength(300);
    expect(await bob.inbox.read(reading)).toEqual([]);
    expect(bob.inbox.acks.notFound).toEqual([]);
  });

  it('is told that a payload in clear does not fit its schema', async () => {
    await expect(send('{"m":1}')).rejects.toMatchObject({ kind: 'refused', status: 400 });
    await expect(send('{"n":1}', { topicVersion: '9.9.9' })).rejects.toMatchObject({ status: 404 });
  });

  it('forget client ids, and only the ones that are named', async () => {
    const [one, other] = [await freshReading(), await freshReading()];
    const idOf = (reading: { readonly fqcn: string }) => `undefined:${reading.fqcn}`;
    const clientIds = [idOf(one), 'undefined'];
    await bob.session.call({ method: 'DELETE', path: '/channel/clientIds', body: { clientIds } });
    const left = (await bob.json({ method: 'GET', path: '/channel/clientIds' })) as string[];
    expect(left).toContain(idOf(other));
    expect(left).not.toContain(idOf(one));
    const path = `/channel/clientIds/${encodeURIComponent(idOf(other))}`;
    await bob.session.call({ method: 'DELETE', path });
    expect(await bob.json({ method: 'GET', path: '/channel/clientIds' })).not.toContain(idOf(other));
    expect(bob.session.isStopped).toBe(false);
  });
});
