// The property and model tests in nightly sizes; the rest of the tests is what `npm test` runs.

import { spawn } from 'node:child_process';

const tests = spawn(
  process.execPath,
  [
    'scripts/run-tests.mjs',
    '--selectProjects',
    'unit',
    '--testPathPatterns',
    'cursor-model',
    ...process.argv.slice(2),
  ],
  { stdio: 'inherit', env: { ...process.env, CURSOR_MODEL_RUNS: '10000' } },
);
process.on('disconnect', () => tests.kill('SIGTERM'));
tests.once('exit', (code) => {
  process.exitCode = code ?? 1;
  if (process.connected) process.disconnect();
});
