// npm run participant -- NAME: a key pair of one's own, a login over HTTP like anybody else's, and what to do
// with it.

import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { ParticipantClient, readOrCreateKeyFile } from '../client';

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      url: { type: 'string', default: 'http://127.0.0.1:7071' },
      data: { type: 'string', default: '.local' },
    },
  });
  const [name, ...rest] = positionals;
  if (name === undefined || rest.length > 0 || !/^[\w-]{1,64}$/.test(name)) {
    throw new Error('give one name of letters, digits, - and _: npm run participant -- alice');
  }
  const file = join(values.data, 'participants', `${name}.json`);
  const key = await readOrCreateKeyFile(file);
  const client = await ParticipantClient.login(values.url, key).catch((error: unknown) => {
    // What fetch throws when nobody answers has the socket's error as its cause.
    if ((error as Error).cause === undefined) throw error;
    const advice = 'npm start runs one, --url names another';
    throw new Error(`no broker answers at ${values.url}: ${advice}`, { cause: error });
  });
  const curl = (method: string, path: string, body?: unknown) =>
    `curl -sS -X ${method} '${client.baseUrl}${path}' -H "Authorization: Bearer $TOKEN" -H 'Content-Type: application/json'` +
    (body === undefined ? '' : ` -d '${JSON.stringify(body)}'`);
  console.log(`${name} is ${client.did}
The key pair is in ${file}

TOKEN=${client.accessToken}

Example calls:
${curl('GET', '/config')}
${curl('GET', '/topics?owner=demo.apps.demo.iam.ewc')}
${curl('POST', '/messages/search', { clientId: name, amount: 10 })}`);
}

main().catch((error: unknown) => {
  console.error((error as Error).message);
  process.exitCode = 1;
});
