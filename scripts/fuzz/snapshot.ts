// What a participant finds of its own: every GET of the document that can be filled with its own things, and what is in
// its mailboxes. Two snapshots of somebody who did nothing in between are equal.

import { isDeepStrictEqual } from 'node:util';
import { clientIds, type Settled } from './inhabitants';
import { kindsOf } from './known-things';
import type { Json, Operation } from './operations';

/** Answers by request. */
export type Snapshot = ReadonlyMap<string, unknown>;

/** Members that change by themselves: request ids, times, tokens made at the call, and what others' messages add to. */
const volatile =
  /^(instance|url|expiresAt|timestamp|leaseExpiresAt|durationMs|lag|.*Seconds|.*Bytes|registered)$/;
/** Fillings of one operation at most. */
const maxFillings = 12;

export async function takeSnapshot(
  owner: Settled,
  victimDids: readonly string[],
  operations: readonly Operation[],
): Promise<Snapshot> {
  const snapshot = new Map<string, unknown>();
  const note = async (method: string, path: string, body?: object, own = (found: unknown) => found) => {
    const answer = await owner.client.request(method, path, body);
    const key = `${owner.name}: ${method} ${path}${body ? ` ${JSON.stringify(body)}` : ''}`;
    snapshot.set(key, { status: answer.status, body: stable(own(answer.body)) });
  };
  for (const operation of operations) {
    if (operation.method !== 'GET' || !operation.isGuarded) continue;
    for (const path of fillings(operation, owner)) await note('GET', path);
  }
  const all = { amount: 20_000 };
  const [anonymousRecipient] = owner.things.all('anonymousKey');
  // Anybody may send to an anonymous mailbox. What comes to the others past the owner's enforced channel is a change.
  const ofVictims = (found: unknown): unknown => withoutOtherSenders(found, victimDids);
  for (const clientId of [clientIds.pending, 'a-fresh-reader']) {
    await note('POST', '/messages/search', { ...all, clientId });
    await note('POST', '/messages/search', { ...all, clientId, anonymousRecipient }, ofVictims);
  }
  await note('POST', '/messages/internal/search', { ...all, clientId: 'keys' });
  return snapshot;
}

/** What is not as it was. */
export function changes(before: Snapshot, after: Snapshot): readonly string[] {
  return [...before].flatMap(([request, answer]) =>
    isDeepStrictEqual(answer, after.get(request))
      ? []
      : [`${request} answered ${shown(answer)} before and ${shown(after.get(request))} after`],
  );
}

const shown = (answer: unknown): string => JSON.stringify(answer).slice(0, 4_000);

/** Paths with each parameter that names a thing filled with the owner's things. */
function fillings(operation: Operation, { things }: Settled): readonly string[] {
  let paths = [operation.template];
  for (const { name, in: place, required } of operation.parameters) {
    if (place === 'header') continue;
    const names = kindsOf(name, operation.template).flatMap((kind) => things.all(kind));
    if (names.length === 0) {
      if (required) return [];
      continue;
    }
    paths = paths.flatMap((path) =>
      names.map((text) =>
        place === 'path'
          ? path.replace(`{${name}}`, () => encodeURIComponent(text))
          : `${path}${path.includes('?') ? '&' : '?'}${name}=${encodeURIComponent(text)}`,
      ),
    );
  }
  return paths.slice(0, maxFillings);
}

function withoutOtherSenders(found: unknown, dids: readonly string[]): unknown {
  if (!Array.isArray(found)) return found;
  return found.filter((message: Json) => dids.includes(String(message['senderDid'])));
}

/** Without what changes by itself. */
function stable(answer: unknown): unknown {
  if (Array.isArray(answer)) return answer.map(stable);
  if (typeof answer !== 'object' || answer === null) return answer;
  return Object.fromEntries(
    Object.entries(answer)
      .filter(([name]) => !volatile.test(name))
      .map(([name, value]) => [name, stable(value)]),
  );
}
