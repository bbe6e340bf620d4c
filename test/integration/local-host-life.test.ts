// How the local host starts, refuses to start, and stops.

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { eventually } from '../support/eventually';
import { type BuiltLocalHost, buildLocalHost } from '../support/local-host';

let built: BuiltLocalHost;

beforeAll(async () => {
  built = await buildLocalHost('api');
});

afterAll(() => built.remove());

const refusals: readonly [fixture: string, said: RegExp][] = [
  ['shadowed', /Function Things-zz_later can never be reached: things-zz_id /],
  ['reserved', /^The route "Admin\/inside" of function inside starts with "admin"/],
  ['twice', /^Two functions are named THINGS-search/],
  ['odd-schedule', /^The schedule of function odd: .*six fields/],
  ['queue', /^Function queued: .*not queuetrigger/],
  ['buffered', /enableHttpStream/],
  ['empty', /registers no function/],
  ['broken-settings', /^The app did not start\. The settings are not usable: PLANET is missing\.$/],
];

describe('starting', () => {
  it.each(refusals)('refuses an app that is %s, with one line and exit code 1', async (fixture, said) => {
    const host = await built.start({
      environment: { FIXTURE: fixture },
      // Without the prefix, under which a reserved word would be no harm.
      args: fixture === 'reserved' ? ['--host-json', bareHostJson()] : [],
    });
    expect((await host.process.exited).code).toBe(1);
    expect(host.output()).toMatch(said);
    expect(host.output().split('\n')).toHaveLength(1);
  });

  it('says in one line that the port is in use, and exits with 1', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await eventually(() => other.listening);
    const { port } = other.address() as AddressInfo;
    const journal = join(built.directory, 'journal-in-use');
    const host = await built.start({ args: ['--port', String(port)], environment: { JOURNAL: journal } });
    expect((await host.process.exited).code).toBe(1);
    expect(host.output()).toBe(`Port ${port} is in use on 127.0.0.1.`);
    expect(readFileSync(journal, 'utf8')).toBe('terminated ');
    other.close();
  });

  it.each([
    [['--port', 'many'], '--port is a number'],
    [['--port', '70000'], '--port is a number'],
    [['--log-level', 'loud'], '--log-level is one of'],
    [['--bundle', 'no/such/file.js'], 'There is no app at'],
    [['--host-json', 'no/such/host.json'], 'Cannot read no/such/host.json'],
    [['--colour'], '--colour'],
  ])('says what is wrong with %p', async (args, said) => {
    const host = await built.start({ args });
    expect((await host.process.exited).code).toBe(1);
    expect(host.output()).toContain(said);
  });

  it('prints its options with --help', async () => {
    const host = await built.start({ args: ['--help'] });
    expect((await host.process.exited).code).toBe(0);
    expect(host.output()).toContain('--bundle PATH');
  });

  it('puts the route prefix of the nearest host.json before every route, and keeps admin out of it', async () => {
    const host = await built.start({ environment: { JOURNAL: join(built.directory, 'journal-prefix') } });
    expect((await fetch(`${host.url}/api/things/1`)).status).toBe(200);
    expect((await fetch(`${host.url}/things/1`)).status).toBe(404);
    const run = await fetch(`${host.url}/admin/functions/tick`, { method: 'POST', body: '{}' });
    expect(run.status).toBe(202);
    await host.process.stop();
  });
});

describe('stopping', () => {
  it.each(['SIGTERM', 'SIGINT'] as const)(
    'on %s stops accepting, lets the running request end, then runs the app-terminate hook and exits with 0',
    async (signal) => {
      const file = (name: string) => join(built.directory, `${name}-${signal}`);
      const host = await built.start({ environment: { JOURNAL: file('journal') } });
      const running = fetch(`${host.url}/api/slow?until=${file('until')}&begun=${file('begun')}`);
      await eventually(() => existsSync(file('begun')));
      const exited = host.process.kill(signal);
      await eventually(() =>
        fetch(`${host.url}/api/state`).then(
          (response) => response.status === 503,
          () => true,
        ),
      );
      expect(existsSync(file('journal'))).toBe(false);
      writeFileSync(file('until'), '');
      expect(await (await running).text()).toBe('slow but done');
      await exited;
      expect((await host.process.exited).code).toBe(0);
      expect(readFileSync(file('journal'), 'utf8')).toBe('terminated ');
    },
  );

  it('waits no longer than 10 s for a request that does not end', async () => {
    const file = (name: string) => join(built.directory, `${name}-stuck`);
    const host = await built.start({ environment: { JOURNAL: file('journal') } });
    const running = fetch(`${host.url}/api/slow?until=${file('never')}&begun=${file('begun')}`);
    await eventually(() => existsSync(file('begun')));
    const asked = Date.now();
    const exited = host.process.kill('SIGTERM');
    await expect(running).rejects.toThrow();
    await exited;
    expect(Date.now() - asked).toBeLessThan(10_000);
    expect((await host.process.exited).code).toBe(0);
    expect(readFileSync(file('journal'), 'utf8')).toBe('terminated ');
  }, 20_000);
});

function bareHostJson(): string {
  const path = join(built.directory, 'bare-host.json');
  writeFileSync(path, JSON.stringify({ extensions: { http: { routePrefix: '' } } }));
  return path;
}
