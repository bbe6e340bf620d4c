// Dry runs of compatibility are open to everybody: they take turns, and end in time.

import { describe, expect, it } from '@jest/globals';
import type { Comparison } from '../../../shared/topics/compatibility';
import type { SchemaComparer } from '../../../shared/topics/schema-comparer';
import type { Topic, TopicVersion, TopicView } from '../../../shared/topics/topic';
import type { TopicAccess } from '../../../shared/topics/topic-access';
import { VersionAdministration } from '../../../shared/topics/version-administration';

const compatible: Comparison = { verdict: 'compatible', findings: [], unproven: [] };

/** A topic of many versions, each with a schema of its own. */
function topicOf(versions: number): Topic {
  return {
    ...{ id: 'topic', name: 'name', owner: 'owner', schemaType: 'JSD7', tags: [], revision: 1 },
    ...{ createdAtMs: 0, deletedAtMs: undefined, retentionClass: undefined },
    compatibility: { mode: 'FULL_TRANSITIVE', unknownProperties: 'ignored' },
    versions: Array.from({ length: versions }, (_, at): TopicVersion => ({
      ...{ version: `1.${at}.0`, schemaHash: `hash ${at}`, createdAtMs: 0 },
      ...{ deletedAtMs: undefined, deprecation: undefined },
    })),
  };
}

function administrationOf(comparer: SchemaComparer, options: { versions?: number; clock?: () => number }) {
  const topic = topicOf(options.versions ?? 1);
  return new VersionAdministration({
    access: { require: () => Promise.resolve(topic) } as unknown as TopicAccess,
    store: {
      view: () => Promise.resolve({ schemaText: '{}' } as TopicView),
      listVersions: () => Promise.reject(new Error('is not asked')),
    },
    validator: { compile: () => Promise.resolve(), validatePayload: () => Promise.resolve() },
    comparer,
    maxVersions: 1_000,
    clock: options.clock ?? (() => 0),
  });
}

describe('dry runs', () => {
  it('regression, no turn for each caller: one of a caller is done at a time, and nobody else waits', async () => {
    const begun: ((comparison: Comparison) => void)[] = [];
    const begins: (() => void)[] = [];
    const comparer = {
      compare: () =>
        new Promise<Comparison>((resolve) => {
          begun.push(resolve);
          begins.shift()?.();
        }),
    };
    const nextBegins = () => new Promise<void>((resolve) => begins.push(resolve));
    const administration = administrationOf(comparer, {});
    const dryRun = (did: string) => administration.compare({ did }, 'topic', '{"a":1}', {});
    const first = nextBegins();
    const abuser = Array.from({ length: 8 }, () => dryRun('abuser'));
    await first;
    const second = nextBegins();
    const other = dryRun('other');
    await second;
    // One of each; the abuser's others have not begun, and one more is sent away.
    expect(begun).toHaveLength(2);
    await expect(dryRun('abuser')).rejects.toMatchObject({ code: 'overloaded' });
    begun[1]?.(compatible);
    await other;
    for (let at = 0; at < abuser.length; at++) {
      const next = nextBegins();
      begun[at === 0 ? 0 : at + 1]?.(compatible);
      await abuser[at];
      if (at + 1 < abuser.length) await next;
      expect(begun).toHaveLength(Math.min(at + 3, 9));
    }
  });

  it('regression, a hundred comparisons of one call: after five seconds what is left is unknown', async () => {
    let nowMs = 0;
    let compared = 0;
    const purposes = new Set<string>();
    const comparer: SchemaComparer = {
      compare: (_comparison, purpose) => {
        compared++;
        purposes.add(purpose);
        nowMs += 800;
        return Promise.resolve(compatible);
      },
    };
    const administration = administrationOf(comparer, { versions: 100, clock: () => nowMs });
    const report = await administration.compare({ did: 'caller' }, 'topic', '{"a":1}', {});
    expect([report.verdict, compared, [...purposes]]).toEqual(['unknown', 7, ['dry-run']]);
    expect(report.unproven.map(({ version }) => version)).toEqual(['1.92.0']);
  });
});
