// The two NATS connections of an instance: one publishes and writes key-value entries, one does direct gets,
// because a direct get runs in its connection's read loop and delays that connection's publishes by tens of
// milliseconds (design §3). Both open at the first use and reconnect for ever.

import {
  connect,
  credsAuthenticator,
  Events,
  nkeyAuthenticator,
  type Authenticator,
  type ConnectionOptions,
  type NatsConnection,
} from 'nats';
import { BrokerError } from '../../broker-error';
import type { Log } from '../../log';

export interface NatsOptions {
  /** `nats://host:port` or `tls://host:port`; any of them is enough to begin with. */
  readonly servers: readonly string[];
  /** Text of a `.creds` file, or an nkey seed. */
  readonly credentials?: string | undefined;
  readonly log: Log;
}

/** How long a request waits for a lost connection to come back before it is answered with 503. Unit: ms. */
export const reconnectPatienceMs = 5_000;

/** Oldest server with batch direct get, `next_by_subj` and consistent compare-and-set codes. */
const minimumServer = [2, 12] as const;

export type ConnectionRole = 'publish' | 'read';

/** One connection that is opened lazily and whose state can be waited for. */
class Link {
  #opening: Promise<NatsConnection> | undefined;
  #connected = false;
  #waiters: (() => void)[] = [];

  constructor(
    private readonly role: ConnectionRole,
    private readonly options: NatsOptions,
  ) {}

  /** The connection once it is up; `message-store-unavailable` after the patience has run out. */
  async ready(patienceMs: number): Promise<NatsConnection> {
    this.#opening ??= this.#open();
    const connection = await withPatience(this.#opening, patienceMs);
    if (!this.#connected) {
      await withPatience(new Promise<void>((resolve) => this.#waiters.push(resolve)), patienceMs);
    }
    return connection;
  }

  async close(): Promise<void> {
    const connection = await this.#opening?.catch(() => undefined);
    if (!connection || connection.isClosed()) return;
    // drain() would wait for ever on a server that is away.
    await (this.#connected ? connection.drain() : connection.close());
  }

  async #open(): Promise<NatsConnection> {
    const { servers, credentials, log } = this.options;
    const options: ConnectionOptions = {
      servers: [...servers],
      name: `ddhub-broker-${this.role}`,
      // A dead peer is noticed within 15 s even when no packet comes back.
      pingInterval: 5_000,
      maxPingOut: 2,
      maxReconnectAttempts: -1,
      reconnectTimeWait: 200,
      reconnectJitter: 300,
      reconnectJitterTLS: 800,
      waitOnFirstConnect: true,
      ...(credentials ? { authenticator: authenticatorFor(credentials) } : {}),
    };
    const connection = await connect(options);
    requireServerVersion(connection.info?.version ?? '0');
    this.#connected = true;
    void this.#watch(connection, log);
    return connection;
  }

  async #watch(connection: NatsConnection, log: Log): Promise<void> {
    for await (const status of connection.status()) {
      if (status.type === Events.Disconnect) {
        this.#connected = false;
        log('warn', 'message store connection lost', { role: this.role });
      } else if (status.type === Events.Reconnect) {
        this.#connected = true;
        for (const wake of this.#waiters.splice(0)) wake();
        log('info', 'message store connection is back', { role: this.role });
      } else if (status.type === Events.Error) {
        log('warn', 'message store reported an error', { role: this.role, vendor: status.data });
      }
    }
  }
}

function authenticatorFor(credentials: string): Authenticator {
  const bytes = new TextEncoder().encode(credentials);
  return credentials.startsWith('SU') ? nkeyAuthenticator(bytes) : credsAuthenticator(bytes);
}

function requireServerVersion(version: string): void {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  if (major > minimumServer[0] || (major === minimumServer[0] && minor >= minimumServer[1])) return;
  throw new BrokerError(
    'message-store-unavailable',
    `The NATS server has version ${version}; the broker needs ${minimumServer.join('.')} or newer.`,
  );
}

async function withPatience<T>(work: Promise<T>, patienceMs: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const impatience = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      reject(
        new BrokerError('message-store-unavailable', 'The message store cannot be reached.', {
          retryAfterSeconds: 5,
        }),
      );
    }, patienceMs);
  });
  try {
    return await Promise.race([work, impatience]);
  } finally {
    clearTimeout(timer);
  }
}

/** Both connections of an instance. */
export class NatsConnections {
  readonly #links: Readonly<Record<ConnectionRole, Link>>;
  #closed = false;

  constructor(options: NatsOptions) {
    this.#links = { publish: new Link('publish', options), read: new Link('read', options) };
  }

  /**
   * The connection of a role, once it is up.
   * @throws BrokerError `message-store-unavailable` when it does not come (back) within `patienceMs`
   */
  ready(role: ConnectionRole, patienceMs = reconnectPatienceMs): Promise<NatsConnection> {
    if (this.#closed) {
      return Promise.reject(new BrokerError('message-store-unavailable', 'The broker is shutting down.'));
    }
    return this.#links[role].ready(patienceMs);
  }

  /** Sends what is buffered, then closes both connections. */
  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all(Object.values(this.#links).map((link) => link.close()));
  }
}
