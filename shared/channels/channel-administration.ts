// A participant's channels, governed by it alone: there is no parameter that names another's.

import { BrokerError } from '../broker-error';
import type { Channel } from './channel';
import type { ChannelStore } from './channel-store';

/** Changes of one participant's channels that lose against each other, at most. */
const maxTries = 16;

export class ChannelAdministration {
  /** @param maxChannels of one participant */
  constructor(
    private readonly store: ChannelStore,
    private readonly maxChannels: number,
  ) {}

  /** All channels of a participant, by name. */
  async list(did: string): Promise<readonly Channel[]> {
    return (await this.store.read(did)).channels;
  }

  /** @throws BrokerError `not-found` */
  async get(did: string, fqcn: string): Promise<Channel> {
    const channel = (await this.list(did)).find((known) => known.fqcn === fqcn);
    if (!channel) throw noSuchChannel();
    return channel;
  }

  /**
   * Creates a channel or replaces the one of that name. Of equal entries in a list the first stays.
   * @throws BrokerError `limit-reached` for one channel too many, `payload-too-large`
   */
  async put(did: string, channel: Channel): Promise<Channel> {
    const { topics, dids, roles } = channel;
    const kept = { ...channel, topics: unique(topics), dids: unique(dids), roles: unique(roles) };
    await this.#change(did, (channels) => {
      const others = channels.filter(({ fqcn }) => fqcn !== kept.fqcn);
      if (others.length >= this.maxChannels) {
        throw new BrokerError(
          'limit-reached',
          `A participant may have at most ${this.maxChannels} channels.`,
        );
      }
      return [...others, kept].sort((a, b) => (a.fqcn < b.fqcn ? -1 : 1));
    });
    return kept;
  }

  /** @throws BrokerError `not-found` */
  async remove(did: string, fqcn: string): Promise<void> {
    await this.#change(did, (channels, attempt) => {
      const others = channels.filter((known) => known.fqcn !== fqcn);
      // At a later attempt it may be gone because the answer to the first one was lost.
      if (others.length === channels.length && attempt === 1) throw noSuchChannel();
      return others;
    });
  }

  async #change(
    did: string,
    change: (channels: readonly Channel[], attempt: number) => readonly Channel[],
  ): Promise<void> {
    for (let attempt = 1; attempt <= maxTries; attempt++) {
      const { channels, revision } = await this.store.read(did);
      if (await this.store.replace(did, change(channels, attempt), revision)) return;
    }
    throw new BrokerError('message-store-unavailable', 'These channels are changed by others all the time.', {
      retryAfterSeconds: 1,
    });
  }
}

const unique = (entries: readonly string[]): readonly string[] => [...new Set(entries)];

const noSuchChannel = () => new BrokerError('not-found', 'The caller has no channel of that name.');
