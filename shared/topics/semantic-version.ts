// Semantic Versioning 2.0.0 (semver.org): strict form, precedence, and a sort key with which a database orders
// versions without knowing the rules.

/** The regular expression of semver.org, whose parts are linear. */
const pattern =
  /^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(?:-((?:0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*)(?:\.(?:0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*))*))?(?:\+([0-9a-zA-Z-]+(?:\.[0-9a-zA-Z-]+)*))?$/;

/** Longest version accepted, in characters; Semantic Versioning itself names no limit. */
export const maxVersionLength = 100;

export function isSemanticVersion(text: string): boolean {
  return text.length <= maxVersionLength && pattern.test(text);
}

/**
 * A text of ASCII characters whose binary order is the order of precedence (semver.org §11). Build metadata has
 * no precedence there; here it breaks ties, so that "latest" is always one version.
 * @throws Error when the text is not a semantic version
 */
export function versionSortKey(version: string): string {
  const match = version.length <= maxVersionLength ? pattern.exec(version) : null;
  if (!match) throw new Error('not a semantic version');
  const [, major = '', minor = '', patch = '', preRelease, build = ''] = match;
  const core = numberKey(major) + numberKey(minor) + numberKey(patch);
  // A release stands above its pre-releases: `~` is above every identifier.
  const rest = preRelease === undefined ? '~' : preRelease.split('.').map(identifierKey).join('');
  // A space is below `!`, so that fewer identifiers stand below more (§11.4.4).
  return `${core}${rest} ${build}`;
}

/** Numbers of any size: more digits are more, equal lengths compare as text. */
function numberKey(digits: string): string {
  return String(digits.length).padStart(3, '0') + digits;
}

/** Numeric identifiers stand below alphanumeric ones (§11.4.3); `!` ends an identifier, below every character of one. */
function identifierKey(identifier: string): string {
  return /^\d+$/.test(identifier) ? `1${numberKey(identifier)}!` : `2${identifier}!`;
}

/** Negative, zero or positive, as for Array.sort. */
export function compareVersions(left: string, right: string): number {
  const [a, b] = [versionSortKey(left), versionSortKey(right)];
  return a < b ? -1 : a > b ? 1 : 0;
}

/** The highest of some versions; undefined of none. */
export function highestVersion(versions: readonly string[]): string | undefined {
  return versions.reduce<string | undefined>(
    (highest, version) =>
      highest === undefined || compareVersions(version, highest) > 0 ? version : highest,
    undefined,
  );
}
