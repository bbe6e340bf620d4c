// What has passed of a body is let go while the rest comes: an upload may be of any size.

import { expect, it } from '@jest/globals';
import { setImmediate as turn } from 'node:timers/promises';
import { collectGarbage } from '../../scripts/bench/collect-garbage';
import { bodyChunks } from '../../shared/http/body-chunks';

it('regression: of a body that is coming in, no chunk is kept that was handed on', async () => {
  const chunks: WeakRef<Uint8Array>[] = [];
  const body = new ReadableStream<Uint8Array>({
    pull: (controller) => {
      const chunk = new Uint8Array(64 * 1024);
      chunks.push(new WeakRef(chunk));
      controller.enqueue(chunk);
    },
  });
  const reading = bodyChunks({ body }, 60_000);
  for (let count = 0; count < 50; count++) await reading.next();
  await turn();
  collectGarbage();
  const kept = chunks.filter((chunk) => chunk.deref() !== undefined);
  // The last one may still be on its way.
  expect(kept.length).toBeLessThan(5);
  await reading.return();
});

it('ends a read that waits when the body is late', async () => {
  const body = new ReadableStream<Uint8Array>();
  const reading = bodyChunks({ body }, 10);
  await expect(reading.next()).rejects.toMatchObject({ code: 'body-too-slow' });
});
