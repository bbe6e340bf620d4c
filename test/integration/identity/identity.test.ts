// Login, refresh and registration through their handlers, on real NATS, with two instances and restarts.

import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { createIdentityToken } from '../../../client/identity-token';
import { createKeyPair, didOf, type KeyPair } from '../../../client/key-pair';
import { bucketStream } from '../../../shared/adapters/nats/names';
import type { SessionStore } from '../../../shared/identity/session-store';
import {
  type Answer,
  graceSeconds,
  type IdentityInstance,
  newSigningKey,
  refreshSeconds,
  startIdentityInstance,
} from '../../support/identity-instance';
import { type NatsServer, startNatsServer } from '../../support/nats-server';

const userRole = 'user.roles.a.apps.b.iam.ewc';
const signingKey = newSigningKey();

let server: NatsServer;
let nowMs: number;
let roles: string[];
let instances: IdentityInstance[];
const logLines: string[] = [];
const secrets: string[] = [];

function start(wrapStore?: (store: SessionStore) => SessionStore): IdentityInstance {
  const instance = startIdentityInstance({
    natsUrl: server.url,
    signingKey,
    roleSource: { rolesOf: () => Promise.resolve(roles) },
    clock: () => nowMs,
    logLines,
    ...(wrapStore ? { wrapStore } : {}),
  });
  instances.push(instance);
  return instance;
}

let one: IdentityInstance;
let other: IdentityInstance;

beforeAll(async () => {
  instances = [];
  nowMs = Date.now();
  server = await startNatsServer();
  one = start();
  other = start();
});

beforeEach(() => {
  nowMs = Date.now();
  roles = [userRole];
});

afterAll(async () => {
  await Promise.all(instances.map((instance) => instance.close()));
  await server.stop();
});

interface Tokens {
  readonly access: string;
  readonly refresh: string;
}

function tokensOf(answer: Answer): Tokens {
  expect(answer.status).toBe(200);
  const tokens = {
    access: String(answer.body['access_token']),
    refresh: String(answer.body['refresh_token']),
  };
  secrets.push(tokens.access, tokens.refresh);
  return tokens;
}

async function logIn(instance: IdentityInstance, key: KeyPair = createKeyPair()): Promise<Tokens> {
  const identityToken = createIdentityToken(key, { issuedAtSeconds: Math.floor(nowMs / 1_000) });
  secrets.push(identityToken);
  return tokensOf(await instance.call('login', { identityToken }));
}

const refresh = (instance: IdentityInstance, refreshToken: string) =>
  instance.call('refreshToken', { refreshToken });

async function expectRefused(answer: Promise<Answer>): Promise<void> {
  const { status, headers, body } = await answer;
  expect(status).toBe(401);
  expect(headers.get('content-type')).toBe('application/problem+json');
  expect(body).toMatchObject({ code: 'unauthenticated', status: 401, returnCode: '60' });
}

describe('POST /auth/login', () => {
  test('gives a pair of tokens, of which the access token works on every instance', async () => {
    const key = createKeyPair();
    const identityToken = createIdentityToken(key, { issuedAtSeconds: Math.floor(nowMs / 1_000) });
    const answer = await one.call('login', { identityToken });
    expect(answer.body).toEqual({
      access_token: expect.any(String),
      type: 'Bearer',
      expires_in: 900,
      refresh_token: expect.any(String),
    });
    expect(answer.headers.get('cache-control')).toBe('no-store');
    const { access } = tokensOf(answer);
    for (const instance of [one, other]) {
      expect((await instance.call('registerParticipant', undefined, access)).status).toBe(200);
    }
  });

  test('registers the caller', async () => {
    const key = createKeyPair();
    expect(await other.participants.exists(didOf(key))).toBe(false);
    await logIn(one, key);
    expect(await other.participants.exists(didOf(key))).toBe(true);
  });

  test('lets a DID without roles in, whose calls are then 403 with returnCode 10', async () => {
    roles = [];
    const { access } = await logIn(one);
    const answer = await one.call('registerParticipant', undefined, access);
    expect(answer).toMatchObject({ status: 403, body: { returnCode: '10' } });
  });

  test.each<[string, unknown]>([
    ['nothing', undefined],
    ['no JSON', '{'],
    ['a list', []],
    ['no member', {}],
    ['a null', { identityToken: null }],
    ['a number', { identityToken: 1 }],
    ['an empty text', { identityToken: '' }],
    ['a text of 10,000 characters', { identityToken: 'a'.repeat(10_000) }],
  ])('answers 400 to %s', async (_case, body) => {
    expect((await one.call('login', body)).status).toBe(400);
  });

  test.each(['null', '*', '>', 'a.b.c', '\u0000', '😀.😀.😀', 'e30.e30.e30', 'did:ethr:0x12'])(
    'answers 401 to the identity token %j',
    async (identityToken) => {
      await expectRefused(one.call('login', { identityToken }));
    },
  );

  test('answers 401 to a token of long ago', async () => {
    const identityToken = createIdentityToken(createKeyPair(), {
      issuedAtSeconds: Math.floor(nowMs / 1_000) - 3_600,
    });
    await expectRefused(one.call('login', { identityToken }));
  });
});

