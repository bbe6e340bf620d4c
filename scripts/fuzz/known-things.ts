// Names and ids that exist, by what they name, and which members of requests and answers hold which of them. A
// member that is not known here is filled from its schema alone, so that new routes are covered before they are
// listed.

import type { Json } from './operations';
import type { Random } from './random';

export const kinds = [
  ...([
    'topic',
    'version',
    'did',
    'channel',
    'message',
    'file',
    'clientId',
    'anonymousKey',
    'lease',
  ] as const),
  ...(['owner', 'role', 'topicName', 'refreshToken', 'identityToken', 'transaction', 'cursor'] as const),
] as const;
export type Kind = (typeof kinds)[number];

const kindsOfMembers: readonly (readonly [pattern: RegExp, kind: Kind])[] = [
  [/^(topicIds?|topics|fqcnTopicList)$/, 'topic'],
  [/^(version|topicVersion)$/, 'version'],
  [/^(dids?|fqcns?|senderIds?|senderDid|recipients?)$/, 'did'],
  [/^(messageIds?|initiatingMessageId)$/, 'message'],
  [/^fileId$/, 'file'],
  [/^clientIds?$/, 'clientId'],
  [/^(anonymousKeys?|anonymousRecipient)$/, 'anonymousKey'],
  [/^leaseTokens?$/, 'lease'],
  [/^(owner|namespaceList)$/, 'owner'],
  [/^(roles|recipientRoles)$/, 'role'],
  [/^(keyword)$/, 'topicName'],
  [/^(refreshToken|refresh_token)$/, 'refreshToken'],
  [/^identityToken$/, 'identityToken'],
  [/^(transactionId|initiatingTransactionId)$/, 'transaction'],
  [/^(after|next)$/, 'cursor'],
];

/** Of what a member or parameter of this name holds the name, on this path. */
export function kindsOf(member: string, template: string): readonly Kind[] {
  if (member === 'id') return ['topic'];
  if (member === 'name' && template.includes('{name}')) return ['clientId', 'anonymousKey'];
  if (member === 'name') return ['topicName'];
  if (member === 'fqcn' && template.startsWith('/channels')) return ['channel'];
  if (member === 'channel') return ['channel'];
  return kindsOfMembers.filter(([pattern]) => pattern.test(member)).map(([, kind]) => kind);
}

/** As many of a kind as are remembered; later ones replace earlier ones. */
const maxEach = 60;

export class KnownThings {
  readonly #things = new Map<Kind, string[]>();
  #replaced = 0;

  add(kind: Kind, ...names: readonly string[]): void {
    const list = this.#things.get(kind) ?? [];
    this.#things.set(kind, list);
    for (const name of names) {
      if (list.includes(name)) continue;
      if (list.length < maxEach) list.push(name);
      else list[this.#replaced++ % maxEach] = name;
    }
  }

  all(kind: Kind): readonly string[] {
    return this.#things.get(kind) ?? [];
  }

  pick(kinds_: readonly Kind[], random: Random): string | undefined {
    const names = kinds_.flatMap((kind) => this.all(kind));
    return names.length ? random.pick(names) : undefined;
  }

  /** Remembers what an answer names. */
  learn(answer: unknown, template: string, depth = 0): void {
    if (depth > 4 || typeof answer !== 'object' || answer === null) return;
    if (Array.isArray(answer)) {
      for (const item of answer.slice(0, 5)) this.learn(item, template, depth + 1);
      return;
    }
    for (const [member, value] of Object.entries(answer as Json)) {
      const [kind] = kindsOf(member, template);
      if (kind && kind !== 'did' && kind !== 'owner') {
        for (const text of (Array.isArray(value) ? value.slice(0, 5) : [value]) as unknown[]) {
          if (typeof text === 'string' && text !== '' && text.length < 2_000) this.add(kind, text);
        }
      }
      this.learn(value, template, depth + 1);
    }
  }
}
