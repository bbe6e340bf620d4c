// One chaos run: its participants settle, the actors of the plan act while its faults strike, and in the end, when all
// is mended, every cursor is read until nothing is left.

import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { largest } from '../bench/statistics';
import { demoOwner } from '../guided/guided-exchange';
import { play } from './actors';
import { type ChaosParticipant, logIn } from './chaos-client';
import { type ChaosStack, shortClassSeconds } from './chaos-stack';
import { drainCursors, readReceipts } from './drain';
import type { History, HistoryEvent, SentPublication } from './history';
import { digestOf, payloadOf } from './payload';
import type { Plan } from './plan';
import { probe, probeBoth } from './probe';
import type { Scene } from './scene';
import { now, strikeAll } from './strike';

/** After its time, actors whose requests had to wait may take so much longer. Unit: ms. */
const overtimeMs = 2_000;
/** For both instances to serve again after the last fault. Unit: ms. */
const serveAgainMs = 45_000;

/** @param say gets a line for each fault */
export async function runPlan(
  plan: Plan,
  stack: ChaosStack,
  say: (text: string) => void = () => undefined,
): Promise<History> {
  const events: HistoryEvent[] = [];
  const scene = await settle(plan, stack, (event) => events.push(event));
  const probing = new AbortController();
  const probed = probeBoth(scene, probing.signal);
  const until = AbortSignal.timeout(plan.seconds * 1_000 + overtimeMs);
  await Promise.all([
    ...plan.actors.map((actor) => play(actor, scene, until)),
    strikeAll(plan.faults, stack, scene.record, say),
  ]);
  await stack.ready();
  await untilBothServe(scene);
  probing.abort();
  await probed;
  const drained = await drainCursors(scene);
  await delay(Math.max(0, endOfLives(events) - now()));
  const { publications } = scene;
  const history = (receipts: readonly HistoryEvent[], receiptsAwaitedMs: number): History => ({
    ...{ publications, events: [...events, ...receipts], drained, receiptsAwaitedMs },
  });
  const awaitedMs = await readReceipts(scene, (receipts) => history(receipts, 0));
  return history([], awaitedMs);
}

async function settle(plan: Plan, stack: ChaosStack, record: Scene['record']): Promise<Scene> {
  const logInAll = (count: number) =>
    Promise.all(Array.from({ length: count }, () => logIn(stack.instances)));
  const [senders, recipients, [one, other]] = await Promise.all([
    logInAll(plan.senders),
    logInAll(plan.recipients),
    logInAll(2),
  ]);
  const [creator] = senders;
  if (!creator || !one || !other) throw new Error('a run needs participants');
  const topicIds = await Promise.all(Array.from({ length: plan.topics }, () => createTopic(creator)));
  const publications = plan.publications.map((publication): SentPublication => {
    const { number, sender, topic, repetition, clientGatewayMessageId: uuid } = publication;
    return {
      ...publication,
      senderDid: senders[sender]?.did ?? '',
      topicId: topicIds[topic] ?? '',
      transactionId: repetition === 'transaction' ? `transaction ${number}` : undefined,
      signature: `signature of ${uuid}`,
      digest: digestOf(payloadOf(publication)),
    };
  });
  const from = new Date(Math.floor(now())).toISOString();
  return {
    ...{ plan, stack, senders, recipients, topicIds, publications, from, record },
    probers: [one, other],
  };
}

async function createTopic(creator: ChaosParticipant): Promise<string> {
  const answer = await creator.call<{ id: string }>(0, 'POST', '/topics', {
    ...{ name: `chaos-${randomUUID()}`, owner: demoOwner, schemaType: 'JSD7', schema: '{}' },
    ...{ version: '1.0.0', tags: [] },
  });
  if (answer.status !== 200 || !answer.body) throw new Error(`a topic was answered ${answer.status}`);
  return answer.body.id;
}

async function untilBothServe(scene: Scene): Promise<void> {
  const endsAt = now() + serveAgainMs;
  await Promise.all(
    [0, 1].map(async (instance) => {
      while (!(await probe(scene, instance)) && now() < endsAt) await delay(200);
    }),
  );
}

/** When the class of the messages of the last publish has ended: the timer is due from then on. */
export function endOfLives(events: readonly HistoryEvent[]): number {
  const ends = events.map((event) =>
    event.kind === 'published' ? event.endedAt + shortClassSeconds * 1_000 : 0,
  );
  return largest(ends, 0);
}
