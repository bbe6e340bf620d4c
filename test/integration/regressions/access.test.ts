// Defects of the first-generation broker that must not come back (contract §8): who may do what.

import { createHmac, randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { createIdentityToken, createKeyPair, didOf } from '../../../client';
import { type Azurite, startAzurite } from '../../support/azurite';
import {
  type Broker,
  type BrokerSite,
  createBrokerSite,
  type Participant,
  topicOwner,
} from '../../support/broker';
import { sendFile } from '../../support/broker-files';
import {
  acknowledge,
  createTopic,
  idsOf,
  messageTo,
  payloadsOf,
  publish,
  search,
  send,
} from '../../support/broker-messages';
import { brokerRoutes } from '../../support/broker-routes';
import { type NatsServer, startNatsServer } from '../../support/nats-server';

jest.setTimeout(30_000);

let server: NatsServer;
let azurite: Azurite;
let site: BrokerSite;
let broker: Broker;
let owner: Participant;
let recipient: Participant;
let stranger: Participant;
let topicId: string;

beforeAll(async () => {
  [server, azurite] = await Promise.all([startNatsServer(), startAzurite()]);
  site = await createBrokerSite({ BLOB_CONNECTION_STRING: azurite.connectionString });
  broker = site.start({ natsUrl: server.url });
  [owner, recipient, stranger] = await Promise.all([broker.logIn(), broker.logIn(), broker.logIn()]);
  topicId = await createTopic(owner);
});

afterAll(async () => {
  await site.close();
  await Promise.all([server.stop(), azurite.stop()]);
});

const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');

describe('defects of the first generation: identity', () => {
  test('regression: tokens decoded but not verified', async () => {
    const seconds = Math.floor(Date.now() / 1_000);
    const claims = { did: owner.did, roles: [`user.roles.${topicOwner}`], iat: seconds, exp: seconds + 900 };
    const [header = '', payload = '', signature = ''] = owner.accessToken.split('.');
    const issued = JSON.parse(Buffer.from(payload, 'base64url').toString()) as object;
    const hs256 = `${part({ alg: 'HS256', typ: 'JWT' })}.${part({ ...issued, ...claims })}`;
    const forged = [
      `${part({ alg: 'none' })}.${part(claims)}.`,
      `${part({ alg: 'none' })}.${part({ ...issued, ...claims })}.${signature}`,
      `${header}.${part({ ...issued, did: stranger.did })}.${signature}`,
      `${header}.${payload}.${randomBytes(64).toString('base64url')}`,
      `${hs256}.${createHmac('sha256', 'secret').update(hs256).digest('base64url')}`,
    ];
    for (const token of forged) {
      const answer = await broker.request('POST', '/messages/search', { clientId: 'c' }, token);
      expect(answer.status).toBe(401);
      expect(answer.text).not.toContain('"returnCode":"10"');
    }
  });

  test('regression: a token generator for any DID', async () => {
    const makers = brokerRoutes().filter(({ responses }) =>
      JSON.stringify(responses).includes('access_token'),
    );
    expect(makers.map(({ path }) => path).sort()).toEqual(['auth/login', 'auth/refresh-token']);
    const [header, payload] = createIdentityToken(createKeyPair()).split('.');
    const [, victim, signature] = createIdentityToken(createKeyPair()).split('.');
    for (const identityToken of [
      `${header}.${payload}.${signature}`,
      `${header}.${victim}.`,
      `${header}.${part({ iss: owner.did, claimData: {}, iat: 1, exp: 2 })}.${signature}`,
      owner.did,
    ]) {
      expect([400, 401]).toContain((await broker.request('POST', '/auth/login', { identityToken })).status);
    }
  });

  test('regression: role revocation without effect', async () => {
    const key = createKeyPair();
    const rolesFile = site.settings['ROLES_FILE'] ?? '';
    const everybody = [`user.roles.${topicOwner}`, `topiccreator.roles.${topicOwner}`];
    const logIn = { identityToken: createIdentityToken(key) };
    const login = await broker.request<{ refresh_token: string }>('POST', '/auth/login', logIn);
    // A user no longer, nor a topic creator.
    await writeFile(rolesFile, JSON.stringify({ [owner.did]: everybody }));
    const refresh = { refreshToken: login.body.refresh_token };
    const { body } = await broker.request<{ access_token: string }>('POST', '/auth/refresh-token', refresh);
    expect((await broker.request('GET', '/topics', undefined, body.access_token)).status).toBe(403);
    const listed = await owner.request('GET', `/roles/list?roles=topiccreator.roles.${topicOwner}`);
    expect((listed.body as { dids: string[] }).dids).not.toContain(didOf(key));
    await writeFile(rolesFile, JSON.stringify({ '*': everybody }));
  });

  test('regression: Authorization header in logs', async () => {
    await stranger.request('POST', '/messages/search', { clientId: 'c', topicId: ['0'.repeat(24)] });
    await broker.request('GET', '/topics', undefined, `${stranger.accessToken}x`);
    expect(broker.logLines.join('\n')).not.toContain(stranger.accessToken.split('.')[2]);
  });

  test('regression: maintenance routes open to users', () => {
    const routes = brokerRoutes();
    const publicRoutes = routes
      .filter(({ access }) => access === 'public')
      .map(({ method, path }) => `${method} ${path}`);
    expect(publicRoutes.sort()).toEqual(
      [
        'GET .well-known/jwks.json',
        'GET docs',
        'GET docs/{asset}',
        'GET health',
        'GET openapi.json',
        'POST auth/login',
        'POST auth/refresh-token',
      ].sort(),
    );
    const maintenance =
      /admin|mainten|purge|clean|migrat|cron|sync|restart|debug|reset|internal\/(?!search)/i;
    expect(routes.filter(({ path }) => maintenance.test(path))).toEqual([]);
  });
});

describe('defects of the first generation: other people’s things', () => {
  test('regression: search and ack of an anonymous mailbox by anyone who knows the key', async () => {
    const anonymousRecipient = randomBytes(8).toString('hex');
    await owner.request('POST', '/channel/initExtChannel', {
      anonymousKeys: [{ anonymousKey: anonymousRecipient }],
    });
    await publish(stranger, messageTo([], topicId, { anonymousRecipient: [anonymousRecipient] }));
    const [found] = await search(owner, { anonymousRecipient });
    for (const caller of [stranger, recipient]) {
      const fields = { clientId: 'reader', anonymousRecipient };
      expect((await caller.request('POST', '/messages/search', fields)).status).toBe(403);
      const ack = { ...fields, messageIds: [found?.messageId] };
      expect((await caller.request('POST', '/messages/ack', ack)).status).toBe(403);
    }
    expect(idsOf(await search(owner, { anonymousRecipient }))).toEqual([found?.messageId]);
  });

  test('regression: stream access without an ownership check', async () => {
    const id = await send(owner, recipient, topicId, { payload: 'private' });
    await search(recipient);
    // No parameter names another’s mailbox: what a stranger asks for is its own.
    const body = {
      clientId: 'reader',
      amount: 100,
      fqcn: recipient.did,
      did: recipient.did,
      owner: recipient.did,
    };
    expect((await stranger.request('POST', '/messages/search', body)).body).toEqual([]);
    expect(await acknowledge(stranger, [id])).toEqual({ acked: [], notFound: [id] });
    await stranger.request('DELETE', '/channel/clientIds/reader');
    await stranger.request('DELETE', `/channel/stream/${encodeURIComponent(recipient.did)}`);
    expect(payloadsOf(await search(recipient))).toEqual(['private']);
  });

  test('regression: topic access without an ownership check', async () => {
    await writeFile(
      site.settings['ROLES_FILE'] ?? '',
      JSON.stringify({
        '*': [`user.roles.${topicOwner}`],
        [owner.did]: [`topiccreator.roles.${topicOwner}`],
      }),
    );
    const other = await broker.logIn();
    for (const [method, path, body] of [
      ['PUT', `/topics/${topicId}`, { tags: ['mine'] }],
      ['PUT', `/topics/${topicId}/versions/2.0.0`, { schema: '{}' }],
      ['DELETE', `/topics/${topicId}/versions/1.0.0`, undefined],
      ['DELETE', `/topics/${topicId}`, undefined],
    ] as const) {
      expect(await other.request(method, path, body)).toMatchObject({
        status: 403,
        body: { returnCode: '10' },
      });
    }
    expect(await owner.request('GET', `/topics/${topicId}`)).toMatchObject({
      status: 200,
      body: { version: '1.0.0' },
    });
  });

  test('regression: file access without an ownership check', async () => {
    const fileId = await sendFile(owner, [recipient.did], topicId, randomBytes(100));
    const paths = [`/files/${fileId}`, `/messages/download?fileId=${fileId}`];
    for (const path of paths) {
      expect((await stranger.request('GET', path)).status).toBe(403);
      expect((await recipient.request('GET', path)).status).toBe(200);
      expect((await owner.request('GET', path)).status).toBe(200);
    }
    expect((await stranger.request('DELETE', `/files/${fileId}`)).status).toBe(403);
    expect((await recipient.request('DELETE', `/files/${fileId}`)).status).toBe(403);
  });

  test.each([
    ['a longer namespace', `sub.${topicOwner}`],
    ['a shorter one', topicOwner.slice(1)],
    ['another ending', `${topicOwner}.evil`],
    ['a part', 'apps.broker.iam.ewc'],
  ])('regression: owner and role checks by substring (%s)', async (_case, namespace) => {
    const key = createKeyPair();
    const roles = [
      `user.roles.${topicOwner}`,
      `topiccreator.roles.${namespace}`,
      `xtopiccreator.roles.${topicOwner}`,
    ];
    await writeFile(site.settings['ROLES_FILE'] ?? '', JSON.stringify({ [didOf(key)]: roles }));
    const login = { identityToken: createIdentityToken(key) };
    const { body } = await broker.request<{ access_token: string }>('POST', '/auth/login', login);
    const topic = {
      name: 'n',
      owner: topicOwner,
      schemaType: 'JSD7',
      schema: '{}',
      version: '1.0.0',
      tags: [],
    };
    const created = await broker.request('POST', '/topics', topic, body.access_token);
    expect(created.status).toBe(403);
    const changed = await broker.request('PUT', `/topics/${topicId}`, { tags: [] }, body.access_token);
    expect(changed.status).toBe(403);
    // A role that only looks like a user role at its beginning or end is none.
    await writeFile(
      site.settings['ROLES_FILE'] ?? '',
      JSON.stringify({ [didOf(key)]: [`xuser.roles.${topicOwner}`, `user.roles.${topicOwner}.evil`] }),
    );
    const again = await broker.request<{ access_token: string }>('POST', '/auth/login', login);
    expect((await broker.request('GET', '/topics', undefined, again.body.access_token)).status).toBe(403);
  });
});
