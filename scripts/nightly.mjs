// Runs the parts of a nightly run that its arguments name, or all: the next one also where one failed.

import { spawn } from 'node:child_process';
import { runsOf } from './nightly/parts.mjs';

process.exitCode = await nightly();
if (process.connected) process.disconnect();

/** @returns {Promise<number>} the exit code */
async function nightly() {
  try {
    let worst = 0;
    for (const { args, env } of runsOf(process.argv.slice(2))) worst = (await run(args, env)) || worst;
    return worst;
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    return 2;
  }
}

/**
 * @param {string[]} args
 * @param {NodeJS.ProcessEnv} env
 * @returns {Promise<number>}
 */
function run(args, env) {
  const child = spawn(process.execPath, args, { stdio: 'inherit', env: { ...process.env, ...env } });
  const stop = () => child.kill('SIGTERM');
  process.once('disconnect', stop);
  return new Promise((done) => {
    child.once('exit', (code) => {
      process.off('disconnect', stop);
      done(code ?? 1);
    });
  });
}
