// Versions of topics on behalf of a caller: publishing them, what that would break, validating against them, and
// their end.

import { BrokerError, type Fault } from '../broker-error';
import type { Clock } from '../clock';
import type { Caller } from '../identity';
import { Turns } from '../turns';
import { readSunset } from './deprecation';
import { type Page, type PageRequest, toPage, toWindow } from './paging';
import type { PayloadValidator } from './payload-validator';
import { readSchemaText } from './schema-text';
import type { SchemaComparer } from './schema-comparer';
import { demand, type Precondition, type TopicAccess } from './topic-access';
import type { Deprecation, Topic, TopicView } from './topic';
import { deleteVersion, deprecateVersion, liveVersions, publishVersion, topicNotFound } from './topic-change';
import { requireRoom } from './topic-limits';
import { readMode, readUnknownProperties } from './topic-options';
import { checkVersion } from './topic-rules';
import type { TopicStore } from './topic-store';
import { compatibilityBasis, type CompatibilityReport, VersionCompatibility } from './version-compatibility';

/** How often publishing begins anew because others have changed the topic meanwhile. */
const maxAttempts = 5;
/** Dry runs of one caller that wait while one is done. */
const maxWaitingDryRuns = 7;
/** How long a dry run may take until what is left is unknown. Unit: ms. */
const maxDryRunMs = 5_000;

export interface VersionAdministrationDependencies {
  readonly access: TopicAccess;
  readonly store: Pick<TopicStore, 'view' | 'listVersions'>;
  readonly validator: PayloadValidator;
  readonly comparer: SchemaComparer;
  readonly maxVersions: number;
  readonly clock: Clock;
}

interface DryRunOptions {
  readonly mode?: string | undefined;
  readonly unknownProperties?: string | undefined;
}

export class VersionAdministration {
  readonly #access: TopicAccess;
  readonly #store: Pick<TopicStore, 'view' | 'listVersions'>;
  readonly #validator: PayloadValidator;
  readonly #compatibility: VersionCompatibility;
  readonly #dryRuns = new Turns({ perOwner: 1, maxWaiting: maxWaitingDryRuns, refusal: tooManyDryRuns });
  readonly #maxVersions: number;
  readonly #clock: Clock;

  constructor(dependencies: VersionAdministrationDependencies) {
    const { access, store, validator, comparer, maxVersions, clock } = dependencies;
    this.#access = access;
    this.#store = store;
    this.#validator = validator;
    this.#compatibility = new VersionCompatibility(store, comparer);
    this.#maxVersions = maxVersions;
    this.#clock = clock;
  }

  /** One version, without a number the one that stands for the topic. @throws BrokerError `topic-not-found` */
  view(id: string, version: string | undefined, includeDeleted: boolean): Promise<TopicView> {
    return this.#access.view(id, version, includeDeleted);
  }

