// For every route a call that works for whoever may make it: the generated part of the authorisation matrix. A route
// that is not here has no row, and the matrix fails.

import { createIdentityToken, createKeyPair } from '../../../client';
import type { BrokerAnswer } from '../broker';
import { clientCalls } from './client-calls';
import { fileCalls } from './file-calls';
import { mailboxCalls } from './mailbox-calls';
import { topicCalls } from './topic-calls';
import type { Whose, World } from './world';

export interface PreparedCall {
  readonly path: string;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  /** What else tells whether the caller got what it asked for, where the status does not. */
  readonly outcome?: (answer: BrokerAnswer) => string | Promise<string>;
}

export interface AuthorisedCall {
  /** What kind of object the call is about; absent: none. */
  readonly object?: string;
  /** One row for each. */
  readonly whose: readonly Whose[];
  readonly prepare: (world: World, whose: Whose) => PreparedCall | Promise<PreparedCall>;
}

const plain = (path: string): AuthorisedCall => ({ whose: ['–'], prepare: () => ({ path }) });

/** By operation id. */
export const authorisedCalls: Readonly<Record<string, AuthorisedCall>> = {
  ...topicCalls,
  ...mailboxCalls,
  ...clientCalls,
  ...fileCalls,
  getPublicKeys: plain('/.well-known/jwks.json'),
  getOpenApi: plain('/openapi.json'),
  getDocumentation: plain('/docs'),
  getDocumentationAsset: { object: 'asset', whose: ['missing'], prepare: () => ({ path: '/docs/none' }) },
  getHealth: plain('/health'),
  getConfiguration: plain('/config'),
  listRoleHolders: plain('/roles/list?roles=any'),
  checkParticipant: {
    whose: ['–'],
    prepare: ({ owner }) => ({ path: `/roles/check?did=${encodeURIComponent(owner.did)}` }),
  },
  login: {
    whose: ['–'],
    prepare: () => ({ path: '/auth/login', body: { identityToken: createIdentityToken(createKeyPair()) } }),
  },
  refreshToken: {
    whose: ['–'],
    prepare: async ({ broker }) => {
      const login = { identityToken: createIdentityToken(createKeyPair()) };
      const { body } = await broker.request<{ refresh_token: string }>('POST', '/auth/login', login);
      return { path: '/auth/refresh-token', body: { refreshToken: body.refresh_token } };
    },
  },
};
