// The scheduler's topic sync, every minute for every owner: counts and the update monitor first, and where one of them
// moved all topics of that owner, in pages of 50 until a page is empty, each with its versions.

import { GatewayFailure, mustHold } from './gateway-failure';
import type { Session } from './session';

export interface Topic {
  readonly id: string;
  readonly name: string;
  readonly owner: string;
  readonly schemaType: string;
  readonly version: string;
  readonly schema: object;
  readonly tags: readonly string[];
  readonly deleted: boolean;
}

export interface KnownTopic extends Topic {
  readonly versions: ReadonlyMap<string, Topic>;
}

interface Page {
  readonly count: number;
  readonly records: readonly Topic[];
}

const pageSize = 50;

export class TopicSync {
  /** The gateway's own table of topics, by id. */
  readonly topics = new Map<string, KnownTopic>();
  readonly #session: Session;
  readonly #marks = new Map<string, string>();

  constructor(session: Session) {
    this.#session = session;
  }

  /** @returns the owners whose topics were read again */
  async run(owners: readonly string[]): Promise<readonly string[]> {
    const counts = (await this.#get('/topics/count', { owner: owners })) as { owner: string }[];
    const updates = (await this.#get('/topics/topicUpdatesMonitor', { namespaceList: owners })) as {
      owner: string;
    }[];
    mustHold(Array.isArray(counts) && Array.isArray(updates), 'polls that are no lists');
    const changed: string[] = [];
    for (const owner of owners) {
      const mark = JSON.stringify([counts, updates].map((list) => list.find((one) => one.owner === owner)));
      if (this.#marks.get(owner) === mark) continue;
      await this.#readOwner(owner);
      this.#marks.set(owner, mark);
      changed.push(owner);
    }
    return changed;
  }

  /** By owner and name, as a gateway looks up what its user names. @returns undefined when there is none */
  async find(owner: string, name: string): Promise<Topic | undefined> {
    const { records } = (await this.#get('/topics', { owner, name })) as Page;
    mustHold(records.length <= 1, 'more than one topic of a name', records);
    return records.map(checked)[0];
  }

  async #readOwner(owner: string): Promise<void> {
    const found = await this.#everyPage('/topics', { owner });
    const ids = new Set(found.map(({ id }) => id));
    for (const [id, known] of this.topics) {
      if (known.owner === owner && !ids.has(id)) this.topics.delete(id);
    }
    for (const topic of found) {
      mustHold(topic.owner === owner, 'a topic of another owner', topic);
      const versions = await this.#everyPage(`/topics/${topic.id}/versions`, {});
      this.topics.set(topic.id, { ...topic, versions: new Map(versions.map((one) => [one.version, one])) });
    }
  }

  /** Nothing but an empty page ends the loop. */
  async #everyPage(path: string, query: Readonly<Record<string, string>>): Promise<readonly Topic[]> {
    const all: Topic[] = [];
    for (let page = 1; ; page++) {
      const { count, records } = (await this.#get(path, { limit: pageSize, page, ...query })) as Page;
      mustHold(typeof count === 'number' && Array.isArray(records), 'a page of another shape', records);
      if (!records.length) return all;
      mustHold(records.length <= pageSize, 'a page with more than its limit');
      all.push(...records.map(checked));
      // Topics may be added meanwhile; twice as many are not.
      if (all.length > 2 * count + pageSize) throw new GatewayFailure('endless', `${path} has no last page`);
    }
  }

  async #get(path: string, query: Readonly<Record<string, string | number | readonly string[]>>) {
    return (await this.#session.call({ method: 'GET', path, query, isBackground: true })).json();
  }
}

function checked(topic: Topic): Topic {
  mustHold(typeof topic.schema === 'object', 'a schema that is no object', topic);
  mustHold(Array.isArray(topic.tags), 'tags that are no list', topic);
  mustHold(typeof topic.deleted === 'boolean', 'deleted that is no boolean', topic);
  mustHold(/^[0-9a-f]{24}$/.test(topic.id), 'a topic id of another form', topic);
  return topic;
}
