// Which of the jobs that wait is done next: nobody's message waits for what can wait.

import { afterEach, describe, expect, it } from '@jest/globals';
import { join } from 'node:path';
import { SchemaThreads } from '../../../shared/adapters/schema';

const program = join(__dirname, '../../../dist/schema-worker.mjs');
const short = { kind: 'compile', schemaType: 'XML', schemaText: '<a/>' } as const;
/** Minutes of work. */
const endless = {
  kind: 'validate',
  schemaType: 'XSD6',
  key: 'XSD6:endless',
  schemaText:
    '<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema"><xs:element name="a"><xs:simpleType><xs:restriction base="xs:string"><xs:pattern value="((a{0,100}){0,100}){0,100}b"/></xs:restriction></xs:simpleType></xs:element></xs:schema>',
  payload: `<a>${'a'.repeat(100_000)}</a>`,
} as const;
const limitMs = 60_000;

describe('jobs that wait', () => {
  let threads: SchemaThreads;
  afterEach(() => threads.close());

  it('are done by their urgency, not by when they came', async () => {
    threads = new SchemaThreads({ program, maxThreads: 1 });
    const done: string[] = [];
    await Promise.all(
      (['last', 'later', 'first', 'last', 'later', 'first'] as const).map(async (urgency) => {
        await threads.run(short, limitMs, urgency);
        done.push(urgency);
      }),
    );
    expect(done).toEqual(['first', 'first', 'later', 'later', 'last', 'last']);
  });

  it('regression, comparisons in front of every message: one thread is kept for what is urgent', async () => {
    threads = new SchemaThreads({ program, maxThreads: 2 });
    const ended: string[] = [];
    const patient = (['last', 'last', 'later', 'later'] as const).map(async (urgency) => {
      await threads.run(endless, limitMs, urgency);
      ended.push(urgency);
    });
    expect(await threads.run(short, limitMs)).toEqual({ outcome: 'done' });
    expect(await threads.run(short, limitMs)).toEqual({ outcome: 'done' });
    expect(ended).toEqual([]);
    const settled = Promise.allSettled(patient);
    await threads.close();
    await settled;
  });

  it('regression, refused for good by a broker that shuts down: are to be tried again, and none waits for ever', async () => {
    threads = new SchemaThreads({ program, maxThreads: 1 });
    await threads.run(short, limitMs);
    const jobs = Promise.allSettled([threads.run(endless, limitMs), threads.run(short, limitMs)]);
    await threads.close();
    const overloaded = { status: 'rejected', reason: { code: 'overloaded' } };
    expect(await jobs).toMatchObject([overloaded, overloaded]);
    await expect(threads.run(short, limitMs)).rejects.toMatchObject({ code: 'overloaded' });
  });
});
