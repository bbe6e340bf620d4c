// npm run overload: measures the rate that a broker sustains, offers it twice that for a while, and looks at what became
// of every request and of every message that was answered SENT.

import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { startLoadWorld } from '../load/world';
import { runCommand } from '../stack/lifetime';
import { positive } from '../stack/number-options';
import { Requests } from './requests';
import { faultsOf, type OverloadSummary, summarize } from './verdict';

const participantCount = 80;
/** Requests at once while the sustainable rate is measured. */
const concurrency = 64;
const measureSeconds = 8;
/** Opened ahead: as many as there will be requests in line and at work, for about so long. */
const maxConnections = 9_000;
const workSeconds = 6;
/** Requests of the overload come in bundles, this far apart. Unit: ms. */
const bundleMs = 10;

runCommand(async (lifetime) => {
  const { values } = parseArgs({
    options: {
      seconds: { type: 'string', default: '40' },
      factor: { type: 'string', default: '2' },
      wait: { type: 'string', default: '6' },
    },
  });
  const seconds = positive('--seconds', values.seconds);
  const factor = positive('--factor', values.factor);
  const waitSeconds = positive('--wait', values.wait);
  // Shorter than the default, so that a short run comes to it.
  process.env['REQUEST_WAIT_SECONDS'] = String(waitSeconds);
  const world = await startLoadWorld(participantCount);
  lifetime.onStop(world.stack.stop);
  const requests = new Requests(world);

  console.error('measuring the sustainable rate');
  await closedLoop(requests, measureSeconds / 2);
  requests.outcomes.length = 0;
  await closedLoop(requests, measureSeconds);
  const sustainable = requests.outcomes.filter(({ status }) => status === 200).length / measureSeconds;
  console.log(`sustainable: ${sustainable.toFixed(0)} requests a second, ${concurrency} at once`);

  const inTheSystem = sustainable * factor * (waitSeconds + workSeconds);
  await requests.connect(Math.min(maxConnections, Math.ceil(inTheSystem)));
  console.error(`offering ${factor} times as many for ${seconds} s`);
  requests.outcomes.length = 0;
  const beganAt = performance.now();
  await openLoop(requests, sustainable * factor, seconds);
  const summary = summarize(requests.outcomes, beganAt);
  printSummary(summary);

  console.error('reading back what was accepted');
  let [messages, missing] = [0, 0];
  for (const participant of world.participants) {
    const stored = await requests.readAll(participant);
    for (const id of requests.accepted.get(participant.did) ?? []) {
      messages++;
      if (!stored.has(id)) missing++;
    }
  }
  requests.close();
  const faults = faultsOf(summary, sustainable, missing);
  const verdict = faults.length === 0 ? 'passed' : `FAILED: ${faults.join(', ')}`;
  console.log(
    `overload: ${messages} messages were answered SENT, ${missing} of them are missing; ${verdict}`,
  );
  if (faults.length > 0) throw new Error('overload: FAILED');
});

async function closedLoop(requests: Requests, seconds: number): Promise<void> {
  const endsAt = performance.now() + seconds * 1_000;
  await Promise.all(
    Array.from({ length: concurrency }, async () => {
      while (performance.now() < endsAt) await requests.next();
    }),
  );
}

/** Sends at a rate, whether the broker keeps up or not; returns when every request has ended. */
async function openLoop(requests: Requests, perSecond: number, seconds: number): Promise<void> {
  const running = new Set<Promise<void>>();
  const beganAt = performance.now();
  let sent = 0;
  for (let elapsed = 0; elapsed < seconds * 1_000; elapsed = performance.now() - beganAt) {
    for (const due = (elapsed / 1_000) * perSecond; sent < due; sent++) {
      const one = requests.next().finally(() => running.delete(one));
      running.add(one);
    }
    await delay(bundleMs);
  }
  await Promise.all(running);
}

function printSummary(summary: OverloadSummary): void {
  const { offered, accepted, shed, other, acceptedPerSecond, firstShedAfterSeconds } = summary;
  const { p50Ms, p99Ms, mostMs, acknowledgedShare } = summary;
  const inSeconds = (ms: number): string => `${(ms / 1_000).toFixed(1)} s`;
  console.log(
    `offered ${offered}: ${accepted} accepted, ${shed} shed with Retry-After, ${other} otherwise; first shed after ${firstShedAfterSeconds?.toFixed(1) ?? '–'} s`,
  );
  console.log(
    `accepted ${acceptedPerSecond.toFixed(0)} a second, in ${inSeconds(p50Ms)} (p50), ${inSeconds(p99Ms)} (p99), ${inSeconds(mostMs)} (most); ${(acknowledgedShare * 100).toFixed(0)} % of the acknowledgements`,
  );
}
