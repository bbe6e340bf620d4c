// The suite of files: what uploads cost an instance in memory and time, whatever their size and number. On a broker
// of its own, because memory that was used once is not given back.

import { createHash, randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { uploadBlocks } from '../../../client';
import { startAzurite } from '../../stack/azurite';
import { type BrokerProcess, startBrokerProcess } from '../../stack/broker-process';
import type { Bench, Participant } from '../bench';
import { usageOf } from '../process-usage';
import type { Check, Fact, Suite } from '../suite';

const mebibyte = 1024 ** 2;
/** What an instance may grow by, whatever the size of a file: for one upload, twenty at once and so on. Unit: MiB. */
const maxGrowth = { one: 32, twenty: 32, untaken: 32, direct: 32 };
/** Half of the places of an instance, which is what one participant has. */
const untakenDownloads = 16;
/** Long enough for all of them to pile up in memory, if they did. Unit: ms. */
const untakenMs = 5_000;

interface Measured {
  readonly growthMebibytes: number;
  readonly seconds: number;
}

const uploads: Check = {
  name: 'uploads',
  measure: async (bench) => {
    const [sender, recipient] = await bench.participants('senders', 2);
    if (!sender || !recipient) return [];
    const topicId = await bench.topicId();
    const location = await mkdtemp(join(tmpdir(), 'broker-bench-blob-'));
    const azurite = await startAzurite({ port: 0, location });
    const broker = await startBrokerProcess({
      port: 0,
      settings: { ...bench.settings, BLOB_CONNECTION_STRING: azurite.connectionString },
    });
    try {
      return await measureUploads(bench, broker, { sender, recipient, topicId });
    } finally {
      await broker.stop();
      await azurite.stop();
      await rm(location, { recursive: true, force: true });
    }
  },
};

export const files: Suite = {
  name: 'files',
  summary: 'memory and time of uploads and downloads through the broker, and of a large file past it',
  checks: [uploads],
  rows: [],
  curves: [],
};

interface Exchange {
  readonly sender: Participant;
  readonly recipient: Participant;
  readonly topicId: string;
}

async function measureUploads(
  bench: Bench,
  broker: BrokerProcess,
  exchange: Exchange,
): Promise<readonly Fact[]> {
  const fileBytes = bench.options.quick ? 20_000_000 : 100_000_000;
  const largeBytes = (bench.options.quick ? 128 : 1_024) * mebibyte;
  const many = (bytes: number) => () =>
    Promise.all(Array.from({ length: 20 }, () => upload(broker.url, exchange, bytes)));
  const title = `${fileBytes / 1e6} MB`;
  bench.options.progress('20 uploads of 1 MB, to warm up');
  await many(1_000_000)();
  bench.options.progress(`an upload of ${title}`);
  const one = await watch(broker.pid, () => upload(broker.url, exchange, fileBytes));
  bench.options.progress(`20 uploads of ${title} at once`);
  const twenty = await watch(broker.pid, many(fileBytes));
  bench.options.progress(`${untakenDownloads} downloads of ${title} that nobody takes`);
  const fileId = await lastFileId(broker.url, exchange);
  const untaken = await watch(broker.pid, () => openAndLeave(broker.url, exchange, fileId));
  bench.options.progress(`${largeBytes / mebibyte} MiB to an upload URL`);
  const complete = await openLarge(broker.url, exchange, largeBytes);
  const direct = await watch(broker.pid, complete);
  return [
    ...facts(`upload of ${title}`, one, maxGrowth.one),
    ...facts(`20 uploads of ${title} at once`, twenty, maxGrowth.twenty),
    ...facts(`${untakenDownloads} downloads of ${title}, not taken`, untaken, maxGrowth.untaken).slice(0, 1),
    ...facts(`completing ${largeBytes / mebibyte} MiB, digest compared`, direct, maxGrowth.direct),
  ];
}

function facts(title: string, { growthMebibytes, seconds }: Measured, limit: number): readonly Fact[] {
  return [
    { title: `${title}: memory`, value: growthMebibytes, unit: 'MiB more', limit },
    // Less than the 230 s after which a load balancer gives up.
    { title: `${title}: time`, value: seconds, unit: 's', limit: 230 },
  ];
}

/** The most that the process has held meanwhile, beyond what it held before. */
async function watch(pid: number, work: () => Promise<unknown>): Promise<Measured> {
  const before = await residentMebibytes(pid);
  let most = before;
  const timer = setInterval(() => {
    void residentMebibytes(pid).then((now) => (most = Math.max(most, now)));
  }, 50);
  const startedAt = performance.now();
  try {
    await work();
  } finally {
    clearInterval(timer);
  }
  return { growthMebibytes: most - before, seconds: (performance.now() - startedAt) / 1_000 };
}

async function residentMebibytes(pid: number): Promise<number> {
  return (await usageOf(pid)).residentBytes / mebibyte;
}

/** Through the broker, as gateways do it: a form without a length. */
async function upload(url: string, exchange: Exchange, bytes: number): Promise<void> {
  const boundary = `bench-${randomUUID()}`;
  const answer = await fetch(`${url}/messages/upload`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${exchange.sender.token}`,
      'content-type': `multipart/form-data; boundary=${boundary}`,
    },
    body: Readable.toWeb(Readable.from(form(boundary, exchange, bytes))) as ReadableStream<Uint8Array>,
    duplex: 'half',
  });
  const text = await answer.text();
  if (!text.includes('"sent":1')) throw new Error(`POST /messages/upload: ${answer.status} ${text}`);
}

function* form(boundary: string, exchange: Exchange, bytes: number): Iterable<Uint8Array> {
  const part = (name: string) => `--${boundary}\r\nContent-Disposition: form-data; name="${name}"`;
  const chunk = Buffer.alloc(64 * 1024, 'x');
  yield Buffer.from(`${part('file')}; filename="f.bin"\r\n\r\n`);
  for (let sent = 0; sent < bytes; sent += chunk.byteLength) yield chunk.subarray(0, bytes - sent);
  const texts = {
    fileName: 'f.bin',
    fqcns: exchange.recipient.did,
    signature: 's',
    topicId: exchange.topicId,
    topicVersion: '1.0.0',
    clientGatewayMessageId: randomUUID(),
    payloadEncryption: 'true',
  };
  for (const [name, text] of Object.entries(texts)) yield Buffer.from(`\r\n${part(name)}\r\n\r\n${text}`);
  yield Buffer.from(`\r\n--${boundary}--\r\n`);
}

async function lastFileId(url: string, { recipient }: Exchange): Promise<string> {
  const answer = await fetch(`${url}/messages/search`, {
    method: 'POST',
    headers: { authorization: `Bearer ${recipient.token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ clientId: 'bench-files', amount: 1_000 }),
  });
  const messages = (await answer.json()) as readonly { readonly payload: string }[];
  return (JSON.parse(messages.at(-1)?.payload ?? '{}') as { readonly fileId: string }).fileId;
}

