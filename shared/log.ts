// Structured log lines. One redaction list keeps tokens, keys, signatures and payloads out of every line.

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';
export type LogFields = Readonly<Record<string, unknown>>;

/** Writes one line: an event name in the past tense or a noun phrase, and fields. */
export type Log = (level: LogLevel, event: string, fields?: LogFields) => void;

/** Field names (lower case) whose values never reach a log line, wherever they stand. */
export const redactedFields: ReadonlySet<string> = new Set([
  'authorization',
  'identitytoken',
  'access_token',
  'accesstoken',
  'refresh_token',
  'refreshtoken',
  'token',
  'sas',
  'sig',
  'signature',
  'payload',
  'password',
  'secret',
  'privatekey',
  'connectionstring',
  'cookie',
  'anonymousrecipient',
  'anonymouskey',
]);

/** JSON Web Tokens, SAS signatures and account keys inside free text, such as a vendor's error message. */
const secretText =
  /\beyJ[\w-]+\.[\w-]+\.[\w-]*|\bBearer\s+\S+|([?&;]\s*(?:sig|AccountKey|SharedAccessKey|Password|pwd)\s*=)[^&;\s]+/gi;

const maxDepth = 4;
const maxTextLength = 2_000;

/** A copy of `value` that is safe to log: listed fields masked, secrets in texts cut, errors as plain objects. */
export function redact(value: unknown, depth = 0): unknown {
  if (typeof value === 'string') {
    return value
      .slice(0, maxTextLength)
      .replace(secretText, (_all, name?: string) => `${name ?? ''}[redacted]`);
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
      redactedFields.has(name.toLowerCase()) ? '[redacted]' : redact(field, depth + 1),
    ]),
  );
}

const order: Readonly<Record<LogLevel, number>> = { debug: 0, info: 1, warn: 2, error: 3 };

/** A Log that writes JSON lines, which Application Insights and people with `jq` can both query. */
export function createLog(lowest: LogLevel, write: (level: LogLevel, line: string) => void): Log {
  return (level, event, fields = {}) => {
    if (order[level] < order[lowest]) return;
    write(level, JSON.stringify({ level, event, ...(redact(fields) as object) }));
  };
}
