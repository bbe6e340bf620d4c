// Every stream, subject, bucket and key name is made here, from tokens of a fixed alphabet only (design §3).

import { hash } from 'node:crypto';
import { type Mailbox, mailboxToken, tokenOf } from '../../messages/mailbox';

/** Where a mailbox lives: its shard's number and its token. */
export interface MailboxAddress {
  readonly shard: number;
  readonly token: string;
}

/** One request asks for its mailbox's address several times. */
const addresses = new WeakMap<Mailbox, { readonly shardCount: number; readonly address: MailboxAddress }>();

/**
 * The shard of a mailbox is the hash of its owner modulo the shard count. A DID's key mailbox shares its DID's
 * shard, so that a key and the message it belongs to are ordered by one stream.
 */
export function addressOf(mailbox: Mailbox, shardCount: number): MailboxAddress {
  const known = addresses.get(mailbox);
  if (known?.shardCount === shardCount) return known.address;
  const owner = mailbox.kind === 'keys' ? 'did' : mailbox.kind;
  const digest = hash('sha256', JSON.stringify(['shard', owner, mailbox.identifier]), 'buffer');
  const address = { shard: digest.readUInt32BE(0) % shardCount, token: mailboxToken(mailbox) };
  addresses.set(mailbox, { shardCount, address });
  return address;
}

export const mailStream = (shard: number): string => `DDHUB_MAIL_${shard}`;
export const cursorBucket = (shard: number): string => `ddhub-cursors-${shard}`;
export const mailSubjects = (shard: number): string => `ddhub.${shard}.>`;
/** Where a stream republishes the headers of what it has stored, for those who wait. */
export const newMailSubjects = (shard: number): string => `ddhub.new.${shard}.>`;

/** Mailbox token, topic and sender of a republished message, from its subject `ddhub.new.<n>.<mailbox>.…`. */
export function parseNewMailSubject(subject: string): {
  readonly mailbox: string;
  readonly topic: string;
  readonly sender: string;
} {
  const [, , , mailbox = '', topic = '', sender = ''] = subject.split('.');
  return { mailbox, topic, sender };
}

export interface MessageSubject {
  readonly topicId: string;
  /** Sender's token. */
  readonly sender: string;
  /** Retention class. */
  readonly retentionClass: string;
}

export function messageSubject({ shard, token }: MailboxAddress, parts: MessageSubject): string {
  return `ddhub.${shard}.${token}.${parts.topicId}.${parts.sender}.${parts.retentionClass}`;
}

/** All messages of a mailbox, or those of one topic, of one sender, or of one sender on one topic. */
export function subjectFilter(
  { shard, token }: MailboxAddress,
  topicId: string | undefined,
  sender: string | undefined,
): string {
  return `ddhub.${shard}.${token}.${topicId ?? '*'}.${sender ?? '*'}.*`;
}

/** What a stored message's subject says. */
export function parseMessageSubject(subject: string): MessageSubject {
  const [, , , topicId = '', sender = '', retentionClass = ''] = subject.split('.');
  return { topicId, sender, retentionClass };
}

/**
 * Key of a cursor: the mailbox first, then the client id, so that the cursors of either are one subject filter.
 * `from` is the instant in canonical form, or empty; equal instants are one cursor whatever their offset was.
 */
export function cursorKey(mailbox: string, clientId: string, from: string): string {
  return `${mailbox}.${clientToken(clientId)}.${tokenOf('from', from)}`;
}

/** All cursors of the mailbox of a cursor. */
export const cursorKeysBeside = (key: string): string => key.replace(/\.[^.]*\.[^.]*$/, '.*.*');

/** All cursors of one client id of a mailbox, whatever their `from`. */
export const cursorKeysOfClient = (mailbox: string, clientId: string): string =>
  `${mailbox}.${clientToken(clientId)}.*`;

/** Key of a keys mailbox's cursor, outside of what names the cursors of a mailbox. */
export const keyCursorKey = (mailbox: string, clientId: string): string =>
  `keys.${mailbox}.${clientToken(clientId)}`;

