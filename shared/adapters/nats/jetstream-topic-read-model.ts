// The read model of topics in the `topics` bucket: an entry per topic, one per schema by its content hash, and one
// that says how far it is reconciled.

import { BrokerError } from '../../broker-error';
import type { SchemaText } from '../../topics/topic';
import type { CatalogTopic, CatalogVersion } from '../../topics/topic-catalog';
import type { ReconciledTopics, TopicReadModel } from '../../topics/topic-read-model';
import { type KeyValueBucket, RevisionConflict, UnknownOutcome } from './key-value';
import { reconciledKey, schemaKey, topicKey } from './names';

const maxTries = 8;

type StoredTopic = Omit<CatalogTopic, 'versions'> & { readonly versions: Record<string, CatalogVersion> };

export class JetStreamTopicReadModel implements TopicReadModel {
  /** @param bucket `topics`, without ttl */
  constructor(private readonly bucket: KeyValueBucket) {}

  async find(id: string): Promise<CatalogTopic | undefined> {
    const entry = await this.bucket.get(topicKey(id));
    return entry && parseTopic(entry.value);
  }

  async readSchema(hash: string): Promise<string | undefined> {
    const entry = await this.bucket.get(schemaKey(hash));
    return entry && Buffer.from(entry.value).toString();
  }

  async writeSchema({ text, hash }: SchemaText): Promise<void> {
    await this.bucket.put(schemaKey(hash), Buffer.from(text));
  }

  async write(topic: CatalogTopic): Promise<boolean> {
    const value = Buffer.from(JSON.stringify({ ...topic, versions: Object.fromEntries(topic.versions) }));
    for (let tried = 1; tried <= maxTries; tried++) {
      const entry = await this.bucket.get(topicKey(topic.id));
      // A lower revision never replaces a higher one, however late its writer comes.
      if (entry && parseTopic(entry.value).revision >= topic.revision) return false;
      try {
        await this.bucket.put(topicKey(topic.id), value, { previousRevision: entry?.revision ?? 0 });
        return true;
      } catch (error) {
        if (!(error instanceof RevisionConflict) && !(error instanceof UnknownOutcome)) throw error;
      }
    }
    throw new BrokerError('message-store-unavailable', 'The topic is changed by others all the time.');
  }

  async readReconciled(): Promise<ReconciledTopics | undefined> {
    const entry = await this.bucket.get(reconciledKey);
    return entry && (JSON.parse(Buffer.from(entry.value).toString()) as ReconciledTopics);
  }

  async writeReconciled(reconciled: ReconciledTopics): Promise<void> {
    await this.bucket.put(reconciledKey, Buffer.from(JSON.stringify(reconciled)));
  }
}

function parseTopic(value: Uint8Array): CatalogTopic {
  const { versions, ...topic } = JSON.parse(Buffer.from(value).toString()) as StoredTopic;
  return { ...topic, versions: new Map(Object.entries(versions)) };
}
