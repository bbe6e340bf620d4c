// What takes too long for every run of the tests: the model tests in nightly sizes, the whole e2e run on clusters like
// that of a deployment, and a thousand chaos runs. The rest of the tests is what `npm test` runs.

import { spawn } from 'node:child_process';

const runs = [
  { args: ['unit', '--testPathPatterns', 'cursor-model'], env: { CURSOR_MODEL_RUNS: '50000' } },
  {
    args: ['unit', '--testPathPatterns', 'compatibility/generated-pairs'],
    env: { COMPATIBILITY_PAIRS: '20000' },
  },
  { args: ['e2e', '--maxWorkers', '1'], env: { NATS_CLUSTER: '1' } },
  { args: ['e2e', '--testPathPatterns', 'e2e/chaos'], env: { CHAOS_SEEDS: '1000' } },
];

process.exitCode = 0;
for (const { args, env } of runs) {
  const code = await run(['--selectProjects', ...args, ...process.argv.slice(2)], env);
  if (code !== 0) process.exitCode = code;
}
if (process.connected) process.disconnect();

/**
 * @param {string[]} args
 * @param {NodeJS.ProcessEnv} env
 * @returns {Promise<number>}
 */
function run(args, env) {
  const tests = spawn(process.execPath, ['scripts/run-tests.mjs', ...args], {
    stdio: 'inherit',
    env: { ...process.env, ...env },
  });
  const stop = () => tests.kill('SIGTERM');
  process.once('disconnect', stop);
  return new Promise((done) => {
    tests.once('exit', (code) => {
      process.off('disconnect', stop);
      done(code ?? 1);
    });
  });
}