describe('POST /auth/refresh-token', () => {
  test('regression, role revocation without effect: rotates across instances and resolves the roles anew', async () => {
    const first = await logIn(one);
    roles = [];
    const second = tokensOf(await refresh(other, first.refresh));
    expect((await one.call('registerParticipant', undefined, second.access)).status).toBe(403);
    roles = [userRole];
    const third = tokensOf(await refresh(one, second.refresh));
    expect((await other.call('registerParticipant', undefined, third.access)).status).toBe(200);
  });

  test('answers a stampede over two instances, and every answer is usable afterwards', async () => {
    const first = await logIn(one);
    const answers = await Promise.all(
      Array.from({ length: 40 }, (_, index) => refresh(index % 2 ? one : other, first.refresh)),
    );
    const pairs = answers.map(tokensOf);
    for (const { access } of pairs) {
      expect((await one.call('registerParticipant', undefined, access)).status).toBe(200);
    }
    // Long after the grace one of the gateway's workers, whichever it was, refreshes again; the others follow.
    nowMs += 600_000;
    const again = await Promise.all(
      pairs.map(({ refresh: token }, index) => refresh(index % 2 ? other : one, token)),
    );
    expect(new Set(again.map(tokensOf).map((pair) => pair.refresh)).size).toBe(1);
  });

  test('answers a used token within the grace, and after it revokes the whole session', async () => {
    const first = await logIn(one);
    const second = tokensOf(await refresh(one, first.refresh));
    nowMs += graceSeconds * 1_000 - 1;
    tokensOf(await refresh(other, first.refresh));
    nowMs += 1;
    await expectRefused(refresh(other, first.refresh));
    await expectRefused(refresh(one, second.refresh));
    expect(logLines.some((line) => line.includes('session revoked after reuse'))).toBe(true);
  });

  test('leaves other sessions of the same participant alone when it revokes one', async () => {
    const key = createKeyPair();
    const [stolen, kept] = [await logIn(one, key), await logIn(one, key)];
    await refresh(one, stolen.refresh);
    nowMs += graceSeconds * 1_000;
    await expectRefused(refresh(one, stolen.refresh));
    tokensOf(await refresh(other, kept.refresh));
  });

  test('refuses an altered token without harm to the real one', async () => {
    const { refresh: token } = await logIn(one);
    await expectRefused(refresh(one, (token.startsWith('A') ? 'B' : 'A') + token.slice(1)));
    await expectRefused(
      refresh(one, `${token.slice(0, 50)}${token[50] === 'A' ? 'B' : 'A'}${token.slice(51)}`),
    );
    tokensOf(await refresh(one, token));
  });

  test('refuses a token whose life has ended', async () => {
    const { refresh: token } = await logIn(one);
    nowMs += refreshSeconds * 1_000;
    await expectRefused(refresh(one, token));
  });

  test('goes on when the answer of the store was lost after the write', async () => {
    let lost = 0;
    const forgetful = start((store) => ({
      create: (session, record) => store.create(session, record),
      read: (session) => store.read(session),
      remove: (session) => store.remove(session),
      replace: async (session, record, revision) => {
        const outcome = await store.replace(session, record, revision);
        return lost++ === 0 ? 'unsure' : outcome;
      },
    }));
    const { refresh: token } = await logIn(forgetful);
    const next = tokensOf(await refresh(forgetful, token));
    expect(lost).toBe(1);
    tokensOf(await refresh(one, next.refresh));
  });

  test('keeps the token good when the role source fails', async () => {
    const { refresh: token } = await logIn(one);
    const failing = startIdentityInstance({
      natsUrl: server.url,
      signingKey,
      roleSource: { rolesOf: () => Promise.reject(new Error('no file')) },
      clock: () => nowMs,
    });
    instances.push(failing);
    expect((await refresh(failing, token)).status).toBe(500);
    nowMs += graceSeconds * 1_000;
    tokensOf(await refresh(one, token));
  });

  test('works on a new instance after a restart of everything', async () => {
    const first = await logIn(one);
    const second = tokensOf(await refresh(one, first.refresh));
    await server.restart();
    const fresh = start();
    const third = tokensOf(await refresh(fresh, second.refresh));
    expect((await fresh.call('registerParticipant', undefined, third.access)).status).toBe(200);
    expect((await fresh.call('registerParticipant', undefined, first.access)).status).toBe(200);
  }, 30_000);

  test.each<[string, unknown]>([
    ['nothing', undefined],
    ['no member', {}],
    ['a list of tokens', { refreshToken: ['a'] }],
    ['an object', { refreshToken: {} }],
  ])('answers 400 to %s', async (_case, body) => {
    expect((await one.call('refreshToken', body)).status).toBe(400);
  });

  test.each(['null', '*', '>', 'a.b', '\u0000', '😀', 'A'.repeat(91)])(
    'answers 401 to the refresh token %j',
    async (token) => {
      await expectRefused(refresh(one, token));
    },
  );
});

