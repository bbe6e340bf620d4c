// A worker that waits for messages over real HTTP: it is answered when one comes, and when its connection breaks
// nothing of it is left at the broker.

import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { type ClientRequest, request } from 'node:http';
import { createKeyPair, ParticipantClient } from '../../client';
import { demoOwner } from '../../scripts/guided/guided-exchange';
import { startTestStack, type TestStack } from '../support/stack';

jest.setTimeout(60_000);

interface Published {
  readonly status: readonly [{ readonly details: readonly [{ readonly messageId: string }] }];
}
interface Received {
  readonly messages: readonly {
    readonly deliveryCount: number;
    readonly message: { readonly messageId: string };
  }[];
}

describe('a worker that waits', () => {
  let stack: TestStack;
  let alice: ParticipantClient;
  let bob: ParticipantClient;
  let topicId: string;

  beforeAll(async () => {
    stack = await startTestStack();
    [alice, bob] = await Promise.all([
      ParticipantClient.login(stack.url, createKeyPair()),
      ParticipantClient.login(stack.url, createKeyPair()),
    ]);
    const topic = {
      name: randomUUID(),
      owner: demoOwner,
      schemaType: 'JSD7',
      schema: '{}',
      version: '1.0.0',
    };
    const { body } = await alice.request<{ id: string }>('POST', '/topics', { ...topic, tags: [] });
    topicId = body.id;
  });
  afterAll(() => stack.stop());

  async function send(): Promise<string> {
    const { body } = await alice.request<Published>('POST', '/messages', {
      fqcns: [bob.did],
      topicId,
      topicVersion: '1.0.0',
      payload: '{}',
      payloadEncryption: false,
      signature: 'signature',
      clientGatewayMessageId: randomUUID(),
    });
    return body.status[0].details[0].messageId;
  }

  const receive = async (clientId: string, waitSeconds: number): Promise<Received['messages']> => {
    const { status, body } = await bob.request<Received>('POST', `/clients/${clientId}/receive`, {
      waitSeconds,
    });
    expect(status).toBe(200);
    return body.messages;
  };

  /** A receive on a connection of its own. */
  function waiting(clientId: string): ClientRequest {
    const sent = request(`${stack.url}/clients/${clientId}/receive`, {
      method: 'POST',
      agent: false,
      headers: { authorization: `Bearer ${bob.accessToken}`, 'content-type': 'application/json' },
    });
    sent.on('error', () => undefined);
    sent.end(JSON.stringify({ waitSeconds: 50, leaseSeconds: 43_200 }));
    return sent;
  }

  const isKnown = async (clientId: string): Promise<boolean> =>
    (await bob.request('GET', `/clients/${clientId}`)).status === 200;

  it('is answered when a message comes', async () => {
    const answer = receive('worker', 50);
    const id = await send();
    expect(await answer).toMatchObject([{ deliveryCount: 1, message: { messageId: id } }]);
  });

  it('has no lease of what comes after its connection broke', async () => {
    const clientId = 'gone';
    await receive(clientId, 0);
    await bob.request('POST', `/clients/${clientId}/seek`, { to: 'end' });
    const workers = Array.from({ length: 20 }, () => waiting(clientId));
    // They have begun when the last of them, of another client id, has been noticed.
    workers.push(waiting('last'));
    while (!(await isKnown('last')));
    for (const worker of workers) worker.destroy();
    const id = await send();
    // Those who have gone would hold it for hours.
    expect((await receive(clientId, 20)).map(({ message }) => message.messageId)).toEqual([id]);
  });
});
