// Searches that find nothing, the most frequent request of all: cursors that have read and acknowledged before.

import { type Bench, cursorCount, type Participant } from '../bench';
import { fillMailboxes } from '../filled-mailboxes';
import { acknowledgeTemplate, postRequest } from '../http-text';
import type { Row } from '../suite';

const clientId = 'bench-poll';

export const emptyPoll: Row = {
  name: 'empty-poll',
  title: 'empty poll',
  measure: async (bench) => {
    const participants = await bench.participants('pollers', cursorCount);
    const requests = await bench.once('poll requests', () => readEverything(bench, participants));
    return bench.loadForRound({ port: await bench.brokerPort(), requests, expect: '[]' });
  },
};

/** Gives every mailbox a message that is read and acknowledged; returns the polls that then find nothing. */
export async function readEverything(
  bench: Bench,
  participants: readonly Participant[],
): Promise<readonly string[]> {
  await fillMailboxes(bench, participants, 1);
  const search = { clientId, topicId: [await bench.topicId()], amount: 30 };
  const requests = participants.map(({ token }) => postRequest('/messages/search', token, search));
  await bench.load({
    port: await bench.brokerPort(),
    connections: 16,
    requests,
    until: { timesEach: 1 },
    expect: '"messageId"',
    acknowledge: participants.map(({ token }) => acknowledgeTemplate(token, clientId)),
  });
  return requests;
}