describe('POST /channel/initExtChannel', () => {
  const writes = async () => (await one.jetStream.streamState(bucketStream('participants')))?.lastSeq;

  test.each<[string, unknown]>([
    ['no body', undefined],
    ['an empty one', ''],
    ['null', 'null'],
    ['an empty object', {}],
    ['no keys', { anonymousKeys: [] }],
    ['null for keys', { anonymousKeys: null }],
    ['members of its own', { other: 1 }],
  ])('registers with %s', async (_case, body) => {
    const { access } = await logIn(one);
    expect(await one.call('registerParticipant', body, access)).toMatchObject({
      status: 200,
      body: { status: [] },
    });
  });

  test('makes a caller known that has a token and never logged in here', async () => {
    const did = didOf(createKeyPair());
    const access = await one.accessTokens.issue({ did, roles }, nowMs);
    expect(await other.participants.exists(did)).toBe(false);
    expect((await one.call('registerParticipant', undefined, access)).status).toBe(200);
    expect(await other.participants.exists(did)).toBe(true);
  });

  test('does not write when nothing has changed', async () => {
    const { access } = await logIn(one);
    const before = await writes();
    for (let turn = 0; turn < 10; turn++)
      await (turn % 2 ? one : other).call('registerParticipant', {}, access);
    expect(await writes()).toBe(before);
  });

  test.each<[string, unknown]>([
    ['an empty key', { anonymousKeys: [{ anonymousKey: '' }] }],
    ['keys that are no objects', { anonymousKeys: ['k'] }],
    ['a text for keys', { anonymousKeys: 'k' }],
    ['a list', []],
    ['a text', '"x"'],
  ])('answers 400 to %s', async (_case, body) => {
    const { access } = await logIn(one);
    const answer = await one.call('registerParticipant', body, access);
    expect(answer).toMatchObject({ status: 400, body: { code: 'invalid-parameters', returnCode: '17' } });
  });

  test.each([undefined, 'null', 'undefined', 'a.b.c'])(
    'regression, gateways stop at 403: the token %j is 401 without returnCode 10',
    async (token) => {
      await expectRefused(one.call('registerParticipant', undefined, token));
    },
  );
});

test('GET /.well-known/jwks.json publishes no private part', async () => {
  const answer = await one.call('getPublicKeys');
  expect(answer.headers.get('content-type')).toBe('application/jwk-set+json');
  const [key] = answer.body['keys'] as Record<string, string>[];
  expect(Object.keys(key ?? {}).sort()).toEqual(['alg', 'crv', 'kid', 'kty', 'use', 'x', 'y']);
});

test('regression, Authorization header in logs: nothing that was logged holds a token', () => {
  const log = logLines.join('\n');
  expect(secrets.length).toBeGreaterThan(50);
  expect(secrets.filter((secret) => log.includes(secret))).toEqual([]);
});
