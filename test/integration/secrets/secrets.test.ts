// Secrets stay where they belong: all kinds of requests, good ones and failing ones, carry marked tokens, keys, payloads
// and signatures; afterwards no log line, no error answer and no stored record has one that must not be there.

import { randomBytes, randomUUID } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { createIdentityToken, createKeyPair, didOf } from '../../../client';
import { azuriteConnectionString } from '../../../scripts/stack/azurite';
import { authorisedCalls } from '../../support/authorisation/calls';
import { callers, World } from '../../support/authorisation/world';
import { type Azurite, startAzurite } from '../../support/azurite';
import {
  type Broker,
  type BrokerAnswer,
  type BrokerSite,
  createBrokerSite,
  topicOwner,
} from '../../support/broker';
import { describeFile } from '../../support/broker-files';
import { formOf } from '../../support/broker-upload';
import { brokerRoutes } from '../../support/broker-routes';
import { type NatsServer, startNatsServer } from '../../support/nats-server';
import { blobRecords, databaseRecords, type StoredRecord, streamRecords } from '../../support/stored-records';
import { startTcpProxy, type TcpProxy } from '../../support/tcp-proxy';

jest.setTimeout(120_000);

type Json = Readonly<Record<string, unknown>>;

describe('secrets', () => {
  let nats: NatsServer;
  let azurite: Azurite;
  let toNats: TcpProxy;
  let toBlob: TcpProxy;
  let site: BrokerSite;
  let broker: Broker;
  /** What each secret is, by its text. */
  const secrets = new Map<string, string>();
  const answers: { readonly call: string; readonly status: number; readonly text: string }[] = [];
  const brokers: Broker[] = [];
  let stored: readonly StoredRecord[] = [];

  const marked = (what: string): string => {
    const text = `${what}-${randomBytes(12).toString('hex')}`;
    secrets.set(text, what);
    return text;
  };
  const keep = (what: string, text: unknown): void => {
    if (typeof text === 'string' && text.length > 8) secrets.set(text, what);
  };

  /** A call whose answer is kept, and what is secret in it noted. */
  async function call<Body = Json>(
    at: Broker,
    method: 'GET' | 'POST' | 'PUT' | 'DELETE',
    path: string,
    body?: unknown,
    token?: string,
    headers?: Readonly<Record<string, string>>,
  ): Promise<BrokerAnswer<Body>> {
    const answer = await at.request<Body>(method, path, body, token, headers);
    answers.push({ call: `${method} ${path}`, status: answer.status, text: answer.text });
    if (path !== '/openapi.json') collect(answer.body);
    return answer;
  }

  function collect(body: unknown): void {
    if (typeof body !== 'object' || body === null) return;
    for (const [name, value] of Object.entries(body)) {
      if (name === 'access_token') keep('access token', String(value).split('.')[2]);
      if (name === 'refresh_token') keep('refresh token', value);
      if (name === 'leaseToken') keep('lease token', value);
      if (name === 'url' && typeof value === 'string') keep('SAS', URL.parse(value)?.searchParams.get('sig'));
      collect(value);
    }
  }

  const logIn = async (at: Broker) => {
    const key = createKeyPair();
    const identityToken = createIdentityToken(key);
    keep('identity token', identityToken.split('.')[2]);
    const { body } = await call<{ access_token: string; refresh_token: string }>(at, 'POST', '/auth/login', {
      identityToken,
    });
    return { did: didOf(key), token: body.access_token, refreshToken: body.refresh_token };
  };

  beforeAll(async () => {
    [nats, azurite] = await Promise.all([startNatsServer(), startAzurite()]);
    [toNats, toBlob] = await Promise.all([
      startTcpProxy(() => nats.port),
      startTcpProxy(() => Number(new URL(azurite.url).port)),
    ]);
    site = await createBrokerSite({ BLOB_CONNECTION_STRING: azuriteConnectionString(toBlob.port) });
    await everyRouteByEverybody();
    broker = site.start({ natsUrl: `nats://127.0.0.1:${toNats.port}` });
    brokers.push(broker);
    const sessions = [await logIn(broker), await logIn(broker)] as const;
    const topicId = await exchange(...sessions);
    await badRequests(sessions[0], topicId);
    await brokenBackends(sessions[0], topicId);
    await unknownFailure();
    stored = [
      ...(await streamRecords(nats.url)),
      ...(await databaseRecords(site.settings['SQLITE_FILE'] ?? '')),
      ...(await blobRecords(azurite.connectionString)),
    ];
    keepKeys();
  });

  afterAll(async () => {
    await site.close();
    await Promise.all([toNats.close(), toBlob.close()]);
    await Promise.all([nats.stop(), azurite.stop()]);
  });

  type Session = Awaited<ReturnType<typeof logIn>>;

  /** Every route of the authorisation matrix, by every caller. */
  async function everyRouteByEverybody(): Promise<void> {
    const world = await World.create(site, nats.url);
    brokers.push(world.broker);
    for (const caller of callers) keep(`token of ${caller}`, world.tokenOf(caller)?.split('.')[2]);
    for (const { method, operationId } of brokerRoutes()) {
      const { whose, prepare } = authorisedCalls[operationId] ?? { whose: [] };
      for (const caller of callers) {
        const prepared = await prepare?.(world, whose[0] ?? '–');
        if (!prepared) continue;
        await call(
          world.broker,
          method,
          prepared.path,
          prepared.body,
          world.tokenOf(caller),
          prepared.headers,
        );
      }
    }
    const everybody = [`user.roles.${topicOwner}`, `topiccreator.roles.${topicOwner}`];
    await writeFile(site.settings['ROLES_FILE'] ?? '', JSON.stringify({ '*': everybody }));
  }

  const message = (recipient: Session, topicId: string, fields: Json = {}): Json => ({
    fqcns: [recipient.did],
    ...{ topicId, topicVersion: '1.0.0', payloadEncryption: true, clientGatewayMessageId: randomUUID() },
    ...{ payload: marked('payload'), signature: marked('signature') },
    ...fields,
  });

  /** Everything that works. */
  async function exchange(sender: Session, recipient: Session): Promise<string> {
    const as = <Body = Json>(
      { token }: Session,
      method: 'GET' | 'POST' | 'PUT' | 'DELETE',
      path: string,
      body?: unknown,
      headers?: Readonly<Record<string, string>>,
    ) => call<Body>(broker, method, path, body, token, headers);
    await call(broker, 'POST', '/auth/refresh-token', { refreshToken: sender.refreshToken });
    const anonymousKey = marked('anonymous key');
    await as(recipient, 'POST', '/channel/initExtChannel', { anonymousKeys: [{ anonymousKey }] });
    const topic = {
      name: randomUUID(),
      owner: topicOwner,
      schemaType: 'JSD7',
      schema: '{}',
      version: '1.0.0',
    };
    const { id } = (await as<{ id: string }>(sender, 'POST', '/topics', topic)).body;
    const idempotencyKey = marked('idempotency-key');
    const first = message(recipient, id);
    for (let times = 0; times < 2; times++) {
      await as(sender, 'POST', '/messages', first, { 'idempotency-key': idempotencyKey });
    }
    const anonymous = { fqcns: [], anonymousRecipient: [anonymousKey] };
    await as(sender, 'POST', '/messages', message(recipient, id, anonymous));
    const large = `${marked('payload')}${'x'.repeat(3 * 1024 ** 2)}`;
    await as(sender, 'POST', '/messages', message(recipient, id, { payload: large }));
    await as(sender, 'POST', '/messages/internal', {
      ...{ fqcn: recipient.did, clientGatewayMessageId: randomUUID(), payload: marked('key') },
    });
    const search = { clientId: 'reader', amount: 10 };
    await as(recipient, 'POST', '/messages/search', search);
    await as(recipient, 'POST', '/messages/search', { ...search, anonymousRecipient: anonymousKey });
    await as(recipient, 'POST', '/messages/internal/search', search);
    const leased = await as<{ messages: { leaseToken: string }[] }>(
      recipient,
      'POST',
      '/clients/leaser/receive',
      {
        ...{ max: 2, leaseSeconds: 60 },
      },
    );
    const [one, two] = leased.body.messages.map(({ leaseToken }) => leaseToken);
    await as(recipient, 'POST', '/clients/leaser/acknowledge', { leaseTokens: [one] });
    await as(recipient, 'POST', '/clients/leaser/reject', { leaseTokens: [two, one], reason: 'broken' });
    await file(as, sender, recipient, id);
    return id;
  }

  /** A file past the broker, opened twice under one key, and one through it. */
  async function file(
    as: (
      session: Session,
      method: 'GET' | 'POST',
      path: string,
      body?: unknown,
      headers?: Readonly<Record<string, string>>,
    ) => Promise<unknown>,
    sender: Session,
    recipient: Session,
    topicId: string,
  ): Promise<void> {
    const bytes = Buffer.from(marked('file'));
    const description = describeFile([recipient.did], topicId, bytes);
    const headers = { 'idempotency-key': marked('idempotency-key') };
    const open = () =>
      as(sender, 'POST', '/files', description, headers) as Promise<
        BrokerAnswer<{ fileId: string; upload: { url: string; headers: Record<string, string> } }>
      >;
    await open();
    const { fileId, upload } = (await open()).body;
    await fetch(upload.url, { method: 'PUT', headers: upload.headers, body: bytes });
    await as(sender, 'POST', `/files/${fileId}/complete`);
    await as(recipient, 'GET', `/files/${fileId}`);
    await as(recipient, 'GET', `/messages/download?fileId=${fileId}`);
    const form = formOf([recipient.did], topicId);
    await call(broker, 'POST', '/messages/upload', form.body, sender.token, form.headers);
  }

  /** Secrets where they do not belong, and requests that are refused. */
  async function badRequests(session: Session, topicId: string): Promise<void> {
    const post = (path: string, body: unknown, token = session.token) =>
      call(broker, 'POST', path, body, token);
    await post('/messages/search', { clientId: 'c' }, `${session.token}x`);
    await post('/messages/search', { clientId: 'c' }, `eyJhbGciOiJub25lIn0.${marked('claims')}.`);
    await post('/messages', `{"payload":"${marked('payload')}`);
    await post('/messages', message(session, topicId, { signature: 1, payload: marked('payload') }));
    await post('/messages', message(session, topicId, { payload: [marked('payload')] }));
    await post('/messages', message(session, topicId, { topicVersion: '9.9.9' }));
    await post('/messages', message(session, topicId, { payloadEncryption: false }));
    await post('/messages', message(session, topicId, { [marked('member')]: marked('value') }));
    await post('/messages/internal', {
      fqcn: 'did:ethr:0x1',
      clientGatewayMessageId: '',
      payload: marked('key'),
    });
    await post('/messages/search', { clientId: 'c', anonymousRecipient: marked('anonymous key') });
    await post('/channel/initExtChannel', {
      anonymousKeys: [{ anonymousKey: `did:${marked('anonymous key')}` }],
    });
    await post('/clients/leaser/acknowledge', { leaseTokens: [marked('lease token')] });
    await post('/auth/refresh-token', { refreshToken: marked('refresh token') });
    await post('/auth/login', {
      identityToken: `${marked('header')}.${marked('payload')}.${marked('signature')}`,
    });
    const other = createIdentityToken(createKeyPair());
    keep('identity token', other.split('.')[2]);
    await post('/auth/login', {
      identityToken: `${createIdentityToken(createKeyPair()).split('.').slice(0, 2).join('.')}.${other.split('.')[2] ?? ''}`,
    });
  }

  /** NATS, Blob and SQL away. */
  async function brokenBackends(session: Session, topicId: string): Promise<void> {
    toBlob.refuse();
    const file = describeFile([session.did], topicId, Buffer.from('x'), { signature: marked('signature') });
    const large = message(session, topicId, { payload: marked('payload') + 'x'.repeat(3 * 1024 ** 2) });
    const form = formOf([session.did], topicId, { signature: marked('signature') });
    await Promise.all([
      call(broker, 'POST', '/files', file, session.token),
      call(broker, 'POST', '/messages', large, session.token),
      call(broker, 'POST', '/messages/upload', form.body, session.token, form.headers),
    ]);
    toBlob.pass();
    const withoutSql = site.start({
      natsUrl: nats.url,
      settings: { SQLITE_FILE: join(site.settings['ROLES_FILE'] ?? '', 'no-directory') },
    });
    brokers.push(withoutSql);
    const topic = {
      name: 'a',
      owner: topicOwner,
      schemaType: 'JSD7',
      schema: `{"title":"${marked('schema')}"}`,
      version: '1.0.0',
    };
    await call(withoutSql, 'POST', '/topics', topic, session.token);
    toNats.refuse();
    const identityToken = createIdentityToken(createKeyPair());
    keep('identity token', identityToken.split('.')[2]);
    await Promise.all([
      call(broker, 'POST', '/messages', message(session, topicId), session.token),
      call(broker, 'POST', '/messages/search', { clientId: 'reader' }, session.token),
      call(broker, 'POST', '/auth/login', { identityToken }),
      call(broker, 'POST', '/auth/refresh-token', { refreshToken: session.refreshToken }),
    ]);
    toNats.pass();
  }

  /** A 500: the roles file cannot be read. No document describes that answer; test/unit/handler.test.ts shows its body. */
  async function unknownFailure(): Promise<void> {
    const failing = site.start({ natsUrl: nats.url, settings: { ROLES_FILE: '/nowhere/roles.json' } });
    brokers.push(failing);
    const identityToken = createIdentityToken(createKeyPair());
    keep('identity token', identityToken.split('.')[2]);
    await expect(call(failing, 'POST', '/auth/login', { identityToken })).rejects.toThrow('500');
    expect(failing.logLines.join()).toContain('/nowhere/roles.json');
  }

  /** Of the settings. */
  function keepKeys(): void {
    const { d } = JSON.parse(site.settings['TOKEN_SIGNING_KEY'] ?? '{}') as { d?: string };
    keep('TOKEN_SIGNING_KEY', d);
    keep('MESSAGE_ID_KEY', site.settings['MESSAGE_ID_KEY']?.split(':')[1]);
    keep('AccountKey', /AccountKey=([^;]+)/.exec(azurite.connectionString)?.[1]);
  }

  /** Secrets in a text, short of those that may be there. */
  const found = (text: string, mayBe = /^$/): readonly string[] =>
    [...secrets]
      .filter(([secret, what]) => !mayBe.test(what) && text.includes(secret))
      .map(([secret, what]) => `${what}: ${secret}`);

  test('are there to be found: the run has marked every kind, and met every kind of failure', () => {
    const kinds = new Set(secrets.values());
    for (const kind of [
      'access token',
      'refresh token',
      'identity token',
      'lease token',
      'SAS',
      'payload',
      'key',
      'file',
    ]) {
      expect(kinds).toContain(kind);
    }
    const statuses = new Set(answers.map(({ status }) => status));
    for (const status of [200, 400, 401, 403, 404, 503]) expect(statuses).toContain(status);
    expect(brokers.flatMap(({ logLines }) => logLines).length).toBeGreaterThan(3);
    for (const place of ['DDHUB_MAIL', 'KV_sessions', 'KV_idempotency', '.sqlite', 'blob ']) {
      expect(stored.some((record) => record.place.includes(place) && record.text !== '')).toBe(true);
    }
  });

  test('are in no log line, and so in no metric', () => {
    const lines = brokers.flatMap(({ logLines }) => logLines);
    expect(lines.flatMap((line) => found(line).map((secret) => `${secret} in ${line}`))).toEqual([]);
  });

  test('are in no error answer', () => {
    const errors = answers.filter(({ status }) => status >= 400);
    expect(
      errors.flatMap(({ call, text }) => found(text).map((secret) => `${secret} in ${call}: ${text}`)),
    ).toEqual([]);
  });

  test('are in no stored record, but for what a message is made of in its stream, and the signature beside its file', () => {
    const wrong = stored.flatMap(({ place, text }) => {
      const mayBe = place.startsWith('DDHUB_MAIL_')
        ? /^(payload|signature|key|anonymous key)$/
        : place.startsWith('blob ')
          ? /^signature$/
          : undefined;
      return found(text, mayBe).map((secret) => `${secret} in ${place}`);
    });
    expect(wrong).toEqual([]);
    // They would have been found.
    expect(stored.flatMap(({ text }) => found(text)).join()).toContain('payload: payload-');
  });
});
