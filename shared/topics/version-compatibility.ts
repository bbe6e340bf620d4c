// Whether a new version keeps to the compatibility mode of its topic: which versions it is compared with, in which
// directions, and what that comes to.

import { BrokerError } from '../broker-error';
import {
  type Comparison,
  type Direction,
  type Finding,
  together,
  type Unproven,
  type Verdict,
} from './compatibility';
import { compareVersions } from './semantic-version';
import type { ComparisonPurpose, SchemaComparer } from './schema-comparer';
import type { SchemaText, Topic, TopicVersion } from './topic';
import { liveVersions } from './topic-change';
import type { CompatibilityMode, CompatibilityOptions } from './topic-options';
import type { TopicStore } from './topic-store';

/** What is said of one published version. */
interface OfVersion {
  readonly version: string;
}

export interface CompatibilityReport {
  readonly mode: CompatibilityMode;
  readonly verdict: Verdict;
  readonly findings: readonly (Finding & OfVersion)[];
  readonly unproven: readonly (Unproven & OfVersion)[];
}

/** What a report is for, and how long it may take. */
export interface Occasion {
  readonly purpose: ComparisonPurpose;
  /** Once it is true, what has not been compared yet is unknown. */
  readonly isOutOfTime: () => boolean;
}

const newVersion: Occasion = { purpose: 'version', isOutOfTime: () => false };

/** Most different schemas that a transitive mode compares with; with more, the rest is unknown. */
const maxCompared = 100;
/** Longest witness in a problem; the dry run shows all of it. */
const maxWitnessLength = 500;

const directionsOf: Readonly<Record<CompatibilityMode, readonly Direction[]>> = {
  NONE: [],
  BACKWARD: ['backward'],
  FORWARD: ['forward'],
  FULL: ['backward', 'forward'],
  BACKWARD_TRANSITIVE: ['backward'],
  FORWARD_TRANSITIVE: ['forward'],
  FULL_TRANSITIVE: ['backward', 'forward'],
};

/** Live versions that a new one is compared with, from the highest to the lowest. */
export function comparedVersions(topic: Topic, mode: CompatibilityMode): readonly TopicVersion[] {
  if (mode === 'NONE') return [];
  const fromHighest = [...liveVersions(topic)].sort((a, b) => compareVersions(b.version, a.version));
  return mode.endsWith('_TRANSITIVE') ? fromHighest : fromHighest.slice(0, 1);
}

/** Another one whenever a report on a topic could come out differently. */
export function compatibilityBasis(topic: Topic): string {
  const { mode, unknownProperties } = topic.compatibility;
  return JSON.stringify([
    mode,
    unknownProperties,
    comparedVersions(topic, mode).map(({ version }) => version),
  ]);
}

export class VersionCompatibility {
  constructor(
    private readonly store: Pick<TopicStore, 'view'>,
    private readonly comparer: SchemaComparer,
  ) {}

  /** Compares a schema, which has been found usable, with the versions of a topic; ends at the first that it breaks. */
  async report(
    topic: Topic,
    schema: SchemaText,
    options: CompatibilityOptions,
    { purpose, isOutOfTime }: Occasion,
  ): Promise<CompatibilityReport> {
    const { mode } = options;
    const findings: (Finding & OfVersion)[] = [];
    const unproven: (Unproven & OfVersion)[] = [];
    const seen = new Set<string>();
    const verdicts: Comparison[] = [];
    for (const { version, schemaHash } of comparedVersions(topic, mode)) {
      if (seen.has(schemaHash)) continue;
      seen.add(schemaHash);
      const end =
        seen.size > maxCompared
          ? `Only ${maxCompared} schemas are compared.`
          : isOutOfTime()
            ? 'The time for a dry run has ended: neither this version nor those before it are compared.'
            : undefined;
      if (end !== undefined) {
        verdicts.push({ verdict: 'unknown', findings: [], unproven: [] });
        unproven.push({ version, pointer: '', reason: end });
        break;
      }
      const comparison = await this.#compare(topic, { version, schemaHash }, schema, options, purpose);
      verdicts.push(comparison);
      findings.push(...comparison.findings.map((finding) => ({ ...finding, version })));
      unproven.push(...comparison.unproven.map((one) => ({ ...one, version })));
      if (comparison.verdict === 'incompatible') break;
    }
    const { verdict } = together(verdicts);
    return { mode, verdict, findings, unproven: verdict === 'unknown' ? unproven : [] };
  }

  /**
   * The same by the topic's own options.
   * @throws BrokerError `version-incompatible`
   */
  async require(topic: Topic, schema: SchemaText): Promise<CompatibilityReport> {
    const report = await this.report(topic, schema, topic.compatibility, newVersion);
    if (report.verdict !== 'incompatible') return report;
    throw new BrokerError(
      'version-incompatible',
      `The schema breaks with a published version, which the topic's mode ${report.mode} does not allow.`,
      { faults: report.findings.map(toFault) },
    );
  }

  async #compare(
    { id, schemaType }: Topic,
    { version, schemaHash }: Pick<TopicVersion, 'version' | 'schemaHash'>,
    schema: SchemaText,
    { mode, unknownProperties }: CompatibilityOptions,
    purpose: ComparisonPurpose,
  ): Promise<Comparison> {
    const isComparable = schemaType !== 'XSD6' && schemaType !== 'XML';
    if (isComparable && schemaHash === schema.hash) {
      return { verdict: 'compatible', findings: [], unproven: [] };
    }
    const published = isComparable ? await this.store.view(id, version) : undefined;
    if (!published) {
      const reason = isComparable
        ? 'The published schema cannot be read.'
        : `Schemas of type ${schemaType} are not compared.`;
      return { verdict: 'unknown', findings: [], unproven: [{ pointer: '', reason }] };
    }
    const comparison = {
      schemaType,
      oldText: published.schemaText,
      newText: schema.text,
      directions: directionsOf[mode],
      unknownProperties,
    };
    return this.comparer.compare(comparison, purpose);
  }
}

function toFault({ pointer, reason, witness, acceptedBy, version }: Finding & OfVersion) {
  const accepting = acceptedBy === 'old' ? `version ${version}` : 'the new version';
  const shown = witness.length > maxWitnessLength ? `${witness.slice(0, maxWitnessLength)}…` : witness;
  return { field: pointer, message: `${reason} ${accepting} accepts it: ${shown}` };
}
