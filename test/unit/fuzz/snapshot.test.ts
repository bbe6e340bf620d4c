// What a fuzz run notices of the mailboxes of those whom nobody but their partner may send to.

import { describe, expect, it } from '@jest/globals';
import type { Settled } from '../../../scripts/fuzz/inhabitants';
import { KnownThings } from '../../../scripts/fuzz/known-things';
import { changes, takeSnapshot } from '../../../scripts/fuzz/snapshot';

const partner = 'did:partner';
const other = 'did:other';

type Mailbox = 'did' | 'anonymous' | 'keys';

const mailboxOf = (path: string, body: object): Mailbox =>
  path === '/messages/internal/search' ? 'keys' : 'anonymousRecipient' in body ? 'anonymous' : 'did';

/** Of somebody who finds a message of its partner in each mailbox, and in one of them one of somebody else. */
function snapshotWith(foreignIn?: Mailbox) {
  const things = new KnownThings();
  things.add('anonymousKey', 'its-key');
  const request = (_method: string, path: string, body: object) => {
    const senders = mailboxOf(path, body) === foreignIn ? [partner, other] : [partner];
    return Promise.resolve({
      status: 200,
      body: senders.map((senderDid) => ({ senderDid, payload: 'text' })),
    });
  };
  const owner = { name: 'owner', things, client: { request } } as unknown as Settled;
  return takeSnapshot(owner, [partner], []);
}

describe('the snapshots of two moments', () => {
  it.each<Mailbox>(['did', 'keys'])(
    'regression: differ by a message that came to the %s mailbox past an enforced channel',
    async (mailbox) => {
      const differences = changes(await snapshotWith(), await snapshotWith(mailbox));
      expect(differences.length).toBeGreaterThan(0);
      expect(differences.every((text) => text.includes(other))).toBe(true);
    },
  );

  it('do not differ by what anybody may send to an anonymous mailbox', async () => {
    expect(changes(await snapshotWith(), await snapshotWith('anonymous'))).toEqual([]);
  });
});
