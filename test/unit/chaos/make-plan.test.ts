// Plans follow from their seeds, and have in them what is to be tried.

import { describe, expect, it } from '@jest/globals';
import { makePlan, storeOf } from '../../../scripts/chaos/make-plan';

const plans = Array.from({ length: 20 }, (_none, index) => makePlan(index + 1, 4));

describe('a plan', () => {
  it('is the same for the same seed, and another for another', () => {
    expect(makePlan(7, 5)).toEqual(makePlan(7, 5));
    expect(makePlan(7, 5).actors).not.toEqual(makePlan(8, 5).actors);
  });

  it('begins in the same way, however long it is', () => {
    const [short, long] = [makePlan(3, 4), makePlan(3, 60)];
    for (const [index, { steps }] of short.actors.entries()) {
      const begins = long.actors[index]?.steps.slice(0, steps.length) ?? [];
      const pauses = (of: readonly { readonly pauseMs: number }[]) => of.map(({ pauseMs }) => pauseMs);
      expect(pauses(begins)).toEqual(pauses(steps));
    }
  });

  it('has publishers, searchers, workers and the timer, and at least one fault', () => {
    for (const { actors, faults } of plans) {
      const kinds = new Set(actors.flatMap(({ steps }) => steps.map(({ kind }) => kind)));
      expect(kinds).toEqual(new Set(['publish', 'search', 'receive', 'timer']));
      expect(faults.length).toBeGreaterThan(0);
    }
  });

  it('has every kind of fault among twenty seeds, on a server and on a cluster', () => {
    const struck = new Set(plans.flatMap(({ faults }) => faults.map(({ kind }) => kind)));
    expect(struck.size).toBe(15);
    expect(new Set(plans.map(({ seed }) => storeOf(seed)))).toEqual(new Set(['server', 'cluster']));
  });

  it('lets one node of a cluster fail at a time', () => {
    for (const { faults, store } of plans.filter((plan) => plan.store === 'cluster')) {
      expect(store).toBe('cluster');
      const ofNodes = faults.filter(({ kind }) => /^(node|leader)/.test(kind));
      for (const [index, fault] of ofNodes.entries()) {
        const next = ofNodes[index + 1];
        if (next) expect(next.atMs).toBeGreaterThan(fault.atMs + fault.forMs);
      }
    }
  });
});
