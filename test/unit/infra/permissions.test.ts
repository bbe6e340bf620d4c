// The permissions of the broker's nkey are what its adapters ask for: no subject is missing, and none is superfluous.

import { describe, expect, it } from '@jest/globals';
import { readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { bucketSubject, mailSubjects, newMailSubjects } from '../../../shared/adapters/nats/names';
import { readDocument } from '../../support/doc-table';

const folder = 'shared/adapters/nats';
const adapters = readdirSync(resolve(__dirname, '../../..', folder))
  .map((name) => readDocument(join(folder, name)))
  .join('\n');
const template = readDocument('infra/nats/nats-node.conf.tmpl');

/** The subjects of one list: `publish`, `allow`. */
function subjects(section: string, list: string): readonly string[] {
  const text = template.split(new RegExp(`${section}: \\{`))[1] ?? '';
  const entries = new RegExp(`${list}: \\[([^\\]]*)\\]`).exec(text)?.[1] ?? '';
  return [...entries.matchAll(/"([^"]+)"/g)].map(([, subject = '']) => subject);
}

/** Whether a subject, or all that a pattern stands for, is within a pattern. */
function covers(pattern: string, subject: string): boolean {
  const wanted = subject.split('.');
  const tokens = pattern.split('.');
  return (
    tokens.every((token, index) =>
      token === '>'
        ? wanted.length > index
        : (token === '*' && wanted[index] !== '>') || token === wanted[index],
    ) &&
    (tokens.at(-1) === '>' || tokens.length === wanted.length)
  );
}

describe('what the broker may publish', () => {
  const api = subjects('publish', 'allow').filter((subject) => subject.startsWith('$JS.API.'));

  it('are the calls of JetStream’s API that its adapters make, all of them and no others', () => {
    const calls = [
      ...adapters.matchAll(
        /[`'](?:\$JS\.API\.)?((?:STREAM|DIRECT|CONSUMER)\.[A-Z.]*[A-Z])((?:\.\$\{[^}]+\})+)/g,
      ),
    ];
    const asked = calls.map(([, name = '', places = '']) => {
      // A filter is the only place that may hold dots.
      const tokens = [...places.matchAll(/\.\$\{([^}]+)\}/g)].map(([, place = '']) =>
        /filter/i.test(place) ? '>' : '*',
      );
      return ['$JS.API', name, ...tokens].join('.');
    });
    expect([...new Set(asked)].sort()).toEqual([...api].sort());
  });

  it('are messages, entries of any of its buckets and acknowledgements, but not what the server tells of new messages', () => {
    const others = subjects('publish', 'allow').filter((subject) => !api.includes(subject));
    expect(others).toEqual(['ddhub.>', '$KV.*.>', '$JS.ACK.>']);
    const may = (subject: string) =>
      others.some((pattern) => covers(pattern, subject)) &&
      !subjects('publish', 'deny').some((pattern) => covers(pattern, subject));
    expect(may(mailSubjects(63))).toBe(true);
    expect(may(newMailSubjects(63))).toBe(false);
    const buckets = [...adapters.matchAll(/Bucket = '([\w-]+)'/g)].map(([, name = '']) => name);
    expect(buckets).toEqual(expect.arrayContaining(['clients', 'idempotency', 'layout']));
    expect(buckets.filter((name) => !may(bucketSubject(name, 'key')))).toEqual([]);
  });
});

describe('what the broker may subscribe to', () => {
  it('are its own answers, and what the server tells of new messages', () => {
    const allowed = subjects('subscribe', 'allow');
    expect(allowed).toEqual(['_INBOX.>', 'ddhub.new.>']);
    expect(allowed.some((pattern) => covers(pattern, newMailSubjects(63)))).toBe(true);
    expect(allowed.some((pattern) => covers(pattern, mailSubjects(63)))).toBe(false);
  });
});
