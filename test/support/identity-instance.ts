// One instance of the broker as far as identity goes: its own connections and caches, real NATS, and the routes as
// handlers. Several of them on one server stand for several function instances.

import { generateKeyPairSync } from 'node:crypto';
import { HttpRequest, InvocationContext } from '@azure/functions';
import { channelRoutes } from '../../functions/channels';
import { identityRoutes } from '../../functions/identity';
import { recoverSigner } from '../../shared/adapters/ethereum/recover-signer';
import { JoseAccessTokenIssuer, JoseAccessTokenVerifier } from '../../shared/adapters/jose/access-tokens';
import { JetStreamAnonymousKeys } from '../../shared/adapters/nats/anonymous-keys';
import { JetStreamChannelStore } from '../../shared/adapters/nats/channel-store';
import type { JetStream } from '../../shared/adapters/nats/jetstream';
import { JetStreamMailboxRemoval } from '../../shared/adapters/nats/mailbox-removal';
import { JetStreamParticipantDirectory } from '../../shared/adapters/nats/participant-store';
import { JetStreamSessionStore } from '../../shared/adapters/nats/session-store';
import { ChannelAdministration } from '../../shared/channels';
import type { Clock } from '../../shared/clock';
import { Admission } from '../../shared/http/admission';
import { createHandler } from '../../shared/http/handler';
import {
  type AccessTokenIssuer,
  createAuthenticator,
  Login,
  LoginLimits,
  type ParticipantDirectory,
  type RoleSource,
  Sessions,
} from '../../shared/identity';
import type { SessionStore } from '../../shared/identity/session-store';
import { parseSigningKeys } from '../../shared/identity/signing-keys';
import { createLog } from '../../shared/log';
import { AnonymousMailboxes } from '../../shared/messages';
import { openStore } from './open-store';

export const refreshSeconds = 86_400;
export const graceSeconds = 10;

/** A setting for TOKEN_SIGNING_KEY; instances that share it accept each other's tokens. */
export function newSigningKey(): string {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return JSON.stringify({ ...privateKey.export({ format: 'jwk' }), kid: '1' });
}

export interface IdentityInstanceOptions {
  readonly natsUrl: string;
  readonly signingKey: string;
  readonly roleSource: RoleSource;
  readonly clock: Clock;
  /** Every line that the instance logs. */
  readonly logLines?: string[];
  /** Wraps the session store, to lose an answer. */
  readonly wrapStore?: (store: SessionStore) => SessionStore;
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Record<string, unknown>;
}

export interface IdentityInstance {
  readonly participants: ParticipantDirectory;
  readonly accessTokens: AccessTokenIssuer;
  readonly jetStream: JetStream;
  /** Calls a route through its handler. A text is sent as it is, anything else as JSON. */
  readonly call: (operationId: string, body?: unknown, accessToken?: string) => Promise<Answer>;
  readonly close: () => Promise<void>;
}

export function startIdentityInstance(options: IdentityInstanceOptions): IdentityInstance {
  const { clock, roleSource } = options;
  const log = createLog('debug', (_level, line) => options.logLines?.push(line));
  const { jetStream, layout } = openStore(options.natsUrl, { log });
  const own = {
    keys: parseSigningKeys(options.signingKey),
    issuer: 'broker',
    audience: 'broker',
    accessTokenSeconds: 900,
  };
  const accessTokens = new JoseAccessTokenIssuer(own);
  const participants = new JetStreamParticipantDirectory(layout.bucket('participants'), {
    renewAfterMs: (refreshSeconds * 1_000) / 10,
    clock,
  });
  const store = new JetStreamSessionStore(layout.bucket('sessions', { ttlMs: refreshSeconds * 1_000 }));
  const sessions = new Sessions({
    store: options.wrapStore?.(store) ?? store,
    policy: { lifeMs: refreshSeconds * 1_000, graceMs: graceSeconds * 1_000 },
    clock,
    log,
  });
  const login = new Login({
    recoverSigner,
    limits: new LoginLimits({ perDidAndMinute: 10_000, perAddressAndMinute: 10_000, clock }),
    identityTokens: { maxAgeSeconds: 600, clockToleranceSeconds: 30 },
    roleSource,
    participants,
    sessions,
    accessTokens,
    clock,
  });
  const authenticate = createAuthenticator({
    verifier: new JoseAccessTokenVerifier(own, []),
    userRolePattern: 'user.roles.*.apps.*.iam.ewc',
    clock,
  });
  const routes = [
    ...identityRoutes({ login, accessTokens, accessTokenSeconds: own.accessTokenSeconds }),
    ...channelRoutes({
      participants,
      channels: new ChannelAdministration(
        new JetStreamChannelStore(layout.bucket('channels'), jetStream),
        100,
      ),
      anonymousMailboxes: new AnonymousMailboxes(
        new JetStreamAnonymousKeys(layout.bucket('anonymous-keys'), jetStream),
        new JetStreamMailboxRemoval(jetStream, layout),
        10_000,
      ),
      clock,
    }),
  ];
  // No call here has an Idempotency-Key.
  const idempotentCalls = { once: () => Promise.reject(new Error('no call has a key here')) };
  const admission = new Admission({ maxRunning: 100, maxWaitMs: 10_000 });
  const handlers = new Map(
    routes.map((route) => [
      route.operationId,
      { route, handler: createHandler(route, { authenticate, idempotentCalls, admission, log, clock }) },
    ]),
  );

  return {
    participants,
    accessTokens,
    jetStream,
    close: () => jetStream.close(),
    call: async (operationId, body, accessToken) => {
      const known = handlers.get(operationId);
      if (!known) throw new Error(`no route ${operationId}`);
      const { route, handler } = known;
      const request = new HttpRequest({
        method: route.method,
        url: `http://127.0.0.1/${route.path}`,
        headers: accessToken === undefined ? {} : { authorization: `Bearer ${accessToken}` },
        ...(body === undefined
          ? {}
          : { body: { string: typeof body === 'string' ? body : JSON.stringify(body) } }),
      });
      const answer = await handler(request, new InvocationContext({ functionName: operationId }));
      if (typeof answer !== 'object' || !('body' in answer) || !(answer.body instanceof Uint8Array)) {
        throw new Error('the handler answered nothing');
      }
      return {
        status: answer.status ?? 200,
        headers: new Headers(answer.headers),
        body: JSON.parse(Buffer.from(answer.body).toString()) as Record<string, unknown>,
      };
    },
  };
}
