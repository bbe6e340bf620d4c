// Login, refresh and the public keys of the access tokens (contract §2). There is no route that makes a token
// without proof of a DID.

import { Type } from '@sinclair/typebox';
import { clientAddress } from '../shared/http/client-address';
import { type Route, route } from '../shared/http/route';
import type { AccessTokenIssuer, Login, TokenPair } from '../shared/identity';

export interface IdentityRoutesDependencies {
  readonly login: Login;
  readonly accessTokens: AccessTokenIssuer;
  /** Life of an access token. Unit: seconds. */
  readonly accessTokenSeconds: number;
}

/** A token, escaped. */
const maxTokenBodyBytes = 64 * 1024;
const tokenText = (description: string) => Type.String({ description, minLength: 1, maxLength: 8_192 });

const tokenAnswer = Type.Object({
  access_token: Type.String({ description: 'JWT, signed with ES256; send it as Bearer token.' }),
  type: Type.Literal('Bearer'),
  expires_in: Type.Integer({ description: 'Life of the access token. Unit: seconds.', minimum: 1 }),
  refresh_token: Type.String({ description: 'Opaque; exchange it once at POST /auth/refresh-token.' }),
});

const publicKeys = Type.Object({
  keys: Type.Array(
    Type.Object({
      kty: Type.String(),
      crv: Type.String(),
      x: Type.String(),
      y: Type.String(),
      kid: Type.String(),
      alg: Type.String(),
      use: Type.String(),
    }),
  ),
});

export function identityRoutes({
  login,
  accessTokens,
  accessTokenSeconds,
}: IdentityRoutesDependencies): readonly Route[] {
  const answer = ({ accessToken, refreshToken }: TokenPair) => ({
    json: {
      access_token: accessToken,
      type: 'Bearer',
      expires_in: accessTokenSeconds,
      refresh_token: refreshToken,
    },
  });
  return [
    route({
      method: 'POST',
      path: 'auth/login',
      operationId: 'login',
      summary: 'Log in with an identity token signed by the key of a DID',
      tag: 'Identity',
      access: 'public',
      maxBodyBytes: maxTokenBodyBytes,
      body: Type.Object({
        identityToken: tokenText(
          'base64url(header).base64url(payload).base64url(signature): the signature is the text `0x…` (r, s, v) of the EIP-191 personal message keccak256(header.payload); claims iss (the DID), iat, exp.',
        ),
      }),
      responses: { 200: { description: 'A pair of tokens', schema: tokenAnswer } },
      problems: ['unauthenticated', 'too-many-logins', 'message-store-unavailable'],
      handle: async ({ body, request }) =>
        answer(await login.login(body.identityToken, clientAddress(request))),
    }),
    route({
      method: 'POST',
      path: 'auth/refresh-token',
      operationId: 'refreshToken',
      summary: 'Exchange a refresh token for a new pair of tokens, with the roles of now',
      tag: 'Identity',
      access: 'public',
      maxBodyBytes: maxTokenBodyBytes,
      body: Type.Object({ refreshToken: tokenText('From the last login or refresh.') }),
      responses: { 200: { description: 'A pair of tokens', schema: tokenAnswer } },
      problems: ['unauthenticated', 'message-store-unavailable'],
      handle: async ({ body }) => answer(await login.refresh(body.refreshToken)),
    }),
    route({
      method: 'GET',
      path: '.well-known/jwks.json',
      operationId: 'getPublicKeys',
      summary: 'Public keys with which access tokens can be verified',
      tag: 'Identity',
      access: 'public',
      responses: {
        200: { description: 'A JWK Set', schema: publicKeys, contentType: 'application/jwk-set+json' },
      },
      handle: async () => ({
        headers: { 'content-type': 'application/jwk-set+json', 'cache-control': 'public, max-age=300' },
        json: await accessTokens.publicKeys(),
      }),
    }),
  ];
}
