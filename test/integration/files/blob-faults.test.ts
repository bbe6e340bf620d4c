// What the Blob store's refusals become. Azurite cannot be made to answer them, so a server in its place does.

import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { BlobConnection } from '../../../shared/adapters/blob/blob-connection';
import { BlobFileContents } from '../../../shared/adapters/blob/blob-file-contents';
import { BlobFileRecords } from '../../../shared/adapters/blob/blob-file-records';
import { Containers } from '../../../shared/adapters/blob/containers';
import { SasSigner } from '../../../shared/adapters/blob/sas-signer';
import { azuriteConnectionString } from '../../../scripts/stack/azurite';

jest.setTimeout(60_000);

let server: Server;
let answer = { status: 200, code: '' };

beforeAll(async () => {
  server = createServer((request, response) => {
    request.resume();
    // The containers are there.
    const isContainer = request.url?.includes('restype=container') ?? false;
    response.writeHead(isContainer ? 200 : answer.status, {
      'x-ms-error-code': answer.code,
      'content-type': 'application/xml',
    });
    response.end(`<?xml version="1.0"?><Error><Code>${answer.code}</Code><Message>secret</Message></Error>`);
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
});

afterAll(async () => {
  await new Promise((closed) => server.close(closed));
});

test.each([
  [503, 'ServerBusy'],
  [500, 'OperationTimedOut'],
  [403, 'AuthorizationPermissionMismatch'],
  [403, 'InsufficientAccountPermissions'],
  [409, 'LeaseIdMissing'],
  [409, 'ContainerBeingDeleted'],
  [429, 'TooManyRequests'],
])(
  'an answer of %i %s is a problem of the store, to be tried again, and reveals nothing',
  async (status, code) => {
    answer = { status, code };
    const { port } = server.address() as AddressInfo;
    const connection = new BlobConnection({
      kind: 'connection-string',
      connectionString: azuriteConnectionString(port),
    });
    const containers = new Containers(connection);
    const contents = new BlobFileContents(containers, new SasSigner(connection, () => Date.now()));
    const fileId = '0'.repeat(24);
    const upload = contents.upload(fileId);
    const fixed = { snapshot: '2026-01-01T00:00:00.0000000Z', sizeBytes: 10 };
    const digest = Buffer.alloc(16).toString('base64');
    const calls = [
      () => new BlobFileRecords(containers).read(fileId),
      () => contents.fix(fileId),
      () => contents.delete(fileId),
      () => contents.findWrongBlock(fileId, fixed, { bytes: 10, md5: [digest] }, Date.now() + 60_000),
      async () => {
        await upload.write(Buffer.alloc(1_500_000));
        await upload.commit();
      },
    ];
    for (const call of calls) {
      const failure: unknown = await call().catch((error: unknown) => error);
      expect(failure).toMatchObject({ code: 'blob-store-unavailable', retryAfterSeconds: 5 });
      expect((failure as Error).message).not.toContain('secret');
    }
    await upload.discard();
  },
);
