// Upload and download URLs as they are signed in Azure: with a user-delegation key over https.

import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import type { BlobServiceClient } from '@azure/storage-blob';
import { type BlobConnection } from '../../../shared/adapters/blob/blob-connection';
import { delegationKeyMs, SasSigner, startSkewMs } from '../../../shared/adapters/blob/sas-signer';
import { type Azurite, startSecureAzurite } from '../../support/azurite';
import { connectWithEntra } from '../../support/blob-stores';

jest.setTimeout(60_000);

type Key = Awaited<ReturnType<BlobServiceClient['getUserDelegationKey']>>;

let azurite: Azurite & { readonly certificate: string };
let connection: BlobConnection;
/** Delegation keys that were asked for. */
let keys = 0;
let nowMs = 0;
let signer: SasSigner;

beforeAll(async () => {
  azurite = await startSecureAzurite();
  connection = connectWithEntra(azurite.url, azurite.certificate);
  const client = connection.client();
  const ask = client.getUserDelegationKey.bind(client) as (from: Date, until: Date) => Promise<Key>;
  client.getUserDelegationKey = (from: unknown, until?: unknown) => {
    keys += 1;
    return ask(from as Date, until as Date);
  };
});

afterAll(async () => {
  await azurite.stop();
});

const blob = () => connection.client().getContainerClient('ddhub-files').getBlockBlobClient('0'.repeat(24));

function freshSigner(): void {
  keys = 0;
  nowMs = Date.now();
  signer = new SasSigner(connection, () => nowMs);
}

describe('a signed URL', () => {
  test('is for one blob, over https alone, with the permissions it needs and a start that forgives clocks', async () => {
    freshSigner();
    const url = new URL(await signer.sign(blob(), 'cw', nowMs + 900_000));
    const says = (name: string) => url.searchParams.get(name);
    expect([says('sr'), says('sp'), says('spr')]).toEqual(['b', 'cw', 'https']);
    expect(Date.parse(says('st') ?? '')).toBe(Math.floor((nowMs - startSkewMs) / 1_000) * 1_000);
    expect(Date.parse(says('se') ?? '')).toBe(Math.floor((nowMs + 900_000) / 1_000) * 1_000);
    expect(says('skoid')).not.toBeNull();
  });

  test('of a fixed state is for that state alone', async () => {
    freshSigner();
    const response = { snapshot: '2026-01-02T03:04:05.0000000Z', contentDisposition: 'attachment' };
    const fixed = blob().withSnapshot(response.snapshot);
    const url = new URL(await signer.sign(fixed, 'r', nowMs + 900_000, response));
    expect(url.searchParams.get('sr')).toBe('bs');
    expect(url.searchParams.get('sp')).toBe('r');
    expect(url.searchParams.get('snapshot')).toBe(response.snapshot);
  });
});

describe('the delegation key', () => {
  test('is asked for once by many at once, and again after 80 % of its life', async () => {
    freshSigner();
    const sign = () => signer.sign(blob(), 'r', nowMs + 900_000);
    await Promise.all(Array.from({ length: 20 }, sign));
    nowMs += delegationKeyMs * 0.8 - 1;
    await sign();
    expect(keys).toBe(1);
    nowMs += 1;
    await sign();
    expect(keys).toBe(2);
  });

  test('outlives every URL that it signs', async () => {
    freshSigner();
    await signer.sign(blob(), 'r', nowMs + 900_000);
    nowMs += delegationKeyMs * 0.8 - 1;
    const url = new URL(await signer.sign(blob(), 'r', nowMs + 900_000));
    expect(Date.parse(url.searchParams.get('ske') ?? '')).toBeGreaterThan(
      Date.parse(url.searchParams.get('se') ?? ''),
    );
  });

  test('that the store does not give makes a problem that says so, and is asked for anew', async () => {
    freshSigner();
    const client = connection.client();
    const ask = client.getUserDelegationKey.bind(client);
    client.getUserDelegationKey = () => Promise.reject(new Error('AuthorizationPermissionMismatch'));
    await expect(signer.sign(blob(), 'r', nowMs + 900_000)).rejects.toMatchObject({
      code: 'blob-store-unavailable',
    });
    client.getUserDelegationKey = ask;
    await expect(signer.sign(blob(), 'r', nowMs + 900_000)).resolves.toContain('sig=');
  });
});
