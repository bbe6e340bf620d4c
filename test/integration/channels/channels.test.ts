// Channels on real NATS with two instances: governed by their participant alone, enforced at publish everywhere
// within two seconds, and cheap for those who have none.

import { randomBytes } from 'node:crypto';
import { connect } from 'nats';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { type Azurite, startAzurite } from '../../support/azurite';
import {
  type Broker,
  type BrokerSite,
  createBrokerSite,
  type Participant,
  topicOwner,
} from '../../support/broker';
import {
  createTopic,
  failures,
  messageTo,
  payloadsOf,
  type ProblemAnswer,
  publish,
  search,
  send,
  sentIds,
} from '../../support/broker-messages';
import { uploadFile } from '../../support/broker-upload';
import { eventually } from '../../support/eventually';
import { type NatsServer, startNatsServer } from '../../support/nats-server';

jest.setTimeout(30_000);

let server: NatsServer;
let azurite: Azurite;
let site: BrokerSite;
let one: Broker;
let other: Broker;
let alice: Participant;
let topicId: string;

beforeAll(async () => {
  [server, azurite] = await Promise.all([startNatsServer(), startAzurite()]);
  site = await createBrokerSite({ BLOB_CONNECTION_STRING: azurite.connectionString });
  one = site.start({ natsUrl: server.url });
  other = site.start({ natsUrl: server.url });
  alice = await one.logIn();
  topicId = await createTopic(alice);
});

afterAll(async () => {
  await site.close();
  await Promise.all([server.stop(), azurite.stop()]);
});

const open = { type: 'sub', topics: [], dids: [], roles: [], enforced: true };

async function put(owner: Participant, name: string, channel: object): Promise<void> {
  const answer = await owner.request('PUT', `/channels/${encodeURIComponent(name)}`, channel);
  expect(answer).toMatchObject({ status: 200, body: { fqcn: name, ...channel } });
}

/** Whether a message from one to the other is accepted; a refusal has the contract's code. */
async function isAdmitted(sender: Participant, recipient: Participant, topic = topicId): Promise<boolean> {
  const answer = await publish(sender, messageTo([recipient.did], topic));
  for (const { err } of failures(answer)) expect(err?.code).toBe('MB::CHANNEL_RESTRICTED');
  expect(answer.recipients.total).toBe(answer.recipients.sent + answer.recipients.failed);
  return sentIds(answer).length === 1;
}

async function withinTwoSeconds(condition: () => Promise<boolean>): Promise<void> {
  const startedAt = performance.now();
  await eventually(condition);
  expect(performance.now() - startedAt).toBeLessThan(2_000);
}

