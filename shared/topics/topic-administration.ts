// Creating, changing and listing topics on behalf of a caller: who may, what is valid, and the catalogue told of
// every change that this instance makes.

import { BrokerError, type Fault, invalidParameter } from '../broker-error';
import type { Clock } from '../clock';
import type { Attempt } from '../idempotency';
import type { Caller } from '../identity';
import type { PayloadValidator } from './payload-validator';
import { readSchemaText } from './schema-text';
import type { TopicAnnouncer } from './topic-read-model';
import { readSunset } from './deprecation';
import { type OptionRequest, readOptions } from './topic-options';
import {
  type Deprecation,
  isTopicId,
  stateTagOf,
  type SchemaText,
  type Topic,
  type TopicView,
} from './topic';
import {
  deleteTopic,
  deleteVersion,
  deprecateVersion,
  liveVersions,
  publishVersion,
  topicNotFound,
  type TopicChange,
  updateTopic,
} from './topic-change';
import { canBeName, checkNaming, checkVersion, readTags, unwrapOwner } from './topic-rules';
import type { Listing, OwnerCount, OwnerUpdates, TopicFilter, TopicStore, Window } from './topic-store';

/** Whether the roles of a caller let it change the topics of an owner (contract §2). */
export type MayAdministerTopicsOf = (owner: string, roles: readonly string[]) => boolean;

export interface TopicAdministrationDependencies {
  readonly store: TopicStore;
  readonly announcer: Pick<TopicAnnouncer, 'announce'>;
  readonly validator: PayloadValidator;
  readonly mayAdministerTopicsOf: MayAdministerTopicsOf;
  /** Names of the configured classes. */
  readonly retentionClasses: readonly string[];
  readonly clock: Clock;
}

/**
 * Whether a change may be made to what is there now, by its tag: a topic's state (`stateTagOf`) or a live
 * version's schema hash; undefined when there is none.
 */
export type Precondition = (currentTag: string | undefined) => boolean;

/** What POST /topics asks for. */
export interface TopicRequest {
  readonly owner: string;
  readonly name: string;
  readonly schemaType: string;
  readonly version: string;
  readonly schema: string;
  readonly tags: readonly string[];
}

export interface PageRequest {
  /** Records a page; absent: all of them. */
  readonly limit?: number;
  /** From 1. */
  readonly page?: number;
}

export interface Page extends Listing {
  readonly limit: number;
  readonly page: number;
}

export class TopicAdministration {
  readonly #store: TopicStore;
  readonly #announcer: Pick<TopicAnnouncer, 'announce'>;
  readonly #validator: PayloadValidator;
  readonly #mayAdministerTopicsOf: MayAdministerTopicsOf;
  readonly #retentionClasses: readonly string[];
  readonly #clock: Clock;

  constructor(dependencies: TopicAdministrationDependencies) {
    this.#store = dependencies.store;
    this.#announcer = dependencies.announcer;
    this.#validator = dependencies.validator;
    this.#mayAdministerTopicsOf = dependencies.mayAdministerTopicsOf;
    this.#retentionClasses = dependencies.retentionClasses;
    this.#clock = dependencies.clock;
  }

  /**
   * @param attempt where it may be repeated: its id becomes the topic's, so that a repetition finds it
   * @throws BrokerError `invalid-parameters`, `forbidden`, `schema-invalid`, `record-exists`
   */
  async create(caller: Caller, request: TopicRequest, attempt?: Attempt): Promise<TopicView> {
    const schemaType = checkNaming(request);
    const tags = readTags(request.tags);
    this.#requireRight(caller, request.owner);
    const schema = readSchemaText(schemaType, request.schema);
    await this.#validator.compile(schemaType, schema.text);
    const { owner, name, version } = request;
    const earlier = attempt?.isRepeated ? await this.#store.find(attempt.id) : undefined;
    const topic =
      earlier ?? (await this.#store.create({ owner, name, schemaType, tags, version, schema }, attempt?.id));
    await this.#announcer.announce(topic, schema);
    return viewOf(topic, version, schema.text, schema.hash);
  }

  /**
   * @throws BrokerError `topic-not-found`, `forbidden`, `schema-invalid`, `version-conflict`, `precondition-failed`
   */
  async publish(
    caller: Caller,
    id: string,
    version: string,
    schemaText: string,
    precondition: Precondition,
  ): Promise<TopicView> {
    checkVersion(version);
    const found = await this.#require(id);
    this.#requireRight(caller, found.owner);
    const schema = readSchemaText(found.schemaType, schemaText);
    // A version that exists decides by its hash alone; only a new schema has to be usable.
    if (publishVersion(found, version, schema)) {
      await this.#validator.compile(found.schemaType, schema.text);
    }
    await this.#change(
      caller,
      id,
      (topic) => {
        demand(precondition, versionTag(topic, version));
        return publishVersion(topic, version, schema);
      },
      schema,
    );
    return this.view(id, version, false);
  }

