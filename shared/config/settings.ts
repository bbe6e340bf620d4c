// Reads the settings once: all errors in one message, then one frozen object in the program's own terms.

import Ajv, { type ErrorObject } from 'ajv';
import { parseSigningKeys, type SigningKeys } from '../identity/signing-keys';
import { type RetentionClass, parseRetentionClasses } from '../retention/retention-class';
import { type RawSettings, settingsSchema } from './settings-schema';

export interface TrustedIssuer {
  readonly issuer: string;
  readonly audience: string;
  readonly jwksUrl: string;
}

export interface SealingKey {
  /** 0–255, stored with each message. */
  readonly number: number;
  readonly key: Buffer;
}

export type TopicStoreSettings =
  | { readonly kind: 'sqlite'; readonly file: string }
  | { readonly kind: 'entra'; readonly server: string; readonly database: string; readonly clientId?: string }
  | { readonly kind: 'connection-string'; readonly connectionString: string };

export type BlobStoreSettings =
  | { readonly kind: 'identity'; readonly serviceUrl: string; readonly clientId?: string }
  | { readonly kind: 'connection-string'; readonly connectionString: string };

export interface Settings {
  readonly nats: {
    readonly servers: readonly string[];
    readonly credentials: string | undefined;
    /** Certificates of those who sign the servers' certificates; undefined: the system's own. */
    readonly caPem: string | undefined;
    readonly replicas: number;
    readonly shardCount: number;
    readonly duplicateWindowSeconds: number;
  };
  readonly retention: {
    /** Ascending by span. */
    readonly classes: readonly RetentionClass[];
    readonly defaultClass: RetentionClass;
    /** NCRONTAB, six fields. */
    readonly schedule: string;
    readonly budgetSeconds: number;
  };
  readonly topicStore: TopicStoreSettings;
  readonly blobStore: BlobStoreSettings;
  readonly files: {
    readonly maxFileBytes: number;
    /** Above it the digest of a direct file is not computed. */
    readonly maxDigestBytes: number;
    readonly maxValidatedBytes: number;
    readonly slotMs: number;
    readonly urlMs: number;
    readonly concurrentUploads: number;
    readonly concurrentDownloads: number;
    /** Recipients × bytes from which a payload is stored once. */
    readonly fanOutBytes: number;
  };
  readonly identity: {
    /** The first key signs, all verify. */
    readonly signingKeys: SigningKeys;
    readonly issuer: string;
    readonly audience: string;
    readonly trustedIssuers: readonly TrustedIssuer[];
    readonly identityTokenMaxAgeSeconds: number;
    readonly clockToleranceSeconds: number;
    readonly accessTokenSeconds: number;
    readonly refreshTokenSeconds: number;
    readonly refreshGraceSeconds: number;
    readonly rolesFile: string | undefined;
    readonly userRolePattern: string;
    readonly topicCreatorRolePattern: string;
  };
  /** What one caller may take. */
  readonly limits: {
    /** Requests worked on at once. */
    readonly maxRunning: number;
    /** In line. */
    readonly maxWaitMs: number;
    readonly bodyMs: number;
    readonly transferMs: number;
    readonly loginsPerDidAndMinute: number;
    readonly loginsPerAddressAndMinute: number;
    readonly topicsPerOwner: number;
    readonly versionsPerTopic: number;
    readonly clientIdsPerParticipant: number;
    readonly cursorsPerMailbox: number;
    readonly anonymousKeysPerParticipant: number;
    readonly waitingReceivesPerParticipant: number;
    readonly channelsPerParticipant: number;
    /** At most 5,000. */
    readonly uploadSlotsPerParticipant: number;
  };
  readonly messageIdKeys: readonly SealingKey[];
  readonly logLevel: RawSettings['LOG_LEVEL'];
}

/** All that is wrong with the settings, a sentence each. */
export class SettingsError extends Error {
  constructor(readonly faults: readonly string[]) {
    super(`The settings are not usable:\n${faults.map((fault) => `  - ${fault}`).join('\n')}`);
    this.name = 'SettingsError';
  }
}

/**
 * Validates the environment. Variables that are empty count as absent; unknown ones are not looked at.
 * @throws SettingsError with every fault
 */
