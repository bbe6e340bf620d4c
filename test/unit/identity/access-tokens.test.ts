// Access tokens: what the broker issues, what it accepts from itself and from trusted issuers, and what it refuses.

import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { CryptoKey, JWK, JWTPayload } from 'jose';
import { JoseAccessTokenIssuer, JoseAccessTokenVerifier } from '../../../shared/adapters/jose/access-tokens';
import { createAuthenticator } from '../../../shared/identity/authenticator';
import { parseSigningKeys, type SigningKeys } from '../../../shared/identity/signing-keys';

const now = Math.floor(Date.now() / 1_000);
const nowMs = now * 1_000;
const did = 'did:ethr:volta:0x00000000000000000000000000000000000000aa';
const userRole = 'user.roles.a.apps.b.iam.ewc';
const caller = { did, roles: [userRole] };
/** The caller that a token of now speaks for. */
const verified = { ...caller, issuedAtMs: nowMs };
const own = { issuer: 'broker', audience: 'participants', accessTokenSeconds: 900 };
const external = { issuer: 'https://issuer.example', audience: 'ddhub' };

interface Pair {
  readonly privateKey: CryptoKey;
  readonly publicJwk: JWK;
  readonly privateJwk: JWK;
}

async function makePair(alg: string, kid?: string): Promise<Pair> {
  const { exportJWK, generateKeyPair } = await import('jose');
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true });
  const name = kid === undefined ? {} : { kid };
  return {
    privateKey,
    publicJwk: { ...(await exportJWK(publicKey)), ...name },
    privateJwk: { ...(await exportJWK(privateKey)), ...name },
  };
}

/** Signs any claims, also wrong ones. A claim given as undefined is left out. */
async function sign(
  key: CryptoKey,
  claims: JWTPayload,
  header: { alg: string; kid?: string } = { alg: 'ES256' },
) {
  const { SignJWT } = await import('jose');
  return new SignJWT(claims).setProtectedHeader(header).sign(key);
}

let first: Pair;
let second: Pair;
let keys: SigningKeys;
let issuer: JoseAccessTokenIssuer;
let verifier: JoseAccessTokenVerifier;

beforeAll(async () => {
  first = await makePair('ES256', 'one');
  second = await makePair('ES256', 'two');
  keys = parseSigningKeys(JSON.stringify({ keys: [first.privateJwk, second.publicJwk] }));
  issuer = new JoseAccessTokenIssuer({ ...own, keys });
  verifier = new JoseAccessTokenVerifier({ ...own, keys }, []);
});

const claims = () => ({
  did,
  roles: [userRole],
  iss: own.issuer,
  aud: own.audience,
  iat: now,
  exp: now + 60,
  jti: 'x',
});
const refused = { code: 'unauthenticated' };

