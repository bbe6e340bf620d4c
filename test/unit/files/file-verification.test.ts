// How much verifying runs at once, whoever asks for it.

import { beforeEach, expect, test } from '@jest/globals';
import { ContentValidation, FileCompletion, PublishedFiles } from '../../../shared/files';
import { newFileId, openFile } from '../../../shared/files/file-record';
import type { StoredRecord } from '../../../shared/files/file-store';
import { MessageIds } from '../../../shared/messages';
import { RetentionPolicy } from '../../../shared/retention';
import { MemoryFileStore } from '../../support/memory-file-store';

const hour = { name: '1h', spanMs: 3_600_000 };
const unused = () => Promise.reject(new Error('not used here'));

let store: MemoryFileStore;
let completion: FileCompletion;
/** Of each state that was fixed, in order: lets its verification go on. */
let held: (() => void)[];

beforeEach(() => {
  store = new MemoryFileStore();
  held = [];
  const { records, contents } = store.open(async (call) => {
    if (call === 'fix') await new Promise<void>((resolve) => held.push(resolve));
  });
  const schema = { schemaType: 'JSD7' as const, schemaHash: '', readText: () => Promise.resolve('{}') };
  const topic = { id: '', revision: 1, schemaType: 'JSD7' as const, deleted: false, versions: new Map() };
  completion = new FileCompletion({
    records,
    contents,
    catalog: { requireVersion: () => Promise.resolve({ topic, schema }) },
    validation: new ContentValidation({
      payloads: { compile: unused, validatePayload: unused },
      maxWholeBytes: 0,
    }),
    delivery: { deliver: unused },
    published: new PublishedFiles(
      { read: unused, lastSeq: unused, at: unused, generation: unused },
      new MessageIds([{ number: 1, key: Buffer.alloc(32, 1) }]),
    ),
    retention: new RetentionPolicy([hour], hour),
    maxDigestBytes: 1_000_000,
    clock: Date.now,
  });
});

/** An uploaded file whose digest is not the declared one. */
async function wrongFile(ownerDid: string): Promise<StoredRecord> {
  const fileId = newFileId();
  store.put(fileId, Buffer.from('x'));
  const description = {
    ownerDid,
    recipients: [],
    topicId: '',
    topicVersion: '1.0.0',
    fileName: '',
    sizeBytes: 1,
    sha256: '0'.repeat(64),
    signature: '',
    clientGatewayMessageId: '',
    payloadEncryption: true,
  };
  return store.open().records.create(openFile(fileId, description, hour.name, Date.now() + hour.spanMs, 0));
}

const complete = (file: StoredRecord) =>
  expect(completion.complete({ did: file.record.ownerDid, roles: [] }, file)).rejects.toMatchObject({
    code: 'file-mismatch',
  });

/** Lets everything happen that can: a turn that ends is passed on in a turn of the event loop of its own. */
async function settle(): Promise<void> {
  for (let turns = 0; turns < 10; turns++) await new Promise((resolve) => setImmediate(resolve));
}

test('regression: who completes a file many times at once has it verified once, and anew afterwards', async () => {
  const file = await wrongFile('did:ethr:volta:0xa');
  const all = Promise.all(Array.from({ length: 20 }, () => complete(file)));
  await settle();
  expect(held).toHaveLength(1);
  held[0]?.();
  await all;
  const again = complete(file);
  await settle();
  expect(held).toHaveLength(2);
  held[1]?.();
  await again;
});

test('regression: an owner has one file verified at a time, and others theirs meanwhile', async () => {
  const files = [
    await wrongFile('did:ethr:volta:0xa'),
    await wrongFile('did:ethr:volta:0xa'),
    await wrongFile('did:ethr:volta:0xb'),
  ];
  const all = Promise.all(files.map(complete));
  await settle();
  expect(held).toHaveLength(2);
  held[0]?.();
  held[1]?.();
  await settle();
  expect(held).toHaveLength(3);
  held[2]?.();
  await all;
});
