// Roles on real NATS with two instances: who holds one, as of the last login or refresh, fast with 10,000 participants.

import { writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { createIdentityToken, createKeyPair, didOf, type KeyPair } from '../../../client';
import { BucketScan } from '../../../shared/adapters/nats/bucket-scan';
import { DirectGet } from '../../../shared/adapters/nats/direct-get';
import type { JetStream } from '../../../shared/adapters/nats/jetstream';
import { participantBucket } from '../../../shared/adapters/nats/names';
import { JetStreamParticipantDirectory } from '../../../shared/adapters/nats/participant-store';
import { JetStreamRoleIndex } from '../../../shared/adapters/nats/role-index';
import type { StoreLayout } from '../../../shared/adapters/nats/store-layout';
import {
  type Broker,
  type BrokerSite,
  createBrokerSite,
  type Participant,
  topicOwner,
} from '../../support/broker';
import { type NatsServer, startNatsServer } from '../../support/nats-server';
import { openStore } from '../../support/open-store';

jest.setTimeout(30_000);

const userRole = `user.roles.${topicOwner}`;
const role = (name: string): string => `user.roles.${name}.apps.broker.iam.ewc`;

interface Tokens {
  readonly access_token: string;
  readonly refresh_token: string;
}

describe('the roles of participants', () => {
  let server: NatsServer;
  let site: BrokerSite;
  let one: Broker;
  let other: Broker;
  let asker: Participant;
  const rolesOf: Record<string, readonly string[]> = { '*': [userRole] };

  beforeAll(async () => {
    server = await startNatsServer();
    site = await createBrokerSite();
    one = site.start({ natsUrl: server.url });
    other = site.start({ natsUrl: server.url });
    asker = await one.logIn();
  });

  afterAll(async () => {
    await site.close();
    await server.stop();
  });

  async function grant(key: KeyPair, ...roles: readonly string[]): Promise<void> {
    rolesOf[didOf(key)] = roles;
    await writeFile(site.settings['ROLES_FILE'] ?? '', JSON.stringify(rolesOf));
  }

  async function logIn(key: KeyPair, broker = one): Promise<Tokens> {
    const body = { identityToken: createIdentityToken(key) };
    const answer = await broker.request<Tokens>('POST', '/auth/login', body);
    expect(answer.status).toBe(200);
    return answer.body;
  }

  async function refresh(refreshToken: string, broker = one): Promise<Tokens> {
    const answer = await broker.request<Tokens>('POST', '/auth/refresh-token', { refreshToken });
    expect(answer.status).toBe(200);
    return answer.body;
  }

  async function holders(broker: Broker, ...roles: readonly string[]): Promise<readonly string[]> {
    const query = roles.map((name) => `roles=${encodeURIComponent(name)}`).join('&');
    const path = `/roles/list?${query}&searchType=ANY`;
    const answer = await asker.at(broker).request<{ dids: string[] }>('GET', path);
    expect(answer.status).toBe(200);
    return [...answer.body.dids].sort();
  }

  test('are found by any of several, each participant once, from its login on, on every instance', async () => {
    const [alice, bob] = [createKeyPair(), createKeyPair()];
    await grant(alice, role('a'), role('b'));
    await grant(bob, role('b'), role('c'));
    expect(await holders(other, role('a'), role('b'))).toEqual([]);
    await logIn(alice);
    expect(await holders(other, role('a'), role('b'))).toEqual([didOf(alice)]);
    await logIn(bob);
    for (const broker of [one, other]) {
      expect(await holders(broker, role('b'))).toEqual([didOf(alice), didOf(bob)].sort());
      expect(await holders(broker, role('a'), role('b'), role('c'), role('a'))).toHaveLength(2);
      expect(await holders(broker, role('c'))).toEqual([didOf(bob)]);
    }
  });

  test('are compared byte for byte, never by substring', async () => {
    const key = createKeyPair();
    await grant(key, role('exact'));
    await logIn(key);
    const near = [
      role('exac'),
      role('exact').toUpperCase(),
      `${role('exact')}.x`,
      'exact',
      '*',
      '>',
      ' ',
      '',
      '%',
      '__proto__',
    ];
    for (const name of near) expect(await holders(one, name)).toEqual([]);
    expect(await holders(one, ...near, role('exact'))).toEqual([didOf(key)]);
  });

  test('regression, role revocation without effect: a revoked role is gone at the next refresh', async () => {
    const key = createKeyPair();
    await grant(key, role('lost'), role('kept'));
    const tokens = await logIn(key);
    expect(await holders(other, role('lost'))).toEqual([didOf(key)]);
    await grant(key, role('kept'), role('new'));
    const refreshed = await refresh(tokens.refresh_token);
    expect(await holders(other, role('lost'))).toEqual([]);
    expect(await holders(other, role('kept'))).toEqual([didOf(key)]);
    expect(await holders(other, role('new'))).toEqual([didOf(key)]);
    // The older token is still valid, and does not bring the role back.
    for (const token of [tokens.access_token, refreshed.access_token, tokens.access_token]) {
      const answer = await other.request('POST', '/channel/initExtChannel', undefined, token);
      expect(answer.status).toBe(200);
    }
    expect(await holders(one, role('lost'))).toEqual([]);
    expect(await holders(one, role('new'))).toEqual([didOf(key)]);
  });

  test('are nobody’s when none is asked for', async () => {
    for (const path of ['/roles/list', '/roles/list?searchType=ANY', '/roles/list?roles=']) {
      expect(await asker.request('GET', path)).toMatchObject({ status: 200, body: { dids: [] } });
    }
  });

  test.each(['searchType=ALL', 'searchType=', `roles=${'x'.repeat(256)}`, 'roles=%00'])(
    'are not listed for %s',
    async (query) => {
      expect(await asker.request('GET', `/roles/list?${query}`)).toMatchObject({
        status: 400,
        body: { returnCode: '17' },
      });
    },
  );

  test('are not needed to be a participant: whoever has logged in is registered', async () => {
    const check = async (did: string) => {
      const answer = await asker.request('GET', `/roles/check?did=${encodeURIComponent(did)}`);
      return answer.body;
    };
    const key = createKeyPair();
    const did = didOf(key);
    expect(await check(did)).toEqual({ did, registered: false });
    await logIn(key, other);
    expect(await check(did)).toEqual({ did, registered: true });
    for (const text of ['', '*', '>', 'did:', `${did} `, did.toUpperCase(), 'a b', '__proto__']) {
      expect(await check(text)).toEqual({ did: text, registered: false });
    }
    for (const query of ['', `?did=${'x'.repeat(201)}`, '?did=a&did=b', '?did=%00']) {
      expect((await asker.request('GET', `/roles/check${query}`)).status).toBe(400);
    }
  });
});

describe('the role index', () => {
  const countsForMs = 1_000_000;
  let server: NatsServer;
  let jetStream: JetStream;
  let layout: StoreLayout;
  let directory: JetStreamParticipantDirectory;
  let nowMs = 1_760_000_000_000;
  const clock = () => nowMs;

  beforeAll(async () => {
    server = await startNatsServer();
    ({ jetStream, layout } = openStore(server.url));
    directory = new JetStreamParticipantDirectory(layout.bucket(participantBucket, { allowDirect: true }), {
      renewAfterMs: 100_000,
      clock,
    });
  });

  afterAll(async () => {
    await jetStream.close();
    await server.stop();
  });

  function newIndex(): JetStreamRoleIndex {
    const provision = layout.provision(participantBucket, { allowDirect: true });
    const scan = new BucketScan(
      jetStream,
      new DirectGet(jetStream.connections),
      participantBucket,
      provision,
    );
    return new JetStreamRoleIndex(scan, { countsForMs, clock });
  }

  test('answers for 10,000 participants as fast as for a few, after the first question', async () => {
    const count = 10_000;
    for (let start = 0; start < count; start += 200) {
      await Promise.all(
        Array.from({ length: 200 }, (_, index) =>
          directory.register(`did:example:p${start + index}`, ['everybody', `of-${(start + index) % 1_000}`]),
        ),
      );
    }
    const index = newIndex();
    expect(await index.holdersOf(['everybody'])).toHaveLength(count);
    const startedAt = performance.now();
    const turns = 50;
    for (let turn = 0; turn < turns; turn++) {
      expect(await index.holdersOf([`of-${turn}`])).toHaveLength(10);
    }
    expect((performance.now() - startedAt) / turns).toBeLessThan(20);
    await directory.register('did:example:p7', ['of-8']);
    expect(await index.holdersOf(['of-7'])).toHaveLength(9);
    expect(await index.holdersOf(['of-8'])).toHaveLength(11);
  }, 60_000);

  test('sees every registration that was answered before the question, however many ask', async () => {
    const index = newIndex();
    for (let turn = 0; turn < 30; turn++) {
      const did = `did:example:turn${turn}`;
      const asking = Array.from({ length: 5 }, () => index.holdersOf([`turn-${turn}`]));
      await directory.register(did, [`turn-${turn}`]);
      expect(await index.holdersOf([`turn-${turn}`])).toEqual([did]);
      await Promise.all(asking);
    }
  });

  test('forgets whoever has not been here for as long as registered roles count', async () => {
    const index = newIndex();
    await directory.register('did:example:away', ['traveller']);
    await directory.register('did:example:back', ['traveller']);
    nowMs += countsForMs - 1;
    await directory.register('did:example:back', ['traveller']);
    expect(await index.holdersOf(['traveller'])).toHaveLength(2);
    nowMs += 2;
    expect(await index.holdersOf(['traveller'])).toEqual(['did:example:back']);
  });

  test('does not take older roles for newer ones', async () => {
    const index = newIndex();
    await directory.register('did:example:token', ['new'], nowMs);
    await directory.register('did:example:token', ['old'], nowMs - 1);
    await directory.register('did:example:token', ['old'], 0);
    expect(await index.holdersOf(['old'])).toEqual([]);
    await directory.register('did:example:token', ['newest'], nowMs + 1);
    expect(await index.holdersOf(['newest', 'new'])).toEqual(['did:example:token']);
    expect(await index.holdersOf(['new'])).toEqual([]);
  });
});