describe('tokens of the broker itself', () => {
  test('hold the claims of the contract and verify', async () => {
    const { decodeJwt, decodeProtectedHeader } = await import('jose');
    const token = await issuer.issue(caller, nowMs);
    expect(decodeProtectedHeader(token)).toEqual({ alg: 'ES256', typ: 'JWT', kid: 'one' });
    const payload = decodeJwt(token);
    expect(payload).toEqual({ ...claims(), exp: now + 900, jti: expect.any(String) });
    expect(await verifier.verify(token, nowMs)).toEqual({
      caller: verified,
      expiresAtMs: (now + 900) * 1_000,
    });
  });

  test('are different even within one second', async () => {
    expect(await issuer.issue(caller, nowMs)).not.toBe(await issuer.issue(caller, nowMs));
  });

  test('verify when an earlier key of the set signed them, with its name or without', async () => {
    for (const header of [{ alg: 'ES256', kid: 'two' }, { alg: 'ES256' }]) {
      const token = await sign(second.privateKey, claims(), header);
      expect(await verifier.verify(token, nowMs)).toMatchObject({ caller });
    }
  });

  test('verify by the published keys, which hold no private part', async () => {
    const { createLocalJWKSet, jwtVerify } = await import('jose');
    const published = await issuer.publicKeys();
    expect(JSON.stringify(published)).not.toContain('"d"');
    expect(published.keys.map((key) => [key.kid, key.alg, key.use])).toEqual([
      ['one', 'ES256', 'sig'],
      ['two', 'ES256', 'sig'],
    ]);
    const token = await issuer.issue(caller, nowMs);
    const { payload } = await jwtVerify(
      token,
      createLocalJWKSet({ keys: published.keys.map((key) => ({ ...key })) }),
    );
    expect(payload['did']).toBe(did);
  });

  test('get the thumbprint of the key as its name when the setting gives none', async () => {
    const { calculateJwkThumbprint } = await import('jose');
    const nameless = await makePair('ES256');
    const single = parseSigningKeys(JSON.stringify(nameless.privateJwk));
    const published = await new JoseAccessTokenIssuer({ ...own, keys: single }).publicKeys();
    expect(published.keys[0]?.kid).toBe(await calculateJwkThumbprint(nameless.publicJwk));
  });

  test.each<[string, object]>([
    ['another issuer', { iss: 'else' }],
    ['no issuer', { iss: undefined }],
    ['another audience', { aud: 'else' }],
    ['no audience', { aud: undefined }],
    ['an expiry that has passed', { exp: now }],
    ['no expiry', { exp: undefined }],
    ['an nbf in the future', { nbf: now + 60 }],
    ['no DID', { did: undefined }],
    ['a DID that is none', { did: 'somebody' }],
    ['roles that are a text', { roles: userRole }],
    ['roles that are no texts', { roles: [1] }],
  ])('are refused with %s', async (_case, change) => {
    const token = await sign(first.privateKey, { ...claims(), ...change }, { alg: 'ES256', kid: 'one' });
    await expect(verifier.verify(token, nowMs)).rejects.toMatchObject(refused);
  });

  test('regression, tokens decoded but not verified: one signed with another key is refused', async () => {
    const stranger = await makePair('ES256', 'one');
    const token = await sign(stranger.privateKey, claims(), { alg: 'ES256', kid: 'one' });
    await expect(verifier.verify(token, nowMs)).rejects.toMatchObject(refused);
  });

  test('regression, tokens decoded but not verified: alg none and a MAC keyed with the public key are refused', async () => {
    const { SignJWT, UnsecuredJWT } = await import('jose');
    const unsecured = new UnsecuredJWT(claims()).encode();
    const mac = await new SignJWT(claims())
      .setProtectedHeader({ alg: 'HS256', kid: 'one' })
      .sign(Buffer.from(JSON.stringify((await issuer.publicKeys()).keys[0])));
    await expect(verifier.verify(unsecured, nowMs)).rejects.toMatchObject(refused);
    await expect(verifier.verify(mac, nowMs)).rejects.toMatchObject(refused);
  });

  test('are refused with any one character altered', async () => {
    const token = await issuer.issue(caller, nowMs);
    // Every place in the signature, and every 7th of the rest.
    const signatureAt = token.lastIndexOf('.');
    for (let at = 0; at < token.length; at += at < signatureAt ? 7 : 1) {
      const altered = token.slice(0, at) + (token[at] === 'A' ? 'B' : 'A') + token.slice(at + 1);
      await expect(verifier.verify(altered, nowMs)).rejects.toMatchObject(refused);
    }
  });
});

