// Which of apt's entries the launcher asks for nats-server: the Debian archive's own, with another suite.

import { describe, expect, it } from '@jest/globals';
import { rewriteSources } from '../../../scripts/launcher/nats-debian-sources.mjs';
import { isAtLeast } from '../../../scripts/launcher/version.mjs';

describe('the rewritten sources', () => {
  it('keep address and key of a deb822 entry and drop updates and security', () => {
    const text = `Types: deb
# a comment
URIs: http://archive.example/debian
Suites: bookworm bookworm-updates
Components: main contrib
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb
URIs: http://archive.example/debian-security
Suites: bookworm-security
Components: main
`;
    expect(rewriteSources([{ name: 'debian.sources', text }], 'bookworm', 'sid')).toEqual([
      {
        name: 'debian.sources',
        text: `Types: deb
Suites: sid
Components: main
URIs: http://archive.example/debian
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg
`,
      },
    ]);
  });

  it('keep an inline key and drop entries that are switched off', () => {
    const stanza = (extra: string) => `Types: deb deb-src
URIs: https://archive.example/debian
Suites: stable
Components: main
${extra}`;
    const key = 'Signed-By:\n -----BEGIN PGP PUBLIC KEY BLOCK-----\n .\n abc';
    const [file] = rewriteSources(
      [{ name: 'a.sources', text: `${stanza(key)}\n\n${stanza('Enabled: no')}\n` }],
      'trixie',
      'forky',
    );
    expect(file?.text.match(/^Types: deb$/gm)).toHaveLength(1);
    expect(file?.text).toContain(key);
  });

  it('understand one-line entries with options and leave other archives out', () => {
    const text = `# deb http://archive.example/debian bookworm main
deb [signed-by=/k.gpg arch=amd64] http://archive.example/debian bookworm main non-free # all of it
deb http://archive.example/debian bookworm-updates main
deb-src http://archive.example/debian bookworm main
deb https://other.example/apt nodistro main
`;
    expect(rewriteSources([{ name: 'main.list', text }], 'bookworm', 'sid')).toEqual([
      {
        name: 'main.list',
        text: 'deb [signed-by=/k.gpg arch=amd64] http://archive.example/debian sid main\n',
      },
    ]);
  });

  it('are none where apt knows no Debian archive', () => {
    expect(
      rewriteSources([{ name: 'x.list', text: 'deb https://other.example/apt x main\n' }], 'bookworm', 'sid'),
    ).toEqual([]);
  });
});

describe('a version', () => {
  it.each([
    ['2.12.0', '2.12.0', true],
    ['2.15.1-1', '2.12', true],
    ['2.9.10', '2.12.0', false],
    ['3.0.0', '2.12.9', true],
    ['22.12.9', '22.13.0', false],
    ['24.0.0', '22.13.0', true],
  ])('%s against %s is %s', (version, minimum, expected) => {
    expect(isAtLeast(version, minimum)).toBe(expected);
  });
});