  /**
   * Changes what the request holds.
   * @throws BrokerError `invalid-parameters`, `topic-not-found`, `forbidden`, `precondition-failed`
   */
  async update(
    caller: Caller,
    id: string,
    request: OptionRequest & { readonly tags?: readonly string[] | undefined },
    precondition: Precondition,
  ): Promise<TopicView> {
    const wanted = {
      ...(request.tags && { tags: readTags(request.tags) }),
      ...readOptions(request, this.#retentionClasses),
    };
    await this.#change(caller, id, (topic) => {
      demand(precondition, stateTagOf(topic));
      return updateTopic(topic, wanted);
    });
    return this.view(id, undefined, false);
  }

  /**
   * @param sunset ISO 8601 instant from which on the version is refused
   * @throws BrokerError `invalid-parameters`, `topic-not-found`, `forbidden`, `precondition-failed`
   */
  async deprecate(
    caller: Caller,
    id: string,
    version: string,
    sunset: string,
    precondition: Precondition,
  ): Promise<Deprecation> {
    checkVersion(version);
    const nowMs = this.#clock();
    const sunsetAtMs = readSunset(sunset, nowMs);
    const topic = await this.#change(caller, id, (present) => {
      demand(precondition, versionTag(present, version));
      return deprecateVersion(present, version, { sunsetAtMs, nowMs });
    });
    return (
      topic.versions.find((one) => one.version === version)?.deprecation ?? { sinceMs: nowMs, sunsetAtMs }
    );
  }

  /**
   * What publishing this payload would say of it.
   * @returns its faults; none when it matches
   * @throws BrokerError `topic-not-found`
   */
  async faultsOf(id: string, version: string, payload: string): Promise<readonly Fault[]> {
    const { schemaType, schemaHash, schemaText } = await this.view(id, version, false);
    try {
      await this.#validator.validatePayload(
        { schemaType, schemaHash, readText: () => Promise.resolve(schemaText) },
        payload,
      );
      return [];
    } catch (error) {
      if (error instanceof BrokerError && error.code === 'schema-violation') return error.faults;
      throw error;
    }
  }

  /** @throws BrokerError `invalid-parameters`, `topic-not-found`, `forbidden`, `precondition-failed` */
  async deleteVersion(
    caller: Caller,
    id: string,
    version: string,
    precondition: Precondition,
  ): Promise<void> {
    checkVersion(version);
    await this.#change(caller, id, (topic) => {
      const change = deleteVersion(topic, version);
      demand(precondition, versionTag(topic, version));
      return change;
    });
  }

  /** @throws BrokerError `topic-not-found`, `forbidden`, `precondition-failed` */
  async deleteTopic(caller: Caller, id: string, precondition: Precondition): Promise<void> {
    await this.#change(caller, id, (topic) => {
      demand(precondition, stateTagOf(topic));
      return deleteTopic(topic);
    });
  }

  /** One version, without a number the one that stands for the topic. @throws BrokerError `topic-not-found` */
  async view(id: string, version: string | undefined, includeDeleted: boolean): Promise<TopicView> {
    if (version !== undefined) checkVersion(version);
    const view = isTopicId(id) ? await this.#store.view(id, version) : undefined;
    if (!view || (view.deleted && !includeDeleted)) throw topicNotFound();
    return view;
  }

  /** Empty conditions count as absent. @throws BrokerError `invalid-parameters`, `page-without-limit` */
  async list(filter: TopicFilter, request: PageRequest): Promise<Page> {
    const window = toWindow(request);
    const owner = given(filter.owner) ? unwrapOwner(filter.owner) : undefined;
    const { name, keyword, includeDeleted } = filter;
    const impossible = [owner, name].some((text) => given(text) && !canBeName(text));
    const listing = impossible
      ? { count: 0, records: [] }
      : await this.#store.list(
          {
            ...(given(owner) && { owner }),
            ...(given(name) && { name }),
            ...(given(keyword) && { keyword }),
            tags: [...new Set(filter.tags)].filter(given),
            includeDeleted,
          },
          window,
        );
    return toPage(listing, request);
  }

  /** @throws BrokerError `topic-not-found` */
  async listVersions(id: string, includeDeleted: boolean, request: PageRequest): Promise<Page> {
    const window = toWindow(request);
    const topic = await this.#require(id);
    if (topic.deletedAtMs !== undefined && !includeDeleted) throw topicNotFound();
    return toPage(await this.#store.listVersions(id, includeDeleted, window), request);
  }

  async countByOwner(owners: readonly string[]): Promise<readonly OwnerCount[]> {
    return this.#store.countByOwner([...new Set(owners.map(unwrapOwner))]);
  }

  async updatesByOwner(owners: readonly string[]): Promise<readonly OwnerUpdates[]> {
    return this.#store.updatesByOwner([...new Set(owners.map(unwrapOwner))]);
  }

  async #change(
    caller: Caller,
    id: string,
    decide: (topic: Topic) => TopicChange | undefined,
    schema?: SchemaText,
  ): Promise<Topic> {
    if (!isTopicId(id)) throw topicNotFound();
    const changed = await this.#store.change(id, (topic) => {
      if (topic.deletedAtMs !== undefined) throw topicNotFound();
      this.#requireRight(caller, topic.owner);
      return decide(topic);
    });
    await this.#announcer.announce(changed, schema);
    return changed;
  }

  async #require(id: string): Promise<Topic> {
    const topic = isTopicId(id) ? await this.#store.find(id) : undefined;
    if (!topic) throw topicNotFound();
    return topic;
  }

  #requireRight(caller: Caller, owner: string): void {
    if (!this.#mayAdministerTopicsOf(owner, caller.roles)) {
      throw new BrokerError('forbidden', 'Changing topics of this owner needs its topic creator role.');
    }
  }
}

