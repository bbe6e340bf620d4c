// The settings are validated once, with every fault in one message and no value in it; documentation and sample
// say what the schema says.

import { describe, expect, it } from '@jest/globals';
import type { TSchema } from '@sinclair/typebox';
import { readSettings, SettingsError } from '../../shared/config/settings';
import { settingsSchema } from '../../shared/config/settings-schema';
import { readDocument, tableRows } from '../support/doc-table';
import { usableSettings as usable } from '../support/usable-settings';

const key = (number: number, fill: number) => `${number}:${Buffer.alloc(32, fill).toString('base64url')}`;

function faultsOf(changes: Record<string, string | undefined>): readonly string[] {
  try {
    readSettings({ ...usable, ...changes });
  } catch (error) {
    if (error instanceof SettingsError) return error.faults;
    throw error;
  }
  return [];
}

describe('readSettings', () => {
  it('needs only what has no default', () => {
    const settings = readSettings(usable);
    expect(settings).toMatchObject({
      nats: { servers: ['nats://127.0.0.1:1'], replicas: 1, shardCount: 16, duplicateWindowSeconds: 120 },
      retention: { defaultClass: { name: '24h', spanMs: 86_400_000 } },
      topicStore: { kind: 'sqlite', file: ':memory:' },
      blobStore: { kind: 'connection-string' },
      identity: { refreshGraceSeconds: 10, trustedIssuers: [] },
      logLevel: 'info',
    });
  });

  it('names every bad key in one message', () => {
    const bad = {
      NATS_SERVERS: 'http://nats',
      STREAM_REPLICAS: 'three',
      SHARD_COUNT: '0',
      DUPLICATE_WINDOW_SECONDS: '1.5',
      RETENTION_CLASSES: '1h;2h',
      DEFAULT_RETENTION_CLASS: 'a day',
      SQL_SERVER: 'sql',
      BLOB_SERVICE_URL: 'blob',
      TOKEN_SIGNING_KEY: undefined,
      TRUSTED_ISSUERS: '{}',
      ACCESS_TOKEN_SECONDS: '-1',
      MESSAGE_ID_KEY: 'short',
      LOG_LEVEL: 'loud',
    };
    const message = faultsOf(bad).join('\n');
    for (const name of Object.keys(bad)) expect(message).toContain(name);
  });

  it('says each fault once', () => {
    const faults = faultsOf({ LOG_LEVEL: 'loud', MESSAGE_ID_KEY: undefined });
    expect(faults).toEqual([
      'MESSAGE_ID_KEY is missing',
      'LOG_LEVEL must be one of debug, info, warn, error',
    ]);
  });

  it('does not print a value, which may be a secret', () => {
    const secret = 'hunter2';
    const names = Object.keys(settingsSchema.properties).filter((name) => name !== 'RETENTION_CLASSES');
    for (const name of names) {
      expect([
        name,
        faultsOf({ [name]: secret })
          .join('\n')
          .includes(secret),
      ]).toEqual([name, false]);
    }
  });

  it('counts an empty variable as absent', () => {
    expect(faultsOf({ LOG_LEVEL: '', SQL_SERVER: '' })).toEqual([]);
    expect(faultsOf({ NATS_SERVERS: '' })).toEqual(['NATS_SERVERS is missing']);
  });

  it.each<[string, Record<string, string | undefined>, string]>([
    ['no topic store', { SQLITE_FILE: undefined }, 'SQLITE_FILE'],
    ['two topic stores', { SQL_CONNECTION_STRING: 'Server=x' }, 'SQLITE_FILE'],
    ['half of a topic store', { SQLITE_FILE: undefined, SQL_SERVER: 'x' }, 'SQL_DATABASE'],
    ['the other half', { SQLITE_FILE: undefined, SQL_DATABASE: 'x' }, 'SQL_SERVER'],
    ['no blob store', { BLOB_CONNECTION_STRING: undefined }, 'BLOB_SERVICE_URL'],
    ['two blob stores', { BLOB_SERVICE_URL: 'https://a.blob.core.windows.net' }, 'BLOB_CONNECTION_STRING'],
  ])('refuses %s', (_what, changes, named) => {
    const faults = faultsOf(changes);
    expect(faults).toHaveLength(1);
    expect(faults[0]).toContain(named);
  });

  it('takes each alternative of the stores', () => {
    const azure = readSettings({
      ...usable,
      SQLITE_FILE: undefined,
      SQL_SERVER: 'x.database.windows.net',
      SQL_DATABASE: 'broker',
      BLOB_CONNECTION_STRING: undefined,
      BLOB_SERVICE_URL: 'https://x.blob.core.windows.net',
      AZURE_CLIENT_ID: 'an-id',
    });
    expect(azure.topicStore).toEqual({
      kind: 'entra',
      server: 'x.database.windows.net',
      database: 'broker',
      clientId: 'an-id',
    });
    expect(azure.blobStore).toEqual({
      kind: 'identity',
      serviceUrl: 'https://x.blob.core.windows.net',
      clientId: 'an-id',
    });
    const login = { ...usable, SQLITE_FILE: undefined, SQL_CONNECTION_STRING: 'Server=x' };
    expect(readSettings(login).topicStore).toEqual({
      kind: 'connection-string',
      connectionString: 'Server=x',
    });
  });

  it.each<[string, Record<string, string>]>([
    ['a default class that is not among the classes', { DEFAULT_RETENTION_CLASS: '2h' }],
    ['classes that do not ascend', { RETENTION_CLASSES: '24h,1h' }],
    ['classes of equal spans', { RETENTION_CLASSES: '60m,1h,24h' }],
    ['a signing key that is not JSON', { TOKEN_SIGNING_KEY: 'a-key-of-another-kind' }],
    ['a number above 255 for a key', { MESSAGE_ID_KEY: key(256, 1) }],
    ['a key number used twice', { MESSAGE_ID_KEY: `${key(1, 1)},${key(1, 2)}` }],
    ['issuers that are not JSON', { TRUSTED_ISSUERS: 'https://issuer' }],
    ['an issuer without an audience', { TRUSTED_ISSUERS: '[{"issuer":"a","jwksUrl":"https://a"}]' }],
    [
      'http off the loopback',
      { TRUSTED_ISSUERS: '[{"issuer":"a","audience":"b","jwksUrl":"http://a.example/jwks"}]' },
    ],
    [
      'a file as issuer',
      { TRUSTED_ISSUERS: '[{"issuer":"a","audience":"b","jwksUrl":"file:///etc/passwd"}]' },
    ],
  ])('refuses %s', (_what, changes) => {
    expect(faultsOf(changes)).toHaveLength(1);
  });

  it('allows http for an issuer on the loopback', () => {
    for (const host of ['127.0.0.1', 'localhost', '[::1]']) {
      const jwksUrl = `http://${host}:8080/jwks`;
      expect(
        faultsOf({ TRUSTED_ISSUERS: JSON.stringify([{ issuer: 'a', audience: 'b', jwksUrl }]) }),
      ).toEqual([]);
    }
  });

  it('cannot be changed afterwards', () => {
    const settings = readSettings(usable);
    expect(() => Object.assign(settings.nats, { shardCount: 1 })).toThrow(TypeError);
    expect(() => (settings.retention.classes as unknown[]).push({})).toThrow(TypeError);
  });
});

