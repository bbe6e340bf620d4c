import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  addressOf,
  bucketSubject,
  cursorKey,
  mailStream,
  messageIdHeader,
  messageSubject,
  parseMessageSubject,
  participantKey,
  sessionKey,
  subjectFilter,
} from '../../../shared/adapters/nats/names';
import { base32, mailboxToken, senderToken, tokenLength, tokenOf } from '../../../shared/messages/mailbox';

// Whatever a participant may call itself: wildcards, dots, spaces, NUL, emoji, lone surrogates, look-alikes.
const hostile = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.string({
    unit: fc.constantFrom('*', '>', '.', ' ', '\0', '\n', '😀', '\ud800', 'did:', '$KV', '_INBOX'),
  }),
);
const kind = fc.constantFrom('did', 'anonymous', 'keys', 'receipts');
const subjectToken = /^[a-z0-9]+$/;

describe('names in the store', () => {
  it('consist of tokens of a fixed alphabet and length, whatever the identifiers are', () => {
    fc.assert(
      fc.property(
        kind,
        hostile,
        hostile,
        hostile,
        fc.integer({ min: 1, max: 256 }),
        (box, id, sender, client, shards) => {
          const address = addressOf({ kind: box, identifier: id }, shards);
          expect(address.shard).toBeGreaterThanOrEqual(0);
          expect(address.shard).toBeLessThan(shards);
          const subject = messageSubject(address, {
            topicId: '0123456789abcdef01234567',
            sender: senderToken(sender),
            retentionClass: '24h',
          });
          expect(subject.split('.')).toHaveLength(6);
          expect(subject.split('.').every((token) => subjectToken.test(token))).toBe(true);
          expect(cursorKey(address.token, client, '')).toMatch(/^[a-z2-7]{26}(\.[a-z2-7]{26}){2}$/);
          expect(participantKey(id)).toMatch(/^[a-z2-7]{26}$/);
          expect(messageIdHeader(senderToken(sender), address.token, client, id)).toMatch(/^[a-z2-7]{26}$/);
          expect(tokenOf(id)).toHaveLength(tokenLength);
        },
      ),
    );
  });

  it('differ where any identifier differs, also at the border between two parts', () => {
    fc.assert(
      fc.property(hostile, hostile, hostile, hostile, (one, two, three, four) => {
        fc.pre(one !== three || two !== four);
        expect(tokenOf(one, two)).not.toBe(tokenOf(three, four));
        expect(cursorKey('m', one, two)).not.toBe(cursorKey('m', three, four));
        expect(messageIdHeader('s', 'm', one, two)).not.toBe(messageIdHeader('s', 'm', three, four));
      }),
    );
    expect(tokenOf('a', 'bc')).not.toBe(tokenOf('ab', 'c'));
  });

  it('keep mailboxes apart that the first generation mapped to one stream: a.b, b_a, keys_x', () => {
    const identifiers = ['a.b', 'b_a', 'a_b', 'keys_x', 'x', 'A.B', 'a.b '];
    const tokens = identifiers.flatMap((identifier) =>
      (['did', 'anonymous', 'keys', 'receipts'] as const).map((box) =>
        mailboxToken({ kind: box, identifier }),
      ),
    );
    expect(new Set(tokens).size).toBe(tokens.length);
  });

  it('put the key mailbox of a DID in the shard of the DID', () => {
    fc.assert(
      fc.property(hostile, fc.integer({ min: 1, max: 256 }), (identifier, shards) => {
        const own = addressOf({ kind: 'did', identifier }, shards);
        const keys = addressOf({ kind: 'keys', identifier }, shards);
        expect(keys.shard).toBe(own.shard);
        expect(keys.token).not.toBe(own.token);
      }),
    );
  });

  it('read back what a subject was made of', () => {
    const address = addressOf({ kind: 'did', identifier: 'did:ethr:0x1' }, 16);
    const parts = {
      topicId: 'abcdefabcdefabcdefabcdef',
      sender: senderToken('did:ethr:0x2'),
      retentionClass: '7d',
    };
    expect(parseMessageSubject(messageSubject(address, parts))).toEqual(parts);
    expect(subjectFilter(address, undefined, parts.sender)).toBe(
      `ddhub.${address.shard}.${address.token}.*.${parts.sender}.*`,
    );
    expect(mailStream(3)).toBe('DDHUB_MAIL_3');
    expect(bucketSubject('sessions', sessionKey('session'))).toMatch(/^\$KV\.sessions\.[a-z2-7]+$/);
  });

  it('spread mailboxes evenly over the shards', () => {
    const counts = new Array<number>(16).fill(0);
    for (let number = 0; number < 16_000; number++) {
      const { shard } = addressOf({ kind: 'did', identifier: `did:ethr:volta:0x${number}` }, 16);
      counts[shard] = (counts[shard] ?? 0) + 1;
    }
    expect(Math.min(...counts)).toBeGreaterThan(800);
    expect(Math.max(...counts)).toBeLessThan(1_200);
  });
});

describe('base32', () => {
  it('agrees with the test vectors of RFC 4648 §10, lower case and without padding', () => {
    const vectors = {
      '': '',
      f: 'my',
      fo: 'mzxq',
      foo: 'mzxw6',
      foob: 'mzxw6yq',
      fooba: 'mzxw6ytb',
      foobar: 'mzxw6ytboi',
    };
    for (const [text, encoded] of Object.entries(vectors)) expect(base32(Buffer.from(text))).toBe(encoded);
  });
});
