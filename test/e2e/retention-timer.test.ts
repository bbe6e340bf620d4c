// The retention timer of the built app, run by hand as operators run it.

import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { createKeyPair, ParticipantClient } from '../../client';
import { demoOwner } from '../../scripts/guided/guided-exchange';
import { eventually } from '../support/eventually';
import { startTestStack, type TestStack } from '../support/stack';

jest.setTimeout(60_000);

interface Receipts {
  readonly receipts: readonly { readonly recipient: string; readonly outcome: string }[];
}

describe('the retention timer', () => {
  let stack: TestStack;

  beforeAll(async () => {
    stack = await startTestStack({
      settings: {
        RETENTION_CLASSES: '1s,1h',
        DEFAULT_RETENTION_CLASS: '1s',
        // Not by itself.
        RETENTION_SCHEDULE: '0 0 0 1 1 *',
      },
    });
  });

  afterAll(() => stack.stop());

  it('runs when it is asked to, and tells the sender of what has expired', async () => {
    const { url } = stack;
    const [alice, bob] = await Promise.all([
      ParticipantClient.login(url, createKeyPair()),
      ParticipantClient.login(url, createKeyPair()),
    ]);
    const call = async <Body>(path: string, body?: object): Promise<Body> => {
      const answer = await fetch(url + path, {
        method: body ? 'POST' : 'GET',
        headers: { authorization: `Bearer ${alice.accessToken}`, 'content-type': 'application/json' },
        ...(body ? { body: JSON.stringify(body) } : {}),
      });
      if (answer.status !== 200) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
      return (await answer.json()) as Body;
    };
    const topic = await call<{ id: string }>('/topics', {
      name: `timer-${randomUUID()}`,
      owner: demoOwner,
      schemaType: 'JSD7',
      schema: '{}',
      version: '1.0.0',
      tags: [],
    });
    await call('/messages', {
      fqcns: [bob.did],
      payload: 'opaque',
      topicId: topic.id,
      topicVersion: '1.0.0',
      signature: 's',
      clientGatewayMessageId: randomUUID(),
      payloadEncryption: true,
    });
    const receipts = async () => (await call<Receipts>('/receipts?after=')).receipts;
    expect(await receipts()).toEqual([]);
    await eventually(async () => {
      const answer = await fetch(`${url}/admin/functions/retention`, { method: 'POST', body: '{}' });
      expect(answer.status).toBe(202);
      return (await receipts()).length > 0;
    }, 20_000);
    expect(await receipts()).toMatchObject([{ recipient: bob.did, outcome: 'expired' }]);
  });
});
