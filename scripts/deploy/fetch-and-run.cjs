// What a job of the deployment does first: fetches the jobs' program from the private container with the identity of
// the job, and runs it. Bicep puts this file into the job as it is.
'use strict';

const { createHash } = require('node:crypto');
const { writeFileSync } = require('node:fs');
const { join } = require('node:path');
const { tmpdir } = require('node:os');
const { URLSearchParams } = require('node:url');

async function main() {
  const { IDENTITY_ENDPOINT, IDENTITY_HEADER, AZURE_CLIENT_ID, ARTEFACTS_URL } = process.env;
  const query = new URLSearchParams({
    'api-version': '2019-08-01',
    resource: 'https://storage.azure.com/',
    client_id: AZURE_CLIENT_ID ?? '',
  });
  const token = await fetch(`${IDENTITY_ENDPOINT}?${query}`, {
    headers: { 'x-identity-header': IDENTITY_HEADER ?? '' },
  });
  if (!token.ok) throw new Error(`the identity endpoint answered ${token.status}`);
  const { access_token: accessToken } = /** @type {{ access_token: string }} */ (await token.json());
  const answer = await fetch(`${ARTEFACTS_URL}/jobs.cjs`, {
    headers: { authorization: `Bearer ${accessToken}`, 'x-ms-version': '2023-11-03' },
  });
  if (!answer.ok) throw new Error(`${ARTEFACTS_URL}/jobs.cjs answered ${answer.status}`);
  const program = Buffer.from(await answer.arrayBuffer());
  console.log(`jobs.cjs, sha256 ${createHash('sha256').update(program).digest('hex')}`);
  const file = join(tmpdir(), 'jobs.cjs');
  writeFileSync(file, program);
  require(file);
}

main().catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
