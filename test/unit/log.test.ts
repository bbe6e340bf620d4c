// Nothing secret reaches a log line, by name or inside a text, and no line takes a request with it.

import { describe, expect, it } from '@jest/globals';
import { settingsSchema } from '../../shared/config/settings-schema';
import { createLog, isRedacted, redact, redactedFields } from '../../shared/log';

function lineOf(fields: Record<string, unknown>): string {
  let written = '';
  createLog('debug', (_level, line) => (written = line))('info', 'tested', fields);
  return written;
}

const jwt = 'eyJhbGciOiJFUzI1NiJ9.eyJkaWQiOiJkaWQ6ZXRocjoweDEifQ.c2lnbmF0dXJl';

describe('redact', () => {
  it('masks every field of the list wherever it stands and however it is written', () => {
    for (const name of redactedFields) {
      for (const written of [name, name.toUpperCase(), name.split('').join('_'), name.split('').join('-')]) {
        const line = lineOf({ outer: [{ [written]: 'hunter2' }] });
        expect([written, line.includes('hunter2')]).toEqual([written, false]);
      }
    }
  });

  it('masks every setting that is a secret', () => {
    const secret = Object.entries(settingsSchema.properties)
      .filter(([, schema]) => schema.description?.startsWith('Secret.'))
      .map(([name]) => name);
    expect(secret.length).toBeGreaterThan(3);
    expect(secret.filter((name) => !isRedacted(name))).toEqual([]);
  });

  it('masks what a participant sends and only the recipient may read', () => {
    for (const name of [
      'identityToken',
      'refreshToken',
      'access_token',
      'payload',
      'signature',
      'Authorization',
    ]) {
      expect(isRedacted(name)).toBe(true);
    }
  });

  it.each([
    ['a JSON Web Token', `token ${jwt} refused`, jwt.slice(30)],
    ['half a JSON Web Token', `token ${jwt.slice(0, 40)}`, jwt.slice(10, 40)],
    ['a bearer header', 'Authorization: Bearer abc.def', 'abc.def'],
    ['a SAS', 'https://a.blob.core.windows.net/c/b?se=2026&sig=abc%3D&sp=r', 'abc%3D'],
    ['a connection string', 'AccountName=a;AccountKey=c2VjcmV0==;EndpointSuffix=x', 'c2VjcmV0=='],
    ['an SQL login', 'Server=a;User Id=b;Password=hunter2;', 'hunter2'],
    ['a password in an address', 'connect to nats://user:hunter2@nats:4222 failed', 'hunter2'],
    ['a NATS seed', `seed SU${'A'.repeat(56)} refused`, 'AAAA'],
  ])('cuts %s out of a text', (_what, text, secret) => {
    expect(lineOf({ text })).not.toContain(secret);
    expect(lineOf({ error: new Error(text) })).not.toContain(secret);
    expect(lineOf({ error: new Error('outer', { cause: new Error(text) }) })).not.toContain(secret);
  });

  it('cuts a secret that stands where the text is shortened', () => {
    const text = `${'x'.repeat(1_990)} ${jwt}`;
    expect(lineOf({ text })).not.toContain('eyJhbGci');
  });

  it('leaves what is not secret', () => {
    const fields = { did: 'did:ethr:0x1', topicId: '0123456789abcdef01234567', count: 3, ok: true };
    expect(JSON.parse(lineOf(fields))).toEqual({ level: 'info', event: 'tested', ...fields });
  });

  it('does not fill the log with bytes, depth or long lists', () => {
    const deep = { a: { b: { c: { d: { e: 1 } } } } };
    expect(redact(new Uint8Array(5_000))).toBe('[5000 bytes]');
    expect(JSON.stringify(redact(deep))).toContain('[deeper]');
    expect(redact(Array.from({ length: 1_000 }, () => 1))).toHaveLength(50);
    expect(String(redact('a'.repeat(100_000)))).toHaveLength(2_000);
  });
});

describe('createLog', () => {
  it('writes nothing below the lowest level', () => {
    const lines: string[] = [];
    const log = createLog('warn', (_level, line) => lines.push(line));
    log('debug', 'a');
    log('info', 'b');
    log('warn', 'c');
    log('error', 'd');
    expect(lines.map((line) => (JSON.parse(line) as { event: string }).event)).toEqual(['c', 'd']);
  });

  it('lets no field replace level or event', () => {
    expect(JSON.parse(lineOf({ level: 'none', event: 'other' }))).toEqual({ level: 'info', event: 'tested' });
  });

  it('does not throw for a field that cannot be printed', () => {
    const hostile = {
      get value(): string {
        throw new Error('no');
      },
    };
    expect(JSON.parse(lineOf({ hostile }))).toMatchObject({ event: 'tested' });
    const circular: Record<string, unknown> = {};
    circular['self'] = circular;
    expect(JSON.parse(lineOf({ circular, big: 1n }))).toMatchObject({ event: 'tested', big: '1' });
  });
});
