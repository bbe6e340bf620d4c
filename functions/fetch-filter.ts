// What a fetch asks for, from the fields of its body: topics and senders, or a channel of the caller's (contract §3, §7).

import { BrokerError, invalidParameter } from '../shared/broker-error';
import type { ChannelAdministration } from '../shared/channels';
import type { RoleDirectory } from '../shared/identity';
import { mapConcurrently } from '../shared/map-concurrently';
import { cursorLimits, parseInstant, senderToken } from '../shared/messages';
import type { TopicCatalog } from '../shared/topics';

/** Null is everything; senders are tokens. */
export interface FetchFilter {
  readonly topics: readonly string[] | null;
  readonly senders: readonly string[] | null;
}

type Catalog = Pick<TopicCatalog, 'find'>;

/** Topics that are asked for at once: most are in memory, each of the others is a question to the store. */
const concurrentLookups = 32;

/** @throws BrokerError `invalid-parameters` */
export function readFrom(text: string | undefined): ReturnType<typeof parseInstant> {
  if (text === undefined) return undefined;
  const instant = parseInstant(text);
  if (!instant)
    throw invalidParameter('from', 'must be an ISO-8601 instant with an offset, e.g. 2026-01-31T12:00:00Z');
  return instant;
}

/**
 * Topics to read: those that are in all lists that are given and not empty, null for all. Deleted topics may be read.
 * @param given lists by the names of their fields
 * @throws BrokerError `topic-not-found` for one that never was, `invalid-parameters` for more than a cursor can hold
 */
export async function topicFilter(
  given: Readonly<Record<string, readonly string[] | undefined>>,
  catalog: Catalog,
): Promise<readonly string[] | null> {
  const lists = Object.values(given).flatMap((list) => (list?.length ? [list] : []));
  const [first, second] = lists;
  if (!first) return null;
  const wanted = second ? new Set(first).intersection(new Set(second)) : new Set(first);
  if (wanted.size > cursorLimits.positions) {
    const fields = Object.keys(given).filter((field) => given[field]?.length);
    throw invalidParameter(fields.join(' and '), `may have ${cursorLimits.positions} topics together`);
  }
  // The first one that does not exist decides: the others are not asked for any more.
  await mapConcurrently([...new Set(lists.flat())], concurrentLookups, async (id) => {
    if (await catalog.find(id)) return;
    throw new BrokerError('topic-not-found', 'A topic of the filter does not exist.');
  });
  return [...wanted];
}

/** Tokens of senders named by their DIDs, null for all. */
export function senderFilter(dids: readonly string[] | undefined): readonly string[] | null {
  return dids?.length ? [...new Set(dids)].map(senderToken) : null;
}

/**
 * What an inbound channel of the caller's admits, whether it is enforced or not: its topics, and as senders its DIDs
 * and those that hold one of its roles now.
 * @throws BrokerError `not-found`, `invalid-parameters` for a channel that is not inbound
 */
export async function channelFilter(
  did: string,
  name: string,
  channels: Pick<ChannelAdministration, 'get'>,
  roles: RoleDirectory,
): Promise<FetchFilter> {
  const channel = await channels.get(did, name);
  if (channel.type === 'pub' || channel.type === 'upload') {
    throw invalidParameter('channel', `is of type ${channel.type}; only sub, pubsub and download receive`);
  }
  const holders = channel.roles.length ? await roles.holdersOf(channel.roles) : [];
  const isOpen = !channel.dids.length && !channel.roles.length;
  return {
    topics: channel.topics.length ? channel.topics : null,
    senders: isOpen ? null : [...new Set([...channel.dids, ...holders])].map(senderToken),
  };
}
