// How a participant talks to the broker: log in once, send the access token with every call, and refresh it when
// the broker answers 401. Read it as an example; it uses nothing of the broker's own code.

import { createIdentityToken, type IdentityTokenOptions } from './identity-token';
import { didOf, type KeyPair } from './key-pair';

export interface BrokerAnswer<Body = unknown> {
  readonly status: number;
  readonly headers: Headers;
  /** Parsed when it is JSON, else the text. */
  readonly body: Body;
}

interface Tokens {
  readonly accessToken: string;
  readonly refreshToken: string;
}

export class ParticipantClient {
  #refreshing: Promise<void> | undefined;

  private constructor(
    readonly baseUrl: string,
    private readonly key: KeyPair,
    readonly did: string,
    private tokens: Tokens,
  ) {}

  /**
   * Logs in with a fresh identity token.
   * @param baseUrl address of the broker, e.g. `http://127.0.0.1:7071`
   * @throws Error when the broker does not accept the login
   */
  static async login(
    baseUrl: string,
    key: KeyPair,
    options: IdentityTokenOptions = {},
  ): Promise<ParticipantClient> {
    const address = baseUrl.replace(/\/+$/, '');
    const did = options.did ?? didOf(key);
    return new ParticipantClient(address, key, did, await login(address, key, { ...options, did }));
  }

  /** What goes into `Authorization: Bearer …`. */
  get accessToken(): string {
    return this.tokens.accessToken;
  }

  /**
   * One call. A 401 makes it refresh the tokens and try once more.
   * @param path with its query, e.g. `/topics?owner=apps.example.iam.ewc`
   */
  async request<Body = unknown>(method: string, path: string, body?: unknown): Promise<BrokerAnswer<Body>> {
    const send = () => call<Body>(this.baseUrl, method, path, body, this.tokens.accessToken);
    const answer = await send();
    if (answer.status !== 401) return answer;
    await this.refresh();
    return send();
  }

  /** New tokens, with the roles of now: by the refresh token, or by a new login once that is no longer accepted. */
  async refresh(): Promise<void> {
    // Calls that met a 401 together share one refresh.
    this.#refreshing ??= this.#refresh().finally(() => (this.#refreshing = undefined));
    await this.#refreshing;
  }

  async #refresh(): Promise<void> {
    const { refreshToken } = this.tokens;
    const answer = await call(this.baseUrl, 'POST', '/auth/refresh-token', { refreshToken });
    this.tokens =
      answer.status < 300 ? toTokens(answer) : await login(this.baseUrl, this.key, { did: this.did });
  }
}

async function login(baseUrl: string, key: KeyPair, options: IdentityTokenOptions): Promise<Tokens> {
  const identityToken = createIdentityToken(key, options);
  const answer = await call(baseUrl, 'POST', '/auth/login', { identityToken });
  if (answer.status >= 300) {
    throw new Error(`POST /auth/login answered ${answer.status}: ${JSON.stringify(answer.body)}`);
  }
  return toTokens(answer);
}

function toTokens({ body }: BrokerAnswer): Tokens {
  const { access_token, refresh_token } = body as { access_token: string; refresh_token: string };
  return { accessToken: access_token, refreshToken: refresh_token };
}

async function call<Body>(
  baseUrl: string,
  method: string,
  path: string,
  body?: unknown,
  accessToken?: string,
): Promise<BrokerAnswer<Body>> {
  const response = await fetch(`${baseUrl}${path}`, {
    method,
    headers: {
      'content-type': 'application/json',
      ...(accessToken === undefined ? {} : { authorization: `Bearer ${accessToken}` }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  const isJson = /[/+]json\b/.test(response.headers.get('content-type') ?? '');
  return {
    status: response.status,
    headers: response.headers,
    body: (isJson && text !== '' ? JSON.parse(text) : text) as Body,
  };
}
