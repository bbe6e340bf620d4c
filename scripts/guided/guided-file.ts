// The part of the guided exchange in which Alice sends Bob a file of 5 MB, straight to the Blob store and back.

import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { type ParticipantClient, uploadBlocks } from '../../client';

/** Tells a step: what it is, the call, its status, and what came of it. */
export type Tell = (what: string, call: string, status: number, result?: string) => void;

interface Slot {
  readonly fileId: string;
  readonly upload: { readonly url: string };
}
interface Completed {
  readonly recipients: { readonly sent: number };
}
interface Described {
  readonly fileName: string;
  readonly sha256: string;
  readonly download: { readonly url: string };
}

const sizeBytes = 5_000_000;
const barWidth = 20;

/**
 * @param onProgress gets a line that grows while the file is uploaded
 * @throws Error that names the first call that did not answer as it must
 */
export async function exchangeFile(
  sender: ParticipantClient,
  recipient: ParticipantClient,
  topicId: string,
  tell: Tell,
  onProgress: (line: string) => void,
): Promise<void> {
  const bytes = randomBytes(sizeBytes);
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  const call = async <Body>(participant: ParticipantClient, method: string, path: string, body?: unknown) => {
    const answer = await participant.request<Body>(method, path, body);
    if (answer.status !== 200) {
      throw new Error(`${method} ${path} answered ${answer.status}: ${JSON.stringify(answer.body)}`);
    }
    return answer.body;
  };

  const { fileId, upload } = await call<Slot>(sender, 'POST', '/files', {
    fqcns: [recipient.did],
    topicId,
    topicVersion: '1.0.0',
    fileName: 'readings.bin',
    sizeBytes,
    sha256,
    signature: 'not-signed-in-this-demo',
    clientGatewayMessageId: randomUUID(),
    // Random bytes here; in earnest they would be encrypted for Bob.
    payloadEncryption: true,
  });
  tell('Alice announces a file of 5 MB', 'POST /files', 200, `file ${fileId}`);
  await uploadBlocks(upload.url, bytes, (uploaded) => {
    onProgress(`    ${progressBar(uploaded / sizeBytes)} ${(uploaded / 1e6).toFixed(1)} MB`);
  });
  tell('She uploads it, past the broker', 'PUT (Blob store)', 201, `${progressBar(1)} 5.0 MB`);
  const { recipients } = await call<Completed>(sender, 'POST', `/files/${fileId}/complete`);
  if (recipients.sent !== 1) throw new Error(`POST /files/${fileId}/complete: the message was not sent`);
  tell('She completes it; the broker verifies it', 'POST /files/…/complete', 200, '1 sent');
  const file = await call<Described>(recipient, 'GET', `/files/${fileId}`);
  tell('Bob asks for it', 'GET /files/…', 200, file.fileName);
  const downloaded = await fetch(file.download.url);
  const digest = createHash('sha256')
    .update(Buffer.from(await downloaded.arrayBuffer()))
    .digest('hex');
  if (digest !== sha256) throw new Error('GET (Blob store): the file is not what was uploaded');
  tell(
    'He downloads it, byte for byte',
    'GET (Blob store)',
    downloaded.status,
    `sha256 ${digest.slice(0, 16)}…`,
  );
}

/** `[#####···············]` @param share from 0 to 1 */
function progressBar(share: number): string {
  const done = Math.round(Math.min(1, share) * barWidth);
  return `[${'#'.repeat(done)}${'·'.repeat(barWidth - done)}]`;
}
