// What a channel is, and which senders and topics the channels of one participant admit. Pure.

/** `sub`, `pubsub` and `download` are inbound; the others say something to their owner's gateway alone. */
export const channelTypes = ['pub', 'sub', 'pubsub', 'upload', 'download'] as const;
export type ChannelType = (typeof channelTypes)[number];

/** A participant's own rule of who, what and which direction. */
export interface Channel {
  /** Its name among its owner's channels, byte for byte. */
  readonly fqcn: string;
  readonly type: ChannelType;
  /** Topic ids; empty: every topic. Whether a topic exists is not asked. */
  readonly topics: readonly string[];
  readonly dids: readonly string[];
  readonly roles: readonly string[];
  /** True: the broker refuses what no enforced inbound channel of the owner admits. */
  readonly enforced: boolean;
}

/** Entries of each list of a channel. */
export const maxChannelEntries = 10_000;
/** All channels of one participant together, as JSON in UTF-8. Unit: bytes. */
export const maxChannelsBytes = 4 * 1024 * 1024;

interface Rule {
  /** Null: every topic. */
  readonly topics: ReadonlySet<string> | null;
  /** Null: every sender. */
  readonly dids: ReadonlySet<string> | null;
  readonly roles: ReadonlySet<string>;
}

/** The enforced inbound channels of a participant, ready to be asked; undefined when it has none. */
export type InboundRules = readonly Rule[];

export function inboundRulesOf(channels: readonly Channel[]): InboundRules | undefined {
  const rules = channels
    .filter(({ enforced, type }) => enforced && (type === 'sub' || type === 'pubsub' || type === 'download'))
    .map(({ topics, dids, roles }) => ({
      topics: topics.length ? new Set(topics) : null,
      // Only when both lists are empty: with roles alone, an unlisted DID has to hold one of them.
      dids: dids.length || roles.length ? new Set(dids) : null,
      roles: new Set(roles),
    }));
  return rules.length ? rules : undefined;
}

/**
 * True when one of the rules admits both the sender (its DID, or one of its roles) and the topic.
 * @param topicId undefined for an encrypted key: then the sender alone decides
 */
export function rulesAdmit(
  rules: InboundRules,
  sender: { readonly did: string; readonly roles: readonly string[] },
  topicId: string | undefined,
): boolean {
  return rules.some(
    ({ topics, dids, roles }) =>
      (topics === null || topicId === undefined || topics.has(topicId)) &&
      (dids === null || dids.has(sender.did) || sender.roles.some((role) => roles.has(role))),
  );
}
