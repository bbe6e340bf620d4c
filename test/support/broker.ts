// Whole broker instances in the test process, as the composition root makes them, on real NATS and SQLite. What
// instances share is a site; each has its own connections and caches. Every exchange is checked against OpenAPI.

import { randomUUID } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { HttpRequest, InvocationContext } from '@azure/functions';
import { createIdentityToken, createKeyPair, didOf } from '../../client';
import { type Container, createContainer } from '../../functions/container';
import { migrate, sqlBackend } from '../../shared/adapters/sql';
import type { Clock } from '../../shared/clock';
import { readSettings } from '../../shared/config/settings';
import { createHandler } from '../../shared/http/handler';
import type { Method } from '../../shared/http/route';
import { createLog } from '../../shared/log';
import { checkAgainstOpenApi } from '../../scripts/openapi/openapi-check';
import { usableSettings } from './usable-settings';

/** Namespace in which every participant of a site may create topics. */
export const topicOwner = 'tests.apps.broker.iam.ewc';

export interface BrokerAnswer<Body = unknown> {
  readonly status: number;
  readonly headers: Headers;
  /** The body as it came. */
  readonly text: string;
  /** The body parsed, or the text where it is not JSON. */
  readonly body: Body;
}

export interface Broker {
  /** One call through its handler. A text is sent as it is, anything else as JSON. @param path with its query */
  readonly request: <Body = unknown>(
    method: Method,
    path: string,
    body?: unknown,
    accessToken?: string,
    headers?: Readonly<Record<string, string>>,
  ) => Promise<BrokerAnswer<Body>>;
  /** Makes a key pair and logs in with it. */
  readonly logIn: () => Promise<Participant>;
  /** Whoever has logged in by other ways. */
  readonly participant: (did: string, accessToken: string) => Participant;
  /** Runs a timer function now. */
  readonly runTimer: (name: string) => Promise<void>;
  /** Every line that it logged. */
  readonly logLines: readonly string[];
  readonly close: () => Promise<void>;
}

export interface Participant {
  readonly did: string;
  readonly accessToken: string;
  readonly request: Broker['request'];
  /** The same participant at another instance. */
  readonly at: (broker: Broker) => Participant;
}

export interface BrokerOptions {
  readonly natsUrl: string;
  /** Settings on top of those of the site. */
  readonly settings?: Readonly<Record<string, string>>;
  readonly clock?: Clock;
}

export interface BrokerSite {
  readonly settings: Readonly<Record<string, string>>;
  readonly start: (options: BrokerOptions) => Broker;
  /** Closes the instances and removes what they shared. */
  readonly close: () => Promise<void>;
}

/** A migrated topic store, roles and keys in a temporary directory. */
export async function createBrokerSite(
  ownSettings: Readonly<Record<string, string>> = {},
): Promise<BrokerSite> {
  const directory = await mkdtemp(join(tmpdir(), 'broker-site-'));
  const rolesFile = join(directory, 'roles.json');
  const roles = [`user.roles.${topicOwner}`, `topiccreator.roles.${topicOwner}`];
  await writeFile(rolesFile, JSON.stringify({ '*': roles }));
  const settings = {
    ...usableSettings,
    SQLITE_FILE: join(directory, 'topics.sqlite'),
    ROLES_FILE: rolesFile,
    SHARD_COUNT: '2',
    ...ownSettings,
  };
  await migrate(sqlBackend(readSettings(settings).topicStore));
  const brokers: Broker[] = [];
  return {
    settings,
    start: (options) => {
      const broker = startBroker({ ...settings, ...options.settings }, options);
      brokers.push(broker);
      return broker;
    },
    close: async () => {
      await Promise.all(brokers.map((broker) => broker.close()));
      await rm(directory, { recursive: true, force: true });
    },
  };
}

/** What is built beside the bundle, and run from there: the threads that validate. */
const builtProgram = join(__dirname, '../../dist');

