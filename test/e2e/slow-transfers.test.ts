// Files through the broker for clients that send or take them as slowly as they like: they cost an instance a few
// buffers for a limited time, and nobody else's turn.

import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { createKeyPair, ParticipantClient } from '../../client';
import { demoOwner } from '../../scripts/guided/guided-exchange';
import { createForm, uploadTexts } from '../support/multipart';
import { connectTo, drip, rawAnswer, requestHead } from '../support/raw-request';
import { startTestStack, type TestStack } from '../support/stack';

/** Far more than the buffers of a connection. Unit: bytes. */
const fileBytes = 40_000_000;

let stack: TestStack;
let abuser: ParticipantClient;
let other: ParticipantClient;
let topicId: string;
let sent: Socket[] = [];

beforeAll(async () => {
  // Half of the places, which is one, for each participant.
  stack = await startTestStack({
    settings: { TRANSFER_SECONDS: '5', CONCURRENT_UPLOADS: '2', CONCURRENT_DOWNLOADS: '2' },
  });
  const logIn = () => ParticipantClient.login(stack.url, createKeyPair());
  [abuser, other] = await Promise.all([logIn(), logIn()]);
  const topic = await other.request<{ id: string }>('POST', '/topics', {
    ...{ name: `slow-${randomBytes(6).toString('hex')}`, owner: demoOwner, schemaType: 'JSD7', schema: '{}' },
    ...{ version: '1.0.0', tags: [] },
  });
  topicId = topic.body.id;
}, 60_000);

afterAll(async () => {
  for (const socket of sent) socket.destroy();
  sent = [];
  await stack.stop();
}, 20_000);

async function upload(sender: ParticipantClient, bytes: Uint8Array): Promise<number> {
  const recipients = [abuser.did, other.did];
  const { body, contentType } = createForm([
    { name: 'file', fileName: 'a', bytes },
    ...uploadTexts(recipients, topicId),
  ]);
  const answer = await fetch(`${stack.url}/messages/upload`, {
    method: 'POST',
    headers: { authorization: `Bearer ${sender.accessToken}`, 'content-type': contentType },
    body,
    duplex: 'half',
  });
  await answer.arrayBuffer();
  return answer.status;
}

async function lastFileId(): Promise<string> {
  const search = { clientId: randomBytes(4).toString('hex'), topicId: [topicId], amount: 1_000 };
  const { body } = await other.request<{ payload: string }[]>('POST', '/messages/search', search);
  return (JSON.parse(body.at(-1)?.payload ?? '{}') as { fileId: string }).fileId;
}

/** A download of which nothing is taken but its first bytes. */
async function stuckDownload(fileId: string, reader: ParticipantClient): Promise<Socket> {
  const socket = connectTo(stack.url);
  sent.push(socket);
  socket.write(requestHead(`GET /messages/download?fileId=${fileId}`, reader));
  await once(socket, 'readable');
  return socket;
}

async function download(fileId: string, reader: ParticipantClient): Promise<number> {
  const answer = await fetch(`${stack.url}/messages/download?fileId=${fileId}`, {
    headers: { authorization: `Bearer ${reader.accessToken}` },
  });
  return (await answer.arrayBuffer()).byteLength;
}

const dripUpload = (sender: ParticipantClient) => {
  const form = ['Content-Type: multipart/form-data; boundary=b', 'Transfer-Encoding: chunked'];
  const begin = '--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n';
  const first = `${begin.length.toString(16)}\r\n${begin}\r\n`;
  return rawAnswer(
    stack.url,
    requestHead('POST /messages/upload', sender, ...form),
    drip(first, '1\r\nx\r\n'),
  );
};

it('slow uploads are given up with 408, and others are taken meanwhile', async () => {
  let isOver = false;
  const slow = Promise.all([dripUpload(abuser), dripUpload(abuser)]).finally(() => (isOver = true));
  expect(await upload(other, Buffer.from('x'))).toBe(200);
  expect(isOver).toBe(false);
  for (const answer of await slow) expect(answer).toContain('HTTP/1.1 408');
}, 30_000);

it('regression, the file piled up in memory: of a download nothing is read that its client does not take', async () => {
  expect(await upload(other, randomBytes(fileBytes))).toBe(200);
  const fileId = await lastFileId();
  const stuck = await stuckDownload(fileId, abuser);
  // Another participant has a place of its own.
  expect(await download(fileId, other)).toBe(fileBytes);
  // The abuser has one place: its next download begins when the one that it does not take is given up.
  expect(await download(fileId, abuser)).toBe(fileBytes);
  let taken = 0;
  for await (const chunk of stuck) taken += (chunk as Buffer).byteLength;
  expect(taken).toBeLessThan(fileBytes / 2);
}, 60_000);
