// Runs jest and prints, as the very last line, how many tests passed, failed and were skipped. A suite that
// could not run, and jest itself when it dies, count as failed.

import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

// Two suites at once, also on two cores, where jest would choose one: most of their time they wait for servers.
const workers = process.argv.includes('--maxWorkers') ? [] : ['--maxWorkers', '2'];
const directory = mkdtempSync(join(tmpdir(), 'broker-tests-'));
const resultFile = join(directory, 'result.json');
const jest = spawn(
  process.execPath,
  [
    '--experimental-vm-modules',
    '--disable-warning=ExperimentalWarning',
    'node_modules/jest/bin/jest.js',
    '--json',
    `--outputFile=${resultFile}`,
    ...workers,
    ...process.argv.slice(2),
  ],
  { stdio: ['inherit', 'ignore', 'inherit'] },
);
for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP'])) {
  process.on(signal, () => jest.kill(signal));
}
// The launcher is gone: nobody waits for the outcome.
process.on('disconnect', () => jest.kill('SIGTERM'));

jest.once('exit', (code) => {
  const { passed, failed, skipped } = count();
  rmSync(directory, { recursive: true, force: true });
  const failedAtLeast = code === 0 ? failed : Math.max(failed, 1);
  console.log(`tests: ${passed} passed, ${failedAtLeast} failed, ${skipped} skipped`);
  process.exitCode = code ?? 1;
  if (process.connected) process.disconnect();
});

function count() {
  try {
    const result = JSON.parse(readFileSync(resultFile, 'utf8'));
    return {
      passed: result.numPassedTests,
      failed: result.numFailedTests + result.numRuntimeErrorTestSuites,
      skipped: result.numPendingTests + result.numTodoTests,
    };
  } catch {
    return { passed: 0, failed: 1, skipped: 0 };
  }
}
