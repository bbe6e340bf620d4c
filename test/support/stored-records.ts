// Everything that a broker has stored, as texts by where they lie: messages and entries of every JetStream stream, the
// database file, and names, metadata and tags of blobs. Not what blobs hold: that is payloads and files.

import { readFile } from 'node:fs/promises';
import { BlobServiceClient } from '@azure/storage-blob';
import { connect } from 'nats';

export interface StoredRecord {
  /** `DDHUB_MAIL_0 12`, `topics.sqlite`, `blob …` */
  readonly place: string;
  readonly text: string;
}

/** Every message of every stream: subject, headers and body. */
export async function streamRecords(natsUrl: string): Promise<readonly StoredRecord[]> {
  const connection = await connect({ servers: natsUrl });
  try {
    const manager = await connection.jetstreamManager();
    const records: StoredRecord[] = [];
    for await (const { config, state } of manager.streams.list()) {
      for (let seq = state.first_seq; seq <= state.last_seq; seq++) {
        const message = await manager.streams.getMessage(config.name, { seq }).catch(() => undefined);
        if (!message) continue;
        const headers = [...message.header].flatMap(([name, values]) => [name, ...values]).join('\n');
        const body = Buffer.from(message.data).toString();
        records.push({ place: `${config.name} ${seq}`, text: `${message.subject}\n${headers}\n${body}` });
      }
    }
    return records;
  } finally {
    await connection.close();
  }
}

/** The database with what it has not yet written back. */
export async function databaseRecords(file: string): Promise<readonly StoredRecord[]> {
  const parts = [file, `${file}-wal`].map(async (name) => ({
    place: name,
    text: (await readFile(name).catch(() => Buffer.alloc(0))).toString('latin1'),
  }));
  return Promise.all(parts);
}

export async function blobRecords(connectionString: string): Promise<readonly StoredRecord[]> {
  const service = BlobServiceClient.fromConnectionString(connectionString);
  const records: StoredRecord[] = [];
  for await (const { name: container } of service.listContainers()) {
    const blobs = service.getContainerClient(container);
    for await (const { name, metadata, tags } of blobs.listBlobsFlat({
      includeMetadata: true,
      includeTags: true,
    })) {
      records.push({ place: `blob ${container}/${name}`, text: JSON.stringify({ name, metadata, tags }) });
    }
  }
  return records;
}
