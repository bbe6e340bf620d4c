// What the channels of one participant admit: senders by DID or role, topics, and the direction of the channel.

import { describe, expect, it } from '@jest/globals';
import { type Channel, type ChannelType, inboundRulesOf, rulesAdmit } from '../../../shared/channels/channel';

const topic = 'a'.repeat(24);
const otherTopic = 'b'.repeat(24);
const alice = { did: 'did:example:alice', roles: ['user.roles.a.apps.b.iam.ewc'] };
const mallory = { did: 'did:example:mallory', roles: ['user.roles.m.apps.b.iam.ewc'] };

const channel = (fields: Partial<Channel> = {}): Channel => ({
  fqcn: 'in',
  type: 'sub',
  topics: [],
  dids: [],
  roles: [],
  enforced: true,
  ...fields,
});

/** As publishing asks: without rules everything is accepted. */
function admits(channels: readonly Channel[], sender = alice, topicId: string | undefined = topic): boolean {
  const rules = inboundRulesOf(channels);
  return rules === undefined || rulesAdmit(rules, sender, topicId);
}

describe('the channels of a participant', () => {
  it('admit everything while none is enforced', () => {
    expect(inboundRulesOf([])).toBeUndefined();
    expect(inboundRulesOf([channel({ enforced: false, dids: [mallory.did] })])).toBeUndefined();
  });

  it.each<ChannelType>(['pub', 'upload'])('admit everything while only %s is enforced', (type) => {
    expect(inboundRulesOf([channel({ type, dids: [mallory.did] })])).toBeUndefined();
  });

  it.each<ChannelType>(['sub', 'pubsub', 'download'])(
    'refuse an unlisted sender where %s is enforced',
    (type) => {
      expect(admits([channel({ type, dids: [alice.did] })], mallory)).toBe(false);
      expect(admits([channel({ type, dids: [alice.did] })], alice)).toBe(true);
    },
  );

  it('admit a sender by its DID or by a role that it holds', () => {
    const either = [channel({ dids: [mallory.did], roles: alice.roles })];
    expect(admits(either, alice)).toBe(true);
    expect(admits(either, mallory)).toBe(true);
    expect(admits(either, { did: 'did:example:third', roles: [] })).toBe(false);
  });

  it('do not take one empty list for everybody when the other one is not empty', () => {
    expect(admits([channel({ dids: [alice.did] })], mallory)).toBe(false);
    expect(admits([channel({ roles: alice.roles })], mallory)).toBe(false);
  });

  it('admit every sender where both lists are empty, and every topic where none is listed', () => {
    expect(admits([channel()], mallory, otherTopic)).toBe(true);
    expect(admits([channel({ topics: [topic] })], mallory)).toBe(true);
    expect(admits([channel({ topics: [topic] })], mallory, otherTopic)).toBe(false);
  });

  it('want sender and topic from one and the same channel', () => {
    const two = [
      channel({ fqcn: 'one', dids: [alice.did], topics: [topic] }),
      channel({ fqcn: 'two', dids: [mallory.did], topics: [otherTopic] }),
    ];
    expect(admits(two, alice, topic)).toBe(true);
    expect(admits(two, mallory, otherTopic)).toBe(true);
    expect(admits(two, alice, otherTopic)).toBe(false);
    expect(admits(two, mallory, topic)).toBe(false);
  });

  it('look at the sender alone for a key', () => {
    const one = [channel({ dids: [alice.did], topics: [topic] })];
    const rules = inboundRulesOf(one);
    expect(rules && rulesAdmit(rules, alice, undefined)).toBe(true);
    expect(rules && rulesAdmit(rules, mallory, undefined)).toBe(false);
  });

  it('compare DIDs and roles byte for byte, never by substring', () => {
    const one = [channel({ dids: [alice.did], roles: ['user.roles.a.apps.b.iam.ewc'] })];
    for (const did of [`${alice.did}x`, alice.did.slice(0, -1), alice.did.toUpperCase(), ` ${alice.did}`]) {
      expect(
        admits(one, { did, roles: ['user.roles.a.apps.b.iam.ewc.evil', 'xuser.roles.a.apps.b.iam.ewc'] }),
      ).toBe(false);
    }
  });
});
