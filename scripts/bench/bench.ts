// What measurements share: a stack of their own, the processes that are measured, the load generator, and
// participants. Everything starts at its first use and ends with the bench.

import { createHash, randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { JoseAccessTokenIssuer } from '../../shared/adapters/jose/access-tokens';
import { parseSigningKeys } from '../../shared/identity/signing-keys';
import { type BrokerProcess, startBrokerProcess } from '../stack/broker-process';
import { monitored, type NatsServer, startNatsServer } from '../stack/nats-server';
import { startTemporaryStack, type TemporaryStack } from '../stack/temporary-stack';
import { Child } from './child';
import { postRequest } from './http-text';
import type { Abuse, AbuseReply } from './processes/abuser';
import type { FloorReply, FloorRequest } from './processes/floor';
import type { HandlersReply, HandlersRequest } from './processes/handlers';
import type { Load } from './processes/load';
import type { RetentionReply, RetentionRequest } from './processes/retention';
import type { Sample } from './suite';

export interface BenchOptions {
  /** Rows run for this long in a round. Unit: s. */
  readonly roundSeconds: number;
  /** Small sizes, for a look. */
  readonly quick: boolean;
  /** Gets CPU profiles of what is measured. */
  readonly profileDirectory: string | undefined;
  /** Shows what is being done. */
  readonly progress: (what: string) => void;
}

export interface Participant {
  readonly did: string;
  readonly token: string;
}

/** Requests at once, and the cursors over which they are spread (design §4). */
export const concurrency = 64;
export const cursorCount = 200;

const owner = 'bench.apps.bench.iam.ewc';
const roles = ['user.roles.bench.apps.bench.iam.ewc', `topiccreator.roles.${owner}`];

export class Bench {
  readonly bundle = join(process.cwd(), 'dist', 'main.js');
  readonly #groups = new Map<string, Promise<readonly Participant[]>>();
  readonly #once = new Map<string, Promise<unknown>>();
  readonly #issuer: JoseAccessTokenIssuer;

  private constructor(
    readonly options: BenchOptions,
    private readonly stack: TemporaryStack,
    readonly nats: NatsServer,
    /** The broker's settings. */
    readonly settings: Readonly<Record<string, string>>,
  ) {
    this.#issuer = new JoseAccessTokenIssuer({
      keys: parseSigningKeys(settings['TOKEN_SIGNING_KEY'] ?? ''),
      issuer: 'ddhub-message-broker',
      audience: 'ddhub-message-broker',
      accessTokenSeconds: 3_600,
    });
  }

  static start(options: BenchOptions): Promise<Bench> {
    options.progress('starting nats-server');
    return startTemporaryStack('bench', async (stack) => {
      const storeDir = join(stack.directory, 'nats');
      // Its monitoring tells how many connections were opened.
      const nats = await stack.keep(startNatsServer({ port: 0, storeDir, config: monitored }), (server) =>
        server.stop(),
      );
      const settings = await stack.brokerSettings({
        NATS_SERVERS: nats.url,
        // Nothing here touches a file.
        BLOB_CONNECTION_STRING: 'UseDevelopmentStorage=true',
        LOG_LEVEL: 'error',
        // The timer of a broker that is measured does not run meanwhile.
        RETENTION_SCHEDULE: '0 0 0 1 1 *',
      });
      return new Bench(options, stack, nats, settings);
    });
  }

  stop(): Promise<void> {
    return this.stack.stop();
  }

  /** Something that is made at its first use and kept. */
  once<Value>(name: string, make: () => Promise<Value>): Promise<Value> {
    const known = this.#once.get(name) as Promise<Value> | undefined;
    if (known) return known;
    const making = make();
    this.#once.set(name, making);
    return making;
  }

  /** The broker: the built app in the local host. */
  broker(): Promise<BrokerProcess> {
    return this.once('broker', () => {
      const starting = startBrokerProcess({
        port: 0,
        settings: { ...this.settings, ...this.#profiling() },
        onLine: (line) => this.options.progress(`broker: ${line.slice(0, 200)}`),
      });
      return this.stack.keep(starting, (broker) => broker.stop());
    });
  }

  async brokerPort(): Promise<number> {
    return Number(new URL((await this.broker()).url).port);
  }

  /** Port of the floor. */
  floorPort(): Promise<number> {
    return this.once('floor', () =>
      this.#child<FloorRequest, FloorReply>('floor', this.#profiling()).call({ natsUrl: this.nats.url }),
    );
  }

  /** Port of the handlers without the library's HTTP server. */
  handlersPort(): Promise<number> {
    return this.once('handlers', () => {
      const environment = { ...this.settings, ...this.#profiling() };
      return this.#child<HandlersRequest, HandlersReply>('handlers', environment).call({
        bundle: this.bundle,
      });
    });
  }

  /** A process that fills the store and runs the retention timer. */
  retention(settings: Readonly<Record<string, string>>): Child<RetentionRequest, RetentionReply> {
    return this.#child<RetentionRequest, RetentionReply>('retention', { ...settings, ...this.#profiling() });
  }

  /** Somebody who abuses the broker. */
  abuser(): Child<Abuse, AbuseReply> {
    return this.#child<Abuse, AbuseReply>('abuser', {});
  }

  /** Has the generator send requests. */
  async load(load: Load): Promise<Sample> {
    const generator = await this.once('load', () => Promise.resolve(this.#child<Load, Sample>('load', {})));
    return generator.call(load);
  }

  /** Has it send them over and over for the seconds of a round. */
  loadForRound(load: Omit<Load, 'connections' | 'until'>): Promise<Sample> {
    return this.load({ ...load, connections: concurrency, until: { seconds: this.options.roundSeconds } });
  }

  /** Participants of a group of this name, made and registered at the first use. */
  participants(group: string, count: number): Promise<readonly Participant[]> {
    const known = this.#groups.get(group);
    if (known) return known;
    const making = this.#makeParticipants(group, count);
    this.#groups.set(group, making);
    return making;
  }

  /** Id of a topic with a live version 1.0.0. */
  topicId(): Promise<string> {
    return this.once('topic', async () => {
      const [sender] = await this.participants('senders', cursorCount);
      const topic = await this.call<{ id: string }>('/topics', sender, {
        name: 'bench',
        owner,
        schemaType: 'JSD7',
        schema: '{"type":"object"}',
        version: '1.0.0',
        tags: [],
      });
      return topic.id;
    });
  }

  /** The body of a publish of 1 KiB, opaque to the broker. */
  async publishBody(recipients: readonly Participant[], payloadBytes = 1_024): Promise<object> {
    return {
      fqcns: recipients.map(({ did }) => did),
      payload: 'x'.repeat(payloadBytes),
      topicId: await this.topicId(),
      topicVersion: '1.0.0',
      signature: 's'.repeat(88),
      clientGatewayMessageId: randomUUID(),
      payloadEncryption: true,
    };
  }

  /** One request to the broker that has to succeed. */
  async call<Answer>(path: string, participant: Participant | undefined, body: object): Promise<Answer> {
    const { url } = await this.broker();
    const response = await fetch(url + path, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${participant?.token ?? ''}`,
        'content-type': 'application/json',
      },
      body: JSON.stringify(body),
    });
    if (!response.ok) throw new Error(`POST ${path}: ${response.status} ${await response.text()}`);
    return (await response.json()) as Answer;
  }

  /** Connections that were ever opened to nats-server. */
  async natsConnectionsOpened(): Promise<number> {
    const response = await fetch(new URL('/varz', await this.nats.monitorUrl()));
    return ((await response.json()) as { total_connections: number }).total_connections;
  }

  async #makeParticipants(group: string, count: number): Promise<readonly Participant[]> {
    const port = await this.brokerPort();
    const nowMs = Date.now();
    const participants: Participant[] = [];
    for (let index = 0; index < count; index++) {
      const address = createHash('sha256').update(`${group} ${index}`).digest('hex').slice(0, 40);
      const did = `did:ethr:volta:0x${address}`;
      // A login would cost a signature each and is not what is measured here.
      participants.push({ did, token: await this.#issuer.issue({ did, roles }, nowMs) });
    }
    await this.load({
      port,
      connections: 16,
      requests: participants.map(({ token }) => postRequest('/channel/initExtChannel', token, {})),
      until: { timesEach: 1 },
      expect: '',
    });
    return participants;
  }

  #child<Request extends object, Reply>(
    name: string,
    environment: Readonly<Record<string, string>>,
  ): Child<Request, Reply> {
    const child = new Child<Request, Reply>(name, environment);
    this.stack.onStop(() => child.stop());
    return child;
  }

  #profiling(): Record<string, string> {
    const { profileDirectory } = this.options;
    return profileDirectory === undefined
      ? {}
      : { NODE_OPTIONS: `--cpu-prof --cpu-prof-dir=${profileDirectory}` };
  }
}