/** Begins downloads, takes nothing of them for a while, and goes. */
async function openAndLeave(url: string, { recipient }: Exchange, fileId: string): Promise<void> {
  const leave = new AbortController();
  const answers = await Promise.all(
    Array.from({ length: untakenDownloads }, () =>
      fetch(`${url}/messages/download?fileId=${fileId}`, {
        headers: { authorization: `Bearer ${recipient.token}` },
        signal: leave.signal,
      }),
    ),
  );
  const bad = answers.find(({ ok }) => !ok);
  await delay(untakenMs);
  leave.abort();
  if (bad) throw new Error(`GET /messages/download: ${bad.status}`);
}

/** Uploads a file past the broker. Returns what completes it. */
async function openLarge(url: string, exchange: Exchange, bytes: number): Promise<() => Promise<void>> {
  const content = Buffer.alloc(bytes, 'x');
  const call = async <Answer>(path: string, body?: object): Promise<Answer> => {
    const answer = await fetch(url + path, {
      method: 'POST',
      headers: { authorization: `Bearer ${exchange.sender.token}`, 'content-type': 'application/json' },
      ...(body ? { body: JSON.stringify(body) } : {}),
    });
    if (!answer.ok) throw new Error(`POST ${path}: ${answer.status} ${await answer.text()}`);
    return (await answer.json()) as Answer;
  };
  const slot = await call<{ fileId: string; upload: { url: string } }>('/files', {
    fqcns: [exchange.recipient.did],
    topicId: exchange.topicId,
    topicVersion: '1.0.0',
    fileName: 'large.bin',
    sizeBytes: bytes,
    sha256: createHash('sha256').update(content).digest('hex'),
    signature: 's',
    clientGatewayMessageId: randomUUID(),
    payloadEncryption: true,
  });
  await uploadBlocks(slot.upload.url, content);
  return async () => {
    await call(`/files/${slot.fileId}/complete`);
  };
}
