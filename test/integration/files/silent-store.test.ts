// A Blob store that takes requests and says nothing, or nothing more: every call is given up and its request ended,
// so that nothing lands much later. A stand-in, because Azurite answers; time runs on whenever it is silent.

import { AnonymousCredential, BlobServiceClient } from '@azure/storage-blob';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { BlobConnection } from '../../../shared/adapters/blob/blob-connection';
import { BlobFileContents } from '../../../shared/adapters/blob/blob-file-contents';
import { BlobFileRecords } from '../../../shared/adapters/blob/blob-file-records';
import { BlobPayloadStore } from '../../../shared/adapters/blob/blob-payload-store';
import { Containers } from '../../../shared/adapters/blob/containers';
import { SasSigner } from '../../../shared/adapters/blob/sas-signer';
import { openFile } from '../../../shared/files/file-record';
import { azuriteConnectionString } from '../../../scripts/stack/azurite';

/** More than any call may last. */
const longSilenceMs = 120_000;
const fileId = '0'.repeat(24);

let server: Server;
/** Whether it answers a request by itself. */
let answers: (request: IncomingMessage, response: ServerResponse) => boolean;
/** Of each request that got no answer: settles when its connection is closed. */
let unanswered: Promise<void>[];
let connection: BlobConnection;

/** Containers are there. */
const isContainerQuestion = ({ url = '' }: IncomingMessage): boolean =>
  url.includes('restype=container') && !url.includes('comp=');