export function readSettings(environment: Readonly<Record<string, string | undefined>>): Settings {
  const given = givenSettings(environment);
  const ajv = new Ajv({ allErrors: true, coerceTypes: true, useDefaults: true, strict: true });
  const faults: string[] = [];
  if (!ajv.validate(settingsSchema, given)) {
    for (const error of ajv.errors ?? []) {
      const name = error.instancePath.slice(1) || String(error.params['missingProperty']);
      faults.push(error.keyword === 'required' ? `${name} is missing` : `${name} ${complaint(error)}`);
    }
  }
  const raw = given as unknown as RawSettings;
  const collect = <T>(read: () => T): T | undefined => {
    try {
      return read();
    } catch (error) {
      faults.push((error as Error).message);
      return undefined;
    }
  };
  const broken = new Set(faults.map((fault) => fault.split(' ')[0]));
  const when = <T>(name: keyof RawSettings, read: () => T) => (broken.has(name) ? undefined : collect(read));

  const classes = when('RETENTION_CLASSES', () => parseRetentionClasses(raw.RETENTION_CLASSES));
  const defaultClass = classes?.find((known) => known.name === raw.DEFAULT_RETENTION_CLASS);
  if (classes && !defaultClass) faults.push('DEFAULT_RETENTION_CLASS must be one of RETENTION_CLASSES');
  const trustedIssuers = when('TRUSTED_ISSUERS', () => parseTrustedIssuers(raw.TRUSTED_ISSUERS));
  const topicStore = collect(() => chooseTopicStore(raw));
  const blobStore = collect(() => chooseBlobStore(raw));
  const signingKeys = when('TOKEN_SIGNING_KEY', () => parseSigningKeys(raw.TOKEN_SIGNING_KEY));
  const messageIdKeys = when('MESSAGE_ID_KEY', () => parseSealingKeys(raw.MESSAGE_ID_KEY));
  if (
    faults.length ||
    !classes ||
    !defaultClass ||
    !trustedIssuers ||
    !signingKeys ||
    !topicStore ||
    !blobStore ||
    !messageIdKeys
  ) {
    throw new SettingsError(faults);
  }
  return deepFreeze({
    nats: {
      servers: raw.NATS_SERVERS.split(','),
      credentials: raw.NATS_CREDENTIALS,
      caPem: raw.NATS_CA_PEM,
      replicas: raw.STREAM_REPLICAS,
      shardCount: raw.SHARD_COUNT,
      duplicateWindowSeconds: raw.DUPLICATE_WINDOW_SECONDS,
    },
    retention: {
      classes,
      defaultClass,
      schedule: raw.RETENTION_SCHEDULE,
      budgetSeconds: raw.RETENTION_BUDGET_SECONDS,
    },
    topicStore,
    blobStore,
    files: {
      maxFileBytes: raw.FILE_MAX_BYTES,
      maxDigestBytes: raw.FILE_DIGEST_MAX_BYTES,
      maxValidatedBytes: raw.VALIDATED_FILE_MAX_BYTES,
      slotMs: raw.UPLOAD_SLOT_SECONDS * 1_000,
      urlMs: raw.FILE_URL_SECONDS * 1_000,
      concurrentUploads: raw.CONCURRENT_UPLOADS,
      concurrentDownloads: raw.CONCURRENT_DOWNLOADS,
      fanOutBytes: raw.CLAIM_CHECK_FAN_OUT_BYTES,
    },
    identity: {
      signingKeys,
      issuer: raw.TOKEN_ISSUER,
      audience: raw.TOKEN_AUDIENCE,
      trustedIssuers,
      identityTokenMaxAgeSeconds: raw.IDENTITY_TOKEN_MAX_AGE_SECONDS,
      clockToleranceSeconds: raw.CLOCK_TOLERANCE_SECONDS,
      accessTokenSeconds: raw.ACCESS_TOKEN_SECONDS,
      refreshTokenSeconds: raw.REFRESH_TOKEN_SECONDS,
      refreshGraceSeconds: raw.REFRESH_GRACE_SECONDS,
      rolesFile: raw.ROLES_FILE,
      userRolePattern: raw.USER_ROLE_PATTERN,
      topicCreatorRolePattern: raw.TOPIC_CREATOR_ROLE_PATTERN,
    },
    limits: {
      maxRunning: raw.CONCURRENT_REQUESTS,
      maxWaitMs: raw.REQUEST_WAIT_SECONDS * 1_000,
      bodyMs: raw.BODY_SECONDS * 1_000,
      transferMs: raw.TRANSFER_SECONDS * 1_000,
      loginsPerDidAndMinute: raw.LOGINS_PER_MINUTE,
      loginsPerAddressAndMinute: raw.ADDRESS_LOGINS_PER_MINUTE,
      topicsPerOwner: raw.TOPICS_PER_OWNER,
      versionsPerTopic: raw.VERSIONS_PER_TOPIC,
      clientIdsPerParticipant: raw.CLIENT_IDS_PER_PARTICIPANT,
      cursorsPerMailbox: raw.CURSORS_PER_MAILBOX,
      anonymousKeysPerParticipant: raw.ANONYMOUS_KEYS_PER_PARTICIPANT,
      waitingReceivesPerParticipant: raw.WAITING_RECEIVES_PER_PARTICIPANT,
      channelsPerParticipant: raw.CHANNELS_PER_PARTICIPANT,
      uploadSlotsPerParticipant: raw.UPLOAD_SLOTS_PER_PARTICIPANT,
    },
    messageIdKeys,
    logLevel: raw.LOG_LEVEL,
  });
}

