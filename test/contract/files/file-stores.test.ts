// One contract for the stores of files, held by Azurite over both ways to sign, and by the stand-in in memory.

import { createHash, randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import {
  dueAtMs,
  type FileRecord,
  newFileId,
  openFile,
  removed,
  shared,
} from '../../../shared/files/file-record';
import { blobBackends, type BlobStores } from '../../support/blob-stores';

jest.setTimeout(60_000);

async function all(bytes: AsyncIterable<Uint8Array> | undefined): Promise<Buffer | undefined> {
  if (!bytes) return undefined;
  const chunks: Uint8Array[] = [];
  for await (const chunk of bytes) chunks.push(chunk);
  return Buffer.concat(chunks);
}

const newRecord = (fields: Partial<FileRecord> = {}): FileRecord => ({
  ...openFile(
    newFileId(),
    {
      ownerDid: 'did:ethr:volta:0x1',
      recipients: ['did:ethr:volta:0x2'],
      topicId: '0'.repeat(24),
      topicVersion: '1.0.0',
      fileName: 'Zähler "1"\r\n.csv',
      sizeBytes: 3,
      sha256: 'f'.repeat(64),
      signature: '–',
      clientGatewayMessageId: 'id',
      payloadEncryption: true,
    },
    '1h',
    Date.now() + 60_000,
    0,
  ),
  ...fields,
});

describe.each(blobBackends)('the stores of files on $name', ({ open, verifiesSnapshotUrls }) => {
  let stores: BlobStores;

  beforeAll(async () => {
    stores = await open(() => Date.now());
  });

  afterAll(async () => {
    await stores.stop();
  });

  describe('keep records', () => {
    test('that come back as they were, with thousands of recipients', async () => {
      const record = newRecord({
        recipients: Array.from({ length: 10_000 }, (_none, index) => `did:ethr:volta:0x${index}`),
      });
      const { version } = await stores.records.create(record);
      expect(await stores.records.read(record.fileId)).toEqual({ record, version });
      expect(await stores.records.read(newFileId())).toBeUndefined();
    });

    test('that only who has seen the last state can change or delete', async () => {
      const first = await stores.records.create(newRecord());
      const { fileId } = first.record;
      const changed = removed(first.record);
      const winners = await Promise.all(
        Array.from({ length: 5 }, () => stores.records.replace(changed, first.version)),
      );
      const [second, ...others] = winners.filter((winner) => winner !== undefined);
      expect(others).toEqual([]);
      expect(await stores.records.delete(fileId, first.version)).toBe(false);
      expect(await stores.records.read(fileId)).toEqual(second);
      expect(await stores.records.delete(fileId, second?.version ?? '')).toBe(true);
      expect(await stores.records.delete(fileId, second?.version ?? '')).toBe(false);
      expect(await stores.records.replace(changed, second?.version ?? '')).toBeUndefined();
      expect(await stores.records.read(fileId)).toBeUndefined();
    });

    test('that are found when they are due, and no earlier', async () => {
      const nowMs = Date.now();
      const early = await stores.records.create(newRecord({ endsAtMs: nowMs - 7_200_000 }));
      const late = await stores.records.create(newRecord());
      const found = await stores.records.findDue(nowMs, 100);
      expect(found).toContain(early.record.fileId);
      expect(found).not.toContain(late.record.fileId);
      expect(await stores.records.findDue(dueAtMs(late.record) - 1, 100)).not.toContain(late.record.fileId);
      expect(await stores.records.findDue(dueAtMs(late.record), 100)).toContain(late.record.fileId);
      const longer = shared(early.record, [], 86_400_000, nowMs);
      await stores.records.replace(longer, early.version);
      expect(await stores.records.findDue(nowMs, 100)).not.toContain(early.record.fileId);
    });
  });

  test('count the open ones of an owner', async () => {
    const ownerDid = `did:ethr:volta:0x${newFileId()}`;
    const create = () => stores.records.create(newRecord({ ownerDid }));
    expect(await stores.records.countOpen(ownerDid, 10)).toBe(0);
    const [first] = [await create(), await create(), await create()];
    expect(await stores.records.countOpen(ownerDid, 10)).toBe(3);
    expect(await stores.records.countOpen(ownerDid, 2)).toBe(2);
    await stores.records.replace(removed(first.record), first.version);
    expect(await stores.records.countOpen(ownerDid, 10)).toBe(2);
  });

  describe('keep contents', () => {
    test.each([0, 1, 524_287, 524_288, 524_289, 3_000_000])(
      'of %i bytes, written in pieces',
      async (size) => {
        const fileId = newFileId();
        const bytes = randomBytes(size);
        const upload = stores.contents.upload(fileId);
        for (let start = 0; start < size; start += 70_000)
          await upload.write(bytes.subarray(start, start + 70_000));
        expect(await stores.contents.read(fileId, undefined)).toBeUndefined();
        await upload.commit();
        expect((await all(await stores.contents.read(fileId, undefined)))?.equals(bytes)).toBe(true);
      },
    );

    test('that are not there after an upload is discarded', async () => {
      const fileId = newFileId();
      const upload = stores.contents.upload(fileId);
      await upload.write(randomBytes(2_000_000));
      await upload.discard();
      expect(await stores.contents.fix(fileId)).toBeUndefined();
      await stores.contents.delete(fileId);
    });

    test('whose fixed state stays what it was, until it is deleted', async () => {
      const fileId = newFileId();
      expect(await stores.contents.fix(fileId)).toBeUndefined();
      const { url } = await stores.contents.uploadUrl(fileId, Date.now() + 60_000);
      expect(await stores.put(url, Buffer.from('first'))).toBe(201);
      const fixed = await stores.contents.fix(fileId);
      expect(fixed?.sizeBytes).toBe(5);
      expect(await stores.put(url, Buffer.from('second'))).toBe(201);
      expect((await all(await stores.contents.read(fileId, fixed?.snapshot)))?.toString()).toBe('first');
      await stores.contents.unfix(fileId, fixed?.snapshot ?? '');
      expect(await stores.contents.read(fileId, fixed?.snapshot)).toBeUndefined();
      await stores.contents.fix(fileId);
      await stores.contents.delete(fileId);
      expect(await stores.contents.read(fileId, undefined)).toBeUndefined();
      await stores.contents.delete(fileId);
    });

    test('that the store compares with digests of their blocks, and keeps nothing of it', async () => {
      const fileId = newFileId();
      const bytes = randomBytes(5_500_000);
      const md5 = [0, 1, 2, 3, 4, 5].map((index) =>
        createHash('md5')
          .update(bytes.subarray(index * 1_000_000, (index + 1) * 1_000_000))
          .digest('base64'),
      );
      const untilMs = Date.now() + 60_000;
      const { url } = await stores.contents.uploadUrl(fileId, untilMs);
      expect(await stores.put(url, bytes)).toBe(201);
      const fixed = await stores.contents.fix(fileId);
      if (!fixed) throw new Error('unreachable');
      const compare = (digests: readonly string[]) =>
        stores.contents.findWrongBlock(fileId, fixed, { bytes: 1_000_000, md5: digests }, untilMs);
      if (!verifiesSnapshotUrls) {
        await expect(compare(md5)).rejects.toMatchObject({ code: 'blob-store-unavailable' });
        return;
      }
      expect(await compare(md5)).toBeUndefined();
      expect(await compare(md5.with(4, md5[0] ?? ''))).toBe(4);
      // What was verified is the fixed state, not what is written later.
      expect(await stores.put(url, randomBytes(5_500_000))).toBe(201);
      expect(await compare(md5)).toBeUndefined();
    });

    test('that are downloaded by a URL', async () => {
      const fileId = newFileId();
      const endsAtMs = Date.now() + 60_000;
      const { url } = await stores.contents.uploadUrl(fileId, endsAtMs);
      await stores.put(url, Buffer.from('content'));
      const current = await stores.contents.downloadUrl(
        fileId,
        undefined,
        endsAtMs,
        'attachment; filename="x"',
      );
      expect((await stores.get(current.url)).toString()).toBe('content');
      const fixed = await stores.contents.fix(fileId);
      const snapshot = await stores.contents.downloadUrl(fileId, fixed?.snapshot, endsAtMs, 'attachment');
      expect((await stores.get(snapshot.url)).toString()).toBe(verifiesSnapshotUrls ? 'content' : '403');
    });
  });
});
