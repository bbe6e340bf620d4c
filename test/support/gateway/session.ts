// How a gateway stays logged in. It does not log in: it sends what it has, and logs in as a reaction to 401. Every call
// that is told 401 does so on its own, so parallel calls make a stampede. A 403, or a 401 with returnCode 10, ends the
// gateway until somebody restarts it.

import { GatewayFailure, mustHold } from './gateway-failure';
import { type Wallet, identityToken } from './wallet';
import type { Answer, Call, Wire } from './wire';

export interface SessionOptions {
  readonly wallet: Wallet;
  readonly wire: Wire;
  /** Wait before the first repetition; doubled for each next one. */
  readonly backoffMilliseconds: number;
}

const attempts = 5;
/** Told to identify itself, and failures of its certificate. Everything else is final. */
const repeatedStatuses = new Set([401, 495, 496, 525, 526]);
const repeatedLookupFailures = new Set(['ENOTFOUND', 'EAI_AGAIN']);

interface Tokens {
  readonly access_token: string;
  readonly refresh_token: string;
  readonly type: string;
  readonly expires_in: number;
}

export class Session {
  readonly #options: SessionOptions;
  #accessToken: string | null = null;
  #refreshToken: string | null = null;
  #stoppedBy: GatewayFailure | undefined;

  constructor(options: SessionOptions) {
    this.#options = options;
  }

  /** Whether the gateway has given up. */
  get isStopped(): boolean {
    return this.#stoppedBy !== undefined;
  }

  /** The token is no longer good, as after its expiry; the refresh token still is. */
  spoilAccessToken(): void {
    this.#accessToken = `${this.#accessToken ?? ''}spoilt`;
  }

  /** Both are no longer good, as after a night of sleep. */
  spoilTokens(): void {
    this.spoilAccessToken();
    this.#refreshToken = `${this.#refreshToken ?? ''}spoilt`;
  }

  /**
   * Repeats as the gateway does, and nothing else.
   * @returns an answer with a status of 2xx
   * @throws GatewayFailure `refused` or `stopped`
   */
  async call(call: Call): Promise<Answer> {
    for (let attempt = 1; ; attempt++) {
      if (this.#stoppedBy) throw this.#stoppedBy;
      const answer = await this.#attempt(call);
      if (answer !== undefined && answer.status >= 200 && answer.status < 300) return answer;
      const status = answer?.status ?? 0;
      if (answer) this.#giveUpIfForbidden(call, answer);
      const failure = () =>
        new GatewayFailure('refused', `${call.method} ${call.path}: ${status} ${answer?.text ?? ''}`, {
          status,
        });
      if (answer && !repeatedStatuses.has(status)) throw failure();
      if (attempt === attempts) throw failure();
      if (status === 401) await this.#renew();
      await new Promise((resolve) =>
        setTimeout(resolve, this.#options.backoffMilliseconds * 2 ** (attempt - 1)),
      );
    }
  }

  /** @returns undefined when the host's name was not found */
  async #attempt(call: Call): Promise<Answer | undefined> {
    try {
      return await this.#options.wire.send(call, this.#accessToken);
    } catch (error) {
      const { cause } = error as { cause?: { code?: string } };
      if (repeatedLookupFailures.has(cause?.code ?? '')) return undefined;
      throw error;
    }
  }

  #giveUpIfForbidden(call: Call, answer: Answer): void {
    const isForbidden =
      answer.status === 403 || (answer.status === 401 && /"returnCode"\s*:\s*"10"/.test(answer.text));
    if (!isForbidden) return;
    this.#stoppedBy = new GatewayFailure(
      'stopped',
      `${call.method} ${call.path}: ${answer.status} ${answer.text}`,
      { status: answer.status },
    );
    throw this.#stoppedBy;
  }

  /** With the refresh token while there is one that works, else with the wallet. */
  async #renew(): Promise<void> {
    if (this.#refreshToken !== null) {
      const refreshed = await this.#identify('/auth/refresh-token', { refreshToken: this.#refreshToken });
      if (refreshed) return;
      this.#refreshToken = null;
    }
    const seconds = Math.floor(Date.now() / 1_000);
    await this.#identify('/auth/login', { identityToken: identityToken(this.#options.wallet, seconds) });
  }

  async #identify(path: string, body: unknown): Promise<boolean> {
    const call: Call = { method: 'POST', path, body, isBackground: true };
    const answer = await this.#options.wire.send(call, this.#accessToken);
    this.#giveUpIfForbidden(call, answer);
    if (answer.status < 200 || answer.status > 299) return false;
    const tokens = answer.json() as Partial<Tokens>;
    mustHold(
      typeof tokens.access_token === 'string' && typeof tokens.refresh_token === 'string',
      `${path} without tokens`,
    );
    mustHold(tokens.type === 'Bearer' && Number(tokens.expires_in) > 0, `${path} with another shape`);
    this.#accessToken = tokens.access_token;
    this.#refreshToken = tokens.refresh_token;
    return true;
  }
}