describe('the channels of a participant', () => {
  test('are created, read, replaced, listed by name and removed', async () => {
    const owner = await one.logIn();
    expect((await owner.request('GET', '/channels')).body).toEqual([]);
    const first = {
      type: 'pubsub',
      topics: [topicId],
      dids: [alice.did],
      roles: ['a.roles.b'],
      enforced: false,
    };
    await put(owner, 'b', first);
    await put(owner, 'a', { ...open, enforced: false });
    expect((await owner.at(other).request('GET', '/channels')).body).toEqual([
      { fqcn: 'a', ...open, enforced: false },
      { fqcn: 'b', ...first },
    ]);
    await put(owner, 'b', { ...first, type: 'upload' });
    expect((await owner.request('GET', '/channels/b')).body).toMatchObject({ type: 'upload' });
    expect(await owner.request('DELETE', '/channels/b')).toMatchObject({
      status: 200,
      body: { returnCode: '00' },
    });
    expect(await owner.request('GET', '/channels/b')).toMatchObject({ status: 404 });
    expect(await owner.request('DELETE', '/channels/b')).toMatchObject({ status: 404 });
  });

  test('are nobody else’s to see or change, whatever they are called', async () => {
    const owner = await one.logIn();
    await put(owner, 'mine', open);
    const stranger = await one.logIn();
    expect((await stranger.request('GET', '/channels')).body).toEqual([]);
    expect((await stranger.request('GET', '/channels/mine')).status).toBe(404);
    expect((await stranger.request('DELETE', '/channels/mine')).status).toBe(404);
    await put(stranger, 'mine', { ...open, dids: [stranger.did] });
    expect((await owner.request('GET', '/channels/mine')).body).toEqual({ fqcn: 'mine', ...open });
  });

  test.each([
    '*',
    '>',
    'a.b',
    'a/b',
    '..%2f',
    ' a ',
    'é',
    'e\u0301',
    '😀',
    '__proto__',
    '$KV.channels.>',
    'x'.repeat(255),
  ])('may be called %j, byte for byte', async (name) => {
    const owner = await one.logIn();
    await put(owner, name, open);
    await put(owner, `${name.slice(0, 200)}2`, { ...open, type: 'pub' });
    expect((await owner.request('GET', `/channels/${encodeURIComponent(name)}`)).body).toMatchObject({
      fqcn: name,
      type: 'sub',
    });
    await owner.request('DELETE', `/channels/${encodeURIComponent(name)}`);
    expect((await owner.request('GET', '/channels')).body).toHaveLength(1);
  });

  test('keep each of many that are made at once, on two instances', async () => {
    const owner = await one.logIn();
    const names = Array.from({ length: 12 }, (_, index) => `channel-${index}`);
    await Promise.all(
      names.map((name, index) => put(owner.at(index % 2 ? one : other), name, { ...open, enforced: false })),
    );
    const listed = (await owner.request<{ fqcn: string }[]>('GET', '/channels')).body;
    expect(listed.map(({ fqcn }) => fqcn)).toEqual([...names].sort());
  });

  test('may name unknown topics, their owner and ten thousand DIDs, and are at most a hundred', async () => {
    const owner = await one.logIn();
    const dids = Array.from({ length: 10_000 }, () => `did:example:${randomBytes(20).toString('hex')}`);
    await put(owner, 'big', { ...open, topics: ['f'.repeat(24)], dids: [owner.did, ...dids.slice(1)] });
    const { request } = owner;
    const refused = async (name: string, body: object) =>
      (await request<ProblemAnswer>('PUT', `/channels/${name}`, { ...open, ...body })).body;
    expect(await refused('big', { dids: [...dids, owner.did] })).toMatchObject({
      status: 400,
      returnCode: '17',
    });
    expect(await refused('big', { topics: ['no topic id'] })).toMatchObject({
      status: 400,
      returnCode: '17',
    });
    expect(await refused('big', { type: 'both' })).toMatchObject({ status: 400, returnCode: '17' });
    expect(await refused('big', { dids: [''] })).toMatchObject({ status: 400, returnCode: '17' });
    expect(await refused('x'.repeat(256), {})).toMatchObject({ status: 400, returnCode: '17' });
    const long = dids.map((did) => did.padEnd(200, '0'));
    await put(owner, 'long', { ...open, dids: long });
    expect(await refused('longer', { dids: long })).toMatchObject({ status: 413, code: 'payload-too-large' });
    const many = await one.logIn();
    for (let index = 0; index < 100; index++) await put(many, `c${index}`, { ...open, enforced: false });
    const tooMany = await many.request<ProblemAnswer>('PUT', '/channels/c100', open);
    expect(tooMany.body).toMatchObject({ status: 409, returnCode: '22' });
  }, 30_000);

  test('drop repeated entries', async () => {
    const owner = await one.logIn();
    const body = {
      ...open,
      dids: ['did:a:1', 'did:a:2', 'did:a:1'],
      topics: [topicId, topicId],
      roles: ['r', 'r'],
    };
    const answer = await owner.request('PUT', '/channels/set', body);
    expect(answer.body).toMatchObject({ dids: ['did:a:1', 'did:a:2'], topics: [topicId], roles: ['r'] });
  });
});

