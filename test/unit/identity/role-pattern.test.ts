// Roles are compared by whole labels.

import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { isDid } from '../../../shared/identity/did';
import {
  compileRolePattern,
  mayAdministerTopicsOf,
  namespaceOf,
} from '../../../shared/identity/role-pattern';

const isUser = compileRolePattern('user.roles.*.apps.*.iam.ewc');
const isCreator = compileRolePattern('topiccreator.roles.*');

describe('the user pattern', () => {
  test('matches a role of any app and organisation', () => {
    expect(isUser('user.roles.ddhub.apps.energyweb.iam.ewc')).toBe(true);
  });

  test.each([
    'xuser.roles.ddhub.apps.energyweb.iam.ewc',
    'user.roles.ddhub.apps.energyweb.iam.ewc.evil',
    'evil.user.roles.ddhub.apps.energyweb.iam.ewc',
    'user.roles.ddhub.apps.energyweb.iam.ewcx',
    'user.roles.a.b.apps.energyweb.iam.ewc',
    'user.roles.ddhub.apps.sub.energyweb.iam.ewc',
    'user.roles..apps.energyweb.iam.ewc',
    'User.roles.ddhub.apps.energyweb.iam.ewc',
    'user.roles.ddhub.apps.energyweb.iam.ewc ',
    'user.roles.ddhub.apps.energyweb.iam.ewc.',
    '',
    '*',
    '.......',
  ])('regression, roles matched by substring: %j is not a user role', (role) => {
    expect(isUser(role)).toBe(false);
  });
});

describe('topic creators', () => {
  const may = (owner: string, ...roles: string[]) => mayAdministerTopicsOf(owner, roles, isCreator);
  const role = 'topiccreator.roles.ddhub.apps.energyweb.iam.ewc';

  test('administer the topics of their own namespace', () => {
    expect(may('ddhub.apps.energyweb.iam.ewc', 'user.roles.a', role)).toBe(true);
  });

  test.each([
    'apps.energyweb.iam.ewc',
    'ddhub.apps.energyweb.iam',
    'sub.ddhub.apps.energyweb.iam.ewc',
    'ddhub.apps.energyweb.iam.ewc.evil',
    'hub.apps.energyweb.iam.ewc',
    'DDHUB.apps.energyweb.iam.ewc',
    'ddhub.apps.energyweb.iam.ewc ',
    '*',
    '',
  ])('regression, owners matched by substring: they do not administer those of %j', (owner) => {
    expect(may(owner, role)).toBe(false);
  });

  test.each([
    'topiccreator.roles',
    'topiccreator.roles.',
    'xtopiccreator.roles.a.b',
    'topiccreator.a.roles.b',
    'roles.b',
  ])('are not made by a role like %j', (name) => {
    expect(['', 'b', 'a.b', '.'].some((owner) => may(owner, name))).toBe(false);
  });

  test('a role administers exactly one owner', () => {
    const label = fc.stringMatching(/^[a-z]{1,3}$/);
    const name = fc.array(label, { minLength: 1, maxLength: 4 }).map((labels) => labels.join('.'));
    fc.assert(
      fc.property(name, name, (namespace, owner) => {
        expect(may(owner, `topiccreator.roles.${namespace}`)).toBe(owner === namespace);
      }),
    );
  });
});

test('a namespace is all that follows the first roles label', () => {
  expect(namespaceOf('a.roles.b.roles.c')).toBe('b.roles.c');
  expect(namespaceOf('a.roles')).toBeUndefined();
  expect(namespaceOf('a.xroles.b')).toBeUndefined();
});

test('a trailing star stands for one label or more', () => {
  const matches = compileRolePattern('a.*');
  expect(['a', 'a.b', 'a.b.c', 'a.', 'a..b'].filter(matches)).toEqual(['a.b', 'a.b.c']);
});

test.each([
  ['did:ethr:volta:0x12', true],
  ['did:web:example.org%3A8443', true],
  ['did:example:a:b', true],
  ['did:example:', false],
  ['did:Example:a', false],
  ['did:example:a b', false],
  ['did:example:a\n', false],
  ['did:example:%zz', false],
  ['xdid:example:a', false],
  [`did:example:${'a'.repeat(200)}`, false],
])('%j is a DID: %s', (text, expected) => {
  expect(isDid(text)).toBe(expected);
});
