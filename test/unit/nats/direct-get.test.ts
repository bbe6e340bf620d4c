// Room for reads: how much is on its way at once, and whose turn it is. Answers come when the test says so, which no
// server does.

import { expect, it } from '@jest/globals';
import { DirectGet } from '../../../shared/adapters/nats/direct-get';

const mebibyte = 1024 * 1024;

/** Reads whose answers wait for `answer`, oldest first, each named by its bytes. */
function openReads() {
  const sent: { readonly bytes: number; readonly reply: string }[] = [];
  let receive: (error: null, message: object) => void = () => undefined;
  const connection = {
    subscribe: (_subject: string, { callback }: { readonly callback: typeof receive }) => {
      receive = callback;
    },
    publish: (_subject: string, body: string, { reply }: { readonly reply: string }) => {
      sent.push({ bytes: (JSON.parse(body) as { max_bytes: number }).max_bytes, reply });
    },
  };
  const connections = { ready: () => Promise.resolve(connection) };
  const directGet = new DirectGet(connections as unknown as ConstructorParameters<typeof DirectGet>[0]);
  const settle = () => new Promise((resolve) => setImmediate(resolve));
  return {
    onTheirWay: () => sent.map(({ bytes }) => bytes),
    read: (bytes: number) =>
      directGet.read('mail', { seq: 1, next_by_subj: '>', batch: 1, max_bytes: bytes }),
    settle,
    answer: async () => {
      receive(null, { subject: sent.shift()?.reply, headers: { code: 404, get: () => '' } });
      await settle();
    },
  };
}

it('regression, waited while others passed: a large read has its turn among many small ones', async () => {
  const { onTheirWay, read, settle, answer } = openReads();
  const small = () => read(mebibyte);
  const first = Array.from({ length: 32 }, small);
  const large = read(4 * mebibyte);
  const behind = Array.from({ length: 40 }, small);
  await settle();
  expect(onTheirWay()).toHaveLength(32);
  for (let answered = 0; answered < 4; answered++) await answer();
  expect(onTheirWay()).toEqual([...Array.from({ length: 28 }, () => mebibyte), 4 * mebibyte]);
  while (onTheirWay().length) await answer();
  await Promise.all([...first, large, ...behind]);
});
