// Defects that chaos runs have found: what was answered with 500 when a connection to the message store was lost at an
// unlucky moment.

import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { layoutStream } from '../../../shared/adapters/nats/names';
import { type BrokerSite, createBrokerSite, type Participant } from '../../support/broker';
import type { ProblemAnswer } from '../../support/broker-messages';
import { eventually } from '../../support/eventually';
import { type NatsServer, startNatsServer } from '../../support/nats-server';
import { startTcpProxy, type TcpProxy } from '../../support/tcp-proxy';

jest.setTimeout(60_000);

let server: NatsServer;
let proxy: TcpProxy;
let site: BrokerSite;
let reader: Participant;

beforeAll(async () => {
  server = await startNatsServer();
  proxy = await startTcpProxy(() => server.port);
  site = await createBrokerSite();
  reader = await site.start({ natsUrl: server.url }).logIn();
});

afterAll(async () => {
  await site.close();
  await proxy.close();
  await server.stop();
});

test('regression: a receive whose connection is lost as it begins to wait is answered with 503', async () => {
  const at = reader.at(site.start({ natsUrl: `nats://127.0.0.1:${proxy.port}` }));
  const receive = () => at.request<ProblemAnswer>('POST', '/clients/waiting/receive', { waitSeconds: 1 });
  expect((await receive()).status).toBe(200);
  const lost = proxy.loseAnswer('PONG');
  const receiving = receive();
  await eventually(() => lost() === 1);
  proxy.reset();
  const answer = await receiving;
  expect(answer.body).toMatchObject({ status: 503, code: 'message-store-unavailable' });
  expect(answer.headers.get('retry-after')).not.toBeNull();
  await eventually(async () => (await receive()).status === 200);
});

test('regression: the very first write to a store, not answered, is answered with 503', async () => {
  const empty = await startNatsServer();
  const front = await startTcpProxy(() => empty.port);
  front.loseAnswer(`"stream":"${layoutStream}"`);
  const at = reader.at(site.start({ natsUrl: `nats://127.0.0.1:${front.port}` }));
  const search = () => at.request<ProblemAnswer>('POST', '/messages/search', { clientId: 'first' });
  expect((await search()).body).toMatchObject({ status: 503, code: 'message-store-unavailable' });
  await eventually(async () => (await search()).status === 200);
  await front.close();
  await empty.stop();
});