beforeEach(async () => {
  unanswered = [];
  answers = (request, response) => {
    if (isContainerQuestion(request)) response.writeHead(200).end();
    return isContainerQuestion(request);
  };
  server = createServer((request, response) => {
    request.resume();
    if (answers(request, response)) return;
    unanswered.push(
      new Promise((resolve) => {
        response.once('close', resolve);
      }),
    );
    request.once('end', () => jest.advanceTimersByTime(longSilenceMs));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  connection = new BlobConnection({
    kind: 'connection-string',
    connectionString: azuriteConnectionString(portOf(server)),
  });
  jest.useFakeTimers({
    doNotFake: ['Date', 'hrtime', 'nextTick', 'performance', 'queueMicrotask', 'setImmediate', 'setInterval'],
  });
});

afterEach(async () => {
  jest.useRealTimers();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

const portOf = (listening: Server): number => (listening.address() as AddressInfo).port;

function stores() {
  const containers = new Containers(connection);
  const signer = new SasSigner(connection, Date.now);
  return {
    containers,
    contents: new BlobFileContents(containers, signer),
    records: new BlobFileRecords(containers),
    payloads: new BlobPayloadStore(containers),
  };
}

const description = {
  ownerDid: 'did:ethr:volta:0xa',
  recipients: [],
  topicId: '0'.repeat(24),
  topicVersion: '1.0.0',
  fileName: 'x',
  sizeBytes: 1,
  sha256: '0'.repeat(64),
  signature: '',
  clientGatewayMessageId: '',
  payloadEncryption: true,
};
const fixed = { snapshot: undefined, sizeBytes: 3 };
const blocks = { bytes: 2, md5: ['AAAAAAAAAAAAAAAAAAAAAA==', 'AAAAAAAAAAAAAAAAAAAAAA=='] };

type Stores = ReturnType<typeof stores>;

const calls: Readonly<Record<string, (open: Stores) => Promise<unknown>>> = {
  'fixing bytes': ({ contents }) => contents.fix(fileId),
  'forgetting a fixed state': ({ contents }) => contents.unfix(fileId, '2026-01-01T00:00:00.0000000Z'),
  'beginning to read bytes': ({ contents }) => contents.read(fileId, undefined),
  'deleting bytes': ({ contents }) => contents.delete(fileId),
  'comparing blocks': ({ contents }) =>
    contents.findWrongBlock(fileId, fixed, blocks, Date.now() + longSilenceMs),
  'uploading few bytes': async ({ contents }) => {
    const upload = contents.upload(fileId);
    await upload.write(Buffer.from('few'));
    await upload.commit();
  },
  'uploading a block': async ({ contents }) => {
    const upload = contents.upload(fileId);
    await upload.write(Buffer.alloc(600_000));
    await upload.commit();
  },
  'creating a record': ({ records }) => records.create(openFile(fileId, description, '1h', 0, 0)),
  'reading a record': ({ records }) => records.read(fileId),
  'deleting a record': ({ records }) => records.delete(fileId, '"1"'),
  'finding records that are due': ({ records }) => records.findDue(Date.now(), 1),
  'counting open slots': ({ records }) => records.countOpen('did:ethr:volta:0xa', 1),
  'storing a payload': ({ payloads }) => payloads.put(Buffer.from('x'), Date.now()),
  'reading a payload': ({ payloads }) => payloads.get('x'),
  'deleting a payload': ({ payloads }) => payloads.delete('x'),
  'finding payloads that are due': ({ payloads }) => payloads.findDue(Date.now(), 1),
};

describe('regression: a store that is silent is given up, and its request ended:', () => {
  test.each(Object.keys(calls))('%s', async (name) => {
    await expect(calls[name]?.(stores())).rejects.toMatchObject({ code: 'blob-store-unavailable' });
    expect(unanswered).not.toHaveLength(0);
    await Promise.all(unanswered);
  });

  test('committing blocks', async () => {
    answers = (request, response) => {
      const isAnswered = isContainerQuestion(request) || request.url?.includes('comp=block&') === true;
      if (isAnswered) response.writeHead(isContainerQuestion(request) ? 200 : 201).end();
      return isAnswered;
    };
    await expect(calls['uploading a block']?.(stores())).rejects.toMatchObject({
      code: 'blob-store-unavailable',
    });
    expect(unanswered).toHaveLength(1);
    await Promise.all(unanswered);
  });

  test('looking for a container', async () => {
    answers = () => false;
    await expect(stores().containers.open('files')).rejects.toMatchObject({ code: 'blob-store-unavailable' });
    await Promise.all(unanswered);
  });

  test('asking for the key that signs URLs, for all who wait for it, and asks anew then', async () => {
    const anonymous = new BlobConnection({ kind: 'identity', serviceUrl: '' }, () => {
      const url = `http://127.0.0.1:${portOf(server)}/account`;
      return new BlobServiceClient(url, new AnonymousCredential());
    });
    const signer = new SasSigner(anonymous, Date.now);
    const blob = anonymous.client().getContainerClient('c').getBlockBlobClient('b');
    const sign = () =>
      expect(signer.sign(blob, 'r', Date.now())).rejects.toMatchObject({ code: 'blob-store-unavailable' });
    await Promise.all([sign(), sign(), sign()]);
    expect(unanswered).toHaveLength(1);
    await Promise.all(unanswered);
    await sign();
    expect(unanswered).toHaveLength(2);
  });
});

describe('a download', () => {
  const body: { send?: (bytes: Buffer) => void; closed?: Promise<void> } = {};

  beforeEach(() => {
    answers = (request, response) => {
      response.writeHead(200, {
        etag: '"1"',
        ...(isContainerQuestion(request) ? {} : { 'content-length': 6 }),
      });
      if (isContainerQuestion(request)) {
        response.end();
        return true;
      }
      body.send = (bytes) => response.write(bytes);
      body.closed = new Promise((resolve) => {
        response.once('close', resolve);
      });
      body.send(Buffer.from('abc'));
      return true;
    };
  });

  const begin = async () => {
    const bytes = await stores().contents.read(fileId, undefined);
    if (!bytes) throw new Error('there are no bytes');
    const iterator = bytes[Symbol.asyncIterator]();
    expect((await iterator.next()).value).toEqual(Buffer.from('abc'));
    return iterator;
  };

  test('regression: is given up when no more bytes come, and its request ended', async () => {
    const iterator = await begin();
    const more = iterator.next();
    jest.advanceTimersByTime(longSilenceMs);
    await expect(more).rejects.toMatchObject({ code: 'blob-store-unavailable' });
    await body.closed;
  });

  test('goes on when its reader takes its time', async () => {
    const iterator = await begin();
    jest.advanceTimersByTime(longSilenceMs);
    body.send?.(Buffer.from('def'));
    expect((await iterator.next()).value).toEqual(Buffer.from('def'));
    expect((await iterator.next()).done).toBe(true);
  });
});
