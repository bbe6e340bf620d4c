// Every setting of the broker: one JSON Schema, from which the program validates, docs/configuration.md is
// checked, and the sample and the Bicep template are compared. Names are environment variables.

import { type Static, Type } from '@sinclair/typebox';
import type { LogLevel } from '../log';

const seconds = (description: string, defaultValue: number, minimum: number, maximum: number) =>
  Type.Integer({ description: `${description} Unit: seconds.`, default: defaultValue, minimum, maximum });

const bytes = (description: string, defaultValue: number, minimum: number, maximum: number) =>
  Type.Integer({ description: `${description} Unit: bytes.`, default: defaultValue, minimum, maximum });

const perMinute = (description: string, defaultValue: number) =>
  Type.Integer({
    description: `${description} Unit: logins.`,
    default: defaultValue,
    minimum: 1,
    maximum: 1_000_000,
  });

const most = (description: string, defaultValue: number, unit: string, maximum = 1_000_000) =>
  Type.Integer({
    description: `${description} Unit: ${unit}.`,
    default: defaultValue,
    minimum: 1,
    maximum,
  });

const mebibyte = 1024 ** 2;
const gibibyte = 1024 ** 3;

const span = '[1-9][0-9]{0,5}[smhd]';

export const settingsSchema = Type.Object({
  // Message store
  NATS_SERVERS: Type.String({
    description: 'Addresses of the NATS servers, comma-separated: `nats://host:4222` or `tls://host:4222`.',
    pattern: '^(nats|tls)://[^\\s,]+(,(nats|tls)://[^\\s,]+)*$',
  }),
  NATS_CREDENTIALS: Type.Optional(
    Type.String({
      description: 'Secret. NATS user credentials: the text of a `.creds` file, or an nkey seed (`SU…`).',
      minLength: 10,
    }),
  ),
  NATS_CA_PEM: Type.Optional(
    Type.String({
      description:
        'Certificates, as PEM text, of those who sign the certificates of NATS servers; absent: the system’s own.',
      pattern: '^\\s*-----BEGIN CERTIFICATE-----[\\s\\S]+-----END CERTIFICATE-----\\s*$',
    }),
  ),
  STREAM_REPLICAS: Type.Integer({
    description: 'Replicas of every stream and bucket: 1 on one node, 3 on a cluster. Unit: nodes.',
    default: 1,
    minimum: 1,
    maximum: 5,
  }),
  SHARD_COUNT: Type.Integer({
    description:
      'Message streams over which mailboxes are spread. Fixed at first start: a different value later is refused. 16 is good up to about 50,000 mailboxes or 5 million stored messages, 64 beyond. Unit: streams.',
    default: 16,
    minimum: 1,
    maximum: 256,
  }),
  DUPLICATE_WINDOW_SECONDS: seconds(
    'How long a transactionId is remembered: a second message with it is refused as a duplicate.',
    120,
    1,
    3_600,
  ),
  // Retention
  RETENTION_CLASSES: Type.String({
    description:
      'Spans after which messages expire, ascending and comma-separated: a whole number and `s`, `m`, `h` or `d`.',
    default: '1h,6h,24h,7d,30d',
    pattern: `^${span}(,${span})*$`,
  }),
  DEFAULT_RETENTION_CLASS: Type.String({
    description: 'The class of a message whose topic and sender name none. One of RETENTION_CLASSES.',
    default: '24h',
    pattern: `^${span}$`,
  }),
  RETENTION_SCHEDULE: Type.String({
    description: 'When the retention timer runs: an NCRONTAB expression of six fields.',
    default: '0 * * * * *',
    pattern: '^\\S+( \\S+){5}$',
  }),
  RETENTION_BUDGET_SECONDS: seconds(
    'How long one run of the retention timer may work; it goes on at the next run.',
    50,
    1,
    540,
  ),
  // Topic store: exactly one alternative
  SQLITE_FILE: Type.Optional(
    Type.String({ description: 'Topic store of a local broker: path of a SQLite file.', minLength: 1 }),
  ),
  SQL_SERVER: Type.Optional(
    Type.String({
      description: 'Topic store in Azure: host name of the SQL server; Entra identity, no password.',
      minLength: 1,
    }),
  ),
  SQL_DATABASE: Type.Optional(
    Type.String({ description: 'Topic store in Azure: name of the database on SQL_SERVER.', minLength: 1 }),
  ),
  SQL_CONNECTION_STRING: Type.Optional(
    Type.String({
      description: 'Secret. Topic store on a local SQL server: an ADO.NET connection string with SQL login.',
      minLength: 1,
    }),
  ),
  // Blob store: exactly one alternative
  BLOB_SERVICE_URL: Type.Optional(
    Type.String({
      description:
        'Blob store in Azure: `https://<account>.blob.core.windows.net`, opened with the identity.',
      pattern: '^https?://[^\\s]+$',
    }),
  ),
  BLOB_CONNECTION_STRING: Type.Optional(
    Type.String({
      description: 'Secret. Blob store of a local broker: Azurite connection string.',
      minLength: 1,
    }),
  ),
  AZURE_CLIENT_ID: Type.Optional(
    Type.String({
      description: 'Client id of the user-assigned managed identity used for SQL and Blob in Azure.',
      minLength: 1,
    }),
  ),
  // Files and large payloads
  FILE_MAX_BYTES: bytes(
    'Largest file that participants exchange by upload and download URLs.',
    5 * gibibyte,
    1,
    5 * gibibyte,
  ),
  FILE_DIGEST_MAX_BYTES: bytes(
    'Largest file whose SHA-256 is computed when it is completed; a larger one is compared by the Blob store with the digests of its blocks, or else by its length, and the answer says so.',
    gibibyte,
    0,
    5 * gibibyte,
  ),
  VALIDATED_FILE_MAX_BYTES: bytes(
    'Largest unencrypted JSON or XML file: it is held in memory while it is validated.',
    8 * mebibyte,
    0,
    64 * mebibyte,
  ),
  UPLOAD_SLOT_SECONDS: seconds('How long a file may be uploaded and completed.', 21_600, 60, 604_800),
  FILE_URL_SECONDS: seconds('How long an upload or download URL works.', 900, 30, 900),
  CONCURRENT_UPLOADS: Type.Integer({
    description:
      'Uploads through one instance that run at once, half of them of one participant; others wait. Unit: uploads.',
    default: 8,
    minimum: 1,
    maximum: 1_000,
  }),
  CONCURRENT_DOWNLOADS: Type.Integer({
    description:
      'Downloads through one instance that run at once, half of them of one participant; others wait. Unit: downloads.',
    default: 32,
    minimum: 1,
    maximum: 1_000,
  }),
  CLAIM_CHECK_FAN_OUT_BYTES: bytes(
    'From this product of recipients and payload on, a payload is stored once in Blob instead of once a recipient.',
    32 * mebibyte,
    mebibyte,
    gibibyte,
  ),
  // Identity
  TOKEN_SIGNING_KEY: Type.String({
    description:
      'Secret. Private key of the access tokens: a JWK (EC, P-256, with `kid`), or a JWK Set whose first key signs and whose other keys still verify.',
    minLength: 20,
  }),
  TOKEN_ISSUER: Type.String({
    description: 'Claim `iss` of the access tokens.',
    default: 'ddhub-message-broker',
    minLength: 1,
  }),
  TOKEN_AUDIENCE: Type.String({
    description: 'Claim `aud` of the access tokens.',
    default: 'ddhub-message-broker',
    minLength: 1,
  }),
  TRUSTED_ISSUERS: Type.String({
    description:
      'Further issuers whose tokens are accepted, JSON: `[{"issuer","audience","jwksUrl"}]`; claims `did` and `roles`. http only on loopback.',
    default: '[]',
  }),
  IDENTITY_TOKEN_MAX_AGE_SECONDS: seconds(
    'Greatest age (exp − iat, and now − iat) of a login identity token.',
    600,
    60,
    86_400,
  ),
  CLOCK_TOLERANCE_SECONDS: seconds('How far a participant’s clock may be off at login.', 30, 0, 600),
  ACCESS_TOKEN_SECONDS: seconds('Life of an access token.', 900, 10, 86_400),
  REFRESH_TOKEN_SECONDS: seconds(
    'Life of a refresh token, and how long a participant counts for its registered roles after the last contact.',
    86_400,
    60,
    7_776_000,
  ),
  REFRESH_GRACE_SECONDS: seconds(
    'How long a used refresh token is still answered, for parallel refreshes.',
    10,
    0,
    300,
  ),
  ROLES_FILE: Type.Optional(
    Type.String({
      description:
        'Static role source: path of a JSON file `{"<did>": ["role", …], "*": ["role", …]}`; `*` is everyone.',
      minLength: 1,
    }),
  ),
  USER_ROLE_PATTERN: Type.String({
    description: 'Role that every call needs; `*` stands for one whole label or, at the end, for the rest.',
    default: 'user.roles.*.apps.*.iam.ewc',
    minLength: 1,
  }),
  TOPIC_CREATOR_ROLE_PATTERN: Type.String({
    description: 'Role that changes topics whose owner equals the namespace after `.roles.`.',
    default: 'topiccreator.roles.*',
    minLength: 1,
  }),
  // Limits: what one caller may take, so that the others have theirs
  CONCURRENT_REQUESTS: Type.Integer({
    description:
      'Requests that one instance works on at once at most; others wait in line. So many only while they wait for a store that is slow: fewer, down to 64, while the process is busy. Unit: requests.',
    default: 500,
    minimum: 1,
    maximum: 10_000,
  }),
  REQUEST_WAIT_SECONDS: seconds(
    'How long a request waits in line at most; one that would wait longer is answered with 503 and Retry-After. Together with the 12 s that work on it may take less than the 60 s that gateways wait.',
    20,
    1,
    45,
  ),
  BODY_SECONDS: seconds('How long the JSON body of a request may take to arrive.', 60, 1, 230),
  TRANSFER_SECONDS: seconds(
    'How long a file through the broker may take to arrive, and to be taken.',
    900,
    1,
    3_600,
  ),
  LOGINS_PER_MINUTE: perMinute(
    'Logins of one DID a minute at one instance; a minute’s worth may come at once.',
    120,
  ),
  ADDRESS_LOGINS_PER_MINUTE: perMinute(
    'Logins from one address a minute at one instance, failed ones too; a minute’s worth may come at once. Behind a proxy of your own, all callers are one address.',
    1_200,
  ),
  TOPICS_PER_OWNER: most('Live topics of one owner.', 10_000, 'topics'),
  VERSIONS_PER_TOPIC: most('Versions of one topic, deleted ones too.', 1_000, 'versions'),
  CLIENT_IDS_PER_PARTICIPANT: most('Client ids of one participant.', 10_000, 'ids'),
  CURSORS_PER_MAILBOX: most(
    'Cursors of one mailbox, each a client id with a `from`; one idle for longer than messages live is forgotten.',
    5_000,
    'cursors',
    100_000,
  ),
  ANONYMOUS_KEYS_PER_PARTICIPANT: most('Anonymous keys of one participant.', 10_000, 'keys'),
  WAITING_RECEIVES_PER_PARTICIPANT: most(
    'Receives of one participant that wait at an instance.',
    1_000,
    'receives',
    100_000,
  ),
  CHANNELS_PER_PARTICIPANT: most(
    'Channels of one participant; all together may have 4 MiB.',
    100,
    'channels',
    1_000,
  ),
  UPLOAD_SLOTS_PER_PARTICIPANT: most(
    'Files of one participant that are not completed yet; one whose slot has ended counts until the retention timer has removed it.',
    1_000,
    'files',
    5_000,
  ),
  // Message ids
  MESSAGE_ID_KEY: Type.String({
    description:
      'Secret. Keys that seal message ids: `number:base64url` of 32 bytes each, comma-separated, number 0–255; the first one seals, all open.',
    pattern: '^[0-9]{1,3}:[A-Za-z0-9_-]{43}(,[0-9]{1,3}:[A-Za-z0-9_-]{43})*$',
  }),
  LOG_LEVEL: Type.Unsafe<LogLevel>({
    type: 'string',
    enum: ['debug', 'info', 'warn', 'error'],
    description: 'Lowest level that is logged.',
    default: 'info',
  }),
});

export type RawSettings = Static<typeof settingsSchema>;
