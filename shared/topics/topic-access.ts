// Reading and changing recorded topics on behalf of a caller: who may, what is still as it was seen, and the
// catalogue told of every change that this instance makes.

import { BrokerError } from '../broker-error';
import type { Caller } from '../identity';
import type { TopicAnnouncer } from './topic-read-model';
import { isTopicId, type SchemaText, type Topic, type TopicView } from './topic';
import { type TopicChange, topicNotFound } from './topic-change';
import { checkVersion } from './topic-rules';
import type { TopicStore } from './topic-store';

/** Whether the roles of a caller let it change the topics of an owner (contract §2). */
export type MayAdministerTopicsOf = (owner: string, roles: readonly string[]) => boolean;

/**
 * Whether a change may be made to what is there now, by its tag: a topic's state (`stateTagOf`) or a live
 * version's schema hash; undefined when there is none.
 */
export type Precondition = (currentTag: string | undefined) => boolean;

export class TopicAccess {
  constructor(
    private readonly store: TopicStore,
    private readonly announcer: Pick<TopicAnnouncer, 'announce'>,
    private readonly mayAdministerTopicsOf: MayAdministerTopicsOf,
  ) {}

  /** One version, without a number the one that stands for the topic. @throws BrokerError `topic-not-found` */
  async view(id: string, version: string | undefined, includeDeleted: boolean): Promise<TopicView> {
    if (version !== undefined) checkVersion(version);
    const view = isTopicId(id) ? await this.store.view(id, version) : undefined;
    if (!view || (view.deleted && !includeDeleted)) throw topicNotFound();
    return view;
  }

  /** A topic, deleted or not. @throws BrokerError `topic-not-found` */
  async require(id: string): Promise<Topic> {
    const topic = isTopicId(id) ? await this.store.find(id) : undefined;
    if (!topic) throw topicNotFound();
    return topic;
  }

  /** Changes a live topic as `decide` says. @throws BrokerError `topic-not-found`, `forbidden` */
  async change(
    caller: Caller,
    id: string,
    decide: (topic: Topic) => TopicChange | undefined,
    schema?: SchemaText,
  ): Promise<Topic> {
    if (!isTopicId(id)) throw topicNotFound();
    const changed = await this.store.change(id, (topic) => {
      if (topic.deletedAtMs !== undefined) throw topicNotFound();
      this.requireRight(caller, topic.owner);
      return decide(topic);
    });
    await this.announcer.announce(changed, schema);
    return changed;
  }

  /** @throws BrokerError `forbidden` */
  requireRight(caller: Caller, owner: string): void {
    if (!this.mayAdministerTopicsOf(owner, caller.roles)) {
      throw new BrokerError('forbidden', 'Changing topics of this owner needs its topic creator role.');
    }
  }
}

/** @throws BrokerError `precondition-failed` */
export function demand(precondition: Precondition, currentTag: string | undefined): void {
  if (!precondition(currentTag)) {
    throw new BrokerError('precondition-failed', 'If-Match does not name the present state.');
  }
}
