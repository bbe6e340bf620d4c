// A small portion of what npm run fuzz sends: requests made from the document of the built app and bent, against real
// NATS, Azurite and SQLite. The seed is fixed, so that every run has requests of the same kinds; a fault is
// repeated by its request, which the verdict has.

import { describe, expect, it } from '@jest/globals';
import { fuzz } from '../../scripts/fuzz/fuzz-run';
import { root } from '../support/command';

describe('3,000 fuzzed requests', () => {
  it('get answers as described, no 5xx, and nothing of another participant; memory and connections are back afterwards', async () => {
    const verdict = await fuzz({ requests: 3_000, seed: 1, root });
    expect(verdict.faults).toEqual([]);
    expect(verdict.after.natsConnections).toBe(2);
    // Not everything was refused.
    expect(verdict.statuses.get(200)).toBeGreaterThan(500);
    expect(verdict.succeeded.size).toBeGreaterThan(verdict.operations / 2);
  }, 90_000);
});