describe('tokens of a trusted issuer', () => {
  let server: Server;
  let jwksUrl: string;
  let requests = 0;
  let answer: { status: number; body: string };
  const pairs = new Map<string, Pair>();

  beforeAll(async () => {
    for (const alg of ['ES256', 'RS256', 'PS256', 'EdDSA']) pairs.set(alg, await makePair(alg, alg));
    answer = {
      status: 200,
      body: JSON.stringify({ keys: [...pairs.values()].map((pair) => pair.publicJwk) }),
    };
    server = createServer((_request, response) => {
      requests++;
      response.writeHead(answer.status, { 'content-type': 'application/json' }).end(answer.body);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    jwksUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks.json`;
  });

  afterAll(() => new Promise((resolve) => server.close(resolve)));

  const externalClaims = () => ({ ...claims(), iss: external.issuer, aud: external.audience });
  const keyOf = (alg: string): CryptoKey => {
    const pair = pairs.get(alg);
    if (!pair) throw new Error(`no key for ${alg}`);
    return pair.privateKey;
  };
  const newVerifier = (url = jwksUrl) =>
    new JoseAccessTokenVerifier({ ...own, keys }, [{ ...external, jwksUrl: url }]);

  test('are accepted with every listed algorithm, and their keys are fetched once', async () => {
    const trusting = newVerifier();
    requests = 0;
    for (const alg of pairs.keys()) {
      const token = await sign(keyOf(alg), externalClaims(), { alg, kid: alg });
      expect(await trusting.verify(token, nowMs)).toMatchObject({ caller: { did, roles: [userRole] } });
    }
    expect(requests).toBe(1);
  });

  test('are refused with the audience of the broker, and the other way round', async () => {
    const trusting = newVerifier();
    const wrongAudience = { ...externalClaims(), aud: own.audience };
    const ownWithForeign = { ...claims(), aud: external.audience };
    for (const [key, payload, kid] of [
      [keyOf('ES256'), wrongAudience, 'ES256'],
      [first.privateKey, ownWithForeign, 'one'],
    ] as const) {
      const token = await sign(key, payload, { alg: 'ES256', kid });
      await expect(trusting.verify(token, nowMs)).rejects.toMatchObject(refused);
    }
  });

  test('are refused in the name of the broker, and with an algorithm that is not listed', async () => {
    const trusting = newVerifier();
    const inOurName = await sign(keyOf('ES256'), claims(), { alg: 'ES256', kid: 'ES256' });
    const unlisted = await sign((await makePair('RS512')).privateKey, externalClaims(), {
      alg: 'RS512',
      kid: 'RS256',
    });
    await expect(trusting.verify(inOurName, nowMs)).rejects.toMatchObject(refused);
    await expect(trusting.verify(unlisted, nowMs)).rejects.toMatchObject(refused);
  });

  test('are refused when nobody trusts their issuer', async () => {
    const token = await sign(keyOf('ES256'), externalClaims(), { alg: 'ES256', kid: 'ES256' });
    await expect(verifier.verify(token, nowMs)).rejects.toMatchObject(refused);
  });

  test('say nothing about roles when they hold none', async () => {
    const token = await sign(
      keyOf('ES256'),
      { ...externalClaims(), roles: undefined },
      { alg: 'ES256', kid: 'ES256' },
    );
    expect(await newVerifier().verify(token, nowMs)).toMatchObject({ caller: { roles: [] } });
  });

  test('are answered with issuer-unavailable while their keys cannot be read, and accepted afterwards', async () => {
    const token = await sign(keyOf('ES256'), externalClaims(), { alg: 'ES256', kid: 'ES256' });
    const trusting = newVerifier();
    const good = answer;
    for (const broken of [
      { status: 500, body: '' },
      { status: 200, body: '{' },
      { status: 200, body: '{"keys":1}' },
    ]) {
      answer = broken;
      await expect(trusting.verify(token, nowMs)).rejects.toMatchObject({ code: 'issuer-unavailable' });
    }
    answer = good;
    expect(await trusting.verify(token, nowMs)).toMatchObject({ caller: { did } });
    // Port 9 (discard) of the loopback answers nobody.
    await expect(newVerifier('http://127.0.0.1:9/').verify(token, nowMs)).rejects.toMatchObject({
      code: 'issuer-unavailable',
    });
  });
});

describe('the Authorization header', () => {
  const authenticatorAt = (clock: () => number, seen?: () => void) =>
    createAuthenticator({
      verifier: {
        verify: (token, at) => {
          seen?.();
          return verifier.verify(token, at);
        },
      },
      userRolePattern: 'user.roles.*.apps.*.iam.ewc',
      clock,
    });

  test.each([
    null,
    '',
    'Bearer',
    'Bearer ',
    'Bearer null',
    'Bearer undefined',
    'Basic YTpi',
    'Bearer a.b',
    'Bearer a.b.c.d',
    'Bearer a.b.c d',
    `Bearer ${'a'.repeat(20_000)}.b.c`,
    'Bearer ..',
    'Bearer e30.e30.e30',
  ])('regression, gateways stop at 403: %j is 401', async (authorization) => {
    await expect(authenticatorAt(() => nowMs)(authorization)).rejects.toMatchObject(refused);
  });

  test('gives the caller, with the scheme in any case, and verifies a token once', async () => {
    let verifications = 0;
    const authenticate = authenticatorAt(
      () => nowMs,
      () => verifications++,
    );
    const token = await issuer.issue(caller, nowMs);
    expect(await authenticate(`Bearer ${token}`)).toEqual(verified);
    expect(await authenticate(`bearer ${token}`)).toEqual(verified);
    expect(verifications).toBe(1);
  });

  test('refuses a remembered token from the moment it expires', async () => {
    let clockMs = nowMs;
    const authenticate = authenticatorAt(() => clockMs);
    const token = await issuer.issue(caller, nowMs);
    clockMs = nowMs + 899_999;
    expect(await authenticate(`Bearer ${token}`)).toEqual(verified);
    clockMs = nowMs + 900_000;
    await expect(authenticate(`Bearer ${token}`)).rejects.toMatchObject(refused);
  });

  test('is 403 for a good token without a user role, every time', async () => {
    const authenticate = authenticatorAt(() => nowMs);
    const token = await issuer.issue({ did, roles: [`x${userRole}`, `${userRole}.evil`] }, nowMs);
    await expect(authenticate(`Bearer ${token}`)).rejects.toMatchObject({ code: 'forbidden' });
    await expect(authenticate(`Bearer ${token}`)).rejects.toMatchObject({ code: 'forbidden' });
  });
});

test.each([
  '',
  '{',
  'null',
  '{}',
  '[]',
  '{"keys":[]}',
  '{"kty":"RSA","n":"AQAB","e":"AQAB"}',
  '{"kty":"EC","crv":"P-384","x":"a","y":"b"}',
])('the setting %j is no signing key', (text) => {
  expect(() => parseSigningKeys(text)).toThrow('TOKEN_SIGNING_KEY');
});

test('a set whose first key has no private part cannot sign', () => {
  const { d, ...publicPart } = first.privateJwk;
  expect(d).toBeDefined();
  expect(() => parseSigningKeys(JSON.stringify(publicPart))).toThrow('private');
});
