// What a login and a refresh are: proof of the DID, roles from the role source, a note of the participant, and a
// pair of tokens. Roles are resolved anew each time, so that a revoked role ends with the access token.

import type { Clock } from '../clock';
import type { AccessTokenIssuer } from './access-token';
import { verifyIdentityToken, type IdentityTokenPolicy, type RecoverSigner } from './identity-token';
import { type LoginLimits, tooManyLogins } from './login-limits';
import { PacedWork, TooMuchWaiting } from './paced-work';
import type { ParticipantDirectory } from './participant-directory';
import type { RoleSource } from './role-source';
import type { Sessions } from './sessions';

export interface LoginOptions {
  readonly recoverSigner: RecoverSigner;
  readonly identityTokens: IdentityTokenPolicy;
  readonly limits: LoginLimits;
  readonly roleSource: RoleSource;
  readonly participants: ParticipantDirectory;
  readonly sessions: Sessions;
  readonly accessTokens: AccessTokenIssuer;
  readonly clock: Clock;
}

export interface TokenPair {
  readonly accessToken: string;
  readonly refreshToken: string;
}

/**
 * Recovering a signature takes about 2 ms of the one thread: a quarter of its time at most goes to logins, and who
 * comes last waits for about ten seconds.
 */
const pace = { pauses: 3, maxWaiting: 1_000 };

/** A participant's way in. A DID without roles gets tokens all the same; its calls are then refused. */
export class Login {
  readonly #recoverSigner: RecoverSigner;

  constructor(private readonly options: LoginOptions) {
    const proofs = new PacedWork(pace);
    this.#recoverSigner = async (...signed) => {
      try {
        return await proofs.run(() => options.recoverSigner(...signed));
      } catch (error) {
        if (error instanceof TooMuchWaiting) throw tooManyLogins(10);
        throw error;
      }
    };
  }

  /**
   * @param address where the request comes from; undefined: not known
   * @throws BrokerError `unauthenticated` when the identity token proves nothing, `too-many-logins`
   */
  async login(identityToken: string, address?: string): Promise<TokenPair> {
    const { identityTokens, limits, sessions, clock } = this.options;
    limits.countAttempt(address);
    const did = await verifyIdentityToken(
      identityToken,
      this.#recoverSigner,
      identityTokens,
      clock(),
      (claimed) => limits.checkClaimed(claimed),
    );
    limits.countProven(did);
    const [accessToken, refreshToken] = await Promise.all([this.#admit(did), sessions.open(did)]);
    return { accessToken, refreshToken };
  }

  /** @throws BrokerError `unauthenticated` when the refresh token is unknown, expired or used up */
  async refresh(presented: string): Promise<TokenPair> {
    const { refreshToken, prepared } = await this.options.sessions.refresh(presented, (did) =>
      this.#admit(did),
    );
    return { accessToken: prepared, refreshToken };
  }

  async #admit(did: string): Promise<string> {
    const { roleSource, participants, accessTokens, clock } = this.options;
    const roles = await roleSource.rolesOf(did);
    const [accessToken] = await Promise.all([
      accessTokens.issue({ did, roles }, clock()),
      participants.register(did, roles),
    ]);
    return accessToken;
  }
}
