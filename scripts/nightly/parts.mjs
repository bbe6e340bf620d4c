// The parts of a nightly run, each of which can be run by itself: what takes too long for every run of the tests.

/**
 * @typedef {object} Run
 * @property {string[]} args arguments of node
 * @property {NodeJS.ProcessEnv} env
 */

/** @param {string[]} args arguments of jest @param {NodeJS.ProcessEnv} env @returns {Run} */
const tests = (args, env) => ({ args: ['scripts/run-tests.mjs', '--selectProjects', ...args], env });

/** How many chaos runs a nightly run has in all, from seed 1. */
export const chaosSeeds = 1_000;

/** By name, the runs of each part, one after the other. @type {Readonly<Record<string, readonly Run[]>>} */
export const parts = {
  models: [
    tests(['unit', '--testPathPatterns', 'cursor-model'], { CURSOR_MODEL_RUNS: '50000' }),
    tests(['unit', '--testPathPatterns', 'compatibility/generated-pairs'], { COMPATIBILITY_PAIRS: '20000' }),
  ],
  clusters: [tests(['e2e', '--maxWorkers', '1'], { NATS_CLUSTER: '1' })],
  fuzz: [
    {
      args: [
        '--enable-source-maps',
        '--disable-warning=ExperimentalWarning',
        'dist/scripts/fuzz.js',
        '--requests',
        '100000',
      ],
      env: {},
    },
  ],
  // Both can be set, so that several machines share the seeds.
  chaos: [
    tests(['e2e', '--testPathPatterns', 'e2e/chaos'], {
      CHAOS_FIRST_SEED: process.env['CHAOS_FIRST_SEED'] ?? '1',
      CHAOS_SEEDS: process.env['CHAOS_SEEDS'] ?? String(chaosSeeds),
    }),
  ],
};

/**
 * The runs of the parts that were asked for, of all where none was.
 * @param {readonly string[]} names
 * @returns {readonly Run[]}
 * @throws {Error} for a name that is no part
 */
export function runsOf(names) {
  const unknown = names.filter((name) => !Object.hasOwn(parts, name));
  if (unknown.length > 0) {
    throw new Error(
      `nightly: there is no part ${unknown.join(', ')}; there are ${Object.keys(parts).join(', ')}`,
    );
  }
  return (names.length > 0 ? names : Object.keys(parts)).flatMap((name) => parts[name] ?? []);
}
