// A simulated gateway is worth as much as it notices: against a broker that breaks the contract it fails where the
// real program stops, hangs or loses a message.

import { afterAll, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { demoOwner } from '../../scripts/guided/guided-exchange';
import { type AlteringProxy, type PassedAnswer, startAlteringProxy } from '../support/gateway/altering-proxy';
import { ClientGateway } from '../support/gateway/client-gateway';
import { DidDocuments } from '../support/gateway/did-documents';
import { type BrokerUnderTest, startBrokerUnderTest } from '../support/stack';

jest.setTimeout(60_000);

describe('a simulated gateway notices a broker that', () => {
  let broker: BrokerUnderTest;
  let proxy: AlteringProxy;
  let gateway: ClientGateway;
  let topicId: string;
  const createGateway = () => new ClientGateway({ urls: [proxy.url], documents: new DidDocuments() });
  const reading = () => ({ fqcn: 'broken', channelTopics: [topicId] });

  beforeAll(async () => {
    broker = await startBrokerUnderTest();
    proxy = await startAlteringProxy(broker.url);
  }, 60_000);
  afterAll(async () => {
    await proxy.stop();
    await broker.stop();
  });

  beforeEach(async () => {
    proxy.alter(() => undefined);
    gateway = createGateway();
    await gateway.start();
    const body = {
      name: `broken ${randomUUID()}`,
      owner: demoOwner,
      schemaType: 'JSD7',
      schema: '{}',
      version: '1.0.0',
      tags: [],
    };
    topicId = ((await gateway.json({ method: 'POST', path: '/topics', body })) as { id: string }).id;
  });

  const alter = (request: string, change: (answer: PassedAnswer) => PassedAnswer) =>
    proxy.alter((actual, answer) => (actual === request ? change(answer) : undefined));
  const answering = (status: number, body: unknown) => () => ({ status, text: JSON.stringify(body) });
  const sendToItself = (isEncrypted = false) =>
    gateway.sender.send({
      recipients: [gateway.did],
      topicId,
      topicVersion: '1.0.0',
      payload: '{"n":1}',
      isEncrypted,
    });

  it.each([
    ['answers 403 to a missing token', 403, {}],
    ['answers 401 with the code for forbidden', 401, { returnCode: '10' }],
  ])('%s', async (_, status, body) => {
    const other = createGateway();
    alter('GET /config', answering(status, body));
    await expect(other.start()).rejects.toMatchObject({ kind: 'stopped' });
    proxy.alter(() => undefined);
    await expect(other.start()).rejects.toMatchObject({ kind: 'stopped' });
  });

  it.each([429, 500, 503])('answers %i, which is not repeated', async (status) => {
    gateway.wire.exchanges.splice(0);
    alter('GET /config', answering(status, {}));
    await expect(gateway.start()).rejects.toMatchObject({ kind: 'refused', status });
    expect(gateway.wire.exchanges).toHaveLength(2);
  });

  it('cannot be found by its name, and is asked five times', async () => {
    const lost = new ClientGateway({ urls: ['http://broker.invalid'], documents: new DidDocuments() });
    await expect(lost.start()).rejects.toMatchObject({ kind: 'refused' });
    expect(lost.wire.exchanges.map(({ status }) => status)).toEqual([0, 0, 0, 0, 0]);
  });

  it.each([401, 495, 496, 525, 526])('answers %i, but only for a while', async (status) => {
    let count = 0;
    proxy.alter((request) => (request === 'GET /config' && ++count < 4 ? { status, text: '{}' } : undefined));
    await gateway.start();
    expect(count).toBe(4);
  });

  it.each([
    ['fails', 500, {}],
    ['forgets a list', 200, { acked: [] }],
    ['answers two empty lists', 200, { acked: [], notFound: [] }],
    ['names another message', 200, { acked: ['ffffffffffffffffffffffff'], notFound: [] }],
  ])('%s when messages are acknowledged: that consumer is stuck', async (_, status, body) => {
    await sendToItself();
    expect(await gateway.inbox.read(reading())).toHaveLength(1);
    alter('POST /messages/ack', answering(status, body));
    await expect(gateway.inbox.read(reading())).rejects.toMatchObject({ kind: 'stuck' });
    await expect(gateway.inbox.read(reading())).rejects.toMatchObject({ kind: 'stuck' });
    proxy.alter(() => undefined);
    expect(await gateway.inbox.read(reading())).toEqual([]);
  });

  it('shows a message before its key', async () => {
    await sendToItself(true);
    alter('POST /messages/internal/search', answering(200, []));
    await expect(gateway.inbox.read(reading())).rejects.toMatchObject({ kind: 'lost' });
  });

  it('changes a payload that is signed', async () => {
    await sendToItself();
    alter('POST /messages/search', ({ status, text }) => ({
      status,
      text: text.replace('{\\"n\\":1}', '{\\"n\\": 1}'),
    }));
    const [message] = await gateway.inbox.read(reading());
    expect(message).toMatchObject({ text: '{"n": 1}', isSignatureValid: false });
  });

  it('has a page after the last one', async () => {
    let last = '';
    alter('GET /topics', ({ status, text }) => {
      if (!text.includes('"records":[]')) last = text;
      return { status, text: last };
    });
    await expect(gateway.topics.run([demoOwner])).rejects.toMatchObject({ kind: 'endless' });
  });

  it.each([
    ['counts wrongly', (text: string) => text.replace('"total":1', '"total":2')],
    ['forgets the status', (text: string) => text.replace('"status":[', '"stat":[')],
  ])('%s in its answer to a message', async (_, change) => {
    alter('POST /messages', ({ status, text }) => ({ status, text: change(text) }));
    await expect(sendToItself()).rejects.toMatchObject({ kind: 'misread' });
  });
});
