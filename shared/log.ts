// Structured log lines. One redaction list keeps tokens, keys, signatures and payloads out of every line.

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';
export type LogFields = Readonly<Record<string, unknown>>;

/** Writes one line: an event name in the past tense or a noun phrase, and fields. */
export type Log = (level: LogLevel, event: string, fields?: LogFields) => void;

/**
 * Field names whose values never reach a log line, wherever they stand: lower case, without `_` and `-`, so that
 * `access_token`, `accessToken` and `ACCESS_TOKEN` are one entry.
 */
export const redactedFields: ReadonlySet<string> = new Set([
  'authorization',
  'cookie',
  'setcookie',
  'token',
  'identitytoken',
  'accesstoken',
  'refreshtoken',
  'leasetoken',
  'leasetokens',
  'sas',
  'sig',
  'signature',
  'payload',
  'password',
  'secret',
  'privatekey',
  'signingkey',
  'tokensigningkey',
  'messageidkey',
  'messageidkeys',
  'credentials',
  'natscredentials',
  'connectionstring',
  'sqlconnectionstring',
  'blobconnectionstring',
  'anonymousrecipient',
  'anonymouskey',
  'anonymouskeys',
]);

/** Whether a field of that name is on the list. */
export function isRedacted(name: string): boolean {
  return redactedFields.has(name.replaceAll(/[_-]/g, '').toLowerCase());
}

/**
 * Secrets inside free text, such as a vendor's error message: JSON Web Tokens, bearer headers, NATS seeds, SAS
 * signatures, account keys and passwords of connection strings, user and password in an address.
 */
const secretText =
  /\beyJ[\w-]{8,}(?:\.[\w-]*){0,2}|\bBearer\s+\S+|\bS[UAOXCN][A-Z2-7]{56}\b|(\b(?:sig|AccountKey|SharedAccessKey|SharedAccessSignature|Password|pwd)\s*=)[^&;\s]+|(\w:\/\/)[^\s/@]+@/gi;

const maxDepth = 4;
const maxTextLength = 2_000;
/** Read further than what is kept, so that the cut does not split a secret into something unrecognisable. */
const maxScannedLength = 20_000;

/** A copy of `value` that is safe to log: listed fields masked, secrets in texts cut, errors as plain objects. */
export function redact(value: unknown, depth = 0): unknown {
  if (typeof value === 'string') {
    return value
      .slice(0, maxScannedLength)
      .replace(secretText, (_all, name?: string, scheme?: string) => `${name ?? scheme ?? ''}[redacted]`)
      .slice(0, maxTextLength);
  }
  if (typeof value !== 'object' || value === null) return typeof value === 'bigint' ? String(value) : value;
  if (depth >= maxDepth) return '[deeper]';
  if (value instanceof Error) {
    return {
      name: value.name,
      message: redact(value.message, depth + 1),
      stack: redact(value.stack, depth + 1),
      ...('code' in value ? { code: redact(value.code, depth + 1) } : {}),
      ...(value.cause === undefined ? {} : { cause: redact(value.cause, depth + 1) }),
    };
  }
  if (Array.isArray(value)) return value.slice(0, 50).map((item) => redact(item, depth + 1));
  if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`;
  return Object.fromEntries(
    Object.entries(value).map(([name, field]) => [
      name,
      isRedacted(name) ? '[redacted]' : redact(field, depth + 1),
    ]),
  );
}

const order: Readonly<Record<LogLevel, number>> = { debug: 0, info: 1, warn: 2, error: 3 };

/**
 * A Log that writes JSON lines, which Application Insights and people with `jq` can both query. It never throws:
 * a field that cannot be printed must not take a request with it.
 */
export function createLog(lowest: LogLevel, write: (level: LogLevel, line: string) => void): Log {
  return (level, event, fields = {}) => {
    if (order[level] < order[lowest]) return;
    write(level, line(level, event, fields));
  };
}

function line(level: LogLevel, event: string, fields: LogFields): string {
  try {
    return JSON.stringify({ ...(redact(fields) as object), level, event });
  } catch {
    return JSON.stringify({ level, event, fields: '[not printable]' });
  }
}
