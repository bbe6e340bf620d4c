// Port: where the channels of participants are kept, one record for each participant.

import type { Channel } from './channel';

export interface StoredChannels {
  readonly channels: readonly Channel[];
  /** Of the record; 0 when there is none. */
  readonly revision: number;
}

/** Every method may throw `message-store-unavailable`. */
export interface ChannelStore {
  /** A participant's channels as they are now. */
  read(did: string): Promise<StoredChannels>;
  /**
   * Replaces them if nobody has since.
   * @returns false when the record has another revision, or when the answer was lost: read again
   * @throws BrokerError `payload-too-large` when they do not fit a record
   */
  replace(did: string, channels: readonly Channel[], revision: number): Promise<boolean>;
}
