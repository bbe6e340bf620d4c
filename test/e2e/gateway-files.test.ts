// Existing gateways send each other files.

import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { randomBytes, randomUUID } from 'node:crypto';
import { demoOwner } from '../../scripts/guided/guided-exchange';
import type { ClientGateway } from '../support/gateway/client-gateway';
import { type Deployment, startDeployment } from '../support/gateway/deployment';
import type { OutgoingFile } from '../support/gateway/file-transfer';
import { mustHold } from '../support/gateway/gateway-failure';

jest.setTimeout(120_000);

/** Rows of the topic's two columns, about as many bytes as asked for. */
const table = (size: number): Buffer => Buffer.from(`time,value\n${'12:00,"ä, ö"\n'.repeat(size / 15)}`);

describe('files of existing gateways', () => {
  let broker: Deployment;
  let alice: ClientGateway;
  let bob: ClientGateway;
  let topicId: string;

  beforeAll(async () => {
    broker = await startDeployment();
    [alice, bob] = [broker.createGateway(), broker.createGateway()];
    await Promise.all([alice.start(), bob.start()]);
    const body = {
      name: `files ${randomUUID()}`,
      owner: demoOwner,
      schemaType: 'CSV',
      schema: 'time,value',
      version: '1.0.0',
      tags: null,
    };
    topicId = ((await alice.json({ method: 'POST', path: '/topics', body })) as { id: string }).id;
  }, 60_000);
  afterAll(() => broker.stop());

  const upload = (bytes: Uint8Array, fields: Partial<OutgoingFile> = {}) =>
    alice.files.upload({
      recipients: [bob.did],
      topicId,
      topicVersion: '1.0.0',
      fileName: 'readings.csv',
      bytes,
      ...fields,
    });

  /** The file that came last, and its id. */
  async function receive(receiver = bob) {
    const messages = await receiver.inbox.readAll({ fqcn: 'files', channelTopics: [topicId], amount: 100 });
    const message = messages.at(-1);
    mustHold(message?.isFile === true, 'no file has come', message);
    const { fileId } = JSON.parse(message.text) as { fileId: string };
    mustHold(/^[0-9a-f]{24}$/.test(fileId), 'a file id of another form', fileId);
    return { fileId, message, file: await receiver.files.download(fileId) };
  }

  it.each([
    ['in clear', false, table],
    ['encrypted', true, (size: number) => randomBytes(size)],
  ])('arrive %s, byte for byte, signed over their digest', async (_, isEncrypted, createBytes) => {
    for (const size of [1, 65_536, 3_000_001]) {
      const bytes = createBytes(size);
      const answer = await upload(bytes, { isEncrypted });
      expect(answer.recipients).toEqual({ total: 1, sent: 1, failed: 0 });
      const { file, message } = await receive();
      expect(file.bytes.equals(bytes)).toBe(true);
      expect(file).toMatchObject({ isSignatureValid: true, ownerDid: alice.did });
      expect(file.contentDisposition).toContain('readings.csv');
      expect(message).toMatchObject({ senderDid: alice.did, payloadEncryption: isEncrypted });
    }
    expect(bob.inbox.acks.notFound).toEqual([]);
  });

  it('go to several recipients, with other names and a transaction', async () => {
    const carol = broker.createGateway();
    await carol.start();
    const transactionId = randomUUID();
    const bytes = Buffer.from('time\tvalue\n');
    const to = { recipients: [bob.did, carol.did], isEncrypted: true };
    const fields = { ...to, fileName: 'ä readings.tsv', transactionId };
    const answer = await upload(bytes, fields);
    expect(answer.recipients.sent).toBe(2);
    for (const receiver of [bob, carol]) {
      const { file, message } = await receive(receiver);
      expect(file.bytes.equals(bytes)).toBe(true);
      expect(message.transactionId).toBe(transactionId);
    }
    const again = await upload(bytes, fields);
    expect(again.recipients).toEqual({ total: 2, sent: 0, failed: 2 });
  });

  it('are sent although the gateway was not logged in when it began', async () => {
    alice.session.spoilAccessToken();
    const bytes = randomBytes(2_000_000);
    expect((await upload(bytes, { isEncrypted: true })).recipients.sent).toBe(1);
    expect((await receive()).file.bytes.equals(bytes)).toBe(true);
  });

  it('are read by their owner, and by nobody else', async () => {
    await upload(table(1));
    const { fileId } = await receive();
    expect((await alice.files.download(fileId)).isSignatureValid).toBe(true);
    const unknown = bob.files.download('ffffffffffffffffffffffff');
    await expect(unknown).rejects.toMatchObject({ kind: 'refused', status: 404 });
    const stranger = broker.createGateway();
    await stranger.start();
    await expect(stranger.files.download(fileId)).rejects.toMatchObject({ kind: 'stopped', status: 403 });
    // A 403 is the end of a gateway.
    await expect(stranger.start()).rejects.toMatchObject({ kind: 'stopped' });
  });
});