function startBroker(environment: Record<string, string>, options: BrokerOptions): Broker {
  const logLines: string[] = [];
  const log = createLog('debug', (_level, line) => logLines.push(line));
  const settings = readSettings({ ...environment, NATS_SERVERS: options.natsUrl });
  const container = createContainer(settings, log, options.clock, builtProgram);
  const call = caller(container);
  let document: Promise<Record<string, unknown>> | undefined;

  const exchange = async (
    method: Method,
    path: string,
    body?: unknown,
    accessToken?: string,
    headers?: Readonly<Record<string, string>>,
  ) => {
    document ??= call('GET', '/openapi.json').then(({ text }) => JSON.parse(text) as Record<string, unknown>);
    const sent = body === undefined || typeof body === 'string' ? body : JSON.stringify(body);
    const answer = await call(method, path, sent, accessToken, headers);
    checkAgainstOpenApi(
      await document,
      method,
      path,
      sent === undefined ? {} : { body: parse(sent) },
      answer,
    );
    const isJson = /[/+]json\b/.test(answer.headers.get('content-type') ?? '');
    return { ...answer, body: (isJson ? JSON.parse(answer.text) : answer.text) as unknown };
  };
  const request = exchange as Broker['request'];
  const logIn = async (): Promise<Participant> => {
    const key = createKeyPair();
    const answer = await request<{ access_token: string }>('POST', '/auth/login', {
      identityToken: createIdentityToken(key),
    });
    if (answer.status !== 200) throw new Error(`the login answered ${answer.status}: ${answer.text}`);
    return participantAt(broker, didOf(key), answer.body.access_token);
  };
  let closing: Promise<void> | undefined;
  const runTimer = async (name: string): Promise<void> => {
    const timer = container.timers.find((candidate) => candidate.name === name);
    if (!timer) throw new Error(`there is no timer ${name}`);
    await timer.run();
  };
  const broker: Broker = {
    request,
    logIn,
    participant: (did, accessToken) => participantAt(broker, did, accessToken),
    runTimer,
    logLines,
    close: () => (closing ??= container.close()),
  };
  return broker;
}

function participantAt(broker: Broker, did: string, accessToken: string): Participant {
  return {
    did,
    accessToken,
    request: (method, path, body, token = accessToken, headers = {}) =>
      broker.request(method, path, body, token, headers),
    at: (other) => participantAt(other, did, accessToken),
  };
}

/** Where a test names the invocation itself. */
export const invocationHeader = 'x-ms-invocation-id';

type Call = (
  method: Method,
  path: string,
  body?: string,
  accessToken?: string,
  headers?: Readonly<Record<string, string>>,
) => Promise<Omit<BrokerAnswer, 'body'>>;

/** Finds the route and calls its handler with a real request. */
function caller({ routes, handling }: Container): Call {
  const handlers = routes.map((route) => ({ route, handler: createHandler(route, handling) }));
  return async (method, path, body, accessToken, headers = {}) => {
    const url = new URL(path, 'http://127.0.0.1');
    const segments = url.pathname.slice(1).split('/');
    const known = handlers.find(({ route }) => {
      const names = route.path.split('/');
      return (
        route.method === method &&
        names.length === segments.length &&
        names.every((name, index) => name.startsWith('{') || name === segments[index])
      );
    });
    if (!known) throw new Error(`there is no route for ${method} ${path}`);
    const { route, handler } = known;
    const params = route.path
      .split('/')
      .flatMap((name, index) => (name.startsWith('{') ? [[name.slice(1, -1), segments[index] ?? '']] : []));
    const request = new HttpRequest({
      method,
      url: url.href,
      params: Object.fromEntries(params) as Record<string, string>,
      headers: {
        'content-type': 'application/json',
        ...headers,
        ...(accessToken === undefined ? {} : { authorization: `Bearer ${accessToken}` }),
      },
      ...(body === undefined ? {} : { body: { string: body } }),
    });
    const context = new InvocationContext({
      functionName: route.operationId,
      invocationId: headers[invocationHeader] ?? randomUUID(),
    });
    const answer = await handler(request, context);
    if (typeof answer !== 'object' || !('body' in answer)) throw new Error('the handler answered nothing');
    const streamed = answer.body instanceof ReadableStream || answer.body instanceof Uint8Array;
    if (!streamed) throw new Error('the handler answered neither bytes nor a stream');
    return {
      status: answer.status ?? 200,
      headers: new Headers(answer.headers),
      text: await new Response(answer.body as ConstructorParameters<typeof Response>[0]).text(),
    };
  };
}

/** What a body sent as text says; undefined where it is not JSON. */
function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
