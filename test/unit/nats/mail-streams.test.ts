// An instance that is overtaken between its look at the server and its look at the record of a shard, or while it looks.
// It cannot be provoked at will, so the server and the bucket are made for it.

import { expect, it } from '@jest/globals';
import type { KeyValueBucket, KeyValueEntry } from '../../../shared/adapters/nats/key-value';
import { MailStreams, type MailStreamsOptions } from '../../../shared/adapters/nats/mail-streams';
import type { StreamState } from '../../../shared/adapters/nats/jetstream';

const shard = 0;

const configOf = (generation: number) => ({
  name: 'mail',
  metadata: { 'ddhub-generation': String(generation) },
});
const made = {
  config: configOf(1) as unknown as StreamState['config'],
  createdAt: 'an instant',
  lastSeq: 0,
} as StreamState;

/** A server where the stream is made between the answer to the first look and whatever the one who looked does next. */
function serverWith(onMade: () => void) {
  let stream: StreamState | undefined;
  return {
    streamState: () => {
      const found = stream;
      if (!found) {
        stream = made;
        onMade();
      }
      return Promise.resolve(found);
    },
    createStream: () => Promise.resolve(false),
  };
}

function bucketOf(): KeyValueBucket & { set: (value: object) => void } {
  let entry: KeyValueEntry | undefined;
  const set = (value: Uint8Array): number => {
    entry = { value, revision: (entry?.revision ?? 0) + 1 };
    return entry.revision;
  };
  return {
    get: () => Promise.resolve(entry),
    put: (_key, value) => Promise.resolve(set(value)),
    remove: () => Promise.resolve(),
    set: (value) => set(Buffer.from(JSON.stringify(value))),
  };
}

it('regression, a false alarm: a stream that another instance makes and records meanwhile was not lost', async () => {
  const events: string[] = [];
  const layout = bucketOf();
  const jetStream = serverWith(() =>
    layout.set({ reserved: 1, current: { generation: 1, createdAt: made.createdAt } }),
  );
  const streams = new MailStreams({
    jetStream,
    layout,
    configOf: (_shard: number, generation: number) => Promise.resolve(configOf(generation)),
    log: (_level: string, event: string) => events.push(event),
  } as unknown as MailStreamsOptions);
  expect(await streams.look(shard)).toBe(1);
  expect(events).toEqual([]);
});

it('regression, a lost stream not made again: a look that was on its way is not one from now', async () => {
  const answers: ((stream: StreamState) => void)[] = [];
  const layout = bucketOf();
  layout.set({ reserved: 2, current: { generation: 1, createdAt: made.createdAt } });
  const streams = new MailStreams({
    jetStream: { streamState: () => new Promise((resolve) => answers.push(resolve)) },
    layout,
    configOf: (_shard: number, generation: number) => Promise.resolve(configOf(generation)),
    log: () => undefined,
  } as unknown as MailStreamsOptions);
  const turn = () => new Promise((resolve) => setImmediate(resolve));
  const before = streams.look(shard);
  await turn();
  const others = [streams.look(shard), streams.look(shard)];
  const content = streams.generation(shard);
  answers[0]?.(made);
  await turn();
  const next = { ...made, config: configOf(2) as unknown as StreamState['config'], createdAt: 'a later one' };
  answers[1]?.(next);
  expect(await Promise.all([before, content, ...others])).toEqual([1, 1, 2, 2]);
  expect(answers).toHaveLength(2);
});
