// What the migrations a database has run mean for a program.

import { describe, expect, it } from '@jest/globals';
import { migrationNames, migrationsOf } from '../../../shared/adapters/sql/migrations';
import { describeMismatch } from '../../../shared/adapters/sql/schema-version';
import { sqliteBackend } from '../../../shared/adapters/sql/sqlite/backend';

describe('migrations', () => {
  it('are numbered without gaps, named, and listed in the order in which they run', () => {
    expect(Object.keys(migrationsOf(sqliteBackend(':memory:')))).toEqual(migrationNames);
    migrationNames.forEach((name, index) => {
      expect(name).toMatch(new RegExp(`^${String(index + 1).padStart(4, '0')}_[a-z_]+$`));
    });
  });

  it('go forward only', () => {
    for (const migration of Object.values(migrationsOf(sqliteBackend(':memory:')))) {
      expect(migration).not.toHaveProperty('down');
    }
  });
});

describe('a database', () => {
  it('fits the program that ran the same migrations', () => {
    expect(describeMismatch(['0001_a', '0002_b'], ['0001_a', '0002_b'])).toBeUndefined();
  });

  it('that misses one is to be migrated', () => {
    expect(describeMismatch(['0001_a'], ['0001_a', '0002_b'])).toMatch(/0002_b .*npm run migrate/);
    expect(describeMismatch([], ['0001_a'])).toMatch(/npm run migrate/);
  });

  it('that has more belongs to a newer program', () => {
    expect(describeMismatch(['0001_a', '0002_b'], ['0001_a'])).toMatch(/0002_b\): deploy/);
  });
});
