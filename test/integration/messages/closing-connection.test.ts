// Calls that hold a connection while the instance shuts down and closes it.

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { JetStream } from '../../../shared/adapters/nats/jetstream';
import type { KeyValueBucket } from '../../../shared/adapters/nats/key-value';
import { type NatsServer, startNatsServer } from '../../support/nats-server';
import { openStore } from '../../support/open-store';

describe('a connection that closes under a call', () => {
  let nats: NatsServer;

  beforeAll(async () => {
    nats = await startNatsServer();
  });

  afterAll(() => nats.stop());

  /** A bucket that exists, on connections of its own. */
  async function open(): Promise<{ readonly jetStream: JetStream; readonly bucket: KeyValueBucket }> {
    const { jetStream, layout } = openStore(nats.url);
    const bucket = layout.bucket('closing');
    await bucket.get('key');
    return { jetStream, bucket };
  }

  it.each(['drain', 'close'] as const)(
    'regression: leaves a compare-and-set without an answer (503, not 500), after %s',
    async (how) => {
      const { jetStream, bucket } = await open();
      const connection = await jetStream.connections.ready('publish');
      const write = bucket.put('key', new Uint8Array([1]), { previousRevision: 0 });
      const answered = expect(write).rejects.toMatchObject({
        name: 'UnknownOutcome',
        code: 'message-store-unavailable',
      });
      // The call has its connection when the microtasks of this turn are done.
      void connection[how]();
      await answered;
      await jetStream.close();
    },
  );
});
