// The roles file: what it may hold, when a change counts, and what happens when it breaks.

import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { FileRoleSource, parseRoles } from '../../../shared/adapters/file-system/file-role-source';
import type { Log } from '../../../shared/log';

let directory: string;
beforeAll(async () => (directory = await mkdtemp(join(tmpdir(), 'roles-'))));
afterAll(() => rm(directory, { recursive: true }));

const silent: Log = () => undefined;

test('a DID has the roles of everyone and its own, each once', async () => {
  const file = join(directory, 'roles.json');
  await writeFile(file, '{"did:example:a":["x","y"],"*":["x","z"]}');
  const source = new FileRoleSource(file, silent);
  expect(await source.rolesOf('did:example:a')).toEqual(['x', 'z', 'y']);
  expect(await source.rolesOf('did:example:b')).toEqual(['x', 'z']);
  expect(await source.rolesOf('DID:example:a')).toEqual(['x', 'z']);
  expect(await source.rolesOf('constructor')).toEqual(['x', 'z']);
});

test('every change counts from the next login, also when size and time stamp can hardly tell', async () => {
  const file = join(directory, 'changing.json');
  const source = new FileRoleSource(file, silent);
  for (let turn = 10; turn < 60; turn++) {
    await writeFile(file, `{"*":["role${turn}"]}`);
    expect(await source.rolesOf('did:example:a')).toEqual([`role${turn}`]);
  }
  await writeFile(`${file}.new`, '{"*":["renamed"]}');
  await rename(`${file}.new`, file);
  expect(await source.rolesOf('did:example:a')).toEqual(['renamed']);
});

test('a file that breaks is reported once and its last good content stays in force', async () => {
  const file = join(directory, 'broken.json');
  const events: string[] = [];
  const source = new FileRoleSource(file, (level, event) => events.push(`${level} ${event}`));
  await writeFile(file, '{"*":["x"]}');
  expect(await source.rolesOf('did:example:a')).toEqual(['x']);
  await writeFile(file, '{"*":["x"');
  expect(await source.rolesOf('did:example:a')).toEqual(['x']);
  expect(await source.rolesOf('did:example:a')).toEqual(['x']);
  expect(events).toEqual(['error roles file not readable, last content kept']);
  await rm(file);
  expect(await source.rolesOf('did:example:a')).toEqual(['x']);
  expect(events).toHaveLength(2);
  await writeFile(file, '{"*":["y"]}');
  expect(await source.rolesOf('did:example:a')).toEqual(['y']);
});

test('a file that is missing from the start fails the login and says which setting is wrong', async () => {
  await expect(
    new FileRoleSource(join(directory, 'none.json'), silent).rolesOf('did:example:a'),
  ).rejects.toThrow('ROLES_FILE');
});

test.each(['[]', 'null', '"x"', '{"*":"x"}', '{"*":[1]}', '{"*":[""]}', '{"*":null}', '{'])(
  'the text %s is no roles file',
  (text) => {
    expect(() => parseRoles(text)).toThrow();
  },
);
