// npm start: NATS, Azurite and the broker on SQLite, a guided exchange, and everything stopped again, whatever
// ends us (design §11).

import { parseArgs } from 'node:util';
import { curlLines, playGuidedExchange } from './guided/guided-exchange';
import { takeDataDirectory } from './stack/data-directory';
import { runCommand } from './stack/lifetime';
import { startLocalBroker } from './stack/local-broker';
import { parsePort, refusePortInUse } from './stack/ports';

const defaultPort = 7071;

runCommand(async (lifetime) => {
  const { values } = parseArgs({
    options: {
      port: { type: 'string', default: String(defaultPort) },
      data: { type: 'string' },
      'no-demo': { type: 'boolean', default: false },
      exit: { type: 'boolean', default: false },
    },
  });
  const port = parsePort(values.port);
  if (port !== 0) await refusePortInUse(port, 'choose another with --port');
  const data = await takeDataDirectory(values.data);
  lifetime.onStop(data.release);
  say(`Data is kept in ${data.path}`);

  const broker = await startLocalBroker({ port, data, lifetime, say });
  say(`broker ready at ${broker.url}`);
  if (!values['no-demo']) await demonstrate(broker.url);
  if (values.exit) return;
  say('Press Ctrl-C to stop.');
  await lifetime.stopped;
});

async function demonstrate(url: string): Promise<void> {
  say('\nA guided exchange between two participants:\n');
  const exchange = await playGuidedExchange(url, say, showProgress);
  const [send, fetch] = curlLines(url, exchange);
  say(`\nNow try it yourself. Send another message as Alice:\n\n${send ?? ''}\n`);
  say(`Fetch it as Bob:\n\n${fetch ?? ''}\n`);
}

/** On a terminal one line that is written over, until the next step takes its place; elsewhere nothing. */
function showProgress(line: string): void {
  if (process.stdout.isTTY) process.stdout.write(`${line}\r`);
}

function say(line: string): void {
  console.log(line);
}
