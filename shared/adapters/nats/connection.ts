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
  /** Certificates, as PEM text, of those who sign the servers' certificates; absent: the system's own. */
  readonly caPem?: string | undefined;
  readonly log: Log;
}

/** How long a request waits for a lost connection to come back before it is answered with 503. Unit: ms. */
export const reconnectPatienceMs = 5_000;

/** How long one server has to accept a connection before the next one is tried. Unit: ms. */
const dialTimeoutMs = 5_000;

/** Oldest server with batch direct get, `next_by_subj` and consistent compare-and-set codes. */
const minimumServer = [2, 12] as const;

export type ConnectionRole = 'publish' | 'read';

interface Waiter {
  readonly resolve: (connection: NatsConnection) => void;
  readonly reject: (error: Error) => void;
}

/** One connection that is opened lazily and whose state can be waited for. */
class Link {
  #opening: Promise<NatsConnection> | undefined;
  /** The connection while it is up. */
  #up: NatsConnection | undefined;
  #gathering: Promise<NatsConnection> | undefined;
  #closed = false;
  /** Who waits for it. Who has lost patience is no longer among them, however long it stays away. */
  readonly #waiters = new Set<Waiter>();

  constructor(
    private readonly role: ConnectionRole,
    private readonly options: NatsOptions,
  ) {}

  /** The connection once it is up; `message-store-unavailable` after the patience has run out. */
  ready(patienceMs: number): Promise<NatsConnection> {
    const connection = this.#up;
    if (!connection) return this.#waitForIt(patienceMs);
    // Callers of one turn of the event loop go on together, so that what they send is one write to the socket
    // instead of one each.
    this.#gathering ??= new Promise((resolve) =>
      setImmediate(() => {
        this.#gathering = undefined;
        resolve(connection);
      }),
    );
    return this.#gathering;
  }

  #waitForIt(patienceMs: number): Promise<NatsConnection> {
    // Its failure is told to those who wait.
    (this.#opening ??= this.#open()).catch(() => undefined);
    return new Promise((resolve, reject) => {
      const leave = (): void => {
        clearTimeout(timer);
        this.#waiters.delete(waiter);
      };
      const waiter: Waiter = {
        resolve: (connection) => {
          leave();
          resolve(connection);
        },
        reject: (error) => {
          leave();
          reject(error);
        },
      };
      const timer = setTimeout(() => {
        waiter.reject(unreachable());
      }, patienceMs);
      this.#waiters.add(waiter);
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    const connection = await this.#opening?.catch(() => undefined);
    if (!connection || connection.isClosed()) return;
    if (connection.isDraining()) {
      await connection.closed();
      return;
    }
    // drain() would wait for ever on a server that is away.
    await (this.#up ? connection.drain() : connection.close());
  }

  /** A failure is not remembered: the next use tries again. */
  async #open(): Promise<NatsConnection> {
    try {
      const connection = await this.#dial();
      this.#isUp(connection);
      void this.#watch(connection, this.options.log);
      return connection;
    } catch (error) {
      this.#opening = undefined;
      for (const { reject } of this.#waiters) reject(error as Error);
      throw error;
    }
  }

  #isUp(connection: NatsConnection): void {
    this.#up = connection;
    for (const { resolve } of this.#waiters) resolve(connection);
  }

  /**
   * Tries until a server answers, also one that refuses the credentials: that is the operator's to mend, at either
   * end. Not left to the client (`waitOnFirstConnect`), which could not be told to stop.
   */
  async #dial(): Promise<NatsConnection> {
    const { servers, credentials, caPem, log } = this.options;
    const options: ConnectionOptions = {
      servers: [...servers],
      name: `ddhub-broker-${this.role}`,
      timeout: dialTimeoutMs,
      // A dead peer is noticed within 15 s even when no packet comes back.
      pingInterval: 5_000,
      maxPingOut: 2,
      maxReconnectAttempts: -1,
      reconnectTimeWait: 200,
      reconnectJitter: 300,
      reconnectJitterTLS: 800,
      ignoreAuthErrorAbort: true,
      // Else the client makes two error objects for each request, in case that it fails.
      noAsyncTraces: true,
      ...(credentials ? { authenticator: authenticatorFor(credentials) } : {}),
      // With `tls` a server that does not offer TLS is refused; without it the client would go on in clear.
      ...(caPem || servers.some((server) => server.startsWith('tls://'))
        ? { tls: caPem ? { ca: caPem } : {} }
        : {}),
    };
    let failure = '';
    while (!this.#closed) {
      try {
        const connection = await connect(options);
        return await requireServerVersion(connection);
      } catch (error) {
        if (error instanceof BrokerError) throw error;
        // Errors of the client and of the socket both have a code; once is enough for each that lasts.
        const { code = 'unknown' } = error as { readonly code?: string };
        if (code !== failure)
          log('warn', 'message store cannot be reached', { role: this.role, vendor: code });
        failure = code;
        await new Promise((resolve) => setTimeout(resolve, 200 + Math.random() * 300));
      }
    }
    throw new BrokerError('message-store-unavailable', 'The broker is shutting down.');
  }

  async #watch(connection: NatsConnection, log: Log): Promise<void> {
    for await (const status of connection.status()) {
      if (status.type === Events.Disconnect) {
        this.#up = undefined;
        log('warn', 'message store connection lost', { role: this.role });
      } else if (status.type === Events.Reconnect) {
        this.#isUp(connection);
        log('info', 'message store connection is back', { role: this.role });
      } else if (status.type === Events.Error) {
        log('warn', 'message store reported an error', { role: this.role, vendor: status.data });
      }
    }
    // The client has given the connection up: the next use opens another one.
    this.#up = undefined;
    this.#opening = undefined;
  }
}

function authenticatorFor(credentials: string): Authenticator {
  const bytes = new TextEncoder().encode(credentials);
  return credentials.startsWith('SU') ? nkeyAuthenticator(bytes) : credsAuthenticator(bytes);
}

async function requireServerVersion(connection: NatsConnection): Promise<NatsConnection> {
  const version = connection.info?.version ?? '0';
  const [major = 0, minor = 0] = version.split('.').map(Number);
  if (major > minimumServer[0] || (major === minimumServer[0] && minor >= minimumServer[1]))
    return connection;
  await connection.close();
  throw new BrokerError(
    'message-store-unavailable',
    `The NATS server has version ${version}; the broker needs ${minimumServer.join('.')} or newer.`,
  );
}

const unreachable = () =>
  new BrokerError('message-store-unavailable', 'The message store cannot be reached.', {
    retryAfterSeconds: 5,
  });

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