/** All cursors of a keys mailbox. */
export const keyCursorKeysOf = (mailbox: string): string => `keys.${mailbox}.*`;

/** Key of what is known of a client id of a participant's own mailbox. */
export const clientKey = (did: string, clientId: string): string =>
  `${participantKey(did)}.${clientToken(clientId)}`;

/** All client ids of a participant. */
export const clientKeysOf = (did: string): string => `${participantKey(did)}.*`;

const clientToken = (clientId: string): string => tokenOf('client', clientId);

/**
 * Nats-Msg-Id. JetStream remembers it per stream, not per subject, so it has to hold sender, recipient and topic;
 * else fan-out inside a shard silently swallows recipients.
 */
export function messageIdHeader(sender: string, mailbox: string, topicId: string, unique: string): string {
  return tokenOf('message', sender, mailbox, topicId, unique);
}

/** Nats-Msg-Id of a message that a repetition of the same attempt would store again. */
export function attemptIdHeader(sender: string, mailbox: string, topicId: string, attempt: string): string {
  return tokenOf('attempt', sender, mailbox, topicId, attempt);
}

/** Key of an entry about one participant in any bucket. */
export const participantKey = (did: string): string => tokenOf('participant', did);

/** Key of what a participant has decided about its mailbox, beside its own entry. */
export const mailboxOptionsKey = (did: string): string => `mailbox.${participantKey(did)}`;
/** Everybody's. */
export const mailboxOptionsKeys = 'mailbox.*';
/** The entries of participants themselves. */
export const participantKeys = '*';

/** Key of an anonymous key's registration. */
export const anonymousKeyKey = (key: string): string => tokenOf('anonymous-key', key);

/** Key of the note that a participant has registered an anonymous key. */
export const ownedKeyKey = (owner: string, key: string): string =>
  `of.${participantKey(owner)}.${anonymousKeyKey(key)}`;

/** All such notes of a participant. */
export const ownedKeyKeysOf = (owner: string): string => `of.${participantKey(owner)}.*`;

/** Key of a session, from its random id in hex. */
export const sessionKey = (session: string): string => tokenOf('session', session);

/** Key of what is remembered of a call under an Idempotency-Key. */
export const idempotencyKey = (scope: { did: string; operationId: string; key: string }): string =>
  tokenOf('idempotency', scope.did, scope.operationId, scope.key);

export const bucketStream = (bucket: string): string => `KV_${bucket}`;
export const bucketSubject = (bucket: string, key: string): string => `$KV.${bucket}.${key}`;

export const anonymousKeyBucket = 'anonymous-keys';
/** Client ids verbatim, one entry for each. */
export const clientBucket = 'clients';
export const participantBucket = 'participants';
/** One entry for each participant that has ever had a channel. */
export const channelBucket = 'channels';

/** What is remembered of calls under an Idempotency-Key. */
export const idempotencyBucket = 'idempotency';

/** Holds the recorded shard count and the generations of the shards; the first stream that a broker makes. */
export const layoutBucket = 'layout';
export const layoutStream = bucketStream(layoutBucket);

/** Durable consumer that walks the messages of a retention class. */
export const expiryConsumer = (retentionClass: string): string => `expiry-${retentionClass}`;
/** All messages of a class in a shard. */
export const classFilter = (shard: number, retentionClass: string): string =>
  `ddhub.${shard}.*.*.*.${retentionClass}`;
/** Token of the mailbox in which a message lies. */
export const mailboxOfSubject = (subject: string): string => subject.split('.')[2] ?? '';
/** All cursors of a mailbox in their bucket. */
export const cursorKeysOf = (mailbox: string): string => `${mailbox}.>`;

/** Keys of the `topics` bucket. Ids and hashes are the broker's own hexadecimal texts. */
export const topicKey = (topicId: string): string => `topic.${topicId}`;
export const schemaKey = (hash: string): string => `schema.${hash}`;
export const reconciledKey = 'reconciled';
