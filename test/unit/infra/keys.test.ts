// The secrets of a deployment: what is made, what is kept, and that the program understands what a rotation leaves.

import { describe, expect, it } from '@jest/globals';
import { X509Certificate } from 'node:crypto';
import { databaseUserStatements, sidOf } from '../../../scripts/deploy/database-user';
import { nextSecrets, type Rotation, type Secret } from '../../../scripts/deploy/keys';
import { readSettings } from '../../../shared/config/settings';
import { MessageIds } from '../../../shared/messages';
import { usableSettings } from '../../support/usable-settings';

const hosts = ['nats-0.example.internal', 'nats-1.example.internal', 'nats-2.example.internal'];

/** Vaults in memory; each call writes what nextSecrets asks for and tells it. */
function vaults() {
  const held = new Map<string, string>();
  return {
    get: (path: string) => held.get(path) ?? '',
    next: async (...rotate: Rotation[]): Promise<readonly Secret[]> => {
      const secrets = await nextSecrets({
        current: (vault, name) => held.get(`${vault}/${name}`),
        rotate: new Set(rotate),
        hosts,
        now: new Date('2026-01-01T00:00:00Z'),
      });
      for (const { vault, name, value } of secrets) held.set(`${vault}/${name}`, value);
      return secrets;
    },
  };
}

const settingsWith = (changed: Record<string, string>) => readSettings({ ...usableSettings, ...changed });

describe('the first run', () => {
  it('makes every secret, and a second run none', async () => {
    const vault = vaults();
    const made = await vault.next();
    expect(made.map(({ vault: where, name }) => `${where}/${name}`).sort()).toEqual([
      'broker/message-id-key',
      'broker/nats-broker-seed',
      'broker/nats-ca',
      'broker/token-signing-key',
      'nats/nats-0-certificate',
      'nats/nats-0-key',
      'nats/nats-1-certificate',
      'nats/nats-1-key',
      'nats/nats-2-certificate',
      'nats/nats-2-key',
      'nats/nats-broker-nkey',
      'nats/nats-ca',
    ]);
    expect(await vault.next()).toEqual([]);
  });

  it('gives the nodes nothing that opens the broker', async () => {
    const vault = vaults();
    const seed = (await vault.next()).find(({ name }) => name === 'nats-broker-seed')?.value ?? '';
    expect(seed).toMatch(/^SU[A-Z2-7]{56}$/);
    expect(vault.get('nats/nats-broker-nkey')).toMatch(/^U[A-Z2-7]{55}$/);
    expect((await vault.next('nats-nkey')).map(({ name }) => name)).toEqual([
      'nats-broker-nkey',
      'nats-broker-seed',
    ]);
  });

  it('makes settings that the program accepts', async () => {
    const vault = vaults();
    await vault.next();
    const settings = settingsWith({
      TOKEN_SIGNING_KEY: vault.get('broker/token-signing-key'),
      MESSAGE_ID_KEY: vault.get('broker/message-id-key'),
      NATS_CREDENTIALS: vault.get('broker/nats-broker-seed'),
      NATS_CA_PEM: vault.get('broker/nats-ca'),
    });
    expect(settings.messageIdKeys).toHaveLength(1);
  });
});

describe('a rotated token signing key', () => {
  it('signs from then on, and the old ones still verify, without their private parts', async () => {
    const vault = vaults();
    await vault.next();
    const kids = () =>
      (JSON.parse(vault.get('broker/token-signing-key')) as { keys: { kid: string; d?: string }[] }).keys;
    const [first] = kids();
    await vault.next('token-signing-key');
    const after = kids();
    expect(after.map(({ kid }) => kid)).toContain(first?.kid);
    expect(after[0]?.kid).not.toBe(first?.kid);
    expect(after.map(({ d }) => d !== undefined)).toEqual([true, false]);
    await vault.next('token-signing-key');
    await vault.next('token-signing-key');
    expect(kids()).toHaveLength(3);
    expect(() => settingsWith({ TOKEN_SIGNING_KEY: vault.get('broker/token-signing-key') })).not.toThrow();
  });

  it('may have been a single key before', async () => {
    const single = JSON.parse(usableSettings.TOKEN_SIGNING_KEY) as { kid: string };
    const [secret] = await nextSecrets({
      current: (_vault, name) =>
        name === 'token-signing-key' ? usableSettings.TOKEN_SIGNING_KEY : undefined,
      rotate: new Set(['token-signing-key']),
      hosts: [],
      now: new Date(),
    });
    const { keys } = JSON.parse(secret?.value ?? '') as { keys: { kid: string }[] };
    expect(keys[1]?.kid).toBe(single.kid);
  });
});