/** The row of a setting as docs/configuration.md has to show it: name, default, unit, allowed, what it does. */
function documentedRow(name: string, schema: TSchema): string[] {
  const text = schema.description ?? '';
  const unit = /\s*Unit: ([\w ]+)\.$/.exec(text);
  const required: readonly string[] = settingsSchema.required;
  const isRequired = required.includes(name);
  const defaultValue = schema.default as string | number | undefined;
  const fallback = defaultValue === undefined ? (isRequired ? 'required' : '') : `\`${defaultValue}\``;
  const { minimum, maximum } = schema as { minimum?: number; maximum?: number };
  const options = (schema as { enum?: string[] }).enum;
  const allowed =
    minimum === undefined || maximum === undefined
      ? (options?.map((option) => `\`${option}\``).join(', ') ?? '')
      : `${minimum}–${maximum}`;
  return [`\`${name}\``, fallback, unit?.[1] ?? '', allowed, text.slice(0, unit?.index)];
}

describe('docs/configuration.md', () => {
  it('has a row for every setting, and only for those, with default, unit, range and meaning', () => {
    const expected = Object.entries(settingsSchema.properties).map(([name, schema]) =>
      documentedRow(name, schema),
    );
    expect(tableRows(readDocument('docs/configuration.md'))).toEqual(expected);
  });
});

describe('the schema of the settings', () => {
  it('names the unit of every number', () => {
    for (const [name, schema] of Object.entries(settingsSchema.properties) as [string, TSchema][]) {
      if (schema['type'] === 'integer')
        expect([name, schema.description]).toEqual([name, expect.stringMatching(/Unit: \w+\.$/)]);
    }
  });
});

describe('local.settings.sample.json', () => {
  const sample = JSON.parse(readDocument('local.settings.sample.json')) as { Values: Record<string, string> };
  /** Settings of the Functions host itself. */
  const ofTheHost = /^(FUNCTIONS_|AzureWebJobs)/;

  it('names only settings that exist', () => {
    const unknown = Object.keys(sample.Values).filter(
      (name) => !ofTheHost.test(name) && !(name in settingsSchema.properties),
    );
    expect(unknown).toEqual([]);
  });

  it('is usable once its secrets are filled in', () => {
    const secrets = { TOKEN_SIGNING_KEY: usable.TOKEN_SIGNING_KEY, MESSAGE_ID_KEY: usable.MESSAGE_ID_KEY };
    expect(() => readSettings({ ...sample.Values, ...secrets })).not.toThrow();
  });
});
