// What the documents refer to exists: tests by their titles, files by their paths, packages with their licences.

import { describe, expect, it } from '@jest/globals';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { readDocument, tableRows } from '../support/doc-table';

const root = join(__dirname, '..', '..');

const documents = [
  'README.md',
  'CHANGELOG.md',
  'CONTRIBUTING.md',
  'SECURITY.md',
  ...readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => join('docs', name)),
];

const withoutCode = (markdown: string) => markdown.replaceAll(/^```[\s\S]*?^```/gm, '');

describe('every document', () => {
  it.each(documents)('%s links only to files that exist', (document) => {
    const links = [...withoutCode(readDocument(document)).matchAll(/\]\(([^)#]+)(?:#[^)]*)?\)/g)]
      .map(([, target]) => target ?? '')
      .filter((target) => !/^https?:/.test(target));
    const missing = links.filter((target) => !existsSync(join(root, dirname(document), target)));
    expect(missing).toEqual([]);
  });

  it.each(documents)('%s names only paths that exist', (document) => {
    const paths = [
      ...withoutCode(readDocument(document)).matchAll(
        /`((?:functions|shared|client|scripts|test|docs|infra)\/[\w./-]*)`/g,
      ),
    ].map(([, path]) => path ?? '');
    expect(paths.filter((path) => !existsSync(join(root, path)))).toEqual([]);
  });
});

describe('docs/architecture.md', () => {
  it.each(['shared', 'scripts', 'test'])('regression: has a row for every folder of %s', (parent) => {
    const [, section = ''] = readDocument('docs/architecture.md').split('## Folders and arrows');
    const named = tableRows(section.split('\n## ')[0] ?? '').map((cells) => cells.join(' '));
    const folders = readdirSync(join(root, parent), { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => name);
    const missing = folders.filter((name) => {
      const texts = parent === 'test' ? [`\`${name}\``] : [`\`${parent}/${name}\``, `\`${parent}/${name}/\``];
      return !named.some((row) => texts.some((text) => row.includes(text)));
    });
    expect(missing).toEqual([]);
  });
});

describe.each(['docs/guarantees.md', 'docs/threat-model.md'])('%s', (document) => {
  const rows = tableRows(readDocument(document));

  it('names for each promise, or attack, a test that exists, and what voids it or remains', () => {
    expect(rows.length).toBeGreaterThan(20);
    for (const [promise = '', proof = '', voided = ''] of rows) {
      const proofs = [...proof.matchAll(/`(test\/[\w./-]+)`: "([^"]+)"/g)];
      expect([promise, proofs.length > 0, voided.length > 0]).toEqual([promise, true, true]);
      for (const [, file = '', title = ''] of proofs) {
        expect([title, titlesOf(file).has(title)]).toEqual([title, true]);
      }
    }
  });
});

/** Titles of tests as they stand in the source, with the quotes of TypeScript undone. */
function titlesOf(file: string): Set<string> {
  const source = readFileSync(join(root, file), 'utf8');
  const calls = source.matchAll(
    /\b(?:it|test|contract)\b[^'"`]*?\(\s*('(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|`[^`]*`)\s*,/g,
  );
  const parametrised = source.matchAll(/\]\)\(\s*('(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")/g);
  return new Set(
    [...calls, ...parametrised].map(([, quoted = '']) => quoted.slice(1, -1).replaceAll(/\\(['"])/g, '$1')),
  );
}

describe('docs/glossary.md', () => {
  const rows = tableRows(readDocument('docs/glossary.md'));

  it('explains each word once, and says where it lives', () => {
    const words = rows.map(([word]) => word);
    expect(new Set(words).size).toBe(words.length);
    for (const [word, meaning = '', where = ''] of rows) {
      expect([word, /^[A-Z].*\.$/.test(meaning), /^`.+`$/.test(where)]).toEqual([word, true, true]);
    }
  });

  it('explains every word that the design gives a meaning of its own', () => {
    const words = new Set(rows.map(([word]) => word));
    const fixed =
      'participant,mailbox,client id,cursor,pending,lease,receipt,fetch,topic,version,schema,channel,claim check,retention class,shard';
    expect(fixed.split(',').filter((word) => !words.has(word))).toEqual([]);
  });
});

describe('docs/dependencies.md', () => {
  const manifest = JSON.parse(readDocument('package.json')) as Record<
    'dependencies' | 'devDependencies',
    Record<string, string>
  >;
  const sections = readDocument('docs/dependencies.md').split(/^## /m);
  const listed = (heading: string) =>
    tableRows(sections.find((section) => section.startsWith(heading)) ?? '').map(([name = '', licence]) => [
      name.replaceAll('`', ''),
      licence,
    ]);
  const installed = (names: Record<string, string>) =>
    Object.keys(names)
      .sort()
      .map((name) => [
        name,
        (JSON.parse(readDocument(join('node_modules', name, 'package.json'))) as { license: string }).license,
      ]);

  it('lists every package of the app, and only those, with its licence', () => {
    expect(listed('At run time').sort()).toEqual(installed(manifest.dependencies));
  });

  it('lists every package of the developers, and only those, with its licence', () => {
    expect(listed('For development').sort()).toEqual(installed(manifest.devDependencies));
  });

  it('pins every version', () => {
    const all = { ...manifest.dependencies, ...manifest.devDependencies };
    for (const [name, version] of Object.entries(all)) {
      expect([name, /^\d/.test(version)]).toEqual([name, true]);
    }
  });
});
