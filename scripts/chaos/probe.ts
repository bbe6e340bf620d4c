// Whether an instance serves: a participant of its own sends itself a message and finds it, every half a second,
// whether the one before has been answered or not.

import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { Scene } from './scene';
import { now } from './strike';

const everyMs = 500;
/** Requests of probes that are waited for at once. */
const maxWaiting = 40;

/** Probes both instances until the signal; returns when the last answer has come. */
export async function probeBoth(scene: Scene, until: AbortSignal): Promise<void> {
  await Promise.all([0, 1].map((instance) => probeOne(scene, instance, until)));
}

async function probeOne(scene: Scene, instance: number, until: AbortSignal): Promise<void> {
  const waiting = new Set<Promise<boolean>>();
  while (!until.aborted) {
    if (waiting.size < maxWaiting) {
      const probing = probe(scene, instance);
      waiting.add(probing);
      void probing.finally(() => waiting.delete(probing));
    }
    await delay(everyMs);
  }
  await Promise.all(waiting);
}

export async function probe(scene: Scene, instance: number): Promise<boolean> {
  const prober = scene.probers[instance === 0 ? 0 : 1];
  const startedAt = now();
  const sent = await prober.call<{ recipients: { sent: number } }>(instance, 'POST', '/messages', {
    ...{ fqcns: [prober.did], topicId: scene.topicIds[0], topicVersion: '1.0.0', payload: 'probe' },
    ...{ payloadEncryption: true, signature: '', clientGatewayMessageId: randomUUID(), ttlSeconds: 1 },
  });
  const wasSent = sent.status === 200 && sent.body?.recipients.sent === 1;
  const found = wasSent
    ? await prober.call(instance, 'POST', '/messages/search', { clientId: 'probe', amount: 1 })
    : undefined;
  const { status, endedAt } = found ?? sent;
  const served = found?.status === 200;
  scene.record({ kind: 'probed', instance, startedAt, endedAt, status, served });
  return served;
}
