// Creating, changing and listing topics on behalf of a caller: who may, what is valid, and the catalogue told of
// every change that this instance makes.

import type { Clock } from '../clock';
import type { Attempt } from '../idempotency';
import type { Caller } from '../identity';
import { type Page, type PageRequest, toPage, toWindow } from './paging';
import type { PayloadValidator } from './payload-validator';
import type { SchemaComparer } from './schema-comparer';
import { readSchemaText } from './schema-text';
import { demand, type MayAdministerTopicsOf, type Precondition, TopicAccess } from './topic-access';
import type { TopicAnnouncer } from './topic-read-model';
import { requireRoom, type TopicLimits } from './topic-limits';
import { type OptionRequest, readOptions } from './topic-options';
import { stateTagOf, type Topic, type TopicView } from './topic';
import { deleteTopic, updateTopic } from './topic-change';
import { canBeName, checkNaming, readTags, unwrapOwner } from './topic-rules';
import type { NewTopic, OwnerCount, OwnerUpdates, TopicFilter, TopicStore } from './topic-store';
import { VersionAdministration } from './version-administration';

export interface TopicAdministrationDependencies {
  readonly store: TopicStore;
  readonly announcer: Pick<TopicAnnouncer, 'announce'>;
  readonly validator: PayloadValidator;
  readonly comparer: SchemaComparer;
  readonly mayAdministerTopicsOf: MayAdministerTopicsOf;
  /** Names of the configured classes. */
  readonly retentionClasses: readonly string[];
  readonly limits: TopicLimits;
  readonly clock: Clock;
}

/** What POST /topics asks for. */
export interface TopicRequest {
  readonly owner: string;
  readonly name: string;
  readonly schemaType: string;
  readonly version: string;
  readonly schema: string;
  readonly tags: readonly string[];
}

export class TopicAdministration {
  readonly #store: TopicStore;
  readonly #announcer: Pick<TopicAnnouncer, 'announce'>;
  readonly #access: TopicAccess;
  readonly #validator: PayloadValidator;
  readonly #retentionClasses: readonly string[];
  readonly #limits: TopicLimits;
  readonly versions: VersionAdministration;

  constructor(dependencies: TopicAdministrationDependencies) {
    const { store, announcer, validator, comparer, mayAdministerTopicsOf, limits, clock } = dependencies;
    this.#store = store;
    this.#announcer = announcer;
    this.#access = new TopicAccess(store, announcer, mayAdministerTopicsOf);
    this.#validator = validator;
    this.#retentionClasses = dependencies.retentionClasses;
    this.#limits = limits;
    this.versions = new VersionAdministration({
      ...{ access: this.#access, store, validator, comparer, clock },
      maxVersions: limits.versionsPerTopic,
    });
  }

  /**
   * @param attempt where it may be repeated: its id becomes the topic's, so that a repetition finds it
   * @throws BrokerError `invalid-parameters`, `forbidden`, `schema-invalid`, `record-exists`, `limit-reached`
   */
  async create(caller: Caller, request: TopicRequest, attempt?: Attempt): Promise<TopicView> {
    const schemaType = checkNaming(request);
    const tags = readTags(request.tags);
    this.#access.requireRight(caller, request.owner);
    const schema = readSchemaText(schemaType, request.schema);
    await this.#validator.compile(schemaType, schema.text);
    const { owner, name, version } = request;
    const earlier = attempt?.isRepeated ? await this.#store.find(attempt.id) : undefined;
    const topic =
      earlier ?? (await this.#add({ owner, name, schemaType, tags, version, schema }, attempt?.id));
    await this.#announcer.announce(topic, schema);
    return viewOf(topic, version, schema.text, schema.hash);
  }

  async #add(topic: NewTopic, id: string | undefined): Promise<Topic> {
    const [live] = await this.#store.countByOwner([topic.owner]);
    requireRoom(live?.count ?? 0, this.#limits.topicsPerOwner, 'topics');
    return this.#store.create(topic, id);
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
    await this.#access.change(caller, id, (topic) => {
      demand(precondition, stateTagOf(topic));
      return updateTopic(topic, wanted);
    });
    return this.#access.view(id, undefined, false);
  }

  /** @throws BrokerError `topic-not-found`, `forbidden`, `precondition-failed` */
  async deleteTopic(caller: Caller, id: string, precondition: Precondition): Promise<void> {
    await this.#access.change(caller, id, (topic) => {
      demand(precondition, stateTagOf(topic));
      return deleteTopic(topic);
    });
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

  async countByOwner(owners: readonly string[]): Promise<readonly OwnerCount[]> {
    return this.#store.countByOwner([...new Set(owners.map(unwrapOwner))]);
  }

  async updatesByOwner(owners: readonly string[]): Promise<readonly OwnerUpdates[]> {
    return this.#store.updatesByOwner([...new Set(owners.map(unwrapOwner))]);
  }
}

function given(text: string | undefined): text is string {
  return text !== undefined && text !== '';
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