  /**
   * @returns the version, and what comparing it with others has said; undefined when it was published already
   * @throws BrokerError `topic-not-found`, `forbidden`, `schema-invalid`, `version-conflict`, `version-incompatible`,
   *   `precondition-failed`, `limit-reached`
   */
  async publish(
    caller: Caller,
    id: string,
    version: string,
    schemaText: string,
    precondition: Precondition,
  ): Promise<{ readonly view: TopicView; readonly compatibility: CompatibilityReport | undefined }> {
    checkVersion(version);
    for (let attempt = 0; attempt < maxAttempts; attempt++) {
      const found = await this.#access.require(id);
      this.#access.requireRight(caller, found.owner);
      const schema = readSchemaText(found.schemaType, schemaText);
      let compatibility: CompatibilityReport | undefined;
      // A version that exists decides by its hash alone; only a new schema has to be usable, and to fit.
      if (publishVersion(found, version, schema)) {
        await this.#validator.compile(found.schemaType, schema.text);
        compatibility = await this.#compatibility.require(found, schema);
      }
      const basis = compatibilityBasis(found);
      const seen: { isOutdated: boolean } = { isOutdated: false };
      const decide = (topic: Topic) => {
        demand(precondition, versionTag(topic, version));
        const change = publishVersion(topic, version, schema);
        if (change) requireRoom(topic.versions.length, this.#maxVersions, 'versions');
        // Versions that came or went meanwhile have not been compared with, or need not be.
        seen.isOutdated = change !== undefined && compatibilityBasis(topic) !== basis;
        return seen.isOutdated ? undefined : change;
      };
      await this.#access.change(caller, id, decide, schema);
      if (!seen.isOutdated) return { view: await this.#access.view(id, version, false), compatibility };
    }
    throw new BrokerError('topic-store-unavailable', 'Others change this topic at the same time.', {
      retryAfterSeconds: 1,
    });
  }

  /**
   * What publishing this schema as a new version would break. Of one caller, one is done at a time.
   * @param request mode and unknown properties; absent: as the topic has them
   * @throws BrokerError `invalid-parameters`, `topic-not-found`, `schema-invalid`, `overloaded`
   */
  async compare(
    caller: Pick<Caller, 'did'>,
    id: string,
    schemaText: string,
    request: DryRunOptions,
  ): Promise<CompatibilityReport> {
    return this.#dryRuns.run(caller.did, () => this.#compare(id, schemaText, request));
  }

  async #compare(id: string, schemaText: string, request: DryRunOptions): Promise<CompatibilityReport> {
    const endsAtMs = this.#clock() + maxDryRunMs;
    const topic = await this.#access.require(id);
    if (topic.deletedAtMs !== undefined) throw topicNotFound();
    const { mode, unknownProperties } = topic.compatibility;
    const options = {
      mode: request.mode === undefined ? mode : readMode(request.mode),
      unknownProperties:
        request.unknownProperties === undefined
          ? unknownProperties
          : readUnknownProperties(request.unknownProperties),
    };
    const schema = readSchemaText(topic.schemaType, schemaText);
    await this.#validator.compile(topic.schemaType, schema.text);
    const isOutOfTime = () => this.#clock() >= endsAtMs;
    return this.#compatibility.report(topic, schema, options, { purpose: 'dry-run', isOutOfTime });
  }

  /**
   * @param sunset ISO 8601 instant from which on the version is refused
   * @throws BrokerError `invalid-parameters`, `topic-not-found`, `forbidden`, `precondition-failed`
   */
  async deprecate(
    caller: Caller,
    id: string,
    version: string,
    sunset: string,
    precondition: Precondition,
  ): Promise<Deprecation> {
    checkVersion(version);
    const nowMs = this.#clock();
    const sunsetAtMs = readSunset(sunset, nowMs);
    const topic = await this.#access.change(caller, id, (present) => {
      demand(precondition, versionTag(present, version));
      return deprecateVersion(present, version, { sunsetAtMs, nowMs });
    });
    return (
      topic.versions.find((one) => one.version === version)?.deprecation ?? { sinceMs: nowMs, sunsetAtMs }
    );
  }

  /**
   * What publishing this payload would say of it.
   * @returns its faults; none when it matches
   * @throws BrokerError `topic-not-found`
   */
  async faultsOf(id: string, version: string, payload: string): Promise<readonly Fault[]> {
    const { schemaType, schemaHash, schemaText } = await this.#access.view(id, version, false);
    try {
      await this.#validator.validatePayload(
        { schemaType, schemaHash, readText: () => Promise.resolve(schemaText) },
        payload,
      );
      return [];
    } catch (error) {
      if (error instanceof BrokerError && error.code === 'schema-violation') return error.faults;
      throw error;
    }
  }

  /** @throws BrokerError `invalid-parameters`, `topic-not-found`, `forbidden`, `precondition-failed` */
  async delete(caller: Caller, id: string, version: string, precondition: Precondition): Promise<void> {
    checkVersion(version);
    await this.#access.change(caller, id, (topic) => {
      const change = deleteVersion(topic, version);
      demand(precondition, versionTag(topic, version));
      return change;
    });
  }

  /** @throws BrokerError `topic-not-found` */
  async list(id: string, includeDeleted: boolean, request: PageRequest): Promise<Page> {
    const window = toWindow(request);
    const topic = await this.#access.require(id);
    if (topic.deletedAtMs !== undefined && !includeDeleted) throw topicNotFound();
    return toPage(await this.#store.listVersions(id, includeDeleted, window), request);
  }
}

function versionTag(topic: Topic, version: string): string | undefined {
  return liveVersions(topic).find((candidate) => candidate.version === version)?.schemaHash;
}

function tooManyDryRuns(): BrokerError {
  return new BrokerError('overloaded', `${maxWaitingDryRuns} dry runs of yours wait already.`, {
    retryAfterSeconds: 5,
  });
}
