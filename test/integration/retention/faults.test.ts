// The retention timer while NATS or Blob are away: what fails is logged and done at a later run, and nothing is lost.

import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { senderToken } from '../../../shared/messages';
import { expireMessages } from '../../../shared/retention';
import { type Azurite, startAzurite } from '../../support/azurite';
import { type Broker, type BrokerSite, createBrokerSite, type Participant } from '../../support/broker';
import { openFile, putBytes } from '../../support/broker-files';
import { createTopic, send } from '../../support/broker-messages';
import { readDocument, tableRows } from '../../support/doc-table';
import {
  expireAll,
  type ExpiryInstance,
  openExpiryInstance,
  store,
  untilDue,
} from '../../support/expiry-instance';
import { type NatsServer, startNatsServer } from '../../support/nats-server';
import { startTcpProxy, type TcpProxy } from '../../support/tcp-proxy';
import { eventually } from '../../support/eventually';

jest.setTimeout(60_000);

interface RunLine {
  readonly event: string;
  readonly steps: Readonly<Record<string, Readonly<Record<string, number | boolean>>>>;
}

let nats: NatsServer;

beforeAll(async () => {
  nats = await startNatsServer();
});

afterAll(async () => {
  await nats.stop();
});

describe('the retention timer, when NATS goes away in the middle of a run', () => {
  const sender = 'did:ethr:volta:0xsender';
  let proxy: TcpProxy;
  let direct: ExpiryInstance;
  let cut: ExpiryInstance;

  beforeAll(async () => {
    proxy = await startTcpProxy(() => Number(new URL(nats.url).port));
    direct = openExpiryInstance(nats.url);
    cut = openExpiryInstance(`nats://127.0.0.1:${proxy.port}`);
  });

  afterAll(async () => {
    await Promise.all([direct.jetStream.close(), cut.jetStream.close()]);
    await proxy.close();
  });

  it('fails, goes on at a later run, and tells each sender once', async () => {
    const names = Array.from({ length: 1_000 }, (_none, number) => `did:ethr:volta:0x${number}`);
    await Promise.all(names.map((name) => store(direct, name, sender, name, '1s')));
    await untilDue(direct);
    const told = async () =>
      (await direct.receiptLog.read(senderToken(sender), 0, 2_000)).map(({ receipt }) => receipt.recipient);
    const run = expireMessages(cut.dependencies, () => false);
    const failure = expect(run).rejects.toMatchObject({
      name: 'PartlyFailed',
      cause: { code: 'message-store-unavailable' },
    });
    while ((await told()).length === 0) await new Promise((resolve) => setImmediate(resolve));
    proxy.refuse();
    await failure;
    expect((await told()).length).toBeLessThan(names.length);
    proxy.pass();
    await expireAll(cut);
    expect([...(await told())].sort()).toEqual([...names].sort());
  });
});

describe('the retention timer of a broker', () => {
  let azurite: Azurite;
  let proxy: TcpProxy;
  let site: BrokerSite;
  let broker: Broker;
  /** Hours later. */
  let later: Broker;
  let owner: Participant;
  let reader: Participant;
  let topicId: string;

  beforeAll(async () => {
    azurite = await startAzurite();
    const port = /BlobEndpoint=\w+:\/\/[^:]+:(\d+)/.exec(azurite.connectionString)?.[1] ?? '';
    proxy = await startTcpProxy(() => Number(port));
    site = await createBrokerSite({
      RETENTION_CLASSES: '1s,1h',
      DEFAULT_RETENTION_CLASS: '1s',
      UPLOAD_SLOT_SECONDS: '60',
      BLOB_CONNECTION_STRING: azurite.connectionString.replace(`:${port}/`, `:${proxy.port}/`),
    });
    broker = site.start({ natsUrl: nats.url });
    later = site.start({ natsUrl: nats.url, clock: () => Date.now() + 3 * 3_600_000 });
    [owner, reader] = await Promise.all([broker.logIn(), broker.logIn()]);
    topicId = await createTopic(owner);
  });

  afterAll(async () => {
    await site.close();
    await proxy.close();
    await azurite.stop();
  });

  const lastRun = (): RunLine =>
    later.logLines
      .map((line) => JSON.parse(line) as RunLine)
      .findLast(({ event }) => event === 'retention run') ?? { event: '', steps: {} };

  it('expires messages while Blob is away, and removes abandoned files when it is back', async () => {
    const bytes = randomBytes(1_000);
    await putBytes(await openFile(owner, [reader.did], topicId, bytes), bytes);
    const messageId = await send(owner, reader, topicId);
    const path = `/messages/${messageId}/status?recipient=${encodeURIComponent(reader.did)}`;
    const statusOf = async () => (await owner.request<{ status: string }>('GET', path)).body.status;
    await eventually(async () => (await statusOf()) !== 'stored');
    proxy.refuse();
    await later.runTimer('retention');
    expect(later.logLines.join('\n')).toContain('retention step failed');
    expect(lastRun().steps).toMatchObject({
      'expire messages': { failed: false, expired: 1, receipts: 1 },
      'remove files': { failed: true },
      'remove payloads': { failed: true },
      'forget idle client ids': { failed: false },
    });
    proxy.pass();
    await later.runTimer('retention');
    expect(lastRun().steps['remove files']).toMatchObject({ failed: false, removed: 1 });
    await later.runTimer('retention');
    expect(lastRun().steps['remove files']).toMatchObject({ failed: false, removed: 0 });
  });

  it('writes one line, with the metrics that are documented', async () => {
    await later.runTimer('retention');
    const written = Object.entries(lastRun().steps).flatMap(([step, counts]) =>
      Object.keys(counts)
        .filter((name) => name !== 'durationMs' && name !== 'failed')
        .map((name) => `${step}/${name}`),
    );
    const documented = tableRows(readDocument('docs/operations.md'))
      .map(([name = '']) => /^`([a-z ]+\/\w+)`$/.exec(name)?.[1])
      .filter((name) => name !== undefined);
    expect([...written].sort()).toEqual([...documented].sort());
    for (const counts of Object.values(lastRun().steps)) {
      expect(counts).toMatchObject({ durationMs: expect.any(Number), failed: false });
    }
  });
});