/** What is wrong with a value, without the value: it may be a secret. */
function complaint(error: ErrorObject): string {
  const allowed = error.params['allowedValues'] as readonly string[] | undefined;
  return allowed ? `must be one of ${allowed.join(', ')}` : (error.message ?? 'is not valid');
}

/**
 * The topic store alone, for the migration, which runs before a broker has all of its settings.
 * @throws SettingsError
 */
export function readTopicStoreSettings(
  environment: Readonly<Record<string, string | undefined>>,
): TopicStoreSettings {
  try {
    return chooseTopicStore(givenSettings(environment) as unknown as RawSettings);
  } catch (error) {
    throw new SettingsError([(error as Error).message]);
  }
}

function givenSettings(environment: Readonly<Record<string, string | undefined>>): Record<string, unknown> {
  return Object.fromEntries(
    Object.keys(settingsSchema.properties)
      .map((name) => [name, environment[name]] as const)
      .filter(([, value]) => value !== undefined && value !== ''),
  );
}

function chooseTopicStore(raw: RawSettings): TopicStoreSettings {
  const chosen = [raw.SQLITE_FILE, raw.SQL_SERVER ?? raw.SQL_DATABASE, raw.SQL_CONNECTION_STRING];
  if (chosen.filter((value) => value !== undefined).length !== 1) {
    throw new Error(
      'SQLITE_FILE, SQL_SERVER with SQL_DATABASE, SQL_CONNECTION_STRING: set exactly one of the three',
    );
  }
  if (raw.SQLITE_FILE !== undefined) return { kind: 'sqlite', file: raw.SQLITE_FILE };
  if (raw.SQL_CONNECTION_STRING !== undefined) {
    return { kind: 'connection-string', connectionString: raw.SQL_CONNECTION_STRING };
  }
  if (raw.SQL_SERVER === undefined || raw.SQL_DATABASE === undefined) {
    throw new Error('SQL_SERVER and SQL_DATABASE go together: set both');
  }
  return { kind: 'entra', server: raw.SQL_SERVER, database: raw.SQL_DATABASE, ...clientId(raw) };
}

function chooseBlobStore(raw: RawSettings): BlobStoreSettings {
  if ((raw.BLOB_SERVICE_URL === undefined) === (raw.BLOB_CONNECTION_STRING === undefined)) {
    throw new Error('BLOB_SERVICE_URL, BLOB_CONNECTION_STRING: set exactly one of the two');
  }
  return raw.BLOB_SERVICE_URL === undefined
    ? { kind: 'connection-string', connectionString: raw.BLOB_CONNECTION_STRING ?? '' }
    : { kind: 'identity', serviceUrl: raw.BLOB_SERVICE_URL, ...clientId(raw) };
}

function clientId(raw: RawSettings): { clientId?: string } {
  return raw.AZURE_CLIENT_ID === undefined ? {} : { clientId: raw.AZURE_CLIENT_ID };
}

const loopbackHosts = new Set(['127.0.0.1', 'localhost', '[::1]']);

function parseTrustedIssuers(text: string): readonly TrustedIssuer[] {
  const wrong = new Error(
    'TRUSTED_ISSUERS must be JSON: [{"issuer":"…","audience":"…","jwksUrl":"https://…"}]',
  );
  let list: unknown;
  try {
    list = JSON.parse(text);
  } catch {
    throw wrong;
  }
  if (!Array.isArray(list)) throw wrong;
  return list.map((entry: Partial<TrustedIssuer> | null) => {
    const { issuer, audience, jwksUrl } = entry ?? {};
    if (typeof issuer !== 'string' || typeof audience !== 'string' || typeof jwksUrl !== 'string')
      throw wrong;
    const url = URL.parse(jwksUrl);
    if (
      !url ||
      !(url.protocol === 'https:' || (url.protocol === 'http:' && loopbackHosts.has(url.hostname)))
    ) {
      throw new Error('TRUSTED_ISSUERS: a jwksUrl must use https (http only on loopback)');
    }
    return { issuer, audience, jwksUrl };
  });
}

function parseSealingKeys(text: string): readonly SealingKey[] {
  const keys = text.split(',').map((entry) => {
    const [number, key] = entry.split(':');
    return { number: Number(number), key: Buffer.from(key ?? '', 'base64url') };
  });
  if (keys.some(({ number, key }) => number > 255 || key.byteLength !== 32)) {
    throw new Error('MESSAGE_ID_KEY needs numbers from 0 to 255 and keys of 32 bytes');
  }
  if (new Set(keys.map(({ number }) => number)).size !== keys.length) {
    throw new Error('MESSAGE_ID_KEY must not use a number twice');
  }
  return keys;
}

function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return value;
  for (const member of Object.values(value)) deepFreeze(member);
  return Object.freeze(value);
}