function given(text: string | undefined): text is string {
  return text !== undefined && text !== '';
}

function versionTag(topic: Topic, version: string): string | undefined {
  return liveVersions(topic).find((candidate) => candidate.version === version)?.schemaHash;
}

function demand(precondition: Precondition, currentTag: string | undefined): void {
  if (!precondition(currentTag)) {
    throw new BrokerError('precondition-failed', 'If-Match does not name the present state.');
  }
}

function toWindow({ limit, page = 1 }: PageRequest): Window {
  if (page < 1) throw invalidParameter('page', 'must be at least 1');
  if (limit === undefined) {
    if (page > 1) throw new BrokerError('page-without-limit', 'page : a page greater than 1 needs limit');
    return { offset: 0, limit };
  }
  if (limit < 1) throw invalidParameter('limit', 'must be at least 1');
  return { offset: (page - 1) * limit, limit };
}

function toPage(listing: Listing, { limit, page = 1 }: PageRequest): Page {
  return { ...listing, limit: limit ?? listing.count, page };
}

function viewOf(topic: Topic, version: string, schemaText: string, schemaHash: string): TopicView {
  const { id, owner, name, schemaType, tags, compatibility, retentionClass, revision } = topic;
  const options = { compatibility, retentionClass };
  return {
    id,
    owner,
    name,
    schemaType,
    tags,
    version,
    schemaText,
    schemaHash,
    revision,
    deleted: false,
    ...options,
  };
}