describe('a rotated message id key', () => {
  const idsOf = (value: string) => new MessageIds(settingsWith({ MESSAGE_ID_KEY: value }).messageIdKeys);

  it('seals from then on, and ids sealed before still open', async () => {
    const vault = vaults();
    await vault.next();
    const before = vault.get('broker/message-id-key');
    await vault.next('message-id-key');
    const after = vault.get('broker/message-id-key');
    expect(after.split(',')).toHaveLength(2);
    expect(after.endsWith(before)).toBe(true);
    expect(idsOf(after)).toBeInstanceOf(MessageIds);
    await vault.next('message-id-key-drop-old');
    expect(vault.get('broker/message-id-key')).toBe(after.split(',')[0]);
  });

  it('gets a number that no kept key has, beyond 255 too', async () => {
    const key = (number: number) => `${number}:${Buffer.alloc(32, number).toString('base64url')}`;
    const present = [key(255), key(0), key(1)].join(',');
    const secrets = await nextSecrets({
      current: (_vault, name) => (name === 'message-id-key' ? present : undefined),
      rotate: new Set(['message-id-key']),
      hosts: [],
      now: new Date(),
    });
    expect(secrets.find(({ name }) => name === 'message-id-key')?.value).toMatch(/^2:/);
  });
});

describe('the certificates of the nodes', () => {
  const parse = (pem: string) => new X509Certificate(pem);

  it('are signed by the published signer and hold the names of their nodes', async () => {
    const vault = vaults();
    await vault.next();
    const signer = parse(vault.get('nats/nats-ca'));
    for (const [index, host] of hosts.entries()) {
      const certificate = parse(vault.get(`nats/nats-${index}-certificate`));
      expect(certificate.verify(signer.publicKey)).toBe(true);
      expect(certificate.checkHost(host)).toBe(host);
      expect(certificate.ca).toBe(false);
    }
    expect(signer.ca).toBe(true);
  });

  const signersIn = (pem: string) => pem.match(/BEGIN CERTIFICATE/g)?.length;

  it('are renewed in three steps, so that everyone trusts the new signer before it is used', async () => {
    const vault = vaults();
    await vault.next();
    const old = vault.get('nats/nats-0-certificate');
    await expect(vault.next('nats-certificates-switch')).rejects.toThrow('nats-certificates first');
    await vault.next('nats-certificates');
    expect(vault.get('nats/nats-0-certificate')).toBe(old);
    expect(signersIn(vault.get('broker/nats-ca'))).toBe(2);
    await expect(vault.next('nats-certificates-drop-old')).rejects.toThrow('nats-certificates-switch first');
    await vault.next('nats-certificates-switch');
    expect(vault.get('nats/nats-0-certificate')).not.toBe(old);
    await vault.next('nats-certificates-drop-old');
    expect(signersIn(vault.get('nats/nats-ca'))).toBe(1);
    expect(vault.get('broker/nats-ca')).toBe(vault.get('nats/nats-ca'));
    const signer = parse(vault.get('nats/nats-ca'));
    expect(parse(vault.get('nats/nats-0-certificate')).verify(signer.publicKey)).toBe(true);
    expect(await vault.next('nats-certificates-drop-old')).toEqual([]);
  });

  it('regression: leave the old signer trusted when they are switched, for nodes that show theirs', async () => {
    const vault = vaults();
    await vault.next();
    await vault.next('nats-certificates');
    const both = vault.get('nats/nats-ca');
    const written = await vault.next('nats-certificates-switch');
    expect(written.map(({ name }) => name)).not.toContain('nats-ca');
    expect(vault.get('nats/nats-ca')).toBe(both);
  });

  it('leave one signer when they were asked for twice before they were switched', async () => {
    const vault = vaults();
    await vault.next();
    await vault.next('nats-certificates');
    await vault.next('nats-certificates');
    expect(signersIn(vault.get('nats/nats-ca'))).toBe(3);
    await vault.next('nats-certificates-switch');
    await vault.next('nats-certificates-drop-old');
    const signer = parse(vault.get('nats/nats-ca'));
    expect(signersIn(vault.get('nats/nats-ca'))).toBe(1);
    expect(parse(vault.get('nats/nats-2-certificate')).verify(signer.publicKey)).toBe(true);
  });
});

describe('the database user', () => {
  it('is the identity by its client id, in the order of bytes of SQL Server', () => {
    expect(sidOf('aabbccdd-eeff-0011-2233-445566778899')).toBe('0xDDCCBBAAFFEE11002233445566778899');
    expect(databaseUserStatements('id-broker-x1', 'aabbccdd-eeff-0011-2233-445566778899')[0]).toContain(
      'create user [id-broker-x1] with sid = 0xDDCCBBAAFFEE11002233445566778899, type = E',
    );
  });

  it.each([
    ["x'; drop table topic; --", 'aabbccdd-eeff-0011-2233-445566778899'],
    ['x]', 'aabbccdd-eeff-0011-2233-445566778899'],
    ['id-broker', "' or 1=1"],
  ])('is no text that could be anything else: %s', (identity, clientId) => {
    expect(() => databaseUserStatements(identity, clientId)).toThrow();
  });
});
