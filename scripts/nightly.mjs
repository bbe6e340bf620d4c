// Runs the parts of a nightly run that its arguments name, or all: the next one also where one failed, and none once
// it is told to stop.

import { passSignalsOn, runToEnd } from './launcher/child.mjs';
import { runsOf } from './nightly/parts.mjs';

passSignalsOn();
// The launcher is gone: nobody waits for the outcome.
const stop = () => process.kill(process.pid, 'SIGTERM');
process.once('disconnect', stop);
process.exitCode = await nightly();
process.off('disconnect', stop);
if (process.connected) process.disconnect();

/** @returns {Promise<number>} the exit code */
async function nightly() {
  try {
    let worst = 0;
    for (const { args, env } of runsOf(process.argv.slice(2))) {
      worst = (await runToEnd(process.execPath, args, { env: { ...process.env, ...env } })) || worst;
    }
    return worst;
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    return 2;
  }
}
