// The end of a chaos run, when all is mended: every cursor, and a new one for each mailbox, is read until nothing is
// left, and every sender reads its receipts.

import { setTimeout as delay } from 'node:timers/promises';
import { runTimer } from './actors';
import { acknowledge, search } from './calls';
import type { ChaosParticipant } from './chaos-client';
import type { CursorName, History, ReceiptsRead } from './history';
import { indexHistory } from './history-index';
import type { CursorOf } from './plan';
import { handedOutMs, missingReceipts } from './rules/receipts';
import { openCursor, type OpenCursor, type Scene } from './scene';
import { now } from './strike';

/** A replica may be behind: nothing is a fact only when it was answered so often. */
const emptyAnswers = 3;
const emptyPauseMs = 60;
/** All of it ends within this. Unit: ms. */
const drainMs = 60_000;
/** From this length on a run waits for every receipt. */
const longRunSeconds = 30;
const shortPatienceMs = 1_500;

/** Client id of a cursor that nobody has used before the end. */
const auditClientId = 'audit';

export async function drainCursors(scene: Scene): Promise<ReadonlyMap<CursorName, string>> {
  const { plan } = scene;
  const audits = Array.from({ length: plan.recipients }, (_none, recipient): CursorOf => {
    return { recipient, clientId: auditClientId, isDated: false };
  });
  const used = plan.actors.flatMap(({ cursor }) => cursor ?? []);
  const cursors = new Map(
    [...used, ...audits].map((cursor) => openCursor(scene, cursor)).map((open) => [open.name, open]),
  );
  await Promise.all([...cursors.values()].map((cursor, index) => drain(scene, cursor, index % 2)));
  return new Map([...cursors].map(([name, { reader }]) => [name, reader.did]));
}

/** What somebody holds a lease of is found all the same, and acknowledged. */
async function drain(scene: Scene, cursor: OpenCursor, instance: number): Promise<void> {
  const endsAt = now() + drainMs;
  for (let empty = 0; empty < emptyAnswers && now() < endsAt;) {
    const found = await search(scene, instance, cursor, { amount: 500 });
    if (found?.length) {
      empty = 0;
      await acknowledge(scene, instance, cursor, found);
    } else {
      if (found) empty++;
      await delay(emptyPauseMs);
    }
  }
}

/**
 * Runs the timer and reads receipts until all were read and none is missing, or for as long as one would wait for them.
 * @returns how long that was. Unit: ms
 */
export async function readReceipts(
  scene: Scene,
  historyWith: (receipts: readonly ReceiptsRead[]) => History,
): Promise<number> {
  const beganAt = now();
  const patienceMs = scene.plan.seconds < longRunSeconds ? shortPatienceMs : handedOutMs + 10_000;
  for (;;) {
    await runTimer({ instance: 0 }, scene);
    await delay(200);
    const receipts = await Promise.all(scene.senders.map((sender) => receiptsOf(sender)));
    const awaitedMs = now() - beganAt;
    const isDone =
      receipts.every(({ areAll }) => areAll) &&
      missingReceipts(indexHistory(historyWith(receipts))).length === 0;
    if (isDone || awaitedMs > patienceMs) {
      for (const read of receipts) scene.record(read);
      return awaitedMs;
    }
    await delay(300);
  }
}

interface ReceiptsAnswer {
  readonly receipts: readonly {
    readonly messageId: string;
    readonly recipient: string;
    readonly outcome: string;
    readonly at: string;
  }[];
  readonly next: string;
}

async function receiptsOf(sender: ChaosParticipant): Promise<ReceiptsRead> {
  const receipts: ReceiptsRead['receipts'][number][] = [];
  for (let after = ''; ;) {
    const path = `/receipts${after === '' ? '' : `?after=${after}`}`;
    const { status, body } = await sender.call<ReceiptsAnswer>(1, 'GET', path);
    const isGood = status === 200 && body !== undefined;
    if (!isGood || body.receipts.length === 0) {
      return { kind: 'receipts', sender: sender.did, areAll: isGood, receipts };
    }
    receipts.push(...body.receipts.map((one) => ({ ...one, at: Date.parse(one.at) })));
    after = body.next;
  }
}
