// Defects that fuzzing has found (npm run fuzz), one test for each.

import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { type Broker, type BrokerSite, createBrokerSite, type Participant } from '../../support/broker';
import { type NatsServer, startNatsServer } from '../../support/nats-server';

jest.setTimeout(30_000);

let server: NatsServer;
let site: BrokerSite;
let broker: Broker;
let caller: Participant;

beforeAll(async () => {
  server = await startNatsServer();
  site = await createBrokerSite();
  broker = site.start({ natsUrl: server.url });
  caller = await broker.logIn();
});

afterAll(async () => {
  await site.close();
  await server.stop();
});

describe('defects that fuzzing found', () => {
  test('regression: PUT /clients/{clientId} answered whatever members its body had', async () => {
    const body = '{"maxDeliveries":3,"__proto__":{"a":1},"lag":-1,"unknown":"x"}';
    const put = await caller.request('PUT', '/clients/reader', body);
    expect(put.body).toEqual({ ...(put.body as object), clientId: 'reader', maxDeliveries: 3, lag: 0 });
    expect(put.text).not.toMatch(/__proto__|unknown/);
    expect((await caller.request('PUT', '/clients/reader', {})).body).toMatchObject({ maxDeliveries: 3 });
  });
});
