// A broker on NATS and SQLite, and a participant who may make topics of one owner: what tests of the topic routes need.

import { afterAll, beforeAll, beforeEach, expect, jest } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { type Broker, type BrokerSite, createBrokerSite, type Participant, topicOwner } from './broker';
import { type NatsServer, startNatsServer } from './nats-server';

export interface Topic {
  readonly id: string;
  readonly name: string;
  readonly owner: string;
  readonly version: string;
  readonly schema: unknown;
  readonly tags: string[];
  readonly deleted: boolean;
}
export interface TopicPage {
  readonly count: number;
  readonly limit: number;
  readonly page: number;
  readonly records: Topic[];
}
export interface Problem {
  readonly code: string;
  readonly returnCode: string;
  readonly returnMessage: string;
  readonly errors?: { field: string }[];
}

export const xsd = (type: string): string =>
  `<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema"><xs:element name="a" type="xs:${type}"/></xs:schema>`;
export const schemaText = '{"type":"object","properties":{"a":{"type":"string"}}}';

export const query = (parameters: Record<string, string | string[]>): string =>
  new URLSearchParams(
    Object.entries(parameters).flatMap(([name, value]) =>
      [value].flat().map((one): [string, string] => [name, one]),
    ),
  ).toString();

export class TopicSite {
  /** Names of topics begin with it; a test that lists topics asks for a new one first. */
  prefix = randomUUID();

  private constructor(
    readonly server: NatsServer,
    readonly site: BrokerSite,
    readonly broker: Broker,
    readonly creator: Participant,
  ) {}

  static async open(): Promise<TopicSite> {
    const server = await startNatsServer();
    const site = await createBrokerSite();
    const broker = site.start({ natsUrl: server.url });
    return new TopicSite(server, site, broker, await broker.logIn());
  }

  async close(): Promise<void> {
    await this.site.close();
    await this.server.stop();
  }

  draft(changes: object = {}): object {
    return {
      name: this.prefix,
      owner: topicOwner,
      schemaType: 'JSD7',
      version: '1.0.0',
      schema: schemaText,
      tags: [],
      ...changes,
    };
  }

  async create(changes: object = {}): Promise<Topic> {
    const answer = await this.creator.request<Topic>('POST', '/topics', this.draft(changes));
    expect(answer.status).toBe(200);
    return answer.body;
  }

  async read<Body = Topic>(path: string): Promise<Body> {
    const answer = await this.creator.request<Body>('GET', path);
    expect(answer.status).toBe(200);
    return answer.body;
  }

  /** Status, code and legacy code of a refusal. */
  async refusal(
    method: 'GET' | 'POST' | 'PUT' | 'DELETE',
    path: string,
    body?: unknown,
  ): Promise<readonly [number, string, string]> {
    const answer = await this.creator.request<Problem>(method, path, body);
    return [answer.status, answer.body.code, answer.body.returnCode];
  }

  listed(parameters: Record<string, string | string[]>): Promise<TopicPage> {
    return this.read<TopicPage>(`/topics?${query({ owner: topicOwner, ...parameters })}`);
  }
}

/**
 * The topic site of a test file: open before its first test, closed after its last one, and with names of topics of
 * its own for each test. Its tests may take half a minute each.
 * @returns reads it; from the first test on
 */
export function topicSiteForTests(): () => TopicSite {
  jest.setTimeout(30_000);
  let topics: TopicSite | undefined;
  const opened = (): TopicSite => {
    if (!topics) throw new Error('the topic site is not open yet');
    return topics;
  };
  beforeAll(async () => {
    topics = await TopicSite.open();
  });
  beforeEach(() => {
    opened().prefix = randomUUID();
  });
  afterAll(() => topics?.close());
  return opened;
}
