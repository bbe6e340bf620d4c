// The nightly workflow runs every part of a nightly run, and its machines share all seeds of the chaos runs.

import { describe, expect, it } from '@jest/globals';
import { chaosSeeds, parts, runsOf } from '../../../scripts/nightly/parts.mjs';
import { chosenChaosSeeds } from '../../support/chaos-seeds';
import { readDocument } from '../../support/doc-table';

const workflow = readDocument('.github/workflows/nightly.yml');
const listOf = (name: string): readonly string[] =>
  new RegExp(`^ +${name}: \\[(.*)\\]$`, 'm').exec(workflow)?.[1]?.split(', ') ?? [];

describe('a nightly run', () => {
  it('has all its parts where none is named, else those', () => {
    expect(runsOf([])).toEqual(Object.values(parts).flat());
    expect(runsOf(['fuzz'])).toEqual(parts['fuzz']);
    expect(() => runsOf(['fuzz', 'toString'])).toThrow('toString');
  });

  it('regression: is shared out to jobs of the workflow that leave out nothing', () => {
    const commands = [...workflow.matchAll(/npm run nightly -- (.+)$/gm)].map(([, name]) => name);
    expect(commands).toEqual(['${{ matrix.part }}', 'chaos']);
    expect([...listOf('part'), 'chaos'].sort()).toEqual(Object.keys(parts).sort());
    const count = /CHAOS_SEEDS: '(\d+)'/.exec(workflow)?.[1];
    const seeds = listOf('first').flatMap((first) =>
      chosenChaosSeeds({ CHAOS_FIRST_SEED: first, CHAOS_SEEDS: count }),
    );
    expect(seeds).toEqual(Array.from({ length: chaosSeeds }, (_none, index) => index + 1));
  });

  it('regression: has jobs that may take as long as their chaos runs, of twelve seconds each', () => {
    const [, chaos = ''] = workflow.split('\n  chaos:\n');
    const minutes = Number(/timeout-minutes: (\d+)/.exec(chaos)?.[1]);
    expect((Number(/CHAOS_SEEDS: '(\d+)'/.exec(chaos)?.[1]) * 12) / 60).toBeLessThanOrEqual(minutes);
  });
});
