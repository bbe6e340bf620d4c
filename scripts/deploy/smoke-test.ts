// Does the deployed broker work? Two generated participants try it. They have no roles unless the broker gives roles
// to everyone (ROLES_FILE), so without roles the test is that it knows them and refuses them what needs a role.

import { createKeyPair, ParticipantClient } from '../../client';
import { playGuidedExchange } from '../guided/guided-exchange';

/** After a deployment the first instance starts, and a sleeping database wakes. Unit: ms. */
const patienceMs = 300_000;
const pauseMs = 5_000;

/** @throws Error that says what does not work */
export async function smokeTest(url: string, say: (line: string) => void): Promise<void> {
  await untilHealthy(url);
  say(`${url}/health: UP`);
  const participant = await ParticipantClient.login(url, createKeyPair());
  const { status } = await participant.request('GET', '/config');
  if (status === 200) {
    await playGuidedExchange(url, say);
  } else if (status === 403) {
    await ParticipantClient.login(url, createKeyPair());
    say('two participants logged in; without a role they are refused the rest, as they must be');
  } else {
    throw new Error(`GET /config answered ${status} to a participant that has just logged in`);
  }
}

async function untilHealthy(url: string): Promise<void> {
  const deadline = Date.now() + patienceMs;
  for (;;) {
    const report = await fetch(`${url}/health`)
      .then(async (answer) => (answer.ok ? '' : `${answer.status} ${await answer.text()}`))
      .catch((error: unknown) => String(error));
    if (report === '') return;
    if (Date.now() > deadline) throw new Error(`${url}/health is not UP: ${report}`);
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
  }
}
