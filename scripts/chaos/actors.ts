// How the actors of a plan act: each takes one step after the other, whatever comes of them, as clients do.

import { setTimeout as delay } from 'node:timers/promises';
import { acknowledge, publish, receive, search, settleLeases } from './calls';
import type { Actor, PublishStep, ReceiveStep, SearchStep, Settlement, Step, TimerStep } from './plan';
import { openCursor, type OpenCursor, type Scene } from './scene';

/** Pause before a call is repeated. Unit: ms. */
const repeatMs = 150;
/** A timer may be running for this long before it is run again. Unit: ms. */
const timerMs = 5_000;

/** @param until what is left of the steps then is left out: requests that had to wait have taken its time */
export async function play(actor: Actor, scene: Scene, until: AbortSignal): Promise<void> {
  const cursor = actor.cursor && openCursor(scene, actor.cursor);
  for (const step of actor.steps) {
    if (until.aborted) return;
    await delay(step.pauseMs);
    await take(step, scene, cursor);
  }
}

async function take(step: Step, scene: Scene, cursor: OpenCursor | undefined): Promise<void> {
  switch (step.kind) {
    case 'publish':
      return send(step, scene);
    case 'search':
      return cursor && searchAndAcknowledge(step, scene, cursor);
    case 'receive':
      return cursor && receiveAndSettle(step, scene, cursor);
    case 'timer':
      return runTimer(step, scene);
  }
}

/** Tries again at the other instance, until it is known what became of it. */
async function send({ publication: number, instance }: PublishStep, scene: Scene): Promise<void> {
  const tries = scene.publications[number]?.tries ?? 1;
  for (let index = 0; index < tries; index++) {
    if (await publish(scene, (instance + index) % 2, number)) return;
    await delay(repeatMs);
  }
}

async function searchAndAcknowledge(step: SearchStep, scene: Scene, cursor: OpenCursor): Promise<void> {
  const { instance, amount, topics, senders, acknowledgedShare } = step;
  const found = await search(scene, instance, cursor, {
    amount,
    ...(topics ? { topicId: topics.map((index) => scene.topicIds[index]) } : {}),
    ...(senders ? { senderId: senders.map((index) => scene.senders[index]?.did) } : {}),
  });
  const chosen = (found ?? []).slice(0, Math.ceil((found?.length ?? 0) * acknowledgedShare));
  // An acknowledgement without an answer is made again, at the other instance.
  if (!(await acknowledge(scene, instance, cursor, chosen))) {
    await delay(repeatMs);
    await acknowledge(scene, 1 - instance, cursor, chosen);
  }
}

async function receiveAndSettle(step: ReceiveStep, scene: Scene, cursor: OpenCursor): Promise<void> {
  const { instance, max, waitSeconds, workMs, leaseSeconds, settlements } = step;
  const tokens = await receive(scene, instance, cursor, { max, waitSeconds, leaseSeconds });
  if (tokens.length === 0) return;
  await delay(workMs);
  const chosen = Map.groupBy(
    tokens,
    (token): Settlement => settlements[tokens.indexOf(token) % settlements.length] ?? 'acknowledge',
  );
  const settle = (at: number, action: Exclude<Settlement, 'abandon'>, of: readonly string[] = []) =>
    settleLeases(scene, at, cursor, action, of, leaseSeconds);
  await settle(instance, 'renew', chosen.get('renew'));
  await settle(instance, 'release', chosen.get('release'));
  await settle(instance, 'reject', chosen.get('reject'));
  // Half of what is renewed is kept until its lease ends.
  const done = [...(chosen.get('acknowledge') ?? []), ...(chosen.get('renew') ?? []).filter((_, i) => i % 2)];
  if (!(await settle(instance, 'acknowledge', done))) {
    await delay(repeatMs);
    await settle(1 - instance, 'acknowledge', done);
  }
}

export async function runTimer({ instance }: Pick<TimerStep, 'instance'>, { stack }: Scene): Promise<void> {
  const url = `${stack.instances[instance].url()}/admin/functions/retention`;
  await fetch(url, { method: 'POST', body: '{}', signal: AbortSignal.timeout(timerMs) }).catch(
    () => undefined,
  );
}