describe('an enforced channel', () => {
  test('refuses at publish what it does not admit, for that recipient alone', async () => {
    const [owner, sender, third] = await Promise.all([one.logIn(), one.logIn(), one.logIn()]);
    expect(await isAdmitted(third, owner)).toBe(true);
    await put(owner, 'in', { ...open, dids: [sender.did] });
    expect(await isAdmitted(sender, owner)).toBe(true);
    const answer = await publish(third, messageTo([owner.did, sender.did], topicId));
    expect(answer.recipients).toEqual({ total: 2, sent: 1, failed: 1 });
    expect(failures(answer)).toEqual([
      {
        did: owner.did,
        statusCode: 400,
        err: { code: 'MB::CHANNEL_RESTRICTED', reason: expect.stringContaining('channels') as unknown },
      },
    ]);
    expect(await search(owner)).toHaveLength(2);
  });

  test('admits by a role of the sender’s token, and by topic', async () => {
    const owner = await one.logIn();
    const otherTopic = await createTopic(alice);
    const sender = await one.logIn();
    await put(owner, 'in', { ...open, roles: [`user.roles.${topicOwner}`], topics: [topicId] });
    expect(await isAdmitted(sender, owner)).toBe(true);
    expect(await isAdmitted(sender, owner, otherTopic)).toBe(false);
    await put(owner, 'in', { ...open, roles: [`user.roles.${topicOwner}.evil`, 'user.roles.tests'] });
    expect(await isAdmitted(sender, owner)).toBe(false);
  });

  test('refuses files alike', async () => {
    const [owner, friend, stranger] = await Promise.all([one.logIn(), one.logIn(), one.logIn()]);
    await put(owner, 'in', { ...open, type: 'download', dids: [friend.did] });
    const refused = await uploadFile(stranger, [owner.did], topicId);
    expect(refused.body.recipients).toEqual({ total: 1, sent: 0, failed: 1 });
    expect(failures(refused.body)).toMatchObject([{ err: { code: 'MB::CHANNEL_RESTRICTED' } }]);
    const sent = await uploadFile(friend, [owner.did], topicId);
    expect(sent.body.recipients).toEqual({ total: 1, sent: 1, failed: 0 });
    expect(await search(owner)).toMatchObject([{ isFile: true, senderDid: friend.did }]);
  });

  test('counts on the other instance within two seconds, and so does its removal', async () => {
    const [owner, sender] = await Promise.all([one.logIn(), one.logIn()]);
    const elsewhere = sender.at(other);
    expect(await isAdmitted(elsewhere, owner)).toBe(true);
    await put(owner, 'in', { ...open, dids: [owner.did] });
    await withinTwoSeconds(async () => !(await isAdmitted(elsewhere, owner)));
    await owner.request('DELETE', '/channels/in');
    await withinTwoSeconds(() => isAdmitted(elsewhere, owner));
  });

  test('does not bring back what was refused, nor touch what was there before', async () => {
    const [owner, sender] = await Promise.all([one.logIn(), one.logIn()]);
    await send(sender, owner, topicId, { payload: 'before' });
    await put(owner, 'in', { ...open, dids: [owner.did] });
    expect(await isAdmitted(sender, owner)).toBe(false);
    await owner.request('DELETE', '/channels/in');
    await send(sender, owner, topicId, { payload: 'after' });
    expect(payloadsOf(await search(owner))).toEqual(['before', 'after']);
  });
});

test('publishing to recipients without channels asks the store for no channel, however many they are', async () => {
  const owner = await one.logIn();
  await put(owner, 'in', open);
  const sender = await one.logIn();
  const recipients = await Promise.all(Array.from({ length: 20 }, () => one.logIn()));
  const dids = recipients.map(({ did }) => did);
  await publish(sender, messageTo(dids, topicId));
  const connection = await connect({ servers: server.url });
  let questions = 0;
  connection.subscribe('$JS.API.STREAM.MSG.GET.KV_channels', { callback: () => questions++ });
  await connection.flush();
  for (let turn = 0; turn < 20; turn++) await publish(sender, messageTo(dids, topicId));
  await connection.flush();
  expect(questions).toBe(0);
  await connection.close();
});
