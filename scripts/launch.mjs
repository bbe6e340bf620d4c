// Every npm script starts here. Plain JavaScript for Node 20, with nothing installed: supplies Node, the
// packages, nats-server and the build, then runs the command and ends when it, or npm, ends (design §11).

import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { supplyBicep } from './launcher/bicep.mjs';
import { buildApp } from './launcher/build-step.mjs';
import { passSignalsOn, runToEnd, stopWithNpm } from './launcher/child.mjs';
import { commandHelp, commands } from './launcher/commands.mjs';
import { supplyNatsServer } from './launcher/nats-server.mjs';
import { supplyNode } from './launcher/node-runtime.mjs';
import { installPackages } from './launcher/packages.mjs';
import { LaunchError } from './launcher/launch-error.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const [name = '', ...args] = process.argv.slice(2);
process.exitCode = await launch();

/** @returns {Promise<number>} the exit code */
async function launch() {
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (!command) {
    console.error(`launch: "${name}" is not a command. ${commandHelp()}`);
    return 2;
  }
  if (command.help && args.some((arg) => arg === '--help' || arg === '-h')) {
    console.log(command.help);
    return 0;
  }
  process.chdir(root);
  passSignalsOn();
  stopWithNpm();
  try {
    // Progress is not the command's output.
    const say = (/** @type {string} */ line) => console.error(line);
    const node = await supplyNode(root, say);
    await installPackages(root, node, say);
    /** @type {NodeJS.ProcessEnv} */
    const environment = { ...process.env, PATH: `${dirname(node)}:${process.env['PATH'] ?? ''}` };
    if (command.natsServer) environment['NATS_SERVER_BINARY'] = await supplyNatsServer(root, say);
    if (command.bicep) {
      const bicep = await supplyBicep(root, say, command.bicep);
      if (bicep) environment['BICEP_CLI'] = bicep;
    }
    if (command.build) await buildApp(root, node, say);
    for (const step of command.steps) {
      const code = await runToEnd(node, [...step.args, ...(step.takesArguments ? args : [])], {
        env: environment,
      });
      if (code !== 0) return code;
    }
    return 0;
  } catch (error) {
    if (!(error instanceof LaunchError)) throw error;
    console.error(error.message);
    if (command.lastLineOnFailure) console.log(command.lastLineOnFailure);
    return error.exitCode;
  }
}
