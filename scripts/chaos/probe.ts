// Whether an instance serves: a participant of its own sends itself a message and finds it, every half a second,
// whether the one before has been answered or not.

import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { ChaosParticipant } from './chaos-client';
import type { Scene } from './scene';
import { now } from './strike';

const everyMs = 500;
/** Requests of probes that are waited for at once. */
const maxWaiting = 40;
/** A replica may be behind: a message that was sent is looked for so long, unless an answer says more. Unit: ms. */
const lookMs = 5_000;
const lookAgainMs = 200;
/** Longer than it is looked for; few enough messages live at once to be found by one search. */
const lifeSeconds = 15;
const searchAmount = 500;

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

/** Sends a message and looks for that very one: what others left there is no sign of service. */
export async function probe(scene: Scene, instance: number): Promise<boolean> {
  const prober = scene.probers[instance === 0 ? 0 : 1];
  const uuid = randomUUID();
  const sent = await prober.call<{ recipients: { sent: number } }>(instance, 'POST', '/messages', {
    ...{ fqcns: [prober.did], topicId: scene.topicIds[0], topicVersion: '1.0.0', payload: 'probe' },
    ...{ payloadEncryption: true, signature: '', clientGatewayMessageId: uuid, ttlSeconds: lifeSeconds },
  });
  const wasSent = sent.status === 200 && sent.body?.recipients.sent === 1;
  const looked = wasSent ? await lookFor(uuid, prober, instance) : undefined;
  const { status, endedAt } = looked?.answer ?? sent;
  const served = looked?.found ?? false;
  scene.record({ kind: 'probed', instance, startedAt: sent.startedAt, endedAt, status, served });
  return served;
}

async function lookFor(uuid: string, prober: ChaosParticipant, instance: number) {
  const endsAt = now() + lookMs;
  for (;;) {
    const answer = await prober.call<readonly { clientGatewayMessageId: string }[]>(
      instance,
      'POST',
      '/messages/search',
      { clientId: 'probe', amount: searchAmount },
    );
    const isGood = answer.status === 200;
    const found =
      isGood && (answer.body ?? []).some(({ clientGatewayMessageId }) => clientGatewayMessageId === uuid);
    if (found || !isGood || now() > endsAt) return { answer, found };
    await delay(lookAgainMs);
  }
}
