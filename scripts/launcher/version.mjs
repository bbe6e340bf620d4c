// Compares dotted version numbers.

/**
 * @param {string} version such as `2.15.1` or `2.12.0-RC.1`; what follows the numbers is not looked at
 * @param {string} minimum
 * @returns {boolean}
 */
export function isAtLeast(version, minimum) {
  const [have, need] = [version, minimum].map((text) => (text.match(/\d+/g) ?? []).slice(0, 3).map(Number));
  for (let part = 0; part < 3; part++) {
    const difference = (have?.[part] ?? 0) - (need?.[part] ?? 0);
    if (difference !== 0) return difference > 0;
  }
  return true;
}
