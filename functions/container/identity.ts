// Identity: login and sessions, access tokens, the participants that are known, and who holds a role.

import { recoverSigner } from '../../shared/adapters/ethereum/recover-signer';
import { FileRoleSource } from '../../shared/adapters/file-system/file-role-source';
import { JoseAccessTokenIssuer, JoseAccessTokenVerifier } from '../../shared/adapters/jose/access-tokens';
import { BucketScan } from '../../shared/adapters/nats/bucket-scan';
import { participantBucket } from '../../shared/adapters/nats/names';
import { JetStreamParticipantDirectory } from '../../shared/adapters/nats/participant-store';
import { JetStreamRoleIndex } from '../../shared/adapters/nats/role-index';
import { JetStreamSessionStore } from '../../shared/adapters/nats/session-store';
import { type StoreLayout } from '../../shared/adapters/nats/store-layout';
import type { Clock } from '../../shared/clock';
import type { Settings } from '../../shared/config/settings';
import { createAuthenticator, Login, LoginLimits, noRoles, Sessions } from '../../shared/identity';
import type { Log } from '../../shared/log';
import type { MessageStore } from './message-store';

/** Many participants are read at once to find those with a role. */
export const participantOptions = { allowDirect: true };

export function roleIndex(
  { identity }: Settings,
  { jetStream, directGet, layout }: MessageStore,
  clock: Clock,
): JetStreamRoleIndex {
  const provision = layout.provision(participantBucket, participantOptions);
  return new JetStreamRoleIndex(new BucketScan(jetStream, directGet, participantBucket, provision), {
    // Contacts are noted in steps of a tenth.
    countsForMs: identity.refreshTokenSeconds * 1_100,
    clock,
  });
}

export function identityOf({ identity, limits }: Settings, layout: StoreLayout, log: Log, clock: Clock) {
  const issuer = {
    keys: identity.signingKeys,
    issuer: identity.issuer,
    audience: identity.audience,
    accessTokenSeconds: identity.accessTokenSeconds,
  };
  const accessTokens = new JoseAccessTokenIssuer(issuer);
  const refreshMs = identity.refreshTokenSeconds * 1_000;
  const graceMs = identity.refreshGraceSeconds * 1_000;
  const participants = new JetStreamParticipantDirectory(
    layout.bucket(participantBucket, participantOptions),
    {
      renewAfterMs: refreshMs / 10,
      clock,
    },
  );
  const sessions = new Sessions({
    store: new JetStreamSessionStore(layout.bucket('sessions', { ttlMs: refreshMs + graceMs })),
    policy: { lifeMs: refreshMs, graceMs },
    clock,
    log,
  });
  const login = new Login({
    recoverSigner,
    identityTokens: {
      maxAgeSeconds: identity.identityTokenMaxAgeSeconds,
      clockToleranceSeconds: identity.clockToleranceSeconds,
    },
    limits: new LoginLimits({
      perDidAndMinute: limits.loginsPerDidAndMinute,
      perAddressAndMinute: limits.loginsPerAddressAndMinute,
      clock,
    }),
    roleSource: identity.rolesFile === undefined ? noRoles : new FileRoleSource(identity.rolesFile, log),
    participants,
    sessions,
    accessTokens,
    clock,
  });
  const authenticate = createAuthenticator({
    verifier: new JoseAccessTokenVerifier(issuer, identity.trustedIssuers),
    userRolePattern: identity.userRolePattern,
    clock,
  });
  return { login, accessTokens, participants, authenticate, accessTokenSeconds: identity.accessTokenSeconds };
}
