// The exchange that npm start shows, as a test: against a broker of its own, or against the one that BROKER_URL
// names, such as the official Functions host.

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { curlLines, playGuidedExchange } from '../../scripts/guided/guided-exchange';
import { type BrokerUnderTest, startBrokerUnderTest } from '../support/stack';

describe('two participants', () => {
  let broker: BrokerUnderTest;
  beforeAll(async () => {
    broker = await startBrokerUnderTest();
  }, 60_000);
  afterAll(() => broker.stop(), 20_000);

  it('log in, create a topic, publish, search and acknowledge, and a third one is refused', async () => {
    const lines: string[] = [];
    const progress: string[] = [];
    const exchange = await playGuidedExchange(
      broker.url,
      (line) => lines.push(line),
      (line) => progress.push(line),
    );
    expect(progress).toHaveLength(5);
    for (const call of [
      'POST /auth/login',
      'POST /topics',
      'POST /messages ',
      'POST /messages/search',
      'POST /messages/ack',
      'POST /files ',
      'POST /files/…/complete',
      '[####################] 5.0 MB',
      'GET /files/…',
      'PUT /channels/from-alice',
      'MB::CHANNEL_RESTRICTED',
    ]) {
      expect(lines.join('\n')).toContain(call);
    }
    expect(curlLines(broker.url, exchange)).toEqual([
      expect.stringMatching(/^curl -sS http.*\/messages -H 'Authorization: Bearer [\w.-]+' .* -d '\{.*\}'$/),
      expect.stringMatching(
        /^curl -sS http.*\/messages\/search -H 'Authorization: Bearer [\w.-]+' .* -d '\{.*\}'$/,
      ),
    ]);
  }, 30_000);
});
