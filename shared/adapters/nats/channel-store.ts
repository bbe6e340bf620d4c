// Channels in the `channels` bucket, one entry for each participant, and what they admit from a bounded memory.
// Whether anything has changed is asked once for all recipients: a bucket whose last sequence is the same holds the
// same entries. So a publish to recipients without channels costs nothing but that one question every 1.5 s.

import { LRUCache } from 'lru-cache';
import { BrokerError } from '../../broker-error';
import {
  type Channel,
  type InboundRules,
  inboundRulesOf,
  maxChannelsBytes,
  rulesAdmit,
} from '../../channels/channel';
import type { ChannelStore, StoredChannels } from '../../channels/channel-store';
import type { Admission, Sender } from '../../messages/admission';
import type { JetStream } from './jetstream';
import { type KeyValueBucket, RevisionConflict, UnknownOutcome } from './key-value';
import { bucketStream, channelBucket, participantKey } from './names';

/** A change counts on every instance after this and one reading, hence within 2 s. Unit: ms. */
const checkEveryMs = 1_500;
const maxKnown = 50_000;
const maxKnownBytes = 64 * 1024 * 1024;
const knownOverheadBytes = 200;

/** What is known of one recipient: its rules when the bucket had this last sequence. */
interface Known {
  readonly rules: InboundRules | undefined;
  readonly asOf: number;
  readonly bytes: number;
}

interface Reading {
  readonly asOf: number;
  readonly result: Promise<Known>;
}

export class JetStreamChannelStore implements ChannelStore, Admission {
  readonly #known = new LRUCache<string, Known>({
    max: maxKnown,
    maxSize: maxKnownBytes,
    sizeCalculation: ({ bytes }) => bytes + knownOverheadBytes,
  });
  readonly #reading = new Map<string, Reading>();
  #lastSeq = 0;
  #checkedAt = -Infinity;
  #checking: Promise<number> | undefined;

  /** @param bucket `channels`, without ttl */
  constructor(
    private readonly bucket: KeyValueBucket,
    private readonly jetStream: JetStream,
  ) {}

  async read(did: string): Promise<StoredChannels> {
    const { channels, revision } = await this.#entry(did);
    return { channels, revision };
  }

  async replace(did: string, channels: readonly Channel[], revision: number): Promise<boolean> {
    const value = Buffer.from(JSON.stringify(channels));
    if (value.byteLength > maxChannelsBytes) {
      throw new BrokerError(
        'payload-too-large',
        `All channels of a participant together may have at most ${maxChannelsBytes} bytes.`,
      );
    }
    try {
      // An empty list is written too: a removed entry would not move the bucket's last sequence.
      await this.bucket.put(participantKey(did), value, { previousRevision: revision });
      return true;
    } catch (error) {
      if (error instanceof RevisionConflict || error instanceof UnknownOutcome) return false;
      throw error;
    } finally {
      this.#checkedAt = -Infinity;
    }
  }

  async admits(recipientDid: string, sender: Sender, topicId: string | undefined): Promise<boolean> {
    const lastSeq = await this.#currentSeq();
    if (lastSeq === 0) return true;
    const known = this.#known.get(recipientDid);
    const { rules } = known?.asOf === lastSeq ? known : await this.#readRules(recipientDid, lastSeq);
    return rules === undefined || rulesAdmit(rules, sender, topicId);
  }

  /** Last sequence of the bucket, not older than `checkEveryMs`; 0 when nobody has ever had a channel. */
  async #currentSeq(): Promise<number> {
    if (performance.now() - this.#checkedAt < checkEveryMs) return this.#lastSeq;
    this.#checking ??= this.#check().finally(() => (this.#checking = undefined));
    return this.#checking;
  }

  async #check(): Promise<number> {
    const askedAt = performance.now();
    const state = await this.jetStream.streamState(bucketStream(channelBucket));
    this.#lastSeq = state?.lastSeq ?? 0;
    this.#checkedAt = askedAt;
    return this.#lastSeq;
  }

  /** Reads a recipient's rules, once for all who wait for them. */
  #readRules(did: string, asOf: number): Promise<Known> {
    const running = this.#reading.get(did);
    if (running?.asOf === asOf) return running.result;
    const result = this.#entry(did)
      .then(({ channels, bytes }) => {
        const known = { rules: inboundRulesOf(channels), asOf, bytes };
        this.#known.set(did, known);
        return known;
      })
      .finally(() => {
        if (this.#reading.get(did)?.result === result) this.#reading.delete(did);
      });
    this.#reading.set(did, { asOf, result });
    return result;
  }

  async #entry(did: string): Promise<StoredChannels & { readonly bytes: number }> {
    const entry = await this.bucket.get(participantKey(did));
    if (!entry) return { channels: [], revision: 0, bytes: 0 };
    return {
      channels: JSON.parse(Buffer.from(entry.value).toString()) as readonly Channel[],
      revision: entry.revision,
      bytes: entry.value.byteLength,
    };
  }
}
