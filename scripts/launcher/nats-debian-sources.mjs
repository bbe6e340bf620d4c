// Rewrites apt's source entries to another suite of the same Debian archive. Pure.

const rolling = ['stable', 'oldstable', 'testing', 'unstable', 'sid'];

/**
 * Keeps the entries of the Debian archive itself (with its address, signing key and options), dropping the
 * machine's other archives, updates and security, and puts `suite` into them.
 * @param {readonly {name: string, text: string}[]} files name ends with `.list` (a line per entry) or `.sources` (deb822)
 * @param {string} codename of this Debian
 * @param {string} suite
 * @returns {{name: string, text: string}[]} only files with an entry left
 */
export function rewriteSources(files, codename, suite) {
  const isArchive = (/** @type {string} */ found) => found === codename || rolling.includes(found);
  return files
    .map(({ name, text }) => ({
      name,
      text: name.endsWith('.list')
        ? rewriteLines(text, isArchive, suite)
        : rewriteStanzas(text, isArchive, suite),
    }))
    .filter(({ text }) => text !== '');
}

/**
 * @param {string} text
 * @param {(suite: string) => boolean} isArchive
 * @param {string} suite
 */
function rewriteLines(text, isArchive, suite) {
  const entries = [];
  for (const line of text.split('\n')) {
    const entry = /^\s*deb\s+(\[[^\]]*\]\s+)?(\S+)\s+(\S+)\s+([^#]*)/.exec(line);
    if (!entry) continue;
    const [, options = '', uri = '', found = '', components = ''] = entry;
    if (!isArchive(found) || !components.split(/\s+/).includes('main')) continue;
    entries.push(`deb ${options}${uri} ${suite} main\n`);
  }
  return [...new Set(entries)].join('');
}

/**
 * @param {string} text
 * @param {(suite: string) => boolean} isArchive
 * @param {string} suite
 */
function rewriteStanzas(text, isArchive, suite) {
  const stanzas = [];
  for (const stanza of text.replace(/^#.*\n?/gm, '').split(/\n\s*\n/)) {
    const field = (/** @type {string} */ name) =>
      (new RegExp(`^${name}:(.*(?:\n[ \t]+.*)*)`, 'im').exec(stanza)?.[1] ?? '').trim();
    const words = (/** @type {string} */ name) => field(name).split(/\s+/);
    if (/^no$/i.test(field('Enabled')) || !words('Types').includes('deb')) continue;
    if (!words('Suites').some(isArchive) || !words('Components').includes('main')) continue;
    const kept = stanza.replace(/^(Types|Suites|Components|Enabled):.*(\n[ \t]+.*)*\n?/gim, '').trim();
    stanzas.push(`Types: deb\nSuites: ${suite}\nComponents: main\n${kept}\n`);
  }
  return stanzas.join('\n');
}
