// Existing gateways that receive under keys which do not tell who they are, and change them.

import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { demoOwner } from '../../scripts/guided/guided-exchange';
import type { ClientGateway } from '../support/gateway/client-gateway';
import { type Deployment, startDeployment } from '../support/gateway/deployment';

jest.setTimeout(60_000);

describe('anonymous keys of existing gateways', () => {
  let broker: Deployment;
  let alice: ClientGateway;
  let bob: ClientGateway;
  let topicId: string;
  const createKey = () => `key-${randomUUID()}`;

  beforeAll(async () => {
    broker = await startDeployment();
    [alice, bob] = [broker.createGateway(), broker.createGateway()];
    await Promise.all([alice.start(), bob.start()]);
    const body = {
      name: `anonymous ${randomUUID()}`,
      owner: demoOwner,
      schemaType: 'JSD7',
      schema: '{"type":"object"}',
      version: '1.0.0',
      tags: [],
    };
    topicId = ((await alice.json({ method: 'POST', path: '/topics', body })) as { id: string }).id;
  }, 60_000);
  afterAll(() => broker.stop());

  const send = (
    payload: string,
    anonymousRecipients: readonly string[],
    recipients: readonly string[] = [],
  ) => alice.sender.send({ recipients, topicId, topicVersion: '1.0.0', payload, anonymousRecipients });
  const read = async (anonymousRecipient?: string) =>
    (
      await bob.inbox.readAll({
        fqcn: 'anonymous',
        channelTopics: [topicId],
        ...(anonymousRecipient === undefined ? {} : { anonymousRecipient }),
      })
    ).map(({ text }) => text);

  it('are registered again and again, and belong to whom was first', async () => {
    const [key, other] = [createKey(), createKey()];
    const success = (anonymousKey: string) => ({ anonymousKey, status: 'Success' });
    expect(await bob.anonymous.register(key)).toMatchObject([success(key)]);
    expect(await bob.anonymous.register(key, other)).toMatchObject([success(key), success(other)]);
    const refused = { anonymousKey: key, status: 'Fail', message: expect.stringContaining('Record exists') };
    expect(await alice.anonymous.register(key)).toMatchObject([refused]);
  });

  it('receive what is sent to them, apart from the mailbox of the DID', async () => {
    const key = createKey();
    await bob.anonymous.register(key);
    expect((await send('{"to":"key"}', [key])).recipients).toEqual({ total: 1, sent: 1, failed: 0 });
    expect((await send('{"to":"both"}', [key], [bob.did])).recipients.sent).toBe(2);
    expect(await read()).toEqual(['{"to":"both"}']);
    expect(await read(key)).toEqual(['{"to":"key"}', '{"to":"both"}']);
    expect(await read(key)).toEqual([]);
    expect(bob.inbox.acks.notFound).toEqual([]);
  });

  it('tell the sender which of them nobody has', async () => {
    const [key, unknown] = [createKey(), createKey()];
    await bob.anonymous.register(key);
    const answer = await send('{}', [key, unknown]);
    expect(answer.recipients).toEqual({ total: 2, sent: 1, failed: 1 });
    const failed = answer.status.find(({ name }) => name === 'FAILED');
    expect(failed?.details[0]?.err?.code).toBe('MB::INVALID_ANONYMOUSKEY');
  });

  it('rotate: the old key receives until it is removed, then nothing of it is left', async () => {
    const [old, next] = [createKey(), createKey()];
    await bob.anonymous.register(old);
    await send('{"n":1}', [old]);
    await bob.anonymous.register(next);
    await send('{"n":2}', [old, next]);
    expect(await read(old)).toEqual(['{"n":1}', '{"n":2}']);
    expect(await read(next)).toEqual(['{"n":2}']);
    await send('{"n":3}', [old]);
    await bob.anonymous.remove(old);
    const answer = await send('{"n":4}', [old, next]);
    expect(answer.recipients).toEqual({ total: 2, sent: 1, failed: 1 });
    expect(await read(next)).toEqual(['{"n":4}']);
    expect(bob.anonymous.own).not.toContain(old);
  });

  it('take 25 at a time, and the broker is told one more', async () => {
    const keys = Array.from({ length: 25 }, createKey);
    await bob.anonymous.register(...keys);
    expect((await send('{}', keys)).recipients).toEqual({ total: 25, sent: 25, failed: 0 });
    const one = createKey();
    await bob.anonymous.register(one);
    await expect(send('{}', [...keys, one])).rejects.toMatchObject({ kind: 'refused', status: 400 });
  });

  it('stop a gateway that reads a key of somebody else', async () => {
    const key = createKey();
    await bob.anonymous.register(key);
    const thief = broker.createGateway();
    await thief.start();
    const reading = { fqcn: 'anonymous', channelTopics: [topicId], anonymousRecipient: key };
    await expect(thief.inbox.read(reading)).rejects.toMatchObject({ kind: 'stopped', status: 403 });
  });
});
